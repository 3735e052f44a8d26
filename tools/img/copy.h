/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine of `img convert`: copies the content of one or several images,
 * one behind the other, into a target. Holes stay holes.
 *
 * Invariants:
 * 1. Pieces are handed out in order, each once; with @in_order their writes
 *    begin in that order, too, so that a format that allocates as it is
 *    written lays the disk out in a row.
 * 2. After the first error nothing more is handed out.
 * 3. At most @workers pieces, each in a buffer of its own, are on their way.
 */
#ifndef TOOLS_IMG_COPY_H
#define TOOLS_IMG_COPY_H

#include "tools/img/img.h"
#include "util/ratelimit.h"

#define IMG_COPY_WORKERS_MAX 16

typedef struct ImgCopy {
    /* what is copied; the caller fills it */
    Root **sources;
    unsigned n_sources;
    Root *target;
    unsigned workers; /* 1 to IMG_COPY_WORKERS_MAX */
    bool in_order;
    bool compressed;         /* in clusters of the target */
    bool offload;            /* data is not looked at for zeroes */
    bool salvage;            /* what cannot be read is zeroes */
    bool quiet;              /* no warnings */
    bool target_is_zero;     /* zeroes need not be written */
    bool target_has_backing; /* only the sources' top layer is copied */
    uint64_t target_backing_bytes;
    uint64_t min_sparse_bytes; /* shorter runs of zeroes are data; 0: all is */
    ReqFlags write_flags;
    RateLimit rate;
    ImgProgress *progress;

    /* while it goes on */
    uint64_t total_bytes, next_byte; /* of all sources */
    uint64_t begun_byte;             /* written up to there, or being */
    unsigned writing, writes_max;    /* pieces, with @in_order */
    uint64_t work_bytes, done_bytes; /* for progress */
    uint64_t known_end;              /* @known holds up to there */
    unsigned known;                  /* kind of the area at @next_byte */
    int ret;                         /* the first error */
    CoMutex next_lock;
    CoQueue turns;
    CoCount running;
} ImgCopy;

/* Sets up @copy to copy between these; the caller then changes the rest. */
void img_copy_init(ImgCopy *copy, Root **sources, unsigned n_sources,
                   Root *target);
/* Copies; 0 or -errno, reported. */
int co_img_copy(ImgCopy *copy) COROUTINE_ONLY;

#endif
