/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk is mirrored under a guest, in both modes, with faults on both sides
 * and every policy, with and without a bitmap; cancelled, left or completed at
 * any time. A mirror that ends well has made the target what the disk was
 * while users were held. After a failure the bitmap has all that is missing,
 * and another mirror goes on from there. After a pivot the guest goes on with
 * the target and notices nothing.
 */
#include "block/bitmap/bitmap.h"
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (192 * KiB)
#define ROUNDS 4u
#define SECTIONS 8u

/* What the source held in the last sections; users were held then. */
static struct {
    unsigned source, target; /* disks */
    unsigned n;
    bool equal[SECTIONS]; /* the target held the same */
    uint8_t frozen[SECTIONS][DISK_BYTES];
} held;

static uint8_t scratch[DISK_BYTES];

static void section_ends(Root *root)
{
    unsigned i = held.n++ % SECTIONS;

    sim_disk_peek(held.source, 0, held.frozen[i], DISK_BYTES, false);
    sim_disk_peek(held.target, 0, scratch, DISK_BYTES, false);
    held.equal[i] = !memcmp(held.frozen[i], scratch, DISK_BYTES);
}

static const RootOps guest_ops = {.quiesce_end = section_ends};

/* --- one mirror ---------------------------------------------------------- */

typedef enum Finish { COMPLETE, LEAVE } Finish;

typedef struct Round {
    bool bitmap, bad;
    unsigned jobs_gone, jobs_aborted, jobs_ready; /* before it */
} Round;

COROUTINE_ONLY
static void co_start(const Round *round)
{
    static const char *const policies[] = {"report", "ignore", "stop",
                                           "enospc"};
    static const char *const buffers[] = {"", ", 'buf-size': 65536",
                                          ", 'speed': 20000000"};

    co_sim_qmp_ok("{'execute': 'blockdev-mirror', 'arguments': {"
                  "'job-id': 'j', 'device': 'disk%u', 'target': 'disk%u',"
                  " 'sync': 'full', 'copy-mode': '%s',"
                  " 'on-source-error': '%s', 'on-target-error': '%s'%s%s}}",
                  held.source, held.target,
                  sim_percent(50) ? "background" : "write-blocking",
                  policies[sim_below(4)], policies[sim_below(4)],
                  buffers[sim_below(3)],
                  round->bitmap     ? ", 'bitmap': 'b'"
                  : sim_percent(50) ? ", 'granularity': 4096"
                                    : "");
}

static void faults(bool bad)
{
    SimDiskFaults *source = sim_disk_faults(held.source);
    SimDiskFaults *target = sim_disk_faults(held.target);

    *source = *target = (SimDiskFaults){0};
    if (bad) {
        source->read_error_percent = sim_percent(30) ? 5 : 0;
        target->write_error_percent = sim_percent(50) ? 10 : 0;
        target->stuck_percent = sim_percent(20) ? 1 : 0;
        target->space_bytes = sim_percent(20) ? DISK_BYTES / 2 : 0;
    }
}

/* Until the job is gone. Commands may come too early or too late. */
COROUTINE_ONLY
static void co_meddle(const Round *round)
{
    Finish finish = sim_percent(60) ? COMPLETE : LEAVE;
    unsigned patience = sim_below(8);

    for (unsigned i = 0; sim_events_seen("null") == round->jobs_gone; i++) {
        co_sleep_ns(100000 + sim_below(2000000));
        if (i == patience + 4) {
            faults(false);
        }
        co_sim_qmp("{'execute': 'block-job-resume', 'arguments':"
                   " {'device': 'j'}}");
        if (round->bad && sim_percent(3)) {
            co_sim_qmp("{'execute': 'block-job-cancel', 'arguments':"
                       " {'device': 'j', 'force': true}}");
        } else if (sim_percent(5)) {
            co_sim_qmp("{'execute': 'block-job-pause', 'arguments':"
                       " {'device': 'j'}}");
        } else if (i > patience &&
                   sim_events_seen("ready") > round->jobs_ready) {
            co_sim_qmp(finish == COMPLETE
                           ? "{'execute': 'job-complete', 'arguments':"
                             " {'id': 'j'}}"
                           : "{'execute': 'block-job-cancel', 'arguments':"
                             " {'device': 'j'}}");
        }
    }
    /* The job's end holds it. */
    co_graph_lock();
    graph_unlock();
}

/* --- what must hold ------------------------------------------------------ */

static void check_pivoted(void)
{
    bool equal = false;

    for (unsigned i = 0; i < MIN(held.n, SECTIONS); i++) {
        equal |= held.equal[i];
    }
    sim_check(equal, "the target was never the disk while users were held");
}

/* Nobody has written to the target since. */
static void check_left(void)
{
    bool equal = false;

    sim_disk_peek(held.target, 0, scratch, DISK_BYTES, false);
    for (unsigned i = 0; i < MIN(held.n, SECTIONS); i++) {
        equal |= !memcmp(held.frozen[i], scratch, DISK_BYTES);
    }
    sim_check(equal, "the target is of no moment when users were held");
}

/* The guest has stopped: what the target lacks, or would lack after a loss of
 * power, is in the bitmap. */
static void check_bitmap(Node *source)
{
    DirtyBitmap *bitmap = bitmap_find(source, "b");

    sim_disk_peek(held.source, 0, held.frozen[0], DISK_BYTES, false);
    sim_disk_peek(held.target, 0, scratch, DISK_BYTES, true);
    for (uint64_t at = 0; at < DISK_BYTES; at += SIM_SECTOR) {
        sim_check(bitmap_get(bitmap, at) ||
                      !memcmp(held.frozen[0] + at, scratch + at, SIM_SECTOR),
                  "the target lacks sector %" PRIu64
                  ", and the bitmap does not say so",
                  at / SIM_SECTOR);
    }
}

/* --- rounds -------------------------------------------------------------- */

/* True if the guest is on the target now. */
COROUTINE_ONLY
static bool co_mirror(Root *guest, bool bitmap, bool bad)
{
    Node *source = root_node(guest);
    Round round = {
        .bitmap = bitmap,
        .bad = bad,
        .jobs_gone = sim_events_seen("null"),
        .jobs_aborted = sim_events_seen("aborting"),
        .jobs_ready = sim_events_seen("ready"),
    };
    bool failed;

    held.n = 0;
    faults(bad);
    co_start(&round);
    co_meddle(&round);
    faults(false);
    failed = sim_events_seen("aborting") > round.jobs_aborted;
    sim_check(bad || !failed, "a mirror of good disks failed");
    if (root_node(guest) != source) {
        sim_check(!failed, "a mirror failed and moved the guest");
        check_pivoted();
        return true;
    }
    if (!failed) {
        check_left();
    }
    return false;
}

COROUTINE_ONLY
static void co_round(Root *guest, History *h, bool *bitmap)
{
    LoadOptions options = {.workers = 1 + sim_below(5),
                           .requests = 100000,
                           .image = true,
                           .errors_expected = true};
    Load *load = load_start(guest, h, &options);
    bool pivoted = co_mirror(guest, *bitmap, sim_percent(50));

    load_stop(load);
    co_load_finish(load);
    co_load_check_all(guest, h);
    if (*bitmap && !pivoted) {
        check_bitmap(root_node(guest));
    }
    if (*bitmap && pivoted) {
        co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-remove', 'arguments':"
                      " {'node': 'disk%u', 'name': 'b'}}",
                      held.source);
        *bitmap = false;
    }
    if (pivoted) {
        held.source = held.target;
        held.target = 1 - held.source;
    }
}

static void co_run(void)
{
    Node *node = co_sim_disk_add(0, DISK_BYTES);
    Root *guest = root_new("root", &guest_ops, NULL);
    History *h = history_new(DISK_BYTES);
    bool bitmap = sim_percent(50);

    history_keep_safe(h);
    co_sim_disk_add(1, DISK_BYTES);
    held.source = 0;
    held.target = 1;
    held.n = 0;
    if (bitmap) {
        co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-add', 'arguments':"
                      " {'node': 'disk0', 'name': 'b', 'granularity': %u}}",
                      512u << sim_below(8));
    }
    sim_check(root_attach(guest, node, PERM_CONSISTENT_READ | PERM_WRITE,
                          PERM_ALL, NULL),
              "a guest cannot attach");
    co_load_fill(guest, h);
    for (unsigned i = 0; i < ROUNDS; i++) {
        co_round(guest, h, &bitmap);
    }
    if (bitmap) {
        co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-remove', 'arguments':"
                      " {'node': 'disk%u', 'name': 'b'}}",
                      held.source);
    }
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_disk_del(1);
    co_sim_disk_del(0);
}

const SimScenario scenario_mirror = {
    .name = "mirror",
    .about = "mirrors that are completed, left, cancelled or fail",
    .co_run = co_run,
};
