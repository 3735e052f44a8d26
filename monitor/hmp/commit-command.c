/* SPDX-License-Identifier: GPL-2.0-or-later */
/* commit: what devices' images hold goes into the images behind them. */
#include "block/backend/backend.h"
#include "block/graph/backing.h"
#include "block/job/commit-now.h"
#include "monitor/hmp/commands.h"

COROUTINE_ONLY CONTROL_ONLY static int co_commit_backend(Hmp *hmp,
                                                         Backend *backend)
{
    Error *err = NULL;
    int ret = co_commit_now(backend_node(backend), &err);

    if (err) {
        hmp_printf(hmp, "%s\n", error_text(err));
        error_free(err);
    }
    return ret;
}

/* Devices without an image behind theirs are left alone. */
COROUTINE_ONLY CONTROL_ONLY static int co_commit_all(Hmp *hmp)
{
    int ret = 0;

    for (Backend *b = backend_next(NULL); b && ret == 0; b = backend_next(b)) {
        Node *node = backend_node(b);

        if (node && node_backing_node(node_skip_filters(node))) {
            ret = co_commit_backend(hmp, b);
        }
    }
    return ret;
}

/* True if @name has to do with no image; it was said then. */
CONTROL_ONLY
static bool has_none(Hmp *hmp, const char *name, const Backend *backend)
{
    if (!backend) {
        hmp_printf(hmp, "Device '%s' not found\n", name);
    } else if (!backend_node(backend)) {
        hmp_printf(hmp, "Device '%s' has no medium\n", name);
    }
    return !backend || !backend_node(backend);
}

COROUTINE_ONLY CONTROL_ONLY static void co_commit(Hmp *hmp, json_object *args)
{
    const char *name = hmp_str(args, "device");
    bool all = !strcmp(name, "all");
    Backend *backend = all ? NULL : backend_by_name(name);
    int ret;

    if (!all && has_none(hmp, name, backend)) {
        return;
    }
    co_graph_lock();
    ret = all ? co_commit_all(hmp) : co_commit_backend(hmp, backend);
    graph_unlock();
    if (ret < 0) {
        hmp_printf(hmp, "'commit' error for '%s': %s\n", name, strerror(-ret));
    }
}

const HmpCommand hmp_commit = {
    .name = "commit",
    .args = {{"device", HMP_DEVICE}},
    .params = "device|all",
    .help = "commit changes to the disk images (if -snapshot is used) or "
            "backing files",
    .co_run = co_commit,
};
