/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frozen point in time with a lease, whose readers come, rest and go; late
 * requests hang, the snapshot breaks, commands renew, end or delete it. It
 * never ends under a reader, and it is gone, with all that belonged to it,
 * soon after the last one has left. The guest notices nothing.
 */
#include "block/filter/copy-before-write.h"
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (256 * KiB)
#define SECOND INT64_C(1000000000)
#define READERS 3
#define READS 12

static struct {
    bool wanted;
    uint8_t frozen[DISK_BYTES];
    bool may_break;
    int64_t last_ns; /* when a reader left last, or the lease was renewed */
} snap;

static void section_ends(Root *root)
{
    if (snap.wanted) {
        snap.wanted = false;
        sim_disk_peek(0, 0, snap.frozen, DISK_BYTES, false);
    }
}

static const RootOps guest_ops = {.quiesce_end = section_ends};

COROUTINE_ONLY
static void co_freeze(uint32_t seconds)
{
    snap.wanted = true;
    co_sim_qmp_ok(
        "{'execute': 'transaction', 'arguments': {'actions': ["
        "{'type': 'blockdev-add', 'data': {'driver': 'copy-before-write',"
        " 'node-name': 'cbw', 'file': 'disk0', 'target': 'disk1',"
        " 'on-cbw-error': 'break-snapshot', 'cbw-timeout-ms': 20}},"
        "{'type': 'blockdev-reopen', 'data': {'options': [{'driver': 'raw',"
        " 'node-name': 'top', 'file': 'cbw', 'discard': 'unmap'}]}},"
        "{'type': 'blockdev-add', 'data': {'driver': 'snapshot-access',"
        " 'node-name': 'snap', 'file': 'cbw'}},"
        "{'type': 'block-snapshot-lease', 'data': {'node-name': 'cbw',"
        " 'seconds': %u}}]}}",
        seconds);
    snap.last_ns = sim_now_ns();
}

COROUTINE_ONLY
static void co_read_one(Root *root)
{
    uint64_t offset = sim_below(DISK_BYTES / SIM_SECTOR) * SIM_SECTOR;
    uint64_t bytes = (1 + sim_below(128)) * SIM_SECTOR;
    uint8_t *buf;
    int ret;

    bytes = MIN(bytes, DISK_BYTES - offset);
    buf = g_malloc(bytes);
    ret = co_root_pread(root, offset, bytes, buf);
    sim_check(ret == 0 || snap.may_break, "a read ends with %d", ret);
    sim_check(ret < 0 || !memcmp(buf, snap.frozen + offset, bytes),
              "what is read at %" PRIu64 " is not of the point in time",
              offset);
    g_free(buf);
}

/* Who is no client of an export is looked for eight times in each lease, of
 * two seconds at most: who comes and goes in between is not seen. */
static void reader_left(int64_t came_ns)
{
    if (sim_now_ns() - came_ns > 2 * SECOND / 8) {
        snap.last_ns = MAX(snap.last_ns, sim_now_ns());
    }
}

/* On control: it uses the graph. */
COROUTINE_ONLY
static void co_reader(void *opaque)
{
    int64_t came_ns;
    Root *root;

    co_sleep_ns(sim_below(SECOND));
    co_graph_lock();
    root = root_new("root", NULL, NULL);
    if (!node_find("snap") ||
        !root_attach(root, node_find("snap"), PERM_CONSISTENT_READ, PERM_ALL,
                     NULL)) {
        graph_unlock();
        root_free(root);
        return;
    }
    graph_unlock();
    came_ns = sim_now_ns();
    for (unsigned i = 0; i < READS; i++) {
        co_read_one(root);
        if (sim_percent(20)) {
            co_sleep_ns(sim_below(3 * SECOND));
        }
        sim_check(node_find("cbw"), "it ended under a reader");
    }
    co_graph_lock();
    co_root_detach(root);
    reader_left(came_ns);
    graph_unlock();
    root_free(root);
}

COROUTINE_ONLY
static void co_renew(void *opaque)
{
    const uint32_t *seconds = opaque;

    co_sleep_ns(sim_below(3 * SECOND));
    if (co_sim_qmp("{'execute': 'block-snapshot-lease', 'arguments':"
                   " {'node-name': 'cbw', 'seconds': %u}}",
                   *seconds)) {
        snap.last_ns = MAX(snap.last_ns, sim_now_ns());
    }
}

/* It ends by itself, in time. */
COROUTINE_ONLY
static void co_await_end(uint32_t seconds)
{
    int64_t earliest = snap.last_ns + seconds * SECOND;

    while (node_find("snap")) {
        sim_check(sim_now_ns() < earliest + 3 * SECOND,
                  "it did not end in time");
        co_sleep_ns(SECOND / 50);
    }
    /* Its end holds the lock until the nodes are gone. */
    co_graph_lock();
    graph_unlock();
    /* A reader leaves some moments before it says so. */
    sim_check(sim_now_ns() >= earliest - SECOND / 10, "it ended too early");
    co_cbw_wait_late();
    sim_check(!node_find("cbw") && !node_find("disk1"),
              "it ended and left nodes");
}

COROUTINE_ONLY
static void co_round(void)
{
    uint32_t seconds = 1 + sim_below(2);
    SimGroup group;

    co_sim_disk_add(1, DISK_BYTES);
    snap.may_break = sim_percent(40);
    *sim_disk_faults(1) = (SimDiskFaults){
        .write_error_percent = snap.may_break ? 10 : 0,
        .stuck_percent = snap.may_break ? 5 : 0,
    };
    co_freeze(seconds);
    sim_group_init(&group);
    for (unsigned i = 0; i < READERS; i++) {
        sim_group_start(&group, 0, co_reader, NULL);
    }
    sim_group_start(&group, 0, co_renew, &seconds);
    co_sim_group_wait(&group);
    co_await_end(seconds);
}

static void co_run(void)
{
    Root *guest = root_new("root", &guest_ops, NULL);
    History *h = history_new(DISK_BYTES);
    LoadOptions options = {.workers = 6, .requests = 50};
    Load *load;

    snap.wanted = false;
    co_sim_disk_add(0, DISK_BYTES);
    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'driver': 'raw',"
                  " 'node-name': 'top', 'file': 'disk0', 'discard': 'unmap'}}");
    sim_check(root_attach(guest, node_find("top"),
                          PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL, NULL),
              "a guest cannot attach");
    co_load_fill(guest, h);
    for (unsigned i = 0; i < 2; i++) {
        load = load_start(guest, h, &options);
        co_round();
        co_load_finish(load);
    }
    co_load_check_all(guest, h);
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                  " {'node-name': 'top'}}");
    co_sim_disk_del(0);
}

const SimScenario scenario_lease = {
    .name = "lease",
    .about = "a frozen point in time that ends when its readers are gone",
    .co_run = co_run,
};
