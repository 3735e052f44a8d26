/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blockdev-mirror and drive-mirror, as QMP commands and as actions of a
 * transaction.
 */
#include "block/graph/action.h"
#include "block/graph/quiesce.h"
#include "block/job/mirror.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"

/* --- what both share ----------------------------------------------------- */

/* Checks the arguments of its command and makes the job. */
typedef Job *CoMake(const void *args, JobTxn *txn, Error **errp);

/* The disk @device, if there is one, stands still meanwhile. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_start(const char *device, CoMake *co_make, const void *args, Error **errp)
{
    Quiesce *section;
    Node *source;
    Job *job;

    co_graph_lock();
    source = node_lookup(device, device, NULL);
    section = co_quiesce_begin(&source, source ? 1 : 0);
    job = co_make(args, NULL, errp);
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
    mirror_undo(opaque);
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

/* --- blockdev-mirror ----------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Job *
co_make_blockdev(const void *args, JobTxn *txn, Error **errp)
{
    MirrorParams params;

    return mirror_check(args, &params, errp)
               ? co_mirror_create(&params, txn, errp)
               : NULL;
}

bool qmp_blockdev_mirror(const BlockdevMirror *args, Error **errp)
{
    return co_start(args->device, co_make_blockdev, args, errp);
}

CONTROL_ONLY
static void blockdev_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.blockdev_mirror.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_blockdev_prepare(const TransactionAction *action, TransactionContext *ctx,
                    Error **errp)
{
    return start_later(
        co_make_blockdev(action->u.blockdev_mirror.data, ctx->job_txn, errp),
        ctx);
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

bool qmp_drive_mirror(const DriveMirror *args, Error **errp)
{
    return co_start(args->device, co_make_drive, args, errp);
}

CONTROL_ONLY
static void drive_touches(const TransactionAction *action, GPtrArray *nodes)
{
    touch(action->u.drive_mirror.data->device, nodes);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_drive_prepare(const TransactionAction *action, TransactionContext *ctx,
                 Error **errp)
{
    return start_later(
        co_make_drive(action->u.drive_mirror.data, ctx->job_txn, errp), ctx);
}

const TransactionHandler txn_handler_drive_mirror = {
    .touches = drive_touches,
    .co_prepare = co_drive_prepare,
};
