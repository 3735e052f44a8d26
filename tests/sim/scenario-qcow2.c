/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest on a qcow2 image, by chance with another disk behind it, on a disk
 * that is slow, torn and, in some runs, bad. What it wrote is there also after
 * the image was closed and opened again, and the image's counts are right.
 */
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (96 * KiB)
#define IMAGE 0u
#define BASE 1

/* What the disk behind holds: as if the guest had written it. */
COROUTINE_ONLY
static void co_fill_base(History *h)
{
    /* It may be shorter: the rest is zeroes. */
    uint64_t bytes = sim_percent(70) ? DISK_BYTES : DISK_BYTES / 2 + SIM_SECTOR;
    Root *guest = sim_guest_new(co_sim_disk_add(BASE, bytes));

    for (unsigned i = 0; i < 10; i++) {
        uint64_t sector = sim_below(bytes / SIM_SECTOR);
        uint64_t count = 1 + sim_below(bytes / SIM_SECTOR - sector);
        uint8_t *buf = g_malloc(count * SIM_SECTOR);
        HistoryWrite w;
        int ret;

        history_write_begin(h, &w, sector, count, false);
        history_fill(&w, buf);
        ret = co_root_pwrite(guest, sector * SIM_SECTOR, count * SIM_SECTOR,
                             buf, 0);
        sim_check(ret == 0, "write to the base: %s", strerror(-ret));
        history_write_end(h, &w, ret);
        g_free(buf);
    }
    co_sim_guest_free(guest);
}

/* True if all that was written is there when the image is closed: a file does
 * not forget that it could not be flushed. */
COROUTINE_ONLY
static bool co_work(Node *node, History *h, bool bad)
{
    LoadOptions options = {.workers = 8,
                           .requests = 50,
                           .image = true,
                           .max_sectors = 24,
                           .errors_expected = bad};
    SimDiskFaults *faults = sim_disk_faults(IMAGE);
    Root *guest = sim_guest_new(node);
    bool whole;

    faults->short_percent = sim_percent(30) ? 5 : 0;
    if (bad) {
        faults->read_error_percent = sim_below(5);
        faults->write_error_percent = sim_below(5);
        faults->flush_error_percent = sim_percent(30) ? 10 : 0;
    }
    co_load_finish(load_start(guest, h, &options));
    *faults = (SimDiskFaults){0};
    co_load_check_all(guest, h);
    whole = co_root_flush(guest) == 0;
    sim_check(whole || bad, "the last flush failed");
    co_sim_guest_free(guest);
    return whole;
}

COROUTINE_ONLY
static void co_look(Node *node, History *h, bool whole)
{
    Root *guest = sim_guest_new(node);
    void *buf = g_malloc(DISK_BYTES);
    int ret;

    if (whole) {
        co_load_check_all(guest, h);
    }
    ret = co_root_pread(guest, 0, DISK_BYTES, buf);
    sim_check(ret == 0, "the image cannot be read: %s", strerror(-ret));
    history_check_left(h, buf);
    g_free(buf);
    co_sim_guest_free(guest);
}

static void co_run(void)
{
    int base = sim_percent(50) ? BASE : -1;
    History *h = history_new(DISK_BYTES);
    bool bad = sim_percent(30), whole;

    if (base >= 0) {
        co_fill_base(h);
    }
    history_keep_safe(h);
    co_sim_image_make(IMAGE, DISK_BYTES, base);
    whole = co_work(co_sim_image_open(IMAGE, base), h, bad);
    if (whole && sim_percent(50)) {
        co_sim_image_check(IMAGE, bad);
    }
    co_sim_image_close(IMAGE);
    if (!whole) {
        co_sim_disk_del(IMAGE);
        co_sim_disk_open(IMAGE);
    }
    co_look(co_sim_image_open(IMAGE, base), h, whole);
    co_sim_image_check(IMAGE, bad);
    co_sim_image_close(IMAGE);
    co_sim_disk_del(IMAGE);
    if (base >= 0) {
        co_sim_disk_del(BASE);
    }
    history_free(h);
}

const SimScenario scenario_qcow2 = {
    .name = "qcow2",
    .about = "a guest on a qcow2 image, on a slow, torn and bad disk",
    .co_run = co_run,
};
