/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blockdev-snapshot-internal-sync, as a command and as an action, and
 * blockdev-snapshot-delete-internal-sync: snapshots inside an image.
 *
 * Invariants:
 * 1. The disk's users are held while its image changes.
 * 2. A snapshot of a transaction that is undone is deleted again, before
 *    anything else happens to the graph.
 */
#include "block/graph/action.h"
#include "block/graph/format.h"
#include "block/graph/op-blocker.h"
#include "block/graph/quiesce.h"
#include "block/graph/snapshot.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

/* --- what is there ------------------------------------------------------- */

/* The one with that id and that name, where they are given; NULL: none. */
static const SnapshotInfo *find(const SnapshotInfoList *list, const char *id,
                                const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        const SnapshotInfo *info = list->v[i];

        if ((!id || !strcmp(info->id, id)) &&
            (!name || !strcmp(info->name, name))) {
            return info;
        }
    }
    return NULL;
}

COROUTINE_ONLY CONTROL_ONLY static SnapshotInfoList *co_list(Node *node,
                                                             Error **errp)
{
    const FormatOps *format = node->driver->format;

    if (!format || !format->co_snapshot_list) {
        error_set(errp, "Failed to get a snapshot list: %s",
                  strerror(EOPNOTSUPP));
        return NULL;
    }
    return format->co_snapshot_list(node, errp);
}

/* --- blockdev-snapshot-internal-sync ------------------------------------- */

static bool check_node(const Node *node, const char *device, Error **errp)
{
    const FormatOps *format = node->driver->format;

    if (!node_op_allowed(node, NODE_OP_INTERNAL_SNAPSHOT, errp)) {
        return false;
    }
    if (node->read_only && !node->inactive) {
        error_set(errp, "Device '%s' is read only", device);
        return false;
    }
    /* One that is another process's has none to QEMU. */
    if (!format || !format->co_snapshot_create || node->inactive) {
        error_set(errp,
                  "Block format '%s' used by device '%s' does not support "
                  "internal snapshots",
                  node->driver->name, device);
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_check_name(Node *node, const BlockdevSnapshotInternal *args, Error **errp)
{
    SnapshotInfoList *list;
    bool taken;

    if (!*args->name) {
        error_set(errp, "Name is empty");
        return false;
    }
    list = co_list(node, errp);
    if (!list) {
        return false;
    }
    taken = find(list, NULL, args->name);
    SnapshotInfoList_free(list);
    if (taken) {
        error_set(errp, "Snapshot with name '%s' already exists on device '%s'",
                  args->name, args->device);
    }
    return !taken;
}

static int64_t (*guest_clock_fn)(void); /* CONST after the start */

void internal_snapshots_use_clock(int64_t (*ran_ns)(void))
{
    guest_clock_fn = ran_ns;
}

SnapshotMoment internal_snapshot_moment(void)
{
    int64_t now_us = reactor_wall_clock_us();

    /* Without a machine there is no other clock: QEMU's daemon shows the date
     * there, too. */
    return (SnapshotMoment){
        .date_sec = now_us / 1000000,
        .date_nsec = now_us % 1000000 * 1000,
        .vm_clock_nsec = guest_clock_fn ? guest_clock_fn() : now_us * 1000,
        .icount = UINT64_MAX,
    };
}

/* Its users are held. *@id is the caller's; may be NULL. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_create(Node *node, const BlockdevSnapshotInternal *args, char **id,
          Error **errp)
{
    const SnapshotMoment moment = internal_snapshot_moment();
    Error *err = NULL;
    int ret;

    if (!check_node(node, args->device, errp) ||
        !co_check_name(node, args, errp)) {
        return false;
    }
    ret = node->driver->format->co_snapshot_create(node, args->name, &moment,
                                                   id, &err);
    if (ret < 0) {
        error_set(errp, "Failed to create snapshot '%s' on device '%s': %s",
                  args->name, args->device,
                  err ? error_text(err) : strerror(-ret));
        error_free(err);
    }
    return ret == 0;
}

/* --- the action ---------------------------------------------------------- */

typedef struct Made {
    Node *node; /* with a reference */
    char *id;
    GArray *rest; /* of the transaction */
} Made;

COROUTINE_ONLY CONTROL_ONLY static void co_forget(void *opaque)
{
    Made *made = opaque;

    co_node_unref(made->node);
    g_free(made->id);
    g_free(made);
}

COROUTINE_ONLY CONTROL_ONLY static void co_take_back(void *opaque)
{
    Made *made = opaque;
    Quiesce *section = co_quiesce_begin(&made->node, 1);
    Error *err = NULL;

    if (made->node->driver->format->co_snapshot_delete(made->node, made->id,
                                                       NULL, &err) < 0) {
        error_report("Could not delete snapshot '%s' of '%s': %s", made->id,
                     node_name(made->node), error_text(err));
        error_free(err);
    }
    quiesce_end(section);
    co_forget(made);
}

static void made_commit(void *opaque)
{
    transaction_later(((Made *)opaque)->rest, co_forget, opaque);
}

static void made_abort(void *opaque)
{
    transaction_later(((Made *)opaque)->rest, co_take_back, opaque);
}

static const TxnOps made_ops = {.commit = made_commit, .abort = made_abort};

CONTROL_ONLY
static void action_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const char *device = action->u.blockdev_snapshot_internal_sync.data->device;
    Node *node = node_lookup(device, device, NULL);

    if (node) {
        g_ptr_array_add(nodes, node);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    const BlockdevSnapshotInternal *args =
        action->u.blockdev_snapshot_internal_sync.data;
    Node *node = node_lookup_root(args->device, errp);
    Made *made;
    char *id;

    if (!node || !co_create(node, args, &id, errp)) {
        return false;
    }
    node_ref(node);
    made = g_new(Made, 1);
    *made = (Made){node, id, ctx->rest};
    txn_add(ctx->txn, &made_ops, made);
    return true;
}

const TransactionHandler txn_handler_blockdev_snapshot_internal_sync = {
    .touches = action_touches,
    .co_prepare = co_action_prepare,
    .never_grouped = true,
};

/* --- blockdev-snapshot-delete-internal-sync ------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static SnapshotInfo *
co_find(Node *node, const QmpBlockdevSnapshotDeleteInternalSyncArgs *args,
        Error **errp)
{
    SnapshotInfoList *list = co_list(node, errp);
    const SnapshotInfo *found;
    SnapshotInfo *copy = NULL;

    if (!list) {
        return NULL;
    }
    found = find(list, args->id, args->name);
    if (found) {
        copy = SnapshotInfo_clone(found);
    } else {
        error_set(errp,
                  "Snapshot with id '%s' and name '%s' does not exist on "
                  "device '%s'",
                  args->id ? args->id : "null",
                  args->name ? args->name : "null", args->device);
    }
    SnapshotInfoList_free(list);
    return copy;
}

COROUTINE_ONLY CONTROL_ONLY static SnapshotInfo *
co_delete(Node *node, const QmpBlockdevSnapshotDeleteInternalSyncArgs *args,
          Error **errp)
{
    SnapshotInfo *info;

    if (!node_op_allowed(node, NODE_OP_INTERNAL_SNAPSHOT, errp)) {
        return NULL;
    }
    if (!args->id && !args->name) {
        error_set(errp, "Name or id must be provided");
        return NULL;
    }
    info = co_find(node, args, errp);
    if (info && node->driver->format->co_snapshot_delete(
                    node, info->id, info->name, errp) < 0) {
        SnapshotInfo_free(info);
        return NULL;
    }
    return info;
}

SnapshotInfo *qmp_blockdev_snapshot_delete_internal_sync(
    const QmpBlockdevSnapshotDeleteInternalSyncArgs *args, Error **errp)
{
    SnapshotInfo *info = NULL;
    Quiesce *section;
    Node *node;

    co_graph_lock();
    node = node_lookup_root(args->device, errp);
    if (node) {
        section = co_quiesce_begin(&node, 1);
        info = co_delete(node, args, errp);
        quiesce_end(section);
    }
    graph_unlock();
    return info;
}
