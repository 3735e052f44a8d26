/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mirror does, by hand: clear a dirty granule, read it, write it to the
 * copy, until nothing is dirty; all without stopping the guest. In the end
 * the copy is the disk.
 */
#include "oracle.h"
#include "scenarios.h"

#include "block/bitmap/bitmap.h"

#define DISK_BYTES (64 * KiB)
#define GRANULE 4096u

/* True if there was something to copy. */
COROUTINE_ONLY
static bool co_copy_some(Root *guest, DirtyBitmap *bitmap, uint8_t *copy)
{
    uint64_t start, bytes, from = sim_below(DISK_BYTES);
    int ret;

    if (!bitmap_next_dirty_run(bitmap, from, DISK_BYTES, GRANULE, &start,
                               &bytes) &&
        !bitmap_next_dirty_run(bitmap, 0, DISK_BYTES, GRANULE, &start,
                               &bytes)) {
        return false;
    }
    start = ROUND_DOWN(start, GRANULE);
    bitmap_reset(bitmap, start, GRANULE);
    ret = co_root_pread(guest, start, GRANULE, copy + start);
    sim_check(ret == 0, "read: %s", strerror(-ret));
    return true;
}

static void check_copy(const uint8_t *copy)
{
    uint8_t disk[DISK_BYTES];

    sim_disk_peek(0, 0, disk, DISK_BYTES, false);
    for (uint64_t s = 0; s < DISK_BYTES / SIM_SECTOR; s++) {
        sim_check(
            !memcmp(disk + s * SIM_SECTOR, copy + s * SIM_SECTOR, SIM_SECTOR),
            "sector %" PRIu64 " of the copy is not the disk's", s);
    }
}

static void co_run(void)
{
    Node *node = co_sim_stack_add(0, DISK_BYTES);
    Root *guest = sim_guest_new(node);
    History *h = history_new(DISK_BYTES);
    LoadOptions options = {.workers = 6, .requests = 80, .max_sectors = 4};
    uint8_t *copy = g_malloc0(DISK_BYTES);
    DirtyBitmap *bitmap;
    Load *load;

    bitmap = bitmap_create(node, GRANULE, "b", NULL);
    load = load_start(guest, h, &options);
    for (unsigned i = 0; i < 100; i++) {
        if (!co_copy_some(guest, bitmap, copy)) {
            co_sim_pause();
        }
    }
    co_load_finish(load);
    while (co_copy_some(guest, bitmap, copy)) {
        /* What the guest wrote last. */
    }
    check_copy(copy);
    g_free(copy);
    bitmap_release(bitmap);
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_stack_del(0);
}

const SimScenario scenario_converge = {
    .name = "converge",
    .about = "a copy made by clearing bits, then reading",
    .co_run = co_run,
};
