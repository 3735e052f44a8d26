/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The write threshold of a node: an event when something is written beyond an
 * offset, once for each time that it is set.
 *
 * Invariant: whoever swaps the threshold for 0 sends the event, so requests of
 * several reactors send one.
 */
#include "block/io/io-int.h"

#include "qapi/qapi-events.h"

void node_set_write_threshold(Node *node, uint64_t threshold_bytes)
{
    __atomic_store_n(&node->write_threshold, threshold_bytes, __ATOMIC_RELAXED);
}

static void send_event(void *opaque)
{
    QapiEventBlockWriteThreshold *args = opaque;

    qapi_event_block_write_threshold(args);
    g_free(args->node_name);
    g_free(args);
}

void threshold_reached(Node *node, uint64_t end_bytes)
{
    uint64_t threshold =
        __atomic_exchange_n(&node->write_threshold, 0, __ATOMIC_RELAXED);
    QapiEventBlockWriteThreshold *args;

    if (!threshold) {
        return;
    }
    args = g_new0(QapiEventBlockWriteThreshold, 1);
    args->node_name = g_strdup(node_name(node));
    args->amount_exceeded = end_bytes - threshold;
    args->write_threshold = threshold;
    reactor_dispatch(reactor_control(), send_event, args);
}
