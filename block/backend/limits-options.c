/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits as -drive writes them. */
#include "block/backend/io-limits.h"

#include "block/filter/throttle-limits.h"

/* The name of today, that of old times, and where the value goes. */
typedef struct LimitName {
    const char *name, *alias;
    size_t value, has;
} LimitName;

#define LIMIT(name, alias, what)                                   \
    {                                                              \
        "throttling." name, alias, offsetof(ThrottleLimits, what), \
            offsetof(ThrottleLimits, has_##what)                   \
    }

static const LimitName names[] = {
    LIMIT("iops-total", "iops", iops_total),
    LIMIT("iops-read", "iops_rd", iops_read),
    LIMIT("iops-write", "iops_wr", iops_write),
    LIMIT("bps-total", "bps", bps_total),
    LIMIT("bps-read", "bps_rd", bps_read),
    LIMIT("bps-write", "bps_wr", bps_write),
    LIMIT("iops-total-max", "iops_max", iops_total_max),
    LIMIT("iops-read-max", "iops_rd_max", iops_read_max),
    LIMIT("iops-write-max", "iops_wr_max", iops_write_max),
    LIMIT("bps-total-max", "bps_max", bps_total_max),
    LIMIT("bps-read-max", "bps_rd_max", bps_read_max),
    LIMIT("bps-write-max", "bps_wr_max", bps_write_max),
    LIMIT("iops-total-max-length", NULL, iops_total_max_length),
    LIMIT("iops-read-max-length", NULL, iops_read_max_length),
    LIMIT("iops-write-max-length", NULL, iops_write_max_length),
    LIMIT("bps-total-max-length", NULL, bps_total_max_length),
    LIMIT("bps-read-max-length", NULL, bps_read_max_length),
    LIMIT("bps-write-max-length", NULL, bps_write_max_length),
    LIMIT("iops-size", "iops_size", iops_size),
};

static bool rename_alias(Opts *opts, const char *name, const char *alias,
                         Error **errp)
{
    g_autofree char *value = alias ? opts_take(opts, alias) : NULL;

    if (!value) {
        return true;
    }
    if (opts_get(opts, name)) {
        error_set(errp,
                  "'%s' and its alias '%s' can't be used at the same time",
                  name, alias);
        return false;
    }
    opts_add(opts, name, value);
    return true;
}

static bool take_one(Opts *opts, const LimitName *limit, ThrottleLimits *limits,
                     bool *given, Error **errp)
{
    uint64_t number = 0;

    if (!rename_alias(opts, limit->name, limit->alias, errp)) {
        return false;
    }
    if (!opts_get(opts, limit->name)) {
        return true;
    }
    if (!opts_take_number(opts, limit->name, false, &number, errp)) {
        return false;
    }
    *(int64_t *)((char *)limits + limit->value) =
        number > INT64_MAX ? -1 : (int64_t)number;
    *(bool *)((char *)limits + limit->has) = true;
    *given = true;
    return true;
}

ThrottleLimits *limits_take(Opts *opts, char **group, Error **errp)
{
    ThrottleLimits *limits = ThrottleLimits_new();
    ThrottleBuckets buckets;
    bool given = false, ok = true;

    *group = NULL;
    ok = rename_alias(opts, "throttling.group", "group", errp);
    for (size_t i = 0; ok && i < ARRAY_SIZE(names); i++) {
        ok = take_one(opts, &names[i], limits, &given, errp);
    }
    ok = ok && throttle_buckets_init(&buckets, limits, errp);
    if (!ok || !given) {
        ThrottleLimits_free(limits);
        limits = NULL;
    }
    if (ok) {
        *group = opts_take(opts, "throttling.group");
    }
    return limits;
}
