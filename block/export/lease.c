/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of leases. Invariants: see lease.h.
 */
#include "block/export/lease.h"
#include "block/filter/copy-before-write.h"
#include "qapi/qapi-events.h"
#include "util/log.h"

/* Readers that are no clients of exports are looked for that often while a
 * lease runs, at most and at least. */
#define LOOKS_PER_LEASE 8
#define LOOK_MAX_NS INT64_C(1000000000)

/* CONTROL */
typedef struct Lease {
    Node *filter; /* no reference; NULL: it is over */
    uint32_t seconds;
    int64_t seen_ns; /* no reader has left since, and it was not renewed */
    bool was_read;   /* when it was looked last */
    CoQueue changed;
    ListLink link;
} Lease;

static ListLink leases = LIST_INIT(leases);
/* Their coroutines. */
static CoCount running = {.idle = {LIST_INIT(running.idle.waiters)}};

static Lease *find(const Node *filter)
{
    LIST_FOREACH(lease, &leases, Lease, link) {
        if (lease->filter == filter) {
            return lease;
        }
    }
    return NULL;
}

static void take_off(Lease *lease)
{
    list_remove(&lease->link);
    lease->filter = NULL;
    coqueue_wake_all(&lease->changed);
}

/* From now on nothing is heard of its filter's end. */
CONTROL_ONLY
static void lease_end(Lease *lease)
{
    cbw_watch_end(lease->filter, NULL, NULL);
    take_off(lease);
}

static void filter_closed(void *opaque)
{
    take_off(opaque);
}

static int64_t deadline(const Lease *lease)
{
    return lease->seen_ns + lease->seconds * INT64_C(1000000000);
}

CONTROL_ONLY
static bool is_read(const Node *filter)
{
    g_autoptr(GPtrArray) nodes = lease_nodes(filter);

    return lease_has_reader(nodes);
}

/* A reader that is gone now was there until now, for all we know. */
CONTROL_ONLY
static void look(Lease *lease)
{
    bool is = is_read(lease->filter);

    if (is || lease->was_read) {
        lease->seen_ns = reactor_now_ns();
    }
    lease->was_read = is;
}

/* --- running out --------------------------------------------------------- */

CONTROL_ONLY
static void tell_end(const char *name)
{
    QapiEventBlockSnapshotEnded event = {
        .node_name = (char *)name,
        .reason = BLOCK_SNAPSHOT_END_REASON_LEASE,
    };

    qapi_event_block_snapshot_ended(&event);
}

/* Nobody reads. Looks again under the lock, where nobody can begin to. */
COROUTINE_ONLY CONTROL_ONLY static void co_run_out(Lease *lease)
{
    g_autoptr(GPtrArray) nodes = NULL;
    g_autofree char *name = NULL;
    Error *err = NULL;
    LeaseEnd *end = NULL;

    co_graph_lock();
    if (lease->filter) {
        look(lease);
    }
    if (lease->filter && reactor_now_ns() >= deadline(lease)) {
        nodes = lease_nodes(lease->filter);
    }
    if (nodes && !lease_has_reader(nodes)) {
        name = g_strdup(node_name(lease->filter));
        end = co_lease_end_begin(lease->filter, nodes, &err);
        lease_end(lease);
    }
    graph_unlock();
    if (end) {
        co_lease_end_finish(end);
        tell_end(name);
    } else if (err) {
        log_say(LOG_LEVEL_WARNING, "the lease of '%s' has run out, but: %s",
                name, error_text(err));
        error_free(err);
    }
}

COROUTINE_ONLY
static void co_lease_entry(void *opaque)
{
    Lease *lease = opaque;

    control_assert();
    while (lease->filter) {
        int64_t pause = lease->seconds * INT64_C(1000000000) / LOOKS_PER_LEASE;
        int64_t next = reactor_now_ns() + MIN(pause, LOOK_MAX_NS);

        look(lease);
        if (reactor_now_ns() >= deadline(lease)) {
            co_run_out(lease);
        } else {
            co_queue_wait_until(&lease->changed, MIN(deadline(lease), next));
        }
    }
    g_free(lease);
    cocount_dec(&running);
}

/* --- from outside -------------------------------------------------------- */

CONTROL_ONLY
static void begin(Node *filter, uint32_t seconds)
{
    Lease *lease = g_new0(Lease, 1);

    lease->filter = filter;
    lease->seconds = seconds;
    lease->seen_ns = reactor_now_ns();
    coqueue_init(&lease->changed);
    list_append(&leases, &lease->link);
    cbw_watch_end(filter, filter_closed, lease);
    cocount_inc(&running);
    coroutine_start(co_lease_entry, lease);
}

bool lease_set(Node *filter, uint32_t seconds, Error **errp)
{
    Lease *lease = find(filter);

    if (!cbw_keeps_for_user(filter)) {
        error_set(errp, "Node '%s' keeps no point in time of its own",
                  node_name(filter));
        return false;
    }
    if (!seconds) {
        if (lease) {
            lease_end(lease);
        }
    } else if (lease) {
        lease->seconds = seconds;
        lease->seen_ns = reactor_now_ns();
        coqueue_wake_all(&lease->changed);
    } else {
        begin(filter, seconds);
    }
    return true;
}

uint32_t lease_seconds(const Node *filter)
{
    const Lease *lease = find(filter);

    return lease ? lease->seconds : 0;
}

bool lease_info(unsigned n, LeaseInfo *info)
{
    LIST_FOREACH(lease, &leases, Lease, link) {
        if (!n--) {
            int64_t now = reactor_now_ns();
            bool in_use = is_read(lease->filter);
            int64_t seen = in_use ? now : lease->seen_ns;

            *info = (LeaseInfo){
                .filter = lease->filter,
                .seconds = lease->seconds,
                .in_use = in_use,
                .remaining_ns =
                    seen + lease->seconds * INT64_C(1000000000) - now,
            };
            return true;
        }
    }
    return false;
}

void leases_reader_seen(const Node *node)
{
    LIST_FOREACH(lease, &leases, Lease, link) {
        g_autoptr(GPtrArray) nodes = lease_nodes(lease->filter);

        if (g_ptr_array_find(nodes, node, NULL)) {
            lease->seen_ns = reactor_now_ns();
        }
    }
}

void co_leases_forget(void)
{
    while (!list_empty(&leases)) {
        lease_end(LIST_ENTRY(leases.next, Lease, link));
    }
    co_count_wait_zero(&running);
}
