/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters, kept as JSON: what is set is laid over what was there. Ranges
 * and texts are QEMU's.
 */
#include "migration/migration-int.h"

#include "qapi/qapi-commands.h"

static const char defaults[] =
    "{\"announce-initial\": 50, \"announce-max\": 550, \"announce-rounds\": 5,"
    " \"announce-step\": 100, \"compress-level\": 1, \"compress-threads\": 8,"
    " \"compress-wait-thread\": true, \"decompress-threads\": 2,"
    " \"throttle-trigger-threshold\": 50, \"cpu-throttle-initial\": 20,"
    " \"cpu-throttle-increment\": 10, \"cpu-throttle-tailslow\": false,"
    " \"tls-creds\": \"\", \"tls-hostname\": \"\", \"tls-authz\": \"\","
    " \"max-bandwidth\": 134217728, \"downtime-limit\": 300,"
    " \"x-checkpoint-delay\": 20000, \"block-incremental\": false,"
    " \"multifd-channels\": 2, \"xbzrle-cache-size\": 67108864,"
    " \"max-postcopy-bandwidth\": 0, \"max-cpu-throttle\": 99,"
    " \"multifd-compression\": \"none\", \"multifd-zlib-level\": 1,"
    " \"multifd-zstd-level\": 1}";

/* In the order in which they are checked. */
typedef struct Range {
    const char *name;  /* as in QMP */
    const char *shown; /* as in the text */
    uint64_t min, max;
    const char *expects;
} Range;

static const Range ranges[] = {
    {"compress-level", "compress_level", 0, 9, "a value between 0 and 9"},
    {"compress-threads", "compress_threads", 1, 255,
     "a value between 1 and 255"},
    {"decompress-threads", "decompress_threads", 1, 255,
     "a value between 1 and 255"},
    {"throttle-trigger-threshold", "throttle_trigger_threshold", 1, 100,
     "an integer in the range of 1 to 100"},
    {"cpu-throttle-initial", "cpu_throttle_initial", 1, 99,
     "an integer in the range of 1 to 99"},
    {"cpu-throttle-increment", "cpu_throttle_increment", 1, 99,
     "an integer in the range of 1 to 99"},
    {"max-bandwidth", "max_bandwidth", 0, UINT64_MAX, NULL},
    {"downtime-limit", "downtime_limit", 0, 2000000,
     "an integer in the range of 0 to (2000 * 1000) ms"},
    {"multifd-channels", "multifd_channels", 1, 255,
     "a value between 1 and 255"},
};

static const Range later_ranges[] = {
    {"announce-initial", "announce_initial", 0, 100000,
     "a value between 0 and 100000"},
    {"announce-max", "announce_max", 0, 100000, "a value between 0 and 100000"},
    {"announce-rounds", "announce_rounds", 0, 1000,
     "a value between 0 and 1000"},
    {"announce-step", "announce_step", 1, 10000, "a value between 0 and 10000"},
};

/* CONTROL */
static json_object *kept;             /* without the mapping */
static MigrationParameters *in_force; /* the same, and the mapping */

static json_object *kept_params(void)
{
    if (!kept) {
        kept = json_tokener_parse(defaults);
    }
    return kept;
}

const MigrationParameters *migration_params(void)
{
    if (!in_force) {
        in_force = MigrationParameters_from_json(kept_params(), NULL);
    }
    return in_force;
}

static uint64_t number(json_object *json, const char *name)
{
    json_object *value = NULL;

    json_object_object_get_ex(json, name, &value);
    return json_object_get_uint64(value);
}

static bool check_ranges(json_object *given, const Range *first, size_t n,
                         Error **errp)
{
    for (const Range *range = first; range < first + n; range++) {
        json_object *value;

        if (json_object_object_get_ex(given, range->name, &value) &&
            (json_object_get_uint64(value) < range->min ||
             json_object_get_uint64(value) > range->max)) {
            error_set(errp, "Parameter '%s' expects %s", range->shown,
                      range->expects);
            return false;
        }
    }
    return true;
}

/* Those that hang on others, or on the page size. */
static bool check_others(json_object *given, json_object *all, Error **errp)
{
    json_object *value;

    if (json_object_object_get_ex(given, "xbzrle-cache-size", &value)) {
        uint64_t bytes = json_object_get_uint64(value);

        if (bytes < 4096 || (bytes & (bytes - 1))) {
            error_set(errp, "Parameter 'xbzrle_cache_size' expects a power of "
                            "two no less than the target page size");
            return false;
        }
    }
    if (number(all, "max-cpu-throttle") > 99 ||
        number(all, "max-cpu-throttle") < number(all, "cpu-throttle-initial")) {
        error_set(errp, "Parameter 'max_cpu_throttle' expects an integer in "
                        "the range of cpu_throttle_initial to 99");
        return false;
    }
    return true;
}

static bool check(json_object *given, json_object *all, Error **errp)
{
    return check_ranges(given, ranges, ARRAY_SIZE(ranges), errp) &&
           check_others(given, all, errp) &&
           check_ranges(given, later_ranges, ARRAY_SIZE(later_ranges), errp);
}

bool migration_params_plain(const MigrationParameters *params)
{
    return params->multifd_compression == MULTI_FD_COMPRESSION_NONE &&
           (!params->tls_creds || !*params->tls_creds);
}

/* @given over what is kept, as a new object. */
static json_object *merge(json_object *given)
{
    json_object *all = NULL;

    json_object_deep_copy(kept_params(), &all, NULL);
    json_object_object_foreach(given, name, value)
    {
        json_object *copy = NULL;

        if (!value) {
            copy = json_object_new_string(""); /* TLS: null is none */
        } else {
            json_object_deep_copy(value, &copy, NULL);
        }
        json_object_object_add(all, name, copy);
    }
    return all;
}

bool qmp_migrate_set_parameters(const MigrateSetParameters *args, Error **errp)
{
    json_object *given = MigrateSetParameters_to_json(args);
    json_object *all = merge(given);
    MigrationParameters *params = NULL;

    if (check(given, all, errp) &&
        (!args->block_bitmap_mapping ||
         mapping_check(args->block_bitmap_mapping, errp))) {
        params = MigrationParameters_from_json(all, errp);
    }
    if (params && migration_cap(MIGRATION_CAPABILITY_ZERO_COPY_SEND) &&
        !migration_params_plain(params)) {
        error_set(errp, ZERO_COPY_REFUSED);
        MigrationParameters_free(params);
        params = NULL;
    }
    json_object_put(given);
    if (!params) {
        json_object_put(all);
        return false;
    }
    json_object_put(kept);
    kept = all;
    MigrationParameters_free(in_force);
    in_force = params;
    return true;
}

MigrationParameters *qmp_query_migrate_parameters(Error **errp)
{
    return MigrationParameters_clone(migration_params());
}
