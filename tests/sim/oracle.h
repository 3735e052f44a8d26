/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What scenarios hold the product's answers against.
 *
 * A history knows, for each sector, every write that a read may show: it was
 * begun, and nothing that began after its end had ended before the read
 * began. A model of a bitmap knows which granules must be dirty and which may
 * be. Both hear of each write when it begins and when it ends, from any
 * reactor (there is one thread).
 */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include "sim.h"

/* --- history (oracle-history.c) ------------------------------------------ */

typedef struct History History;

typedef struct HistoryWrite {
    uint64_t id; /* what its sectors hold; 0: zeroes */
    uint64_t sector, count;
    uint64_t begun;
} HistoryWrite;

/* All zeroes. */
History *history_new(uint64_t bytes);
void history_free(History *h);
uint64_t history_sectors(const History *h);

/* @zeroes: of zeroes or a discard. */
void history_write_begin(History *h, HistoryWrite *w, uint64_t sector,
                         uint64_t count, bool zeroes);
/* @ret: what it returned. A failed one may show from now on or not. */
void history_write_end(History *h, const HistoryWrite *w, int ret);
/* Fills the buffer of a write. */
void history_fill(const HistoryWrite *w, void *buf);

/* The moment before a read. To be given back to history_check, once. */
uint64_t history_read_begin(History *h);
/* Fails the run if @buf, read since @begun, is nothing that may be seen. */
void history_check(History *h, uint64_t begun, uint64_t sector, uint64_t count,
                   const void *buf, const char *who);
/* The same for what survives a loss of power: what had ended before @begun, a
 * moment before a flush, must be there. */
void history_check_stable(History *h, uint64_t begun, unsigned disk);

/* For disks that are not one file as it is: remembers from now on what must
 * survive a loss of power. */
void history_keep_safe(History *h);
/* A flush that had begun at @begun (history_read_begin) has succeeded. */
void history_flushed(History *h, uint64_t begun);
/* @w has ended and was to be safe by itself. Before history_write_end. */
void history_write_safe(History *h, const HistoryWrite *w);
/* Power is lost now; flushes that end later mean nothing. */
void history_lose_power(History *h);
/* Holds the whole disk, read from what is left, against the moment. */
void history_check_left(History *h, const void *buf);

/* --- a guest's requests (load.c) ----------------------------------------- */

typedef struct Load Load;

/* What a load does besides aligned reads and writes. */
typedef struct LoadOptions {
    unsigned workers;     /* coroutines, over all reactors */
    unsigned requests;    /* of each worker */
    unsigned tires;       /* after so many a worker rests before each; 0:
                           * never. For scenarios where time may pass */
    unsigned disk;        /* whose stable content flushes are held against */
    unsigned max_sectors; /* of a request; 0: 16 */
    bool errors_expected; /* faults are on */
    bool image;           /* the history keeps what flushes made safe */
    /* Told of each request that changes sectors. May be NULL. */
    void (*changing)(void *opaque, const HistoryWrite *w, bool ended);
    void *opaque;
} LoadOptions;

Load *load_start(Root *guest, History *h, const LoadOptions *options);
/* Workers end after the request at hand. */
void load_stop(Load *load);
/* Waits for the end of all workers and frees it. */
void co_load_finish(Load *load) COROUTINE_ONLY;
/* Writes everything once, so that there are no holes. */
void co_load_fill(Root *guest, History *h) COROUTINE_ONLY;
/* Reads everything through @guest and holds it against @h. */
void co_load_check_all(Root *guest, History *h) COROUTINE_ONLY;

/* --- bitmaps (oracle-bitmap.c) ------------------------------------------- */

/* The bitmaps of one node, as they should be. */
typedef struct BitmapModels BitmapModels;

BitmapModels *bitmap_models_new(Node *node, uint32_t granularity_bytes);
void bitmap_models_free(BitmapModels *m);
/* For LoadOptions.changing; @opaque: BitmapModels. */
void bitmap_models_changing(void *opaque, const HistoryWrite *w, bool ended);
/* Does one thing at random to the bitmaps, by QMP, and to the models. */
void co_bitmap_models_act(BitmapModels *m) COROUTINE_ONLY;
/* Fails the run where a bitmap of the node lacks a bit, or has one nobody
 * wrote. */
void bitmap_models_check(BitmapModels *m);
/* Removes all. */
void co_bitmap_models_remove(BitmapModels *m) COROUTINE_ONLY;

#endif
