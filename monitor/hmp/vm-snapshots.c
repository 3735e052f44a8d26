/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info snapshots, delvm, and savevm and loadvm, which are refused: there is no
 * machine whose state could be kept.
 */
#include "block/backend/backend.h"
#include "block/graph/format.h"
#include "monitor/hmp/commands.h"
#include "qapi/qapi-types.h"
#include "text/snapshot-text.h"

/* --- which devices ------------------------------------------------------- */

static const FormatOps *format_of(const Node *node)
{
    const FormatOps *format = node->driver->format;

    return format && format->co_snapshot_list ? format : NULL;
}

static bool takes_part(const Backend *b)
{
    return backend_node(b) && !backend_node(b)->read_only;
}

/* All that may be written to have to; else QEMU's text. */
CONTROL_ONLY
static bool all_know_snapshots(Error **errp)
{
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        if (takes_part(b) && !format_of(backend_node(b))) {
            error_set(errp,
                      "Device '%s' is writable but does not support snapshots",
                      *backend_name(b) ? backend_name(b)
                                       : node_name(backend_node(b)));
            return false;
        }
    }
    return true;
}

/* The first that could keep the state; NULL with QEMU's text. */
CONTROL_ONLY
static Backend *first_keeper(Error **errp)
{
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        if (takes_part(b) && format_of(backend_node(b))) {
            return b;
        }
    }
    error_set(errp, "no block device can store vmstate for snapshot");
    return NULL;
}

/* The same, if all the others could keep theirs. */
CONTROL_ONLY
static Backend *first_able(Error **errp)
{
    return all_know_snapshots(errp) ? first_keeper(errp) : NULL;
}

COROUTINE_ONLY CONTROL_ONLY static SnapshotInfoList *co_list(Backend *b)
{
    Node *node = backend_node(b);
    SnapshotInfoList *list = NULL;

    if (takes_part(b) && format_of(node)) {
        co_graph_lock();
        list = format_of(node)->co_snapshot_list(node, NULL);
        graph_unlock();
    }
    return list;
}

/* --- info snapshots ------------------------------------------------------ */

static const SnapshotInfo *find_named(const SnapshotInfoList *list,
                                      const char *name)
{
    for (size_t i = 0; list && i < list->n; i++) {
        if (!strcmp(list->v[i]->name, name)) {
            return list->v[i];
        }
    }
    return NULL;
}

/* The names of those that every device has. */
COROUTINE_ONLY CONTROL_ONLY static GHashTable *co_find_global(Backend *able)
{
    GHashTable *names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    SnapshotInfoList *list = co_list(able);

    for (size_t i = 0; list && i < list->n; i++) {
        g_hash_table_add(names, g_strdup(list->v[i]->name));
    }
    SnapshotInfoList_free(list);
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        GHashTableIter iter;
        gpointer name;

        if (!takes_part(b)) {
            continue;
        }
        list = co_list(b);
        g_hash_table_iter_init(&iter, names);
        while (g_hash_table_iter_next(&iter, &name, NULL)) {
            if (!find_named(list, name)) {
                g_hash_table_iter_remove(&iter);
            }
        }
        SnapshotInfoList_free(list);
    }
    return names;
}

COROUTINE_ONLY CONTROL_ONLY static void co_show_global(Hmp *hmp, Backend *able,
                                                       GHashTable *names)
{
    SnapshotInfoList *list = co_list(able);

    hmp_printf(hmp, "List of snapshots present on all disks:\n");
    if (g_hash_table_size(names)) {
        snapshot_text_header(hmp->out);
    } else {
        hmp_printf(hmp, "None\n");
    }
    for (size_t i = 0; list && i < list->n; i++) {
        if (g_hash_table_contains(names, list->v[i]->name)) {
            snapshot_text_row(hmp->out, list->v[i], true);
        }
    }
    SnapshotInfoList_free(list);
}

COROUTINE_ONLY CONTROL_ONLY static void co_show_partial(Hmp *hmp, Backend *b,
                                                        GHashTable *names)
{
    SnapshotInfoList *list = co_list(b);
    bool any = false;

    for (size_t i = 0; list && i < list->n; i++) {
        if (g_hash_table_contains(names, list->v[i]->name)) {
            continue;
        }
        if (!any) {
            hmp_printf(hmp,
                       "\nList of partial (non-loadable) snapshots on '%s':\n",
                       *backend_name(b) ? backend_name(b)
                                        : node_name(backend_node(b)));
            snapshot_text_header(hmp->out);
        }
        any = true;
        snapshot_text_row(hmp->out, list->v[i], false);
    }
    SnapshotInfoList_free(list);
}

COROUTINE_ONLY CONTROL_ONLY static void co_info_snapshots(Hmp *hmp,
                                                          json_object *args)
{
    Error *err = NULL;
    Backend *able = first_keeper(&err);
    SnapshotInfoList *list;
    GHashTable *names;
    bool any = false;

    if (!able) {
        hmp_printf(hmp, "%s\n", error_text(err));
        error_free(err);
        return;
    }
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        list = co_list(b);
        any |= list && list->n;
        SnapshotInfoList_free(list);
    }
    if (!any) {
        hmp_printf(hmp, "There is no snapshot available.\n");
        return;
    }
    names = co_find_global(able);
    co_show_global(hmp, able, names);
    for (Backend *b = backend_next(NULL); b; b = backend_next(b)) {
        co_show_partial(hmp, b, names);
    }
    g_hash_table_destroy(names);
}

const HmpCommand hmp_info_snapshots = {
    .name = "snapshots",
    .params = "",
    .help = "the states that are kept inside images",
    .co_run = co_info_snapshots,
};

/* --- savevm, loadvm, delvm ----------------------------------------------- */

CONTROL_ONLY
static void refuse(Hmp *hmp, const char *what)
{
    Error *err = NULL;

    if (first_able(&err)) {
        error_set(&err,
                  "There is no guest whose state could be %s; disks alone are "
                  "kept with snapshot_blkdev_internal",
                  what);
    }
    hmp_error(hmp, err);
}

CONTROL_ONLY
static void co_savevm(Hmp *hmp, json_object *args)
{
    refuse(hmp, "saved");
}

const HmpCommand hmp_savevm = {
    .name = "savevm",
    .args = {{"name", HMP_STRING, true}},
    .params = "tag",
    .help = "refused: there is no guest whose state could be kept",
    .co_run = co_savevm,
};

CONTROL_ONLY
static void co_loadvm(Hmp *hmp, json_object *args)
{
    refuse(hmp, "loaded");
}

const HmpCommand hmp_loadvm = {
    .name = "loadvm",
    .args = {{"name", HMP_STRING}},
    .params = "tag",
    .help = "refused: there is no guest whose state could be loaded",
    .co_run = co_loadvm,
};

COROUTINE_ONLY CONTROL_ONLY static void co_delvm(Hmp *hmp, json_object *args)
{
    const char *name = hmp_str(args, "name");
    Error *err = NULL;

    if (!all_know_snapshots(&err)) {
        hmp_error(hmp, err);
        return;
    }
    for (Backend *b = backend_next(NULL); b && !err; b = backend_next(b)) {
        SnapshotInfoList *list = co_list(b);
        Node *node = backend_node(b);

        if (find_named(list, name)) {
            co_graph_lock();
            format_of(node)->co_snapshot_delete(node, NULL, name, &err);
            graph_unlock();
        }
        SnapshotInfoList_free(list);
    }
    hmp_error(hmp, err);
}

const HmpCommand hmp_delvm = {
    .name = "delvm",
    .args = {{"name", HMP_STRING}},
    .params = "tag",
    .help = "delete a state that is kept inside all images",
    .co_run = co_delvm,
};
