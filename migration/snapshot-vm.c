/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving, loading and deleting snapshots of the machine: see vm-snapshot.h.
 *
 * The state is what a machine without a guest has: how long it has run. It
 * begins with a mark, so that no other program's is taken for it.
 */
#include "block/bitmap/bitmap.h"
#include "block/graph/format.h"
#include "block/graph/quiesce.h"
#include "block/graph/snapshot.h"
#include "devices/run-state.h"
#include "migration/vm-snapshot.h"
#include "util/be.h"

#define STATE_MARK UINT64_C(0x74646d6b766d7331) /* "tdmkvms1" */

typedef struct VmState {
    Be64 mark;
    Be64 clock_ns;
} VmState;

/* --- the disks of one command -------------------------------------------- */

/* Under the graph lock: the disks, and their users held. */
typedef struct Held {
    GPtrArray *disks;
    Quiesce *section;
} Held;

COROUTINE_ONLY CONTROL_ONLY static bool co_hold(Held *h, const StrList *names,
                                                Error **errp)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    co_graph_lock();
    h->disks = snapshot_disks(names, errp);
    if (!h->disks || !snapshot_disks_able(h->disks, errp)) {
        if (h->disks) {
            g_ptr_array_unref(h->disks);
            h->disks = NULL;
        }
        graph_unlock();
        return false;
    }
    for (guint i = 0; i < h->disks->len; i++) {
        g_ptr_array_add(nodes, ((SnapshotDisk *)h->disks->pdata[i])->top);
    }
    h->section = co_quiesce_begin((Node *const *)nodes->pdata, nodes->len);
    return true;
}

CONTROL_ONLY
static void let_go(Held *h)
{
    quiesce_end(h->section);
    g_ptr_array_unref(h->disks);
    graph_unlock();
}

static const char *shown(const SnapshotDisk *disk)
{
    return *disk->device ? disk->device : node_name(disk->top);
}

static const FormatOps *format_of(const SnapshotDisk *disk)
{
    return disk->node->driver->format;
}

/* The snapshot of @disk with that name; NULL: none. The caller frees it. */
COROUTINE_ONLY CONTROL_ONLY static SnapshotInfo *
co_find(const SnapshotDisk *disk, const char *tag)
{
    SnapshotInfoList *list = co_snapshot_disk_list(disk);
    const SnapshotInfo *found = snapshot_named(list, tag);
    SnapshotInfo *copy = found ? SnapshotInfo_clone(found) : NULL;

    SnapshotInfoList_free(list);
    return copy;
}

/* How many disks have it. */
COROUTINE_ONLY CONTROL_ONLY static guint co_count(const GPtrArray *disks,
                                                  const char *tag)
{
    guint n = 0;

    for (guint i = 0; i < disks->len; i++) {
        SnapshotInfo *info = co_find(disks->pdata[i], tag);

        n += info != NULL;
        SnapshotInfo_free(info);
    }
    return n;
}

/* --- delete -------------------------------------------------------------- */

typedef bool SnapshotStep(const SnapshotDisk *disk, const SnapshotInfo *info,
                          Error **errp);

/* Does @co_step, which users know as @verb, to each disk that has the snapshot,
 * up to the first that fails. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_for_all(const GPtrArray *disks, const char *tag, const char *verb,
           SnapshotStep *co_step, Error **errp)
{
    for (guint i = 0; i < disks->len; i++) {
        const SnapshotDisk *disk = disks->pdata[i];
        SnapshotInfo *info = co_find(disk, tag);
        bool ok = !info || co_step(disk, info, errp);

        SnapshotInfo_free(info);
        if (!ok) {
            error_prepend(errp, "Could not %s snapshot '%s' on '%s': ", verb,
                          tag, shown(disk));
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_delete(const SnapshotDisk *disk, const SnapshotInfo *info, Error **errp)
{
    return format_of(disk)->co_snapshot_delete(disk->node, info->id, info->name,
                                               errp) >= 0;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_delete_all(const GPtrArray *disks, const char *tag, Error **errp)
{
    return co_for_all(disks, tag, "delete", co_delete, errp);
}

bool co_vm_snapshot_delete(const VmSnapshot *which, Error **errp)
{
    Held held;
    bool ok;

    if (!co_hold(&held, which->nodes, errp)) {
        return false;
    }
    ok = co_delete_all(held.disks, which->tag, errp);
    let_go(&held);
    return ok;
}

/* --- save ---------------------------------------------------------------- */

/* False: also when only some of the disks have one. */
COROUTINE_ONLY CONTROL_ONLY static bool co_make_all(const GPtrArray *disks,
                                                    const SnapshotDisk *keeper,
                                                    const char *tag,
                                                    Error **errp)
{
    VmState state = {be64(STATE_MARK), be64(run_state_clock_ns())};
    int ret = format_of(keeper)->co_vm_state_write(keeper->node, 0,
                                                   sizeof(state), &state);

    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not save the state on '%s'",
                        shown(keeper));
        return false;
    }
    for (guint i = 0; i < disks->len; i++) {
        const SnapshotDisk *disk = disks->pdata[i];
        SnapshotMoment moment = internal_snapshot_moment();

        moment.vm_state_bytes = disk == keeper ? sizeof(state) : 0;
        if (format_of(disk)->co_snapshot_create(disk->node, tag, &moment, NULL,
                                                errp) < 0) {
            error_prepend(errp, "Could not create snapshot '%s' on '%s': ", tag,
                          shown(disk));
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_save_held(const GPtrArray *disks,
                                                     const VmSnapshot *which,
                                                     bool replace, Error **errp)
{
    const SnapshotDisk *keeper;

    if (!replace && co_count(disks, which->tag)) {
        error_set(errp, "Snapshot '%s' already exists in one or more devices",
                  which->tag);
        return false;
    }
    keeper = snapshot_disks_keeper(disks, which->state_node, errp);
    if (!keeper || !co_delete_all(disks, which->tag, errp)) {
        return false;
    }
    if (run_state_get() == RUN_STATE_RUNNING) {
        run_state_set(RUN_STATE_SAVE_VM);
    }
    if (!co_make_all(disks, keeper, which->tag, errp)) {
        co_delete_all(disks, which->tag, NULL);
        return false;
    }
    return true;
}

bool co_vm_snapshot_save(const VmSnapshot *which, bool replace, Error **errp)
{
    Held held;
    bool ok;

    if (!co_hold(&held, which->nodes, errp)) {
        return false;
    }
    ok = co_save_held(held.disks, which, replace, errp);
    let_go(&held);
    if (run_state_get() == RUN_STATE_SAVE_VM) {
        run_state_set(RUN_STATE_RUNNING);
    }
    return ok;
}

/* --- load ---------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_check_state(const SnapshotDisk *keeper, const char *tag, Error **errp)
{
    SnapshotInfo *info = co_find(keeper, tag);
    int64_t bytes = info->vm_state_size;

    SnapshotInfo_free(info);
    if (!bytes) {
        error_set(errp, "This is a disk-only snapshot. Revert to it  offline "
                        "using qemu-img");
    } else if (bytes != sizeof(VmState)) {
        error_set(errp,
                  "Snapshot '%s' has the state of a guest, and this machine "
                  "has none. Revert to it offline using qemu-img",
                  tag);
    }
    return bytes == sizeof(VmState);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_check_disks(const GPtrArray *disks, const char *tag, Error **errp)
{
    for (guint i = 0; i < disks->len; i++) {
        const SnapshotDisk *disk = disks->pdata[i];

        if (bitmap_next(disk->node, NULL)) {
            error_set(errp,
                      "Could not load snapshot '%s' on '%s': Device has active "
                      "dirty bitmaps",
                      tag, shown(disk));
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply(const SnapshotDisk *disk, const SnapshotInfo *info, Error **errp)
{
    return format_of(disk)->co_snapshot_apply(disk->node, info->id, errp) >= 0;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_take_state(const SnapshotDisk *keeper, Error **errp)
{
    VmState state;
    int ret = format_of(keeper)->co_vm_state_read(keeper->node, 0,
                                                  sizeof(state), &state);

    if (ret == 0 && be64_get(state.mark) != STATE_MARK) {
        ret = -EINVAL;
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Error %d while loading VM state", ret);
        return false;
    }
    run_state_set_clock_ns(be64_get(state.clock_ns));
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_load_held(const GPtrArray *disks, const VmSnapshot *which, Error **errp)
{
    const SnapshotDisk *keeper;

    if (co_count(disks, which->tag) < disks->len) {
        error_set(errp, "Snapshot '%s' does not exist in one or more devices",
                  which->tag);
        return false;
    }
    keeper = snapshot_disks_keeper(disks, which->state_node, errp);
    return keeper && co_check_state(keeper, which->tag, errp) &&
           co_check_disks(disks, which->tag, errp) &&
           co_for_all(disks, which->tag, "load", co_apply, errp) &&
           co_take_state(keeper, errp);
}

bool co_vm_snapshot_load(const VmSnapshot *which, Error **errp)
{
    bool ran = run_state_get() == RUN_STATE_RUNNING, ok;
    Held held;

    if (ran) {
        run_state_set(RUN_STATE_RESTORE_VM);
    }
    if (!co_hold(&held, which->nodes, errp)) {
        return false;
    }
    ok = co_load_held(held.disks, which, errp);
    let_go(&held);
    if (ok && ran) {
        run_state_set(RUN_STATE_RUNNING);
    }
    return ok;
}
