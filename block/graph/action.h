/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One action of a QMP `transaction`: each room that offers one defines its
 * `const TransactionHandler txn_handler_NAME`; the generated table names them
 * all, so that an action without a handler does not link.
 *
 * The way of a transaction (block/job/actions.c): every action says which
 * nodes it touches; their roots are quiesced once; each is prepared in order;
 * then all are committed in order or all aborted in reverse.
 */
#ifndef BLOCK_GRAPH_ACTION_H
#define BLOCK_GRAPH_ACTION_H

#include "block/graph/node.h"

struct TransactionAction;
struct JobTxn;

/* What is left to do when a transaction is over and its disks run again, in
 * the order of adding: what may yield. Under the graph lock. */
typedef struct TransactionRest {
    void (*co_fn)(void *opaque);
    void *opaque;
} TransactionRest;

typedef struct TransactionContext {
    /* Jobs of a grouped transaction share it; NULL for individual. */
    struct JobTxn *job_txn;
    bool grouped;
    Txn *txn;
    GArray *rest; /* TransactionRest; NULL: nobody would do it */
} TransactionContext;

/* For a commit or an abort, and for a prepare that failed. */
static inline void transaction_later(GArray *rest, void (*co_fn)(void *opaque),
                                     void *opaque)
{
    TransactionRest entry = {co_fn, opaque};

    g_array_append_val(rest, entry);
}

typedef struct TransactionHandler {
    /* Adds (Node *) those whose users must be still. Nodes that do not exist
     * are left to prepare. NULL: none. */
    void (*touches)(const struct TransactionAction *action, GPtrArray *nodes);
    /* Does all that can fail and adds its undo and commit to ctx->txn. Later
     * actions see its effect. Coroutine on control, graph lock held, may
     * yield. False: it left nothing behind. */
    bool (*co_prepare)(const struct TransactionAction *action,
                       TransactionContext *ctx, Error **errp);
    /* Jobs that use the nodes show one more pause, as with QEMU. */
    bool shows_pause;
    /* It has no part in a transaction whose jobs share their fate. */
    bool never_grouped;
} TransactionHandler;

#endif
