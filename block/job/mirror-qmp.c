/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blockdev-mirror and drive-mirror, as QMP commands and as actions of a
 * transaction. */
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
    co_jobs_take_turn();
    return job != NULL;
}

CONTROL_ONLY
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

/* --- drive-mirror ----------------------------------------------------------
 */

bool qmp_drive_mirror(const DriveMirror *args, Error **errp)
{
    Quiesce *section;
    Node *source;
    Job *job;

    co_graph_lock();
    source = node_lookup(args->device, args->device, NULL);
    section = co_quiesce_begin(&source, source ? 1 : 0);
    job = co_drive_mirror_prepare(args, NULL, errp);
    quiesce_end(section);
    if (job) {
        job_start(job);
    }
    graph_unlock();
    co_jobs_take_turn();
    return job != NULL;
}

CONTROL_ONLY
static void drive_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const char *device = action->u.drive_mirror.data->device;
    Node *source = node_lookup(device, device, NULL);

    if (source) {
        g_ptr_array_add(nodes, source);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_drive_prepare(const TransactionAction *action, TransactionContext *ctx,
                 Error **errp)
{
    static const TxnOps ops = {.commit = action_commit, .abort = action_abort};
    Job *job = co_drive_mirror_prepare(action->u.drive_mirror.data,
                                       ctx->job_txn, errp);

    if (job) {
        txn_add(ctx->txn, &ops, job);
    }
    return job != NULL;
}

const TransactionHandler txn_handler_drive_mirror = {
    .touches = drive_touches,
    .co_prepare = co_drive_prepare,
};
