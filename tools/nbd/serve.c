/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tidemark nbd FILE`: one export, until it is told to end or, without
 * --persistent, until the last client has gone that had used the export.
 *
 * Invariants:
 * 1. It listens before the image is opened, and serves after: a client that is
 *    early waits.
 * 2. However it ends, the export is closed before the image, and the socket's
 *    file goes. The pid file stays, as with qemu-nbd.
 */
#include <stdio.h>

#include "block/export/export.h"
#include "block/export/nbd-server.h"
#include "block/filter/throttle-group.h"
#include "block/net/nbd.h"
#include "objects/tls-creds.h"
#include "qapi/qapi-types.h"
#include "tools/daemon-process.h"
#include "tools/nbd/nbd.h"
#include "util/reactor/service.h"

#define EXPORT_ID "export"

typedef struct Serving {
    /* CONST */
    NbdTool *tool;
    int signal_fd;
    /* CONTROL */
    bool end_asked, watcher_ended;
    CoQueue changed;
} Serving;

static void ask_end(Serving *s)
{
    s->end_asked = true;
    coqueue_wake_all(&s->changed);
}

COROUTINE_ONLY CONTROL_ONLY static void co_watch_signals(void *opaque)
{
    Serving *s = opaque;

    while (co_process_wait_signal(s->signal_fd, NULL)) {
        ask_end(s);
    }
    s->watcher_ended = true;
    coqueue_wake_all(&s->changed);
}

static void client_gone(void *opaque, bool used, unsigned left)
{
    Serving *s = opaque;

    if (used && !left && !s->tool->persistent) {
        ask_end(s);
    }
}

/* --- the socket ----------------------------------------------------------- */

static json_object *address_of(const NbdTool *tool)
{
    json_object *addr = json_object_new_object();
    const char *pairs[][2] = {
        {"host", tool->bind ? tool->bind : NBD_TOOL_ADDRESS},
        {"port", tool->port ? tool->port : NBD_TOOL_PORT}};

    if (service_has_sockets()) {
        json_object_object_add(addr, "type", json_object_new_string("fd"));
        json_object_object_add(
            addr, "str", json_object_new_string(G_STRINGIFY(SERVICE_FIRST_FD)));
    } else if (tool->socket) {
        json_object_object_add(addr, "type", json_object_new_string("unix"));
        json_object_object_add(addr, "path",
                               json_object_new_string(tool->socket));
    } else {
        json_object_object_add(addr, "type", json_object_new_string("inet"));
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
            json_object_object_add(addr, pairs[i][0],
                                   json_object_new_string(pairs[i][1]));
        }
    }
    return addr;
}

CONTROL_ONLY
static bool start_server(const NbdTool *tool, Error **errp)
{
    json_object *json = json_object_new_object();
    NbdServerOptions *options;
    bool ok;

    json_object_object_add(json, "addr", address_of(tool));
    json_object_object_add(json, "max-connections",
                           json_object_new_int64(tool->max_clients));
    if (tool->tls_creds) {
        json_object_object_add(json, "tls-creds",
                               json_object_new_string(tool->tls_creds));
    }
    if (tool->tls_authz) {
        json_object_object_add(json, "tls-authz",
                               json_object_new_string(tool->tls_authz));
    }
    options = NbdServerOptions_from_json(json, errp);
    json_object_put(json);
    ok = options && nbd_server_start(options, errp);
    NbdServerOptions_free(options);
    return ok;
}

/* Said before anything is done. */
static bool check_creds(const NbdTool *tool, Error **errp)
{
    TlsCreds *creds;

    if (!tool->tls_creds) {
        return true;
    }
    creds = tls_creds_find(tool->tls_creds, true, errp);
    if (!creds) {
        error_prepend(errp, "Failed to get TLS creds: ");
    }
    tls_creds_unref(creds);
    return creds;
}

/* --- the export ----------------------------------------------------------- */

static json_object *export_json(const NbdTool *tool, const Root *root)
{
    json_object *json = json_object_new_object();
    json_object *bitmaps = json_object_new_array();

    /* The last one first, as qemu-nbd shows them. */
    for (guint i = tool->bitmaps->len; i--;) {
        json_object_array_add(bitmaps,
                              json_object_new_string(tool->bitmaps->pdata[i]));
    }
    json_object_object_add(json, "type", json_object_new_string("nbd"));
    json_object_object_add(json, "id", json_object_new_string(EXPORT_ID));
    json_object_object_add(json, "node-name",
                           json_object_new_string(root_node(root)->name));
    json_object_object_add(
        json, "name", json_object_new_string(tool->name ? tool->name : ""));
    json_object_object_add(json, "writable",
                           json_object_new_boolean(!tool->read_only));
    json_object_object_add(
        json, "writethrough",
        json_object_new_boolean(image_cache_writethrough(tool->image.cache)));
    json_object_object_add(json, "allocation-depth",
                           json_object_new_boolean(tool->allocation_depth));
    json_object_object_add(json, "bitmaps", bitmaps);
    if (tool->description) {
        json_object_object_add(json, "description",
                               json_object_new_string(tool->description));
    }
    return json;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_export(const NbdTool *tool, const Root *root, Error **errp)
{
    json_object *json = export_json(tool, root);
    BlockExportOptions *options = BlockExportOptions_from_json(json, errp);
    bool ok = options && co_export_add(options, errp);

    BlockExportOptions_free(options);
    json_object_put(json);
    return ok;
}

/* --- from start to end ---------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool co_open_and_export(NbdTool *tool)
{
    Root *root = co_nbd_tool_open(tool);
    Error *err = NULL;

    if (!root) {
        return false;
    }
    if (!co_export(tool, root, &err)) {
        error_report_err(err);
    }
    /* The export has its own. */
    co_image_close(root);
    return !err;
}

COROUTINE_ONLY
static bool co_tell_ready(NbdTool *tool)
{
    Error *err = NULL;

    if (tool->pid_file && !co_pidfile_write(tool->pid_file, &err)) {
        error_report_err(err);
        return false;
    }
    if (tool->ready_fd >= 0 && !nbd_tool_detach(tool->ready_fd, &err)) {
        error_report_err(err);
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static void co_serve(Serving *s)
{
    Error *err = NULL;

    if (!check_creds(s->tool, &err) || !start_server(s->tool, &err)) {
        error_report_err(err);
        return;
    }
    nbd_server_hold(true);
    if (co_open_and_export(s->tool) && co_tell_ready(s->tool)) {
        nbd_server_hold(false);
        s->tool->exit_code = 0;
        while (!s->end_asked) {
            co_queue_wait(&s->changed);
        }
    }
    throttle_release_all();
    nbd_release_all();
    co_nbd_server_stop(NULL);
    co_exports_shutdown();
}

void co_nbd_tool_serve(NbdTool *tool)
{
    Serving s = {.tool = tool};
    Error *err = NULL;

    s.signal_fd = process_catch_signals(&err);
    if (s.signal_fd < 0) {
        error_report_err(err);
        return;
    }
    coqueue_init(&s.changed);
    nbd_server_watch(client_gone, &s);
    coroutine_start(co_watch_signals, &s);
    co_serve(&s);
    nbd_server_watch(NULL, NULL);
    co_graph_shutdown();
    io_cancel_fd(s.signal_fd);
    while (!s.watcher_ended) {
        co_queue_wait(&s.changed);
    }
    io_close(s.signal_fd);
}
