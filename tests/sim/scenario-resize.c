/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk grows and shrinks while a guest works on its first half, with a
 * bitmap that must follow.
 */
#include "oracle.h"
#include "scenarios.h"

#define USED_BYTES (64 * KiB)

static void co_run(void)
{
    Node *node = co_sim_disk_add(0, 2 * USED_BYTES);
    Root *guest = sim_guest_new(node);
    History *h = history_new(USED_BYTES);
    LoadOptions options = {.workers = 6, .requests = 100};
    Load *load;

    co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-add', 'arguments':"
                  " {'node': 'disk0', 'name': 'b', 'granularity': 512}}");
    load = load_start(guest, h, &options);
    for (unsigned i = 0; i < 15; i++) {
        uint64_t bytes = USED_BYTES + SIM_SECTOR * sim_below(300);

        co_sim_qmp_ok("{'execute': 'block_resize', 'arguments':"
                      " {'node-name': 'disk0', 'size': %" PRIu64 "}}",
                      bytes);
        sim_check(node->size_bytes == bytes, "the size is %" PRIu64,
                  node->size_bytes);
        co_sim_pause();
    }
    co_load_finish(load);
    co_load_check_all(guest, h);
    co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-remove', 'arguments':"
                  " {'node': 'disk0', 'name': 'b'}}");
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_disk_del(0);
}

const SimScenario scenario_resize = {
    .name = "resize",
    .about = "a disk that grows and shrinks beyond what a guest uses",
    .co_run = co_run,
};
