/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blockdev-backup and drive-backup, as actions of a transaction. */
#include "block/graph/action.h"
#include "block/job/backup.h"
#include "qapi/qapi-transaction.h"

CONTROL_ONLY
static void touch(const char *device, GPtrArray *nodes)
{
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

/* @job NULL: it could not be made. */
CONTROL_ONLY
static bool start_later(Job *job, TransactionContext *ctx)
{
    static const TxnOps ops = {.commit = action_commit, .abort = action_abort};

    if (job) {
        txn_add(ctx->txn, &ops, job);
    }
    return job != NULL;
}

/* --- blockdev-backup ----------------------------------------------------- */

CONTROL_ONLY
static void blockdev_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.blockdev_backup.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_blockdev_prepare(const TransactionAction *action, TransactionContext *ctx,
                    Error **errp)
{
    BackupParams params;

    return backup_check(action->u.blockdev_backup.data, &params, errp) &&
           start_later(co_backup_create(&params, ctx->job_txn, errp), ctx);
}

const TransactionHandler txn_handler_blockdev_backup = {
    .touches = blockdev_touches,
    .co_prepare = co_blockdev_prepare,
};

/* --- drive-backup -------------------------------------------------------- */

CONTROL_ONLY
static void drive_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.drive_backup.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_drive_prepare(const TransactionAction *action, TransactionContext *ctx,
                 Error **errp)
{
    return start_later(co_drive_backup_prepare(action->u.drive_backup.data,
                                               ctx->job_txn, errp),
                       ctx);
}

const TransactionHandler txn_handler_drive_backup = {
    .touches = drive_touches,
    .co_prepare = co_drive_prepare,
};
