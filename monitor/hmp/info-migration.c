/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info migrate, migrate_capabilities, migrate_parameters: lines as QEMU has
 * them, for programs that read them. */
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"

/* --- info migrate -------------------------------------------------------- */

static void show_globals(Hmp *hmp)
{
    hmp_printf(hmp, "globals:\n"
                    "store-global-state: on\n"
                    "only-migratable: off\n"
                    "send-configuration: on\n"
                    "send-section-footer: on\n"
                    "decompress-error-check: on\n"
                    "clear-bitmap-shift: 18\n");
}

static void show_status(Hmp *hmp, const MigrationInfo *info)
{
    hmp_printf(hmp, "Migration status: %s", MigrationStatus_str(info->status));
    if (info->error_desc) {
        hmp_printf(hmp, " (%s)", info->error_desc);
    }
    hmp_printf(hmp, "\ntotal time: %" PRId64 " ms\n", info->total_time);
    if (info->has_expected_downtime) {
        hmp_printf(hmp, "expected downtime: %" PRId64 " ms\n",
                   info->expected_downtime);
    }
    if (info->has_downtime) {
        hmp_printf(hmp, "downtime: %" PRId64 " ms\n", info->downtime);
    }
    if (info->has_setup_time) {
        hmp_printf(hmp, "setup: %" PRId64 " ms\n", info->setup_time);
    }
}

static void show_kilobytes(Hmp *hmp, const char *name, int64_t bytes)
{
    hmp_printf(hmp, "%s: %" PRId64 " kbytes\n", name, bytes >> 10);
}

static void show_memory(Hmp *hmp, const MigrationStats *ram)
{
    show_kilobytes(hmp, "transferred ram", ram->transferred);
    hmp_printf(hmp, "throughput: %0.2f mbps\n", ram->mbps);
    show_kilobytes(hmp, "remaining ram", ram->remaining);
    show_kilobytes(hmp, "total ram", ram->total);
    hmp_printf(hmp,
               "duplicate: %" PRId64 " pages\nskipped: %" PRId64
               " pages\nnormal: %" PRId64 " pages\n",
               ram->duplicate, ram->skipped, ram->normal);
    show_kilobytes(hmp, "normal bytes", ram->normal_bytes);
    hmp_printf(hmp, "dirty sync count: %" PRId64 "\n", ram->dirty_sync_count);
    show_kilobytes(hmp, "page size", ram->page_size);
    show_kilobytes(hmp, "multifd bytes", ram->multifd_bytes);
    hmp_printf(hmp, "pages-per-second: %" PRIu64 "\n", ram->pages_per_second);
}

static void show_addresses(Hmp *hmp, const SocketAddressList *list)
{
    hmp_printf(hmp, "socket address: [\n");
    for (size_t i = 0; i < list->n; i++) {
        const SocketAddress *a = list->v[i];

        if (a->type == SOCKET_ADDRESS_TYPE_UNIX) {
            hmp_printf(hmp, "\tunix:%s\n", a->u.q_unix.path);
        } else if (a->type == SOCKET_ADDRESS_TYPE_INET) {
            hmp_printf(hmp, "\ttcp:%s:%s\n", a->u.inet.host, a->u.inet.port);
        }
    }
    hmp_printf(hmp, "]\n");
}

COROUTINE_ONLY CONTROL_ONLY static void co_info_migrate(Hmp *hmp,
                                                        json_object *args)
{
    Error *err = NULL;
    MigrationInfo *info = qmp_query_migrate(&err);

    if (info) {
        show_globals(hmp);
        if (info->has_status) {
            show_status(hmp, info);
        }
        if (info->ram) {
            show_memory(hmp, info->ram);
        }
        if (info->socket_address) {
            show_addresses(hmp, info->socket_address);
        }
    }
    hmp_error(hmp, err);
    MigrationInfo_free(info);
}

const HmpCommand hmp_info_migrate = {
    .name = "migrate",
    .params = "",
    .help = "show migration status",
    .co_run = co_info_migrate,
};

/* --- info migrate_capabilities ------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void
co_info_migrate_capabilities(Hmp *hmp, json_object *args)
{
    Error *err = NULL;
    MigrationCapabilityStatusList *list = qmp_query_migrate_capabilities(&err);

    for (size_t i = 0; list && i < list->n; i++) {
        hmp_printf(hmp, "%s: %s\n",
                   MigrationCapability_str(list->v[i]->capability),
                   list->v[i]->state ? "on" : "off");
    }
    hmp_error(hmp, err);
    MigrationCapabilityStatusList_free(list);
}

const HmpCommand hmp_info_migrate_capabilities = {
    .name = "migrate_capabilities",
    .params = "",
    .help = "show current migration capabilities",
    .co_run = co_info_migrate_capabilities,
};

/* --- info migrate_parameters --------------------------------------------- */

typedef struct Shown {
    const char *name, *unit;
} Shown;

/* In QEMU's order. */
static const Shown parameters[] = {
    {"announce-initial", " ms"},
    {"announce-max", " ms"},
    {"announce-rounds", ""},
    {"announce-step", " ms"},
    {"compress-level", ""},
    {"compress-threads", ""},
    {"compress-wait-thread", ""},
    {"decompress-threads", ""},
    {"throttle-trigger-threshold", ""},
    {"cpu-throttle-initial", ""},
    {"cpu-throttle-increment", ""},
    {"cpu-throttle-tailslow", ""},
    {"max-cpu-throttle", ""},
    {"tls-creds", "'"},
    {"tls-hostname", "'"},
    {"max-bandwidth", " bytes/second"},
    {"downtime-limit", " ms"},
    {"x-checkpoint-delay", " ms"},
    {"block-incremental", ""},
    {"multifd-channels", ""},
    {"multifd-compression", ""},
    {"xbzrle-cache-size", " bytes"},
    {"max-postcopy-bandwidth", ""},
    {"tls-authz", "'"},
};

static void show_parameter(Hmp *hmp, json_object *all, const Shown *shown)
{
    const char *text = hmp_str(all, shown->name);
    json_object *value = NULL;

    json_object_object_get_ex(all, shown->name, &value);
    if (json_object_is_type(value, json_type_boolean)) {
        text = json_object_get_boolean(value) ? "on" : "off";
    }
    hmp_printf(hmp, "%s: %s%s%s\n", shown->name,
               *shown->unit == '\'' ? "'" : "", text ? text : "", shown->unit);
}

static void show_names(Hmp *hmp, const char *indent, const char *key,
                       json_object *names)
{
    hmp_printf(hmp, "%s'%s' -> '%s'\n", indent, hmp_str(names, key),
               hmp_str(names, "alias"));
}

static void show_mapping(Hmp *hmp, json_object *mapping)
{
    hmp_printf(hmp, "block-bitmap-mapping:\n");
    for (size_t i = 0; i < json_object_array_length(mapping); i++) {
        json_object *node = json_object_array_get_idx(mapping, i);
        json_object *bitmaps = json_object_object_get(node, "bitmaps");

        show_names(hmp, "  ", "node-name", node);
        for (size_t k = 0; k < json_object_array_length(bitmaps); k++) {
            show_names(hmp, "    ", "name",
                       json_object_array_get_idx(bitmaps, k));
        }
    }
}

COROUTINE_ONLY CONTROL_ONLY static void
co_info_migrate_parameters(Hmp *hmp, json_object *args)
{
    json_object *all = NULL, *mapping;

    if (!co_hmp_call(hmp, "query-migrate-parameters", NULL, &all)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        show_parameter(hmp, all, &parameters[i]);
    }
    if (json_object_object_get_ex(all, "block-bitmap-mapping", &mapping)) {
        show_mapping(hmp, mapping);
    }
    json_object_put(all);
}

const HmpCommand hmp_info_migrate_parameters = {
    .name = "migrate_parameters",
    .params = "",
    .help = "show current migration parameters",
    .co_run = co_info_migrate_parameters,
};
