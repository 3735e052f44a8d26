/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of migrations, each by a command of QMP. */
#include "monitor/hmp/commands.h"
#include "qapi/qapi-types.h"
#include "text/size-text.h"

COROUTINE_ONLY CONTROL_ONLY static void co_migrate(Hmp *hmp, json_object *args)
{
    bool detach = hmp_flag(args, "detach");

    if (!co_hmp_call(hmp, "migrate", json_object_get(args), NULL) || detach) {
        return;
    }
    if (hmp->waits) {
        *hmp->waits = true;
    } else {
        hmp_printf(hmp, "terminal does not allow synchronous migration, "
                        "continuing detached\n");
    }
}

const HmpCommand hmp_migrate = {
    .name = "migrate",
    .args = {{"detach", HMP_FLAG, .flag = 'd'},
             {"blk", HMP_FLAG, .flag = 'b'},
             {"inc", HMP_FLAG, .flag = 'i'},
             {"resume", HMP_FLAG, .flag = 'r'},
             {"uri", HMP_STRING}},
    .params = "[-d] [-b] [-i] [-r] uri",
    .help = "migrate to URI (using -d to not wait for completion)\n"
            "\t\t\t -b for migration without shared storage with full copy of "
            "disk\n"
            "\t\t\t -i for migration without shared storage with incremental "
            "copy of disk (base image shared between src and destination)\n"
            "\t\t\t -r to resume a paused migration",
    .co_run = co_migrate,
};

const HmpCommand hmp_migrate_cancel = {
    .name = "migrate_cancel",
    .params = "",
    .help = "cancel the current VM migration",
    .qmp = "migrate_cancel",
};

COROUTINE_ONLY CONTROL_ONLY static void co_migrate_continue(Hmp *hmp,
                                                            json_object *args)
{
    const char *state = hmp_str(args, "state");

    for (MigrationStatus s = 0; s < MIGRATION_STATUS__MAX; s++) {
        if (!strcmp(MigrationStatus_str(s), state)) {
            co_hmp_call(hmp, "migrate-continue", json_object_get(args), NULL);
            return;
        }
    }
    hmp_printf(hmp, "Error: invalid parameter value: %s\n", state);
}

const HmpCommand hmp_migrate_continue = {
    .name = "migrate_continue",
    .args = {{"state", HMP_STRING}},
    .params = "state",
    .help = "Continue migration from the given paused state",
    .co_run = co_migrate_continue,
};

const HmpCommand hmp_migrate_incoming = {
    .name = "migrate_incoming",
    .args = {{"uri", HMP_STRING}},
    .params = "uri",
    .help = "Continue an incoming migration from an -incoming defer",
    .qmp = "migrate-incoming",
};

const HmpCommand hmp_migrate_pause = {
    .name = "migrate_pause",
    .params = "",
    .help = "Pause an ongoing migration (postcopy-only)",
    .qmp = "migrate-pause",
};

const HmpCommand hmp_migrate_recover = {
    .name = "migrate_recover",
    .args = {{"uri", HMP_STRING}},
    .params = "uri",
    .help = "Continue a paused incoming postcopy migration",
    .qmp = "migrate-recover",
};

const HmpCommand hmp_migrate_start_postcopy = {
    .name = "migrate_start_postcopy",
    .params = "",
    .help = "Followup to a migration command to switch the migration to "
            "postcopy mode. The postcopy-ram capability must be set on both "
            "source and destination before the original migration command .",
    .qmp = "migrate-start-postcopy",
};

/* --- what is set --------------------------------------------------------- */

static bool is_capability(const char *name)
{
    for (MigrationCapability c = 0; c < MIGRATION_CAPABILITY__MAX; c++) {
        if (!strcmp(MigrationCapability_str(c), name)) {
            return true;
        }
    }
    return false;
}

COROUTINE_ONLY CONTROL_ONLY static void
co_migrate_set_capability(Hmp *hmp, json_object *args)
{
    const char *name = hmp_str(args, "capability");
    json_object *list;

    if (!is_capability(name)) {
        hmp_printf(hmp, "Error: invalid parameter value: %s\n", name);
        return;
    }
    list = json_object_new_array();
    json_object_array_add(list, json_object_get(args));
    co_hmp_call(hmp, "migrate-set-capabilities",
                hmp_object("capabilities", list, NULL), NULL);
}

const HmpCommand hmp_migrate_set_capability = {
    .name = "migrate_set_capability",
    .args = {{"capability", HMP_STRING}, {"state", HMP_SWITCH}},
    .params = "capability state",
    .help = "Enable/Disable the usage of a capability for migration",
    .co_run = co_migrate_set_capability,
};

/* The value's text with megabytes for bytes if it says no unit; NULL: it is
 * no size. */
static char *in_megabytes(const char *value)
{
    size_t n = strlen(value);
    g_autofree char *text = g_strdup_printf(
        "%s%s", value, n && g_ascii_isdigit(value[n - 1]) ? "M" : "");
    uint64_t bytes;

    return size_text_parse(text, &bytes) == SIZE_OK
               ? g_strdup_printf("%" PRIu64, bytes)
               : NULL;
}

static bool is_size(const char *name)
{
    static const char *const sizes[] = {
        "announce-initial", "announce-max",   "announce-rounds",
        "announce-step",    "downtime-limit", "max-postcopy-bandwidth",
        "xbzrle-cache-size"};

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        if (!strcmp(sizes[i], name)) {
            return true;
        }
    }
    return false;
}

/* All of 64 bits where the text has no suffix. */
static bool read_size(const char *name, const char *value, uint64_t *bytes,
                      Error **errp)
{
    SizeParse parsed = size_text_parse(value, bytes);
    char *end;

    if (parsed == SIZE_TOO_LARGE) {
        errno = 0;
        *bytes = g_ascii_strtoull(value, &end, 0);
        parsed = errno || *end ? parsed : SIZE_OK;
    }
    if (parsed != SIZE_OK) {
        size_text_refuse(parsed, name, value, errp);
        return false;
    }
    if (!strcmp(name, "xbzrle-cache-size") && *bytes > INT64_MAX) {
        error_set(errp, "Invalid size %s", value);
        return false;
    }
    return true;
}

/* In the words of a terminal. */
static MigrateSetParameters *read_parameter(const char *name, const char *value,
                                            Error **errp)
{
    json_object *words = hmp_object(name, hmp_new_string(value), NULL);
    Error *err = NULL;
    MigrateSetParameters *parameters =
        MigrateSetParameters_from_keyval(words, &err);

    json_object_put(words);
    if (err && g_str_has_suffix(error_text(err), "' expects integer")) {
        error_free(err);
        err = NULL;
        error_set(&err, "Parameter '%s' expects uint64", name);
    }
    error_propagate(errp, err);
    return parameters;
}

COROUTINE_ONLY CONTROL_ONLY static void
co_set_parameter(Hmp *hmp, const char *name, const char *value)
{
    MigrateSetParameters *parameters = NULL;
    g_autofree char *number = NULL;
    Error *err = NULL;
    uint64_t bytes;

    if (!is_size(name)) {
        parameters = read_parameter(name, value, &err);
    } else if (read_size(name, value, &bytes, &err)) {
        number = g_strdup_printf("%" PRIu64, bytes);
        parameters = read_parameter(name, number, &err);
    }
    if (parameters) {
        co_hmp_call(hmp, "migrate-set-parameters",
                    MigrateSetParameters_to_json(parameters), NULL);
    }
    hmp_error(hmp, err);
    MigrateSetParameters_free(parameters);
}

COROUTINE_ONLY CONTROL_ONLY static void
co_migrate_set_parameter(Hmp *hmp, json_object *args)
{
    const char *name = hmp_str(args, "parameter");
    const char *value = hmp_str(args, "value");
    g_autofree char *bytes = NULL;
    json_object *all = NULL;

    if (!strcmp(name, "block-bitmap-mapping")) {
        hmp_printf(hmp, "Error: The block-bitmap-mapping parameter can only "
                        "be set through QMP\n");
        return;
    }
    if (!co_hmp_call(hmp, "query-migrate-parameters", NULL, &all)) {
        return;
    }
    if (!json_object_object_get_ex(all, name, NULL)) {
        hmp_printf(hmp, "Error: invalid parameter value: %s\n", name);
    } else if (strcmp(name, "max-bandwidth")) {
        co_set_parameter(hmp, name, value);
    } else if ((bytes = in_megabytes(value))) {
        co_set_parameter(hmp, name, bytes);
    } else {
        hmp_printf(hmp, "Error: Invalid size %s\n", value);
    }
    json_object_put(all);
}

const HmpCommand hmp_migrate_set_parameter = {
    .name = "migrate_set_parameter",
    .args = {{"parameter", HMP_STRING}, {"value", HMP_STRING}},
    .params = "parameter value",
    .help = "Set the parameter for migration",
    .co_run = co_migrate_set_parameter,
};
