/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions: a list of parts, run forwards to commit, backwards to abort. */
#include "util/txn.h"
#include "util/sim.h"

typedef struct TxnPart {
    const TxnOps *ops;
    void *opaque;
} TxnPart;

struct Txn {
    GArray *parts; /* of TxnPart */
    bool ending;
};

Txn *txn_new(void)
{
    Txn *txn = g_new0(Txn, 1);

    txn->parts = g_array_new(false, false, sizeof(TxnPart));
    return txn;
}

void txn_add(Txn *txn, const TxnOps *ops, void *opaque)
{
    TxnPart part = {.ops = ops, .opaque = opaque};

    assert(!txn->ending);
    g_array_append_val(txn->parts, part);
}

static void txn_clean(Txn *txn)
{
    for (guint i = 0; i < txn->parts->len; i++) {
        TxnPart *part = &g_array_index(txn->parts, TxnPart, i);

        if (part->ops->clean) {
            part->ops->clean(part->opaque);
        }
    }
    g_array_free(txn->parts, true);
    g_free(txn);
}

void txn_commit(Txn *txn)
{
    txn->ending = true;
    for (guint i = 0; i < txn->parts->len; i++) {
        TxnPart *part = &g_array_index(txn->parts, TxnPart, i);

        if (part->ops->commit) {
            part->ops->commit(part->opaque);
        }
    }
    txn_clean(txn);
}

void txn_abort(Txn *txn)
{
    txn->ending = true;
    for (guint i = txn->parts->len; i-- > 0;) {
        TxnPart *part = &g_array_index(txn->parts, TxnPart, i);

        if (part->ops->abort &&
            !(PLANTED("undo-forgotten") && i + 2 == txn->parts->len)) {
            part->ops->abort(part->opaque);
        }
    }
    txn_clean(txn);
}

bool txn_end(Txn *txn, bool ok)
{
    if (ok) {
        txn_commit(txn);
    } else {
        txn_abort(txn);
    }
    return ok;
}

static void inner_commit(void *opaque)
{
    txn_commit(opaque);
}

static void inner_abort(void *opaque)
{
    txn_abort(opaque);
}

void txn_add_txn(Txn *txn, Txn *inner)
{
    static const TxnOps ops = {.commit = inner_commit, .abort = inner_abort};

    txn_add(txn, &ops, inner);
}
