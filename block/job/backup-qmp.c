/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blockdev-backup and drive-backup, as actions of a transaction. */
#include "block/job/backup.h"
#include "block/job/job-action.h"
#include "qapi/qapi-transaction.h"

/* --- blockdev-backup ----------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Job *
co_make_blockdev(const void *args, JobTxn *txn, Error **errp)
{
    BackupParams params;

    return backup_check(args, &params, errp)
               ? co_backup_create(&params, txn, errp)
               : NULL;
}

CONTROL_ONLY
static void blockdev_touches(const TransactionAction *action, GPtrArray *nodes)
{
    job_action_touches(action->u.blockdev_backup.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_blockdev_prepare(const TransactionAction *action, TransactionContext *ctx,
                    Error **errp)
{
    static const JobMaker maker = {co_make_blockdev, backup_undo};
    const BlockdevBackup *args = action->u.blockdev_backup.data;

    return co_job_action_prepare(&maker, args->device, args, ctx, errp);
}

const TransactionHandler txn_handler_blockdev_backup = {
    .touches = blockdev_touches,
    .co_prepare = co_blockdev_prepare,
    .shows_pause = true,
};

/* --- drive-backup -------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Job *co_make_drive(const void *args,
                                                      JobTxn *txn, Error **errp)
{
    return co_drive_backup_prepare(args, txn, errp);
}

CONTROL_ONLY
static void drive_touches(const TransactionAction *action, GPtrArray *nodes)
{
    job_action_touches(action->u.drive_backup.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_drive_prepare(const TransactionAction *action, TransactionContext *ctx,
                 Error **errp)
{
    static const JobMaker maker = {co_make_drive, backup_undo};
    const DriveBackup *args = action->u.drive_backup.data;

    return co_job_action_prepare(&maker, args->device, args, ctx, errp);
}

const TransactionHandler txn_handler_drive_backup = {
    .touches = drive_touches,
    .co_prepare = co_drive_prepare,
    .shows_pause = true,
};
