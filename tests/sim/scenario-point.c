/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two disks backed up by one transaction while guests write to both: both
 * targets are of one moment. Grouped jobs succeed both or neither. Sometimes
 * the transaction is refused; then no job begins.
 */
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (256 * KiB)
#define ROUNDS 3u

static struct {
    bool wanted;
    uint64_t moment; /* the event in which the section ended */
    uint8_t frozen[DISK_BYTES];
} points[2]; /* of the disks 0 and 1; the targets are 2 and 3 */

static void section_ends(Root *root)
{
    unsigned disk = *(const unsigned *)root_opaque(root);

    if (points[disk].wanted) {
        points[disk].wanted = false;
        points[disk].moment = sim_trace_count();
        sim_disk_peek(disk, 0, points[disk].frozen, DISK_BYTES, false);
    }
}

static const RootOps guest_ops = {.quiesce_end = section_ends};

static void check_target(unsigned disk)
{
    uint8_t sector[SIM_SECTOR];

    for (uint64_t at = 0; at < DISK_BYTES; at += SIM_SECTOR) {
        sim_disk_peek(disk + 2, at, sector, SIM_SECTOR, false);
        sim_check(!memcmp(sector, points[disk].frozen + at, SIM_SECTOR),
                  "disk %u: sector %" PRIu64 " is not of the moment", disk,
                  at / SIM_SECTOR);
    }
}

/* True if the transaction was taken. */
COROUTINE_ONLY
static bool co_start(bool grouped, bool refused)
{
    points[0].wanted = points[1].wanted = true;
    return co_sim_qmp(
        "{'execute': 'transaction', 'arguments': {'actions': ["
        "{'type': 'blockdev-backup', 'data': {'job-id': 'j0',"
        " 'device': 'disk0', 'target': 'disk2', 'sync': 'full',"
        " 'speed': %u}},"
        "{'type': 'blockdev-backup', 'data': {'job-id': 'j1',"
        " 'device': 'disk1', 'target': 'disk3', 'sync': 'full'}}%s],"
        " 'properties': {'completion-mode': '%s'}}}",
        sim_percent(50) ? 0u : 200000000u,
        refused ? ", {'type': 'abort', 'data': {}}" : "",
        grouped ? "grouped" : "individual");
}

COROUTINE_ONLY
static void co_round(unsigned *ended)
{
    bool grouped = sim_percent(50), refused = sim_percent(20);
    unsigned completed = sim_events_seen("BLOCK_JOB_COMPLETED");
    unsigned aborted = sim_events_seen("aborting");
    bool taken;

    sim_disk_faults(3)->write_error_percent = sim_percent(40) ? 30 : 0;
    taken = co_start(grouped, refused);
    sim_check(taken == !refused, "the transaction was taken: %d", taken);
    *ended += 2; /* also jobs that are undone go to their end */
    if (!refused && sim_percent(20)) {
        co_sim_pause();
        co_sim_qmp("{'execute': 'job-cancel', 'arguments': {'id': 'j%u'}}",
                   (unsigned)sim_below(2));
    }
    co_sim_events_wait("null", *ended);
    co_graph_lock();
    graph_unlock();
    completed = sim_events_seen("BLOCK_JOB_COMPLETED") - completed;
    aborted = sim_events_seen("aborting") - aborted;
    sim_check(!grouped || refused || aborted == 0 || aborted == 2,
              "of two grouped jobs %u failed", aborted);
    if (!refused && aborted == 0) {
        sim_check(completed == 2, "%u jobs completed", completed);
        sim_check(points[0].moment == points[1].moment,
                  "the disks are of two moments");
        check_target(0);
        check_target(1);
    }
}

static void co_run(void)
{
    static unsigned numbers[2] = {0, 1};
    LoadOptions options = {
        .workers = 4, .requests = 100000, .errors_expected = true};
    unsigned ended = 0;
    Root *guests[2];
    History *h[2];
    Load *loads[2];

    for (unsigned i = 0; i < 2; i++) {
        Node *node = co_sim_disk_add(i, DISK_BYTES);

        co_sim_disk_add(i + 2, DISK_BYTES);
        h[i] = history_new(DISK_BYTES);
        guests[i] = root_new("root", &guest_ops, &numbers[i]);
        sim_check(root_attach(guests[i], node,
                              PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL,
                              NULL),
                  "a guest cannot attach");
        co_load_fill(guests[i], h[i]);
        options.disk = i;
        loads[i] = load_start(guests[i], h[i], &options);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        co_round(&ended);
    }
    for (unsigned i = 0; i < 2; i++) {
        load_stop(loads[i]);
        co_load_finish(loads[i]);
        co_load_check_all(guests[i], h[i]);
        history_free(h[i]);
        co_sim_guest_free(guests[i]);
        co_sim_disk_del(i);
        co_sim_disk_del(i + 2);
    }
}

const SimScenario scenario_point = {
    .name = "point",
    .about = "two disks backed up at one moment by a transaction",
    .co_run = co_run,
};
