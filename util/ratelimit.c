/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rate limits by slices of time. */
#include "util/ratelimit.h"

/* When the work of the slice is paid for: at the earliest when it ends. A year
 * is as good as for ever, and keeps the sum within an int64_t. */
static int64_t paid_ns(const RateLimit *limit)
{
    const int64_t year_ns = INT64_C(1000000000) * 60 * 60 * 24 * 365;
    unsigned __int128 ns = (unsigned __int128)limit->used_bytes *
                           RATELIMIT_SLICE_NS / limit->quota_bytes;

    ns = MAX(ns, RATELIMIT_SLICE_NS);
    return limit->slice_start_ns + (int64_t)MIN(ns, year_ns);
}

void ratelimit_set_speed(RateLimit *limit, uint64_t bytes_per_s)
{
    if (!bytes_per_s) {
        *limit = (RateLimit){0};
        return;
    }
    limit->quota_bytes =
        MAX(1, bytes_per_s / (INT64_C(1000000000) / RATELIMIT_SLICE_NS));
    if (limit->used_bytes) {
        limit->paid_ns = paid_ns(limit);
    }
}

int64_t ratelimit_delay_ns(RateLimit *limit, int64_t now_ns, uint64_t bytes)
{
    if (!limit->quota_bytes) {
        return 0;
    }
    if (now_ns >= limit->paid_ns) {
        limit->slice_start_ns = now_ns;
        limit->used_bytes = 0;
    }
    limit->used_bytes += MIN(bytes, UINT64_MAX - limit->used_bytes);
    limit->paid_ns = paid_ns(limit);
    if (limit->used_bytes < limit->quota_bytes) {
        return 0;
    }
    return MAX(0, limit->paid_ns - now_ns);
}
