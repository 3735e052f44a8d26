/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sections that hold a disk still, nested and one after another, while a
 * guest works on all reactors: nothing is in flight while one is open, and
 * everybody goes on when the last has ended.
 */
#include "oracle.h"
#include "scenarios.h"

#include "block/graph/quiesce.h"

#define DISK_BYTES (128 * KiB)

static void check_still(void)
{
    sim_check(sim_disk_busy(0) == 0, "%u requests are in flight in a section",
              sim_disk_busy(0));
}

COROUTINE_ONLY
static void co_hold(Node *node, unsigned depth)
{
    Quiesce *section;

    control_assert();
    section = co_quiesce_begin(&node, 1);
    check_still();
    for (unsigned i = sim_below(4); i > 0; i--) {
        co_sim_pause();
        check_still();
    }
    if (depth && sim_percent(40)) {
        co_hold(node, depth - 1);
        check_still();
    }
    quiesce_end(section);
}

/* A second one, whose sections overlap the first's in any order. */
static void co_other(void *opaque)
{
    for (unsigned i = 0; i < 10; i++) {
        co_hold(opaque, 1);
        co_sim_pause();
    }
}

static void co_run(void)
{
    Node *node = co_sim_stack_add(0, DISK_BYTES);
    Root *guest = sim_guest_new(node), *second = sim_guest_new(node);
    History *h = history_new(DISK_BYTES);
    LoadOptions options = {.workers = 6, .requests = 70};
    Load *load = load_start(guest, h, &options);
    Load *more = load_start(second, h, &options);
    SimGroup group;

    sim_group_init(&group);
    sim_group_start(&group, 0, co_other, node);
    for (unsigned i = 0; i < 15; i++) {
        co_hold(node, 2);
        co_sim_pause();
    }
    co_sim_group_wait(&group);
    co_load_finish(load);
    co_load_finish(more);
    co_load_check_all(guest, h);
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_guest_free(second);
    co_sim_stack_del(0);
}

const SimScenario scenario_quiesce = {
    .name = "quiesce",
    .about = "sections under load from all reactors",
    .co_run = co_run,
};
