/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases by QMP: the command, the action of a transaction, the query. */
#include "block/export/lease.h"
#include "block/graph/action.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"

CONTROL_ONLY
static Node *find_filter(const BlockSnapshotLease *args, Error **errp)
{
    Node *node = node_find(args->node_name);

    if (!node) {
        error_set(errp, "Failed to find node with node-name='%s'",
                  args->node_name);
    }
    return node;
}

bool qmp_block_snapshot_lease(const BlockSnapshotLease *args, Error **errp)
{
    Node *filter;
    bool ok;

    co_graph_lock();
    filter = find_filter(args, errp);
    ok = filter && lease_set(filter, args->seconds, errp);
    graph_unlock();
    return ok;
}

BlockSnapshotLeaseInfoList *qmp_query_block_snapshot_leases(Error **errp)
{
    BlockSnapshotLeaseInfoList *list = BlockSnapshotLeaseInfoList_new();
    LeaseInfo lease;

    for (unsigned n = 0; lease_info(n, &lease); n++) {
        BlockSnapshotLeaseInfo *info = g_new0(BlockSnapshotLeaseInfo, 1);

        info->node_name = g_strdup(node_name(lease.filter));
        info->seconds = lease.seconds;
        info->in_use = lease.in_use;
        info->remaining_ms = (uint64_t)MAX(lease.remaining_ns, 0) / 1000000;
        BlockSnapshotLeaseInfoList_append(list, info);
    }
    return list;
}

/* --- as an action of a transaction --------------------------------------- */

typedef struct LeaseAction {
    Node *filter;
    uint32_t seconds; /* before */
} LeaseAction;

/* What was there before can be set again. */
CONTROL_ONLY
static void action_abort(void *opaque)
{
    const LeaseAction *action = opaque;

    lease_set(action->filter, action->seconds, NULL);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    static const TxnOps ops = {.abort = action_abort, .clean = g_free};
    const BlockSnapshotLease *args = action->u.block_snapshot_lease.data;
    Node *filter = find_filter(args, errp);
    LeaseAction *undo;
    uint32_t before;

    if (!filter) {
        return false;
    }
    before = lease_seconds(filter);
    if (!lease_set(filter, args->seconds, errp)) {
        return false;
    }
    undo = g_new(LeaseAction, 1);
    *undo = (LeaseAction){filter, before};
    txn_add(ctx->txn, &ops, undo);
    return true;
}

const TransactionHandler txn_handler_block_snapshot_lease = {
    .co_prepare = co_action_prepare,
};
