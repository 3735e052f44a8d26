/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: points in time that end when nobody has read them for a while.
 *
 *     set --> running --nobody read for its time--> ending --> gone + event
 *               |  ^ renewed                          (nodes, exports too)
 *               +--+
 *               +--> gone (set to 0, its filter closed, the program ends)
 *
 * Invariants:
 * 1. A filter has one lease at most. A lease holds no reference: a user may
 *    delete the filter at any time, and the lease is gone then.
 * 2. The end begins under the graph lock, in one step with the last look for
 *    readers; from then on none can be let in unseen.
 * 3. What the end deletes is used by nobody; what somebody uses stays.
 */
#ifndef BLOCK_EXPORT_LEASE_H
#define BLOCK_EXPORT_LEASE_H

#include "block/export/export.h"

/* Sets, renews or (0) ends the lease of @filter. Under the graph lock. */
bool lease_set(Node *filter, uint32_t seconds, Error **errp) CONTROL_ONLY;
/* Its time, or 0 if there is no lease. */
uint32_t lease_seconds(const Node *filter) CONTROL_ONLY;

typedef struct LeaseInfo {
    const Node *filter;
    uint32_t seconds;
    bool in_use;
    int64_t remaining_ns;
} LeaseInfo;

/* The @n-th, oldest first; false if there are not so many. */
bool lease_info(unsigned n, LeaseInfo *info) CONTROL_ONLY;

/* A client of an export of @node has come or gone. */
void leases_reader_seen(const Node *node) CONTROL_ONLY;
/* For the end of the program: none is left when it returns. */
void co_leases_forget(void) COROUTINE_ONLY CONTROL_ONLY;

/* --- lease-end.c --------------------------------------------------------- */

/* All nodes through which @filter's point in time is read: those above it, and
 * its target with those above that. Owned by the caller; no references. */
GPtrArray *lease_nodes(const Node *filter) CONTROL_ONLY;
/* Somebody reads: a client, or another user than an export. */
bool lease_has_reader(const GPtrArray *nodes) CONTROL_ONLY;
/*
 * Ends the point in time. In two steps, the first under the graph lock: takes
 * the filter out, begins to remove the exports of @nodes; false if the filter
 * must stay. The second, not under it: waits for them, deletes the nodes.
 */
typedef struct LeaseEnd LeaseEnd;
LeaseEnd *co_lease_end_begin(Node *filter, const GPtrArray *nodes,
                             Error **errp) COROUTINE_ONLY CONTROL_ONLY;
void co_lease_end_finish(LeaseEnd *end) COROUTINE_ONLY CONTROL_ONLY;

#endif
