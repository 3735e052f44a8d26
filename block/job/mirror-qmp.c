/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blockdev-mirror, as a QMP command and as an action of a transaction. */
#include "block/graph/action.h"
#include "block/job/mirror.h"
#include "qapi/qapi-commands.h"

COROUTINE_ONLY CONTROL_ONLY static Job *
co_mirror_ready(const BlockdevMirror *args, JobTxn *txn, Error **errp)
{
    MirrorParams params;

    return mirror_check(args, &params, errp)
               ? co_mirror_create(&params, txn, errp)
               : NULL;
}

bool qmp_blockdev_mirror(const BlockdevMirror *args, Error **errp)
{
    Quiesce *section;
    Node *source;
    Job *job;

    co_graph_lock();
    source = node_lookup(args->device, args->device, NULL);
    section = co_quiesce_begin(&source, source ? 1 : 0);
    job = co_mirror_ready(args, NULL, errp);
    quiesce_end(section);
    /* After the section, so that it does not show as a pause. */
    if (job) {
        job_start(job);
    }
    graph_unlock();
    return job != NULL;
}

static void action_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const char *device = action->u.blockdev_mirror.data->device;
    Node *source = node_lookup(device, device, NULL);

    if (source) {
        g_ptr_array_add(nodes, source);
    }
}

CONTROL_ONLY
static void action_commit(void *opaque)
{
    job_start(opaque);
}

CONTROL_ONLY
static void action_abort(void *opaque)
{
    mirror_undo(opaque);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    static const TxnOps ops = {.commit = action_commit, .abort = action_abort};
    Job *job =
        co_mirror_ready(action->u.blockdev_mirror.data, ctx->job_txn, errp);

    if (job) {
        txn_add(ctx->txn, &ops, job);
    }
    return job != NULL;
}

const TransactionHandler txn_handler_blockdev_mirror = {
    .touches = action_touches,
    .co_prepare = co_action_prepare,
};
