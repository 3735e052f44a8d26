/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option texts become things: see apply-text.h. */
#include "tools/apply-text.h"

#include <stdio.h>

#include "monitor/chardev.h"
#include "monitor/monitor.h"
#include "qapi/qapi-commands.h"

bool co_apply_blockdev_text(const char *text, Error **errp)
{
    BlockdevOptions *o = PARSE_OPTION(BlockdevOptions, text, "driver", errp);
    bool ok = o && qmp_blockdev_add(o, errp);

    BlockdevOptions_free(o);
    return ok;
}

/* People's monitors have no JSON to lay out. */
static bool pretty_ok(const MonitorOptions *o, Error **errp)
{
    bool ok = o->mode != MONITOR_MODE_READLINE || !o->has_pretty || !o->pretty;

    if (!ok) {
        error_set(errp, "'pretty' is not compatible with HMP monitors");
    }
    return ok;
}

bool apply_monitor_text(const char *text, MonitorMode mode, Error **errp)
{
    MonitorOptions *o = PARSE_OPTION(MonitorOptions, text, "chardev", errp);
    bool ok;

    if (o && !o->has_mode) {
        o->has_mode = true;
        o->mode = mode;
    }
    ok = o && pretty_ok(o, errp) && monitor_add(o, errp);
    MonitorOptions_free(o);
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
    json_object_object_foreach(o, key, value)
    {
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

static ChardevOptions *parse_chardev(const char *text, Error **errp)
{
    bool is_json;
    ChardevOptions *options = NULL;
    json_object *o = json_options_parse(text, "backend", &is_json, errp);

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

bool apply_chardev_help(const char *text)
{
    if (strcmp(text, "help") && strcmp(text, "?")) {
        return false;
    }
    printf("Available chardev backend types: \n");
    for (ChardevBackendKind k = 0; k < CHARDEV_BACKEND_KIND__MAX; k++) {
        printf("  %s\n", ChardevBackendKind_str(k));
    }
    return true;
}

bool co_apply_chardev_text(const char *text, bool no_stdio, Error **errp)
{
    ChardevOptions *o = parse_chardev(text, errp);
    bool ok = o != NULL;

    if (ok && no_stdio && o->backend == CHARDEV_BACKEND_KIND_STDIO) {
        error_set(errp, "cannot use stdio with -daemonize");
        ok = false;
    }
    ok = ok && co_chardev_new(o, errp);
    ChardevOptions_free(o);
    return ok;
}
