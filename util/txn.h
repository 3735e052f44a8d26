/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction: changes made tentatively one after the other, then all kept
 * (commit, in order) or all undone (abort, in reverse). `clean` runs for
 * every part after either.
 *
 * Invariants: commit and abort cannot fail and do not yield. A transaction is
 * ended exactly once.
 */
#ifndef UTIL_TXN_H
#define UTIL_TXN_H

#include "util/common.h"

typedef struct Txn Txn;

typedef struct TxnOps {
    void (*commit)(void *opaque); /* may be NULL */
    void (*abort)(void *opaque);  /* may be NULL */
    void (*clean)(void *opaque);  /* may be NULL; g_free to free @opaque */
} TxnOps;

Txn *txn_new(void);
void txn_add(Txn *txn, const TxnOps *ops, void *opaque);
/* @inner ends as @txn does. */
void txn_add_txn(Txn *txn, Txn *inner);
/* Both free @txn. */
void txn_commit(Txn *txn);
void txn_abort(Txn *txn);
/* @ok ? commit : abort; returns @ok. */
bool txn_end(Txn *txn, bool ok);

#endif
