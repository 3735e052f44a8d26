/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest on a disk that is slow, torn, short and, in some runs, bad. */
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (128 * KiB)

static void co_run(void)
{
    Node *node = co_sim_stack_add(0, DISK_BYTES);
    Root *guest = sim_guest_new(node);
    History *h = history_new(DISK_BYTES);
    LoadOptions options = {.workers = 12, .requests = 80};
    SimDiskFaults *faults = sim_disk_faults(0);

    faults->short_percent = sim_percent(50) ? 5 : 0;
    if (sim_percent(30)) {
        faults->read_error_percent = faults->write_error_percent = 2;
        options.errors_expected = true;
    }
    co_load_finish(load_start(guest, h, &options));
    *faults = (SimDiskFaults){0};
    co_load_check_all(guest, h);
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_stack_del(0);
}

const SimScenario scenario_writes = {
    .name = "writes",
    .about = "a guest on a slow and torn disk",
    .co_run = co_run,
};
