/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One full backup, then incremental ones onto the same target, while a guest
 * writes. Jobs are paused and cancelled at any time, and the target has
 * errors. After each backup that succeeds the target is the disk as it was
 * when that backup began; bits of those that failed were not lost.
 */
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (512 * KiB)

static struct {
    bool wanted;
    uint8_t frozen[DISK_BYTES];
} point;

/* The first section after the command is the one in which the job begins;
 * when it ends nothing is in flight yet. */
static void section_ends(Root *root)
{
    if (point.wanted) {
        point.wanted = false;
        sim_disk_peek(0, 0, point.frozen, DISK_BYTES, false);
    }
}

static const RootOps guest_ops = {.quiesce_end = section_ends};

static void check_target(void)
{
    uint8_t *target = g_malloc(DISK_BYTES);

    sim_check(!point.wanted, "no section was held when the backup began");
    sim_disk_peek(1, 0, target, DISK_BYTES, false);
    for (uint64_t s = 0; s < DISK_BYTES / SIM_SECTOR; s++) {
        sim_check(!memcmp(target + s * SIM_SECTOR,
                          point.frozen + s * SIM_SECTOR, SIM_SECTOR),
                  "sector %" PRIu64 " is not what it was when the backup "
                  "began",
                  s);
    }
    g_free(target);
}

COROUTINE_ONLY
static void co_start(bool full)
{
    point.wanted = true;
    if (full) {
        co_sim_qmp_ok("{'execute': 'transaction', 'arguments': {'actions': ["
                      "{'type': 'block-dirty-bitmap-add', 'data':"
                      " {'node': 'disk0', 'name': 'b'}},"
                      "{'type': 'blockdev-backup', 'data': {'job-id': 'j',"
                      " 'device': 'disk0', 'target': 'disk1',"
                      " 'sync': 'full'}}]}}");
    } else {
        co_sim_qmp_ok("{'execute': 'blockdev-backup', 'arguments': {"
                      "'job-id': 'j', 'device': 'disk0', 'target': 'disk1',"
                      " 'sync': 'incremental', 'bitmap': 'b',"
                      " 'speed': %u, 'x-perf': {'max-workers': %u}}}",
                      sim_percent(50) ? 0u : 300000000u,
                      (unsigned)(1 + sim_below(4)));
    }
}

/* What a user does meanwhile; commands may come too late. */
COROUTINE_ONLY
static void co_meddle(void)
{
    static const char *const verbs[] = {"job-pause", "job-resume"};

    for (unsigned i = sim_below(4); i > 0; i--) {
        co_sim_pause();
        co_sim_qmp("{'execute': '%s', 'arguments': {'id': 'j'}}",
                   verbs[sim_below(2)]);
    }
    if (sim_percent(30)) {
        co_sim_qmp("{'execute': 'job-cancel', 'arguments': {'id': 'j'}}");
    }
    co_sim_qmp("{'execute': 'job-resume', 'arguments': {'id': 'j'}}");
}

/* True if it succeeded. */
COROUTINE_ONLY
static bool co_backup(bool full, unsigned number)
{
    unsigned failed = sim_events_seen("aborting");

    sim_disk_faults(1)->write_error_percent = full || sim_percent(70) ? 0 : 20;
    co_start(full);
    if (!full) {
        co_meddle();
    }
    co_sim_events_wait("null", number);
    /* The job's end holds it. */
    co_graph_lock();
    graph_unlock();
    return sim_events_seen("aborting") == failed;
}

static void co_run(void)
{
    Node *node = co_sim_disk_add(0, DISK_BYTES);
    Root *guest = root_new("root", &guest_ops, NULL);
    History *h = history_new(DISK_BYTES);
    /* What cannot be saved to the target must not be overwritten: then the
     * guest has the error. */
    LoadOptions options = {
        .workers = 6, .requests = 100000, .errors_expected = true};
    Load *load;

    co_sim_disk_add(1, DISK_BYTES);
    point.wanted = false;
    sim_check(root_attach(guest, node, PERM_CONSISTENT_READ | PERM_WRITE,
                          PERM_ALL, NULL),
              "a guest cannot attach");
    co_load_fill(guest, h);
    load = load_start(guest, h, &options);
    for (unsigned i = 0; i < 5; i++) {
        if (co_backup(i == 0, i + 1)) {
            check_target();
        }
    }
    load_stop(load);
    co_load_finish(load);
    co_load_check_all(guest, h);
    co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-remove', 'arguments':"
                  " {'node': 'disk0', 'name': 'b'}}");
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_disk_del(1);
    co_sim_disk_del(0);
}

const SimScenario scenario_backup = {
    .name = "backup",
    .about = "full and incremental backups that are cancelled, paused or fail",
    .co_run = co_run,
};
