/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of one `img convert`, shared by its parts. */
#ifndef TOOLS_IMG_CONVERT_H
#define TOOLS_IMG_CONVERT_H

#include "tools/img/args.h"
#include "tools/img/copy.h"
#include "tools/img/make.h"

typedef struct Convert {
    /* what the words say */
    ImageOpen open, target;
    char **names;                /* of the sources */
    unsigned n_sources, workers; /* 0: as is fit */
    ImgProgress shown;
    const char *format, *backing, *backing_format, *snapshot;
    char *options; /* all -o, joined */
    uint64_t min_sparse_bytes, rate;
    bool format_given, sparse_given;
    bool keep_target, target_is_zero, compress, any_order, offload, salvage;
    bool bitmaps, skip_broken, progress, quiet;

    /* what became of it */
    Root **sources, *root; /* @root: the target */
    json_object *words;
    uint64_t total_bytes;
    bool target_has_backing;
    uint64_t target_backing_bytes;
} Convert;

/* Checks what the target shall be, makes it and opens it. False, reported. */
bool co_img_convert_target(Convert *convert) COROUTINE_ONLY CONTROL_ONLY;
/* With --bitmaps: whether those of the source can be copied; then copies them.
 * False, reported. */
bool img_convert_check_bitmaps(const Convert *convert);
bool img_convert_bitmaps(const Convert *convert) COROUTINE_ONLY CONTROL_ONLY;

#endif
