/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that do what the action of the same name does. */
#include "block/job/actions.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"

COROUTINE_ONLY CONTROL_ONLY static bool
co_run_alone(const TransactionHandler *handler, const TransactionAction *action,
             Error **errp)
{
    return co_actions_run(&(ActionStep){handler, action}, 1, false, errp);
}

/* An action owns its arguments; whoever handles one only reads them, so the
 * casts are sound. */

bool qmp_blockdev_backup(const BlockdevBackup *args, Error **errp)
{
    TransactionAction action = {
        .type = TRANSACTION_ACTION_KIND_BLOCKDEV_BACKUP,
        .u.blockdev_backup.data = (BlockdevBackup *)args,
    };

    return co_run_alone(&txn_handler_blockdev_backup, &action, errp);
}

bool qmp_drive_backup(const DriveBackup *args, Error **errp)
{
    TransactionAction action = {
        .type = TRANSACTION_ACTION_KIND_DRIVE_BACKUP,
        .u.drive_backup.data = (DriveBackup *)args,
    };

    return co_run_alone(&txn_handler_drive_backup, &action, errp);
}

bool qmp_blockdev_snapshot(const BlockdevSnapshot *args, Error **errp)
{
    TransactionAction action = {
        .type = TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT,
        .u.blockdev_snapshot.data = (BlockdevSnapshot *)args,
    };

    return co_run_alone(&txn_handler_blockdev_snapshot, &action, errp);
}

bool qmp_blockdev_snapshot_sync(const BlockdevSnapshotSync *args, Error **errp)
{
    TransactionAction action = {
        .type = TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT_SYNC,
        .u.blockdev_snapshot_sync.data = (BlockdevSnapshotSync *)args,
    };

    return co_run_alone(&txn_handler_blockdev_snapshot_sync, &action, errp);
}

bool qmp_blockdev_snapshot_internal_sync(const BlockdevSnapshotInternal *args,
                                         Error **errp)
{
    TransactionAction action = {
        .type = TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT_INTERNAL_SYNC,
        .u.blockdev_snapshot_internal_sync.data =
            (BlockdevSnapshotInternal *)args,
    };

    return co_run_alone(&txn_handler_blockdev_snapshot_internal_sync, &action,
                        errp);
}
