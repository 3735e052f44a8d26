/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A byte rate for background jobs: work is accounted in slices of 100 ms; who
 * has used up the slice waits for the one in which its debt is paid.
 *
 * Invariants: over any longer time the bytes accounted stay within the speed
 * plus one call's bytes; time in which nothing was asked for is not saved up.
 * Threads: none of this locks; the owner does.
 */
#ifndef UTIL_RATELIMIT_H
#define UTIL_RATELIMIT_H

#include "util/common.h"

#define RATELIMIT_SLICE_NS INT64_C(100000000)

typedef struct RateLimit {
    uint64_t quota_bytes; /* a slice's; 0: no limit */
    uint64_t used_bytes;  /* since @slice_start_ns */
    int64_t slice_start_ns;
    int64_t paid_ns; /* from then on a new slice may begin */
} RateLimit;

/* Zeroed memory is a limit that lets everything through. */

/* From now on @bytes_per_s, 0: no limit. What was accounted is to be paid for
 * at the new speed. */
void ratelimit_set_speed(RateLimit *limit, uint64_t bytes_per_s);

/*
 * Accounts @bytes done at @now_ns (of reactor_now_ns) and returns how many
 * nanoseconds to wait before doing more; 0: go on.
 */
int64_t ratelimit_delay_ns(RateLimit *limit, int64_t now_ns, uint64_t bytes);

#endif
