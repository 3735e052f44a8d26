/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of bytes and requests a second, as leaky buckets: what is done fills
 * a bucket, which leaks at the limit's rate; who finds it full waits.
 *
 * A limit alone has a bucket of a tenth of a second. With a burst rate (max)
 * the bucket takes max times the burst's length; when that is more than a
 * second, a second bucket keeps the burst itself to max a second.
 * No clock, no locks: the owner's.
 */
#ifndef BLOCK_FILTER_THROTTLE_LIMITS_H
#define BLOCK_FILTER_THROTTLE_LIMITS_H

#include "qapi/qapi-types.h"
#include "util/error.h"

typedef enum ThrottleDirection {
    THROTTLE_READ,
    THROTTLE_WRITE,
    THROTTLE_DIRECTIONS,
} ThrottleDirection;

typedef struct ThrottleBucket {
    uint64_t rate, burst_rate; /* units a second; 0: none */
    uint64_t burst_length_s;
    double level, burst_level; /* units */
} ThrottleBucket;

typedef struct ThrottleBuckets {
    /* [0]: both directions together; [1 + direction] */
    ThrottleBucket bytes[1 + THROTTLE_DIRECTIONS];
    ThrottleBucket requests[1 + THROTTLE_DIRECTIONS];
    uint64_t request_bytes; /* that many count as one request; 0: any */
    int64_t leaked_ns;      /* when they leaked last */
} ThrottleBuckets;

/* From a user's limits, NULL for none; false with QEMU's text. */
bool throttle_buckets_init(ThrottleBuckets *buckets,
                           const ThrottleLimits *limits, Error **errp);

/* How long a request of this direction has to wait at @now_ns; 0: it may
 * go. */
int64_t throttle_delay_ns(ThrottleBuckets *buckets, ThrottleDirection direction,
                          int64_t now_ns);
/* A request of @bytes goes. */
void throttle_account(ThrottleBuckets *buckets, ThrottleDirection direction,
                      uint64_t bytes);

#endif
