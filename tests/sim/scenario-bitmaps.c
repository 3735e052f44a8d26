/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest writes while bitmaps of its disk are added, removed, cleared,
 * merged, switched on and off, and transactions are refused. The disk's end
 * is in the middle of a granule and of a word of bits.
 */
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (130 * KiB + 512)

static void co_run(void)
{
    uint32_t granularity = 512u << sim_below(3);
    Node *node = co_sim_stack_add(0, DISK_BYTES);
    Root *guest = sim_guest_new(node);
    History *h = history_new(DISK_BYTES);
    BitmapModels *models = bitmap_models_new(node, granularity);
    LoadOptions options = {
        .workers = 9,
        .requests = 100,
        .max_sectors = 6,
        .changing = bitmap_models_changing,
        .opaque = models,
    };
    Load *load;

    if (sim_percent(25)) {
        sim_disk_faults(0)->write_error_percent = 3;
        options.errors_expected = true;
    }
    load = load_start(guest, h, &options);
    for (unsigned i = 0; i < 30; i++) {
        co_bitmap_models_act(models);
        co_sim_pause();
    }
    co_load_finish(load);
    bitmap_models_check(models);
    co_bitmap_models_remove(models);
    bitmap_models_free(models);
    co_load_check_all(guest, h);
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_stack_del(0);
}

const SimScenario scenario_bitmaps = {
    .name = "bitmaps",
    .about = "dirty bitmaps and transactions under a guest",
    .co_run = co_run,
};
