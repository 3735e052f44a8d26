/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chain of three images under a guest: streamed, or committed, in whole or
 * in part, with errors on the images behind, pauses and cancels. The guest
 * sees one disk all the time, whatever images it is made of.
 *
 *     guest -> image2 -> image1 -> disk0 (raw)
 */
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (192 * KiB)
#define JOBS 3

typedef struct Run {
    Root *guest;
    History *h;
} Run;

COROUTINE_ONLY
static void co_open_image(unsigned n, const char *backing)
{
    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'driver':"
                  " 'qcow2', 'node-name': 'image%u', 'file': 'disk%u',"
                  " 'discard': 'unmap', 'backing': '%s'}}",
                  n, n, backing);
}

/* Something of the disk lies in each image. */
COROUTINE_ONLY
static void co_fill_layer(History *h, Node *node)
{
    LoadOptions options = {.workers = 4, .requests = 8, .image = true};
    Root *guest = sim_guest_new(node);

    co_load_finish(load_start(guest, h, &options));
    co_sim_guest_free(guest);
}

COROUTINE_ONLY
static void co_make_chain(Run *run)
{
    co_fill_layer(run->h, co_sim_disk_add(0, DISK_BYTES));
    co_sim_image_make(1, DISK_BYTES, 0);
    co_open_image(1, "disk0");
    co_fill_layer(run->h, node_find("image1"));
    co_sim_image_make(2, DISK_BYTES, 1);
    co_open_image(2, "image1");
    run->guest = sim_guest_new(node_find("image2"));
}

static void faults(bool bad)
{
    for (unsigned n = 0; n < 2; n++) {
        *sim_disk_faults(n) = (SimDiskFaults){
            .read_error_percent = bad ? 3 : 0,
            .write_error_percent = bad ? 3 : 0,
        };
    }
}

/* False: there is nothing left to do this to. */
COROUTINE_ONLY
static bool co_start(unsigned *readies)
{
    static const char *const policies[] = {"report", "stop", "enospc"};
    static const char *const jobs[] = {
        "'block-stream', 'arguments': {",
        "'block-stream', 'arguments': {'base-node': 'disk0',",
        "'block-stream', 'arguments': {'base-node': 'image1',",
        "'block-commit', 'arguments': {'top-node': 'image1',",
        "'block-commit', 'arguments': {'base-node': 'image1',",
        "'block-commit', 'arguments': {'base-node': 'disk0',",
    };

    *readies = sim_events_seen("ready");
    return co_sim_qmp("{'execute': %s 'job-id': 'j', 'device': 'image2',"
                      " 'on-error': '%s', 'speed': %u}}",
                      jobs[sim_below(ARRAY_SIZE(jobs))],
                      policies[sim_below(ARRAY_SIZE(policies))],
                      sim_percent(50) ? 0u : 20000000u);
}

/* Commands may come too early or too late. */
COROUTINE_ONLY
static void co_meddle(unsigned gone, unsigned readies)
{
    unsigned patience = sim_below(10);

    for (unsigned i = 0; sim_events_seen("null") == gone; i++) {
        co_sleep_ns(100000 + sim_below(2000000));
        if (i == patience) {
            faults(false);
        }
        co_sim_qmp("{'execute': 'block-job-resume', 'arguments':"
                   " {'device': 'j'}}");
        if (sim_percent(5)) {
            co_sim_qmp("{'execute': 'job-pause', 'arguments': {'id': 'j'}}");
        } else if (sim_percent(3)) {
            co_sim_qmp("{'execute': 'block-job-cancel', 'arguments':"
                       " {'device': 'j', 'force': true}}");
        } else if (sim_events_seen("ready") > readies) {
            co_sim_qmp("{'execute': 'job-complete', 'arguments':"
                       " {'id': 'j'}}");
        }
        co_sim_qmp("{'execute': 'job-resume', 'arguments': {'id': 'j'}}");
    }
    /* The job's end holds it. */
    co_graph_lock();
    graph_unlock();
}

COROUTINE_ONLY
static void co_round(Run *run)
{
    LoadOptions options = {.workers = 5,
                           .requests = 100000,
                           .tires = 150,
                           .image = true,
                           .errors_expected = true};
    Load *load = load_start(run->guest, run->h, &options);
    unsigned gone = sim_events_seen("null"), readies;

    faults(sim_percent(40));
    if (co_start(&readies)) {
        co_meddle(gone, readies);
    }
    faults(false);
    load_stop(load);
    co_load_finish(load);
    co_load_check_all(run->guest, run->h);
}

static void co_run(void)
{
    Run run = {.h = history_new(DISK_BYTES)};

    history_keep_safe(run.h);
    co_make_chain(&run);
    /* The active image may have become one that is in the middle. */
    for (unsigned i = 0;
         i < JOBS && root_node(run.guest) == node_find("image2"); i++) {
        co_round(&run);
    }
    co_sim_guest_free(run.guest);
    history_free(run.h);
    for (unsigned n = 2; n > 0; n--) {
        co_sim_image_check(n, true);
        co_sim_image_close(n);
        co_sim_disk_del(n);
    }
    co_sim_disk_del(0);
}

const SimScenario scenario_chain = {
    .name = "chain",
    .about = "images that are streamed and committed under a guest",
    .co_run = co_run,
};
