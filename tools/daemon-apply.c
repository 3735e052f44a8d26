/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From option texts to nodes, monitors and exports, by way of the schema. */
#include "tools/daemon-apply.h"

#include "block/export/nbd-server.h"
#include "qapi/qapi-commands.h"
#include "tools/apply-text.h"
#include "tools/object-option.h"

/* One option on its way. */
typedef struct Apply {
    const DaemonOption *option;
    bool daemonize;
    bool done;
} Apply;

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_blockdev(Apply *apply,
                                                          Error **errp)
{
    return co_apply_blockdev_text(apply->option->text, errp);
}

CONTROL_ONLY
static bool co_apply_monitor(Apply *apply, Error **errp)
{
    return apply_monitor_text(apply->option->text, MONITOR_MODE_CONTROL, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_chardev(Apply *apply,
                                                         Error **errp)
{
    apply->done = apply_chardev_help(apply->option->text);
    return apply->done ||
           co_apply_chardev_text(apply->option->text, apply->daemonize, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_object(Apply *apply,
                                                        Error **errp)
{
    return co_object_option(apply->option->text, &apply->done, errp);
}

CONTROL_ONLY
static bool co_apply_nbd_server(Apply *apply, Error **errp)
{
    NbdServerOptions *o =
        PARSE_OPTION(NbdServerOptions, apply->option->text, NULL, errp);
    bool ok = o && nbd_server_start(o, errp);

    NbdServerOptions_free(o);
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_export(Apply *apply,
                                                        Error **errp)
{
    BlockExportOptions *o =
        PARSE_OPTION(BlockExportOptions, apply->option->text, "type", errp);
    bool ok = o && qmp_block_export_add(o, errp);

    BlockExportOptions_free(o);
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
