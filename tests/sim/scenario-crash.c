/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power is lost at any moment while a guest writes to a qcow2 or raw image:
 * any of the sectors that are not safe are lost. What is left opens, has no
 * worse damage than leaks, and shows what was flushed or something newer; and
 * it can be used again.
 */
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (96 * KiB)
#define IMAGE 0u
#define LEFT 1u

typedef struct Run {
    bool qcow2;
    History *h;
    Root *guest;
} Run;

COROUTINE_ONLY
static Node *co_make(const Run *run)
{
    if (!run->qcow2) {
        return co_sim_disk_add(IMAGE, DISK_BYTES);
    }
    co_sim_image_make(IMAGE, DISK_BYTES, -1);
    return co_sim_image_open(IMAGE, -1);
}

/* The guest works on; some of it before power is lost. */
COROUTINE_ONLY
static void co_work(const Run *run)
{
    static const unsigned percents[] = {5, 50, 50, 95, 100};
    LoadOptions options = {
        .workers = 6, .requests = 100000, .image = true, .max_sectors = 24};
    Load *load = load_start(run->guest, run->h, &options);

    co_sleep_ns(sim_below(8000000));
    history_lose_power(run->h);
    sim_disk_lose_power(IMAGE, LEFT, percents[sim_below(5)]);
    load_stop(load);
    co_load_finish(load);
}

COROUTINE_ONLY
static Node *co_open_left(const Run *run)
{
    Node *disk = co_sim_disk_open(LEFT);

    return run->qcow2 ? co_sim_image_open(LEFT, -1) : disk;
}

COROUTINE_ONLY
static void co_check_left(const Run *run, Node *node)
{
    Root *guest = sim_guest_new(node);
    void *buf = g_malloc(DISK_BYTES);
    int ret = co_root_pread(guest, 0, DISK_BYTES, buf);

    sim_check(ret == 0, "what is left cannot be read: %s", strerror(-ret));
    history_check_left(run->h, buf);
    g_free(buf);
    co_sim_guest_free(guest);
}

/* Another guest takes what is left into use. */
COROUTINE_ONLY
static void co_use_left(Node *node)
{
    LoadOptions options = {.workers = 4, .requests = 25, .image = true};
    Root *guest = sim_guest_new(node);
    History *h = history_new(DISK_BYTES);

    history_keep_safe(h);
    co_load_fill(guest, h);
    co_load_finish(load_start(guest, h, &options));
    co_load_check_all(guest, h);
    history_free(h);
    co_sim_guest_free(guest);
}

COROUTINE_ONLY
static void co_close(const Run *run, unsigned n)
{
    if (run->qcow2) {
        co_sim_image_close(n);
    }
    co_sim_disk_del(n);
}

static void co_run(void)
{
    Run run = {.qcow2 = sim_percent(80), .h = history_new(DISK_BYTES)};
    Node *left;

    run.guest = sim_guest_new(co_make(&run));
    history_keep_safe(run.h);
    if (sim_percent(50)) {
        co_load_fill(run.guest, run.h);
    }
    co_work(&run);
    co_load_check_all(run.guest, run.h);
    co_sim_guest_free(run.guest);
    co_close(&run, IMAGE);
    left = co_open_left(&run);
    if (run.qcow2 && sim_percent(50)) {
        co_sim_image_check(LEFT, true);
    }
    co_check_left(&run, left);
    co_use_left(left);
    if (run.qcow2) {
        co_sim_image_check(LEFT, true);
    }
    co_close(&run, LEFT);
    history_free(run.h);
}

const SimScenario scenario_crash = {
    .name = "crash",
    .about = "power is lost under a qcow2 or raw image",
    .co_run = co_run,
};
