/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blockdev-mirror and drive-mirror, as QMP commands and as actions of a
 * transaction.
 */
#include "block/job/job-action.h"
#include "block/job/mirror.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"

/* --- blockdev-mirror ----------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Job *
co_make_blockdev(const void *args, JobTxn *txn, Error **errp)
{
    MirrorParams params;

    return mirror_check(args, &params, errp)
               ? co_mirror_create(&params, txn, errp)
               : NULL;
}

static const JobMaker blockdev_maker = {co_make_blockdev, mirror_undo};

bool qmp_blockdev_mirror(const BlockdevMirror *args, Error **errp)
{
    return co_job_command(&blockdev_maker, args->device, args, errp);
}

CONTROL_ONLY
static void blockdev_touches(const TransactionAction *action, GPtrArray *nodes)
{
    job_action_touches(action->u.blockdev_mirror.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_blockdev_prepare(const TransactionAction *action, TransactionContext *ctx,
                    Error **errp)
{
    const BlockdevMirror *args = action->u.blockdev_mirror.data;

    return co_job_action_prepare(&blockdev_maker, args->device, args, ctx,
                                 errp);
}

const TransactionHandler txn_handler_blockdev_mirror = {
    .touches = blockdev_touches,
    .co_prepare = co_blockdev_prepare,
};

/* --- drive-mirror -------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Job *co_make_drive(const void *args,
                                                      JobTxn *txn, Error **errp)
{
    return co_drive_mirror_prepare(args, txn, errp);
}

static const JobMaker drive_maker = {co_make_drive, mirror_undo};

bool qmp_drive_mirror(const DriveMirror *args, Error **errp)
{
    return co_job_command(&drive_maker, args->device, args, errp);
}

CONTROL_ONLY
static void drive_touches(const TransactionAction *action, GPtrArray *nodes)
{
    job_action_touches(action->u.drive_mirror.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_drive_prepare(const TransactionAction *action, TransactionContext *ctx,
                 Error **errp)
{
    const DriveMirror *args = action->u.drive_mirror.data;

    return co_job_action_prepare(&drive_maker, args->device, args, ctx, errp);
}

const TransactionHandler txn_handler_drive_mirror = {
    .touches = drive_touches,
    .co_prepare = co_drive_prepare,
};
