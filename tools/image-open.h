/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the tools that work on one image open it. */
#ifndef TOOLS_IMAGE_OPEN_H
#define TOOLS_IMAGE_OPEN_H

#include "block/graph/root.h"

typedef struct ImageOpen {
    const char *filename; /* or an option string, with @image_opts */
    const char *format;   /* NULL: probe */
    bool image_opts;
    bool no_implied; /* a first word alone in such a string is no node */
    bool writable;
    bool resize;     /* and its size may change */
    bool no_backing; /* what is behind the image is not opened */
    bool look_only;  /* no guest data is read: any user may have it open */
    bool keep_still; /* nobody else may write to it, unless @force_share */
    bool force_share;
    const char *cache;         /* none, writeback, ...; NULL: writeback */
    const char *aio;           /* NULL: threads */
    bool unmap;                /* discard=unmap */
    const char *detect_zeroes; /* NULL: off */
    bool probing;              /* nothing but its file is of interest */
    /* More options, by names with dots; borrowed; NULL: none. Not with
     * @image_opts. */
    struct json_object *more;
} ImageOpen;

/*
 * Opens an image and returns a root on it that may read, and write if
 * @writable; or NULL with `Could not open ...` in the text of its cause. A
 * format that is not given is probed: an image that is recognised as something
 * that there is no driver for is refused by the name of its format, never
 * served as raw. Where this finds it raw, writes cannot make it look like
 * another format, and who wants to write is told so on standard error.
 */
Root *co_image_open(const ImageOpen *open,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Finds the format and size of an image without becoming a user of it: another
 * process may do with it what it likes. */
bool co_image_look(const ImageOpen *open, const char **format,
                   uint64_t *size_bytes,
                   Error **errp) COROUTINE_ONLY CONTROL_ONLY;
void co_image_close(Root *root) COROUTINE_ONLY CONTROL_ONLY; /* NULL is fine */

/* Whether options say that others may not write, though @force_share does. */
bool image_sharing_conflicts(const ImageOpen *open);

/* What the options of @open say of the image behind, for @more of who opens it;
 * NULL: nothing. The caller's. */
struct json_object *image_options_behind(const ImageOpen *open);
/* Whether they say that nothing is behind it. */
bool image_options_cut(const ImageOpen *open);

/* NULL is fine. The mode says that each write is on stable storage when it
 * returns. */
bool image_cache_writethrough(const char *mode);

/* False if @name is no format that images can be opened with here. */
bool image_format_known(const char *name);

#endif
