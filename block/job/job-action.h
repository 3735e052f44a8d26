/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that make a job of a disk: alone, and as actions of a transaction.
 *
 * Invariant: the disk stands still while its job is made, whichever node leads
 * to it by then: an action before may have put an image above it.
 */
#ifndef BLOCK_JOB_JOB_ACTION_H
#define BLOCK_JOB_JOB_ACTION_H

#include "block/graph/action.h"
#include "block/job/job.h"

/* Checks the arguments of its command and makes the job, in state "created".
 * NULL with nothing changed. */
typedef Job *CoMakeJob(const void *args, JobTxn *txn, Error **errp);
/* Ends a job that was not started as if it had never been. Does not yield. */
typedef void UndoJob(Job *job);

/* One kind of command. */
typedef struct JobMaker {
    CoMakeJob *co_make;
    UndoJob *undo;
} JobMaker;

/* The touches of an action on the disk @device. */
void job_action_touches(const char *device, GPtrArray *nodes) CONTROL_ONLY;
/* Its co_prepare: the job starts when the transaction is committed. */
bool co_job_action_prepare(const JobMaker *maker, const char *device,
                           const void *args, TransactionContext *ctx,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* The command that is no transaction. Not under the graph lock. */
bool co_job_command(const JobMaker *maker, const char *device, const void *args,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
