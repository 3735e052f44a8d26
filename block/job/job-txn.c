/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Job transactions: which jobs end together. What their end is, is end.c's.
 */
#include "block/job/internal.h"

JobTxn *job_txn_new(void)
{
    JobTxn *txn = g_new0(JobTxn, 1);

    txn->refs = 1;
    list_init(&txn->jobs);
    coqueue_init(&txn->completed);
    return txn;
}

void job_txn_ref(JobTxn *txn)
{
    txn->refs++;
}

void job_txn_unref(JobTxn *txn)
{
    if (txn && --txn->refs == 0) {
        assert(list_empty(&txn->jobs) && coqueue_empty(&txn->completed));
        g_free(txn);
    }
}
