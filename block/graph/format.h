/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an image format can do beside I/O: make images, describe, check,
 * change and measure them, keep snapshots inside. Tools and commands use a
 * format by this table only, so that they know none by name.
 *
 * All functions are called on control, in a coroutine, and may yield. Those
 * with a node are called while its requests are not in flight (its roots are
 * quiesced, or the caller is its only user), on node->home. bool: false with
 * @errp set; int: 0 or -errno with @errp set. A member that is NULL is what
 * the format cannot do.
 */
#ifndef BLOCK_GRAPH_FORMAT_H
#define BLOCK_GRAPH_FORMAT_H

#include "block/graph/driver.h"

struct BlockdevAmendOptions;
struct BlockdevCreateOptions;
struct ImageInfoSpecific;
struct SnapshotInfoList;

/* An option of `img create -o` or `img amend -o`, for help and for the line
 * "Formatting ...". */
typedef struct FormatOption {
    const char *name; /* "cluster_size" */
    const char *type; /* "size", "str", "num", "bool (on/off)" */
    const char *help;
    const char *shown; /* value in that line if not given; NULL: left out */
    bool amendable;
    bool amend_only; /* no option of creation */
} FormatOption;

enum { CHECK_FIX_LEAKS = 1 << 0, CHECK_FIX_ERRORS = 1 << 1 };

typedef struct FormatCheck {
    /* in: where each finding goes, one line of text without its end */
    void (*message)(void *opaque, const char *text);
    void *opaque;
    unsigned fix; /* CHECK_FIX_ */
    /* out: counts */
    uint64_t corruptions, leaks, check_errors;
    uint64_t corruptions_fixed, leaks_fixed;
    uint64_t image_end_bytes; /* 0: not known */
    uint64_t total_clusters, allocated_clusters;
    uint64_t fragmented_clusters, compressed_clusters;
} FormatCheck;

/* True while a node is opened to be checked or repaired, for co_check only: an
 * image that is marked corrupt may then be opened for writing, and what the
 * check is to tell is no error yet. CONTROL; whoever sets it holds the graph
 * lock. Defined in block/graph/open.c. */
extern bool format_opening_for_repair;
/* True while a node is opened only to be described: an encrypted image then
 * needs no password, and its data cannot be read. As above. */
extern bool format_opening_to_look;
/* True in the program that has machines: what only tools are to read, so that
 * it can be brought to a better format, is not opened there. Set before nodes
 * are opened. */
extern bool format_for_machine;

typedef struct FormatMeasure {
    uint64_t required_bytes, fully_allocated_bytes;
    uint64_t bitmaps_bytes;
    bool has_bitmaps;
} FormatMeasure;

/* How new space of a resize is made. */
typedef enum FormatPreallocation {
    FORMAT_PREALLOC_OFF,
    FORMAT_PREALLOC_METADATA,
    FORMAT_PREALLOC_FALLOC,
    FORMAT_PREALLOC_FULL,
} FormatPreallocation;

/* When a snapshot was taken. */
typedef struct SnapshotMoment {
    int64_t date_sec;
    uint32_t date_nsec;
    uint64_t vm_clock_nsec;  /* how long the machine has run */
    uint64_t icount;         /* instructions; UINT64_MAX: not counted */
    uint64_t vm_state_bytes; /* of the state behind the disk, 0: none. The
                              * snapshot has it then, and the disk no more */
} SnapshotMoment;

typedef struct FormatOps {
    /* In the order of the line "Formatting ..."; ends with name NULL. */
    const FormatOption *create_options;
    /* Those of `img amend`, where they are others. NULL: the same. */
    const FormatOption *amend_options;

    /* blockdev-create: the arm of @options that is the format's own. */
    bool (*co_create)(const struct BlockdevCreateOptions *options,
                      Error **errp);
    /* `img create`: @words are the options by name, as strings, "size" in
     * bytes among them. @filename's file is there and empty. */
    bool (*co_create_file)(const char *filename, struct json_object *words,
                           Error **errp);
    /* `img measure`: @words as above ("size" is the disk's); @source may be
     * NULL, then nothing is allocated yet. */
    bool (*co_measure)(struct json_object *words, Node *source,
                       FormatMeasure *measure, Error **errp);

    /* "format-specific" of queries; NULL with no error: nothing to tell. The
     * caller owns it. */
    struct ImageInfoSpecific *(*co_info_specific)(Node *node, Error **errp);
    /* What the image itself says of the image behind it; NULL if nothing.
     * Owned by the node. */
    const char *(*backing_file)(const Node *node);
    const char *(*backing_format)(const Node *node);
    /* How its data is encrypted ("luks"), or NULL. NULL: it never is. */
    const char *(*encryption)(const Node *node);
    /* Where the state of a machine begins, behind the disk. */
    uint64_t (*vm_state_offset)(const Node *node);
    /* @bytes of that state; what was never written reads as zeroes. */
    int (*co_vm_state_read)(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            void *buf);
    int (*co_vm_state_write)(Node *node, uint64_t offset_bytes, uint64_t bytes,
                             const void *buf);
    /* How much of its own file it uses: what is behind was only reserved, and
     * users do not see it. NULL: all. */
    uint64_t (*file_used_bytes)(const Node *node);
    /* It was not closed properly. */
    bool (*dirty)(const Node *node);
    /* It was found damaged: there is no I/O any more. */
    bool (*lost)(const Node *node);

    /* Checks and, if told to, repairs. 0 also when there are findings; else
     * the check could not be done. */
    int (*co_check)(Node *node, FormatCheck *check, Error **errp);
    /* `img amend`: @words as in co_create_file. @progress may be NULL. */
    bool (*co_amend)(Node *node, struct json_object *words, bool force,
                     void (*progress)(void *opaque, uint64_t done,
                                      uint64_t total),
                     void *opaque, Error **errp);
    /* x-blockdev-amend: the arm of @options that is the format's own. */
    bool (*co_amend_options)(Node *node,
                             const struct BlockdevAmendOptions *options,
                             bool force, Error **errp);
    /* NULL @filename: none from now on. Only what the image says. */
    int (*co_change_backing_file)(Node *node, const char *filename,
                                  const char *format, Error **errp);

    struct SnapshotInfoList *(*co_snapshot_list)(Node *node, Error **errp);
    /* @name may be that of another one: then there are two. *@id is the
     * caller's to free; may be NULL. */
    int (*co_snapshot_create)(Node *node, const char *name,
                              const SnapshotMoment *moment, char **id,
                              Error **errp);
    /* Makes the disk what it was; @id_or_name is looked up as id first. */
    int (*co_snapshot_apply)(Node *node, const char *id_or_name, Error **errp);
    /* Both must fit where both are given. */
    int (*co_snapshot_delete)(Node *node, const char *id, const char *name,
                              Error **errp);
    /* Shows the snapshot in place of the disk, read-only, while the node is
     * open (`-l`). Both must fit where both are given. */
    int (*co_snapshot_load)(Node *node, const char *id, const char *name,
                            Error **errp);

    /* Resizes; new space as @preallocation says. node_size_changed() is the
     * caller's. */
    int (*co_resize)(Node *node, uint64_t size_bytes, bool exact,
                     FormatPreallocation preallocation, Error **errp);

    /* Compresses the data into one cluster that has no place yet, else -EIO.
     * The range is one cluster, or the disk's last part of one; or empty, when
     * no more are to come: the file then ends where a sector does. -ENOTSUP
     * where the image cannot hold it. */
    int (*co_pwritev_compressed)(Node *node, uint64_t offset_bytes,
                                 uint64_t bytes, Iov *iov, size_t iov_offset);

    /* Gives up all data that the image holds above its backing image, which
     * has the same (`img commit`). NULL: it keeps it. */
    int (*co_make_empty)(Node *node, Error **errp);
} FormatOps;

/* How the data of @node's image is encrypted ("luks", "aes"), or NULL. */
const char *node_encryption(const Node *node);

/* Those of the file that an image is in. */
extern const FormatOption format_file_options[];
/* What an image of that driver can be made with, beside these; NULL: it cannot
 * be made. Any thread. */
const FormatOption *format_create_options(const NodeDriver *driver);
/* Prints "Formatting 'F', fmt=... size=... ..." on standard output. @words:
 * as in co_create_file. */
void format_announce(struct json_object *words, const FormatOption *table,
                     const char *filename, const char *format);

#endif
