/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From option texts to nodes, monitors and exports, by way of the schema. */
#include "tools/daemon-apply.h"

#include <stdio.h>

#include "block/export/nbd-server.h"
#include "monitor/chardev.h"
#include "monitor/monitor.h"
#include "objects/object.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-keyval.h"

/* One option on its way. */
typedef struct Apply {
    const DaemonOption *option;
    bool daemonize;
    bool done;
} Apply;

/* A value of type T from the option's text, as JSON or key=value. */
#define PARSE_OPTION(T, apply, implied_key, errp)                           \
    ({                                                                      \
        bool is_json_;                                                      \
        T *value_ = NULL;                                                   \
        json_object *o_ = json_options_parse((apply)->option->text,         \
                                             implied_key, &is_json_, errp); \
        if (o_) {                                                           \
            value_ = is_json_ ? T##_from_json(o_, errp)                     \
                              : T##_from_keyval(o_, errp);                  \
            json_object_put(o_);                                            \
        }                                                                   \
        value_;                                                             \
    })

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_blockdev(Apply *apply,
                                                          Error **errp)
{
    BlockdevOptions *o = PARSE_OPTION(BlockdevOptions, apply, "driver", errp);
    bool ok = o && qmp_blockdev_add(o, errp);

    BlockdevOptions_free(o);
    return ok;
}

CONTROL_ONLY
static bool co_apply_monitor(Apply *apply, Error **errp)
{
    MonitorOptions *o = PARSE_OPTION(MonitorOptions, apply, "chardev", errp);
    bool ok = o && monitor_add(o, errp);

    MonitorOptions_free(o);
    return ok;
}

CONTROL_ONLY
static bool co_apply_nbd_server(Apply *apply, Error **errp)
{
    NbdServerOptions *o = PARSE_OPTION(NbdServerOptions, apply, NULL, errp);
    bool ok = o && nbd_server_start(o, errp);

    NbdServerOptions_free(o);
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_export(Apply *apply,
                                                        Error **errp)
{
    BlockExportOptions *o =
        PARSE_OPTION(BlockExportOptions, apply, "type", errp);
    bool ok = o && qmp_block_export_add(o, errp);

    BlockExportOptions_free(o);
    return ok;
}

/* --- chardevs ------------------------------------------------------------ */

static const char *string_member(json_object *object, const char *key)
{
    json_object *value;

    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    return json_object_get_string(value);
}

/* What the schema's texts would not say as QEMU does. */
static bool check_chardev(json_object *o, Error **errp)
{
    const char *id = string_member(o, "id");
    const char *backend = string_member(o, "backend");
    ChardevBackendKind kind;

    if (!id) {
        error_set(errp, "chardev: no id specified");
        return false;
    }
    if (!backend) {
        error_set(errp, "chardev: \"%s\" missing backend", id);
        return false;
    }
    if (!ChardevBackendKind_parse(backend, &kind)) {
        error_set(errp, "'%s' is not a valid char driver name", backend);
        return false;
    }
    return true;
}

/* The schema says of a key it does not know that it is unexpected; of
 * chardevs QEMU says that it is invalid. */
static void rename_unexpected(json_object *o, Error **errp)
{
    json_object_object_foreach(o, key, value) {
        char *text = g_strdup_printf("Parameter '%s' is unexpected", key);
        bool same = !strcmp(error_text(*errp), text);

        (void)value;
        g_free(text);
        if (same) {
            error_free(*errp);
            *errp = NULL;
            error_set(errp, "Invalid parameter '%s'", key);
            return;
        }
    }
}

static ChardevOptions *parse_chardev(Apply *apply, Error **errp)
{
    bool is_json;
    ChardevOptions *options = NULL;
    json_object *o =
        json_options_parse(apply->option->text, "backend", &is_json, errp);

    if (o && check_chardev(o, errp)) {
        options = is_json ? ChardevOptions_from_json(o, errp)
                          : ChardevOptions_from_keyval(o, errp);
        if (!options) {
            rename_unexpected(o, errp);
        }
    }
    json_object_put(o);
    return options;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_chardev(Apply *apply,
                                                         Error **errp)
{
    ChardevOptions *o = parse_chardev(apply, errp);
    bool ok = o != NULL;

    if (ok && apply->daemonize && o->backend == CHARDEV_BACKEND_KIND_STDIO) {
        error_set(errp, "cannot use stdio with -daemonize");
        ok = false;
    }
    ok = ok && co_chardev_new(o, errp);
    ChardevOptions_free(o);
    return ok;
}

/* --- objects ------------------------------------------------------------- */

static void print_object_types(void)
{
    printf("List of user creatable objects:\n");
    for (ObjectType type = 0; type < OBJECT_TYPE__MAX; type++) {
        printf("  %s\n", ObjectType_str(type));
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_object(Apply *apply,
                                                        Error **errp)
{
    ObjectOptions *options;
    bool ok;

    if (!strcmp(apply->option->text, "help")) {
        print_object_types();
        apply->done = true;
        return true;
    }
    options = PARSE_OPTION(ObjectOptions, apply, "qom-type", errp);
    ok = options && co_object_add(options, errp);
    ObjectOptions_free(options);
    return ok;
}

/* --- what this version has none of --------------------------------------- */

static bool co_apply_trace(Apply *apply, Error **errp)
{
    error_report("%s: warning: trace event '%s' does not exist",
                 apply->option->shown, apply->option->text);
    return true;
}

/* --- all ----------------------------------------------------------------- */

static bool (*const co_appliers[DAEMON_OPTION__MAX])(Apply *, Error **) = {
    [DAEMON_OPTION_TRACE] = co_apply_trace,
    [DAEMON_OPTION_OBJECT] = co_apply_object,
    [DAEMON_OPTION_BLOCKDEV] = co_apply_blockdev,
    [DAEMON_OPTION_CHARDEV] = co_apply_chardev,
    [DAEMON_OPTION_MONITOR] = co_apply_monitor,
    [DAEMON_OPTION_NBD_SERVER] = co_apply_nbd_server,
    [DAEMON_OPTION_EXPORT] = co_apply_export,
};

static bool co_apply_one(Apply *apply)
{
    Error *err = NULL;

    if (co_appliers[apply->option->kind](apply, &err)) {
        return true;
    }
    error_prepend(&err, "%s: ", apply->option->shown);
    error_report_err(err);
    return false;
}

bool co_daemon_apply(const DaemonOptions *options, bool *done)
{
    Apply apply = {.daemonize = options->daemonize};

    for (unsigned kind = 0; kind < DAEMON_OPTION__MAX; kind++) {
        for (unsigned i = 0; i < options->list->len && !apply.done; i++) {
            apply.option = g_ptr_array_index(options->list, i);
            if (apply.option->kind == kind && !co_apply_one(&apply)) {
                return false;
            }
        }
    }
    *done = apply.done;
    return true;
}
