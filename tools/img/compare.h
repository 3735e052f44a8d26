/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img compare`: what its parts share. CONTROL, in coroutines. */
#ifndef TOOLS_IMG_COMPARE_H
#define TOOLS_IMG_COMPARE_H

#include "block/io/io.h"
#include "tools/img/img.h"

enum {
    SAME = 0,
    DIFFERENT = 1,
    BAD_USAGE = 1,
    CANNOT_OPEN = 2,
    CANNOT_MAP = 3,
    CANNOT_READ = 4,
};

typedef struct Side {
    ImageOpen open;
    Root *root;
    uint64_t size_bytes;
    BlockStatus status; /* of the area that is handed out */
    uint64_t known_end; /* @status holds up to there */
} Side;

typedef struct Compare {
    Side side[2];
    bool strict, quiet, progress;
    bool longer, warned; /* one than the other; that this was told */
    uint64_t total_bytes, common_bytes;
    /* while it goes on: pieces are handed out in order; the first finding, by
     * its place, counts */
    uint64_t next;
    CoMutex next_lock;
    CoCount running;
    uint64_t found_at;
    int found;  /* exit status, or SAME */
    char *text; /* what is said of it */
    bool is_error;
    ImgProgress shown;
} Compare;

/* Compares both sides, which are open, and tells; the exit status. */
int co_compare(Compare *compare) COROUTINE_ONLY CONTROL_ONLY;

#endif
