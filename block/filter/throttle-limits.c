/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaky buckets: what they are told, and when they are full. */
#include "block/filter/throttle-limits.h"

#define SECOND_NS 1e9
#define RATE_MAX INT64_C(1000000000000000)
/* The longest wait that is told at once; who waits asks again. */
#define DELAY_MAX_NS (INT64_C(3600) * 1000000000)

/* --- checks -------------------------------------------------------------- */

static bool length_ok(const char *name, int64_t length, Error **errp)
{
    if (length < 0 || length > UINT32_MAX) {
        error_set(errp, "%s value must be in the range [0, %" PRIu32 "]", name,
                  UINT32_MAX);
        return false;
    }
    return true;
}

static bool bucket_ok(const ThrottleBucket *b, Error **errp)
{
    const char *text = NULL;

    /* Negative numbers have become large ones. */
    if (b->rate > RATE_MAX || b->burst_rate > RATE_MAX) {
        error_set(errp, "bps/iops/max values must be within [0, %" PRId64 "]",
                  RATE_MAX);
        return false;
    }
    if (!b->burst_length_s) {
        text = "the burst length cannot be 0";
    } else if (b->burst_length_s > 1 && !b->burst_rate) {
        text = "burst length set without burst rate";
    } else if (b->burst_rate && b->burst_length_s > RATE_MAX / b->burst_rate) {
        text = "burst length too high for this burst rate";
    } else if (b->burst_rate && !b->rate) {
        text = "bps_max/iops_max require corresponding bps/iops values";
    } else if (b->burst_rate && b->burst_rate < b->rate) {
        text = "bps_max/iops_max cannot be lower than bps/iops";
    }
    if (text) {
        error_set(errp, "%s", text);
    }
    return !text;
}

/* A limit of both together does not go with limits of each. */
static bool contradict(const ThrottleBucket *b)
{
    return (b[0].rate && (b[1].rate || b[2].rate)) ||
           (b[0].burst_rate && (b[1].burst_rate || b[2].burst_rate));
}

static bool buckets_ok(const ThrottleBuckets *t, Error **errp)
{
    if (contradict(t->bytes) || contradict(t->requests)) {
        error_set(errp, "bps/iops/max total values and read/write values "
                        "cannot be used at the same time");
        return false;
    }
    if (t->request_bytes && !t->requests[0].rate && !t->requests[1].rate &&
        !t->requests[2].rate) {
        error_set(errp, "iops size requires an iops value to be set");
        return false;
    }
    for (size_t i = 0; i <= THROTTLE_DIRECTIONS; i++) {
        if (!bucket_ok(&t->bytes[i], errp) ||
            !bucket_ok(&t->requests[i], errp)) {
            return false;
        }
    }
    return true;
}

/* --- options ------------------------------------------------------------- */

static bool bucket_init(ThrottleBucket *b, const char *length_name,
                        int64_t rate, int64_t burst_rate, bool has_length,
                        int64_t length, Error **errp)
{
    *b = (ThrottleBucket){
        .rate = (uint64_t)rate,
        .burst_rate = (uint64_t)burst_rate,
        .burst_length_s = has_length ? (uint64_t)length : 1,
    };
    return !has_length || length_ok(length_name, length, errp);
}

#define BUCKET(to, o, what, name, errp)                             \
    bucket_init(to, name "-max-length", (o)->what, (o)->what##_max, \
                (o)->has_##what##_max_length, (o)->what##_max_length, errp)

bool throttle_buckets_init(ThrottleBuckets *t, const ThrottleLimits *limits,
                           Error **errp)
{
    static const ThrottleLimits none;
    const ThrottleLimits *o = limits ? limits : &none;

    *t = (ThrottleBuckets){.request_bytes = (uint64_t)o->iops_size};
    if (o->iops_size < 0) {
        error_set(errp, "bps/iops/max values must be within [0, %" PRId64 "]",
                  RATE_MAX);
        return false;
    }
    return BUCKET(&t->bytes[0], o, bps_total, "bps-total", errp) &&
           BUCKET(&t->bytes[1], o, bps_read, "bps-read", errp) &&
           BUCKET(&t->bytes[2], o, bps_write, "bps-write", errp) &&
           BUCKET(&t->requests[0], o, iops_total, "iops-total", errp) &&
           BUCKET(&t->requests[1], o, iops_read, "iops-read", errp) &&
           BUCKET(&t->requests[2], o, iops_write, "iops-write", errp) &&
           buckets_ok(t, errp);
}

/* --- time ---------------------------------------------------------------- */

static void bucket_leak(ThrottleBucket *b, double seconds)
{
    b->level = MAX(b->level - (double)b->rate * seconds, 0);
    b->burst_level = MAX(b->burst_level - (double)b->burst_rate * seconds, 0);
}

static void leak(ThrottleBuckets *t, int64_t now_ns)
{
    double seconds = (double)(now_ns - t->leaked_ns) / SECOND_NS;

    t->leaked_ns = now_ns;
    for (size_t i = 0; i <= THROTTLE_DIRECTIONS; i++) {
        bucket_leak(&t->bytes[i], seconds);
        bucket_leak(&t->requests[i], seconds);
    }
}

/* Seconds until it is no more than full. */
static double bucket_delay(const ThrottleBucket *b)
{
    double size, over, delay = 0;

    if (!b->rate) {
        return 0;
    }
    size = b->burst_rate ? (double)b->burst_rate * (double)b->burst_length_s
                         : (double)b->rate / 10;
    over = b->level - size;
    if (over > 0) {
        delay = over / (double)b->rate;
    }
    if (b->burst_length_s > 1) {
        over = b->burst_level - (double)b->burst_rate / 10;
        if (over > 0) {
            delay = MAX(delay, over / (double)b->burst_rate);
        }
    }
    return delay;
}

int64_t throttle_delay_ns(ThrottleBuckets *t, ThrottleDirection direction,
                          int64_t now_ns)
{
    double delay = 0;

    leak(t, now_ns);
    delay = MAX(delay, bucket_delay(&t->bytes[0]));
    delay = MAX(delay, bucket_delay(&t->bytes[1 + direction]));
    delay = MAX(delay, bucket_delay(&t->requests[0]));
    delay = MAX(delay, bucket_delay(&t->requests[1 + direction]));
    if (delay <= 0) {
        return 0;
    }
    /* Rounded up, so that who waited so long finds room. */
    return delay >= (double)DELAY_MAX_NS / SECOND_NS
               ? DELAY_MAX_NS
               : (int64_t)(delay * SECOND_NS) + 1;
}

static void bucket_fill(ThrottleBucket *b, double units)
{
    b->level += units;
    if (b->burst_length_s > 1) {
        b->burst_level += units;
    }
}

void throttle_account(ThrottleBuckets *t, ThrottleDirection direction,
                      uint64_t bytes)
{
    double requests = 1;

    if (t->request_bytes && bytes > t->request_bytes) {
        requests = (double)bytes / (double)t->request_bytes;
    }
    bucket_fill(&t->bytes[0], (double)bytes);
    bucket_fill(&t->bytes[1 + direction], (double)bytes);
    bucket_fill(&t->requests[0], requests);
    bucket_fill(&t->requests[1 + direction], requests);
}
