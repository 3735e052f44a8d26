/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info snapshots, savevm, loadvm and delvm. */
#include "migration/vm-snapshot.h"
#include "monitor/hmp/commands.h"
#include "text/snapshot-text.h"
#include "util/reactor/reactor.h"

/* --- info snapshots ------------------------------------------------------ */

/* The names of those that every disk has. */
COROUTINE_ONLY CONTROL_ONLY static GHashTable *
co_find_global(const GPtrArray *disks, const SnapshotDisk *keeper)
{
    GHashTable *names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    SnapshotInfoList *list = co_snapshot_disk_list(keeper);

    for (size_t i = 0; list && i < list->n; i++) {
        g_hash_table_add(names, g_strdup(list->v[i]->name));
    }
    SnapshotInfoList_free(list);
    for (guint i = 0; i < disks->len; i++) {
        GHashTableIter iter;
        gpointer name;

        list = co_snapshot_disk_list(disks->pdata[i]);
        g_hash_table_iter_init(&iter, names);
        while (g_hash_table_iter_next(&iter, &name, NULL)) {
            if (!snapshot_named(list, name)) {
                g_hash_table_iter_remove(&iter);
            }
        }
        SnapshotInfoList_free(list);
    }
    return names;
}

COROUTINE_ONLY CONTROL_ONLY static void
co_show_global(Hmp *hmp, const SnapshotDisk *keeper, GHashTable *names)
{
    SnapshotInfoList *list = co_snapshot_disk_list(keeper);

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

COROUTINE_ONLY CONTROL_ONLY static void
co_show_partial(Hmp *hmp, const SnapshotDisk *disk, GHashTable *names)
{
    SnapshotInfoList *list = co_snapshot_disk_list(disk);
    bool any = false;

    for (size_t i = 0; list && i < list->n; i++) {
        if (g_hash_table_contains(names, list->v[i]->name)) {
            continue;
        }
        if (!any) {
            hmp_printf(hmp,
                       "\nList of partial (non-loadable) snapshots on '%s':\n",
                       disk->device);
            snapshot_text_header(hmp->out);
        }
        any = true;
        snapshot_text_row(hmp->out, list->v[i], false);
    }
    SnapshotInfoList_free(list);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_any(const GPtrArray *disks)
{
    bool any = false;

    for (guint i = 0; i < disks->len; i++) {
        SnapshotInfoList *list = co_snapshot_disk_list(disks->pdata[i]);

        any |= list && list->n;
        SnapshotInfoList_free(list);
    }
    return any;
}

COROUTINE_ONLY CONTROL_ONLY static void co_show(Hmp *hmp,
                                                const GPtrArray *disks)
{
    Error *err = NULL;
    const SnapshotDisk *keeper = snapshot_disks_keeper(disks, NULL, &err);
    GHashTable *names;

    if (!keeper) {
        hmp_printf(hmp, "%s\n", error_text(err));
        error_free(err);
        return;
    }
    if (!co_any(disks)) {
        hmp_printf(hmp, "There is no snapshot available.\n");
        return;
    }
    names = co_find_global(disks, keeper);
    co_show_global(hmp, keeper, names);
    for (guint i = 0; i < disks->len; i++) {
        co_show_partial(hmp, disks->pdata[i], names);
    }
    g_hash_table_destroy(names);
}

COROUTINE_ONLY CONTROL_ONLY static void co_info_snapshots(Hmp *hmp,
                                                          json_object *args)
{
    GPtrArray *disks;

    co_graph_lock();
    disks = snapshot_disks(NULL, NULL);
    co_show(hmp, disks);
    g_ptr_array_unref(disks);
    graph_unlock();
}

const HmpCommand hmp_info_snapshots = {
    .name = "snapshots",
    .params = "",
    .help = "show the currently saved VM snapshots",
    .co_run = co_info_snapshots,
};

/* --- savevm, loadvm, delvm ----------------------------------------------- */

/* "vm-20260131235959" */
static char *name_by_date(void)
{
    int64_t now_us = reactor_wall_clock_us();
    g_autoptr(GDateTime) now =
        g_date_time_new_from_unix_local(now_us / 1000000);

    return g_date_time_format(now, "vm-%Y%m%d%H%M%S");
}

COROUTINE_ONLY CONTROL_ONLY static void co_savevm(Hmp *hmp, json_object *args)
{
    const char *name = hmp_str(args, "name");
    g_autofree char *made = name ? NULL : name_by_date();
    Error *err = NULL;

    co_vm_snapshot_save(&(VmSnapshot){.tag = name ? name : made}, true, &err);
    hmp_error(hmp, err);
}

const HmpCommand hmp_savevm = {
    .name = "savevm",
    .args = {{"name", HMP_STRING, true}},
    .params = "tag",
    .help =
        "save a VM snapshot. If no tag is provided, a new snapshot is created",
    .co_run = co_savevm,
};

COROUTINE_ONLY CONTROL_ONLY static void co_loadvm(Hmp *hmp, json_object *args)
{
    Error *err = NULL;

    co_vm_snapshot_load(&(VmSnapshot){.tag = hmp_str(args, "name")}, &err);
    hmp_error(hmp, err);
}

const HmpCommand hmp_loadvm = {
    .name = "loadvm",
    .args = {{"name", HMP_STRING}},
    .params = "tag",
    .help = "restore a VM snapshot from its tag",
    .co_run = co_loadvm,
};

COROUTINE_ONLY CONTROL_ONLY static void co_delvm(Hmp *hmp, json_object *args)
{
    Error *err = NULL;

    co_vm_snapshot_delete(&(VmSnapshot){.tag = hmp_str(args, "name")}, &err);
    hmp_error(hmp, err);
}

const HmpCommand hmp_delvm = {
    .name = "delvm",
    .args = {{"name", HMP_STRING}},
    .params = "tag",
    .help = "delete a VM snapshot from its tag",
    .co_run = co_delvm,
};
