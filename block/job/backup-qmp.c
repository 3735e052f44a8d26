/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blockdev-backup and drive-backup, as QMP commands and as actions of a
 * transaction. */
#include "block/graph/action.h"
#include "block/graph/quiesce.h"
#include "block/job/backup.h"
#include "qapi/qapi-commands.h"

COROUTINE_ONLY CONTROL_ONLY static Job *
co_backup_prepare(const BlockdevBackup *args, JobTxn *txn, Error **errp)
{
    BackupParams params;

    return backup_check(args, &params, errp)
               ? co_backup_create(&params, txn, errp)
               : NULL;
}

bool qmp_blockdev_backup(const BlockdevBackup *args, Error **errp)
{
    Quiesce *section;
    Node *source;
    Job *job;

    co_graph_lock();
    source = node_lookup(args->device, args->device, NULL);
    section = co_quiesce_begin(&source, source ? 1 : 0);
    job = co_backup_prepare(args, NULL, errp);
    if (job) {
        job_start(job);
    }
    quiesce_end(section);
    graph_unlock();
    co_jobs_take_turn();
    return job != NULL;
}

bool qmp_drive_backup(const DriveBackup *args, Error **errp)
{
    Quiesce *section;
    Node *source;
    Job *job;

    co_graph_lock();
    source = node_lookup(args->device, args->device, NULL);
    section = co_quiesce_begin(&source, source ? 1 : 0);
    job = co_drive_backup_prepare(args, NULL, errp);
    if (job) {
        job_start(job);
    }
    quiesce_end(section);
    graph_unlock();
    co_jobs_take_turn();
    return job != NULL;
}

CONTROL_ONLY
static void action_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const char *device = action->u.blockdev_backup.data->device;
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
    backup_undo(opaque);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    static const TxnOps ops = {.commit = action_commit, .abort = action_abort};
    Job *job =
        co_backup_prepare(action->u.blockdev_backup.data, ctx->job_txn, errp);

    if (job) {
        txn_add(ctx->txn, &ops, job);
    }
    return job != NULL;
}

const TransactionHandler txn_handler_blockdev_backup = {
    .touches = action_touches,
    .co_prepare = co_action_prepare,
};

CONTROL_ONLY
static void drive_touches(const TransactionAction *action, GPtrArray *nodes)
{
    const char *device = action->u.drive_backup.data->device;
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
    Job *job = co_drive_backup_prepare(action->u.drive_backup.data,
                                       ctx->job_txn, errp);

    if (job) {
        txn_add(ctx->txn, &ops, job);
    }
    return job != NULL;
}

const TransactionHandler txn_handler_drive_backup = {
    .touches = drive_touches,
    .co_prepare = co_drive_prepare,
};
