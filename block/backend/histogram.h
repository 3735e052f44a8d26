/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many requests took how long: bins between boundaries in nanoseconds.
 *
 *     bins[0] < boundaries[0] <= bins[1] < boundaries[1] <= ... <= bins[n]
 *
 * All: control thread.
 */
#ifndef BLOCK_BACKEND_HISTOGRAM_H
#define BLOCK_BACKEND_HISTOGRAM_H

#include "qapi/qapi-types.h"

typedef struct Histogram {
    Uint64List *boundaries; /* NULL: nothing is counted */
    uint64_t *bins;         /* one more */
} Histogram;

void histogram_clear(Histogram *histogram);
void histogram_add(Histogram *histogram, uint64_t ns);
/* NULL if nothing is counted; the caller's. */
BlockLatencyHistogramInfo *histogram_query(const Histogram *histogram);

#endif
