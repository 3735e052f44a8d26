/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that make a job of a disk. */
#include "block/job/job-action.h"

#include "block/graph/quiesce.h"

COROUTINE_ONLY CONTROL_ONLY static Job *co_make_still(const JobMaker *maker,
                                                      const char *device,
                                                      const void *args,
                                                      JobTxn *txn, Error **errp)
{
    Node *source = node_lookup(device, device, NULL);
    Quiesce *section = co_quiesce_begin(&source, source ? 1 : 0);
    Job *job = maker->co_make(args, txn, errp);

    quiesce_end(section);
    return job;
}

bool co_job_command(const JobMaker *maker, const char *device, const void *args,
                    Error **errp)
{
    Job *job;

    co_graph_lock();
    job = co_make_still(maker, device, args, NULL, errp);
    /* After the section, so that it does not show as a pause. */
    if (job) {
        job_start(job);
    }
    graph_unlock();
    co_jobs_take_turn();
    return job != NULL;
}

void job_action_touches(const char *device, GPtrArray *nodes)
{
    Node *source = node_lookup(device, device, NULL);

    if (source) {
        g_ptr_array_add(nodes, source);
    }
}

typedef struct Made {
    Job *job;
    UndoJob *undo;
} Made;

CONTROL_ONLY
static void made_commit(void *opaque)
{
    const Made *made = opaque;

    job_start(made->job);
}

CONTROL_ONLY
static void made_abort(void *opaque)
{
    const Made *made = opaque;

    made->undo(made->job);
}

bool co_job_action_prepare(const JobMaker *maker, const char *device,
                           const void *args, TransactionContext *ctx,
                           Error **errp)
{
    static const TxnOps ops = {
        .commit = made_commit,
        .abort = made_abort,
        .clean = g_free,
    };
    Job *job = co_make_still(maker, device, args, ctx->job_txn, errp);
    Made *made;

    if (!job) {
        return false;
    }
    made = g_new(Made, 1);
    *made = (Made){job, maker->undo};
    txn_add(ctx->txn, &ops, made);
    return true;
}
