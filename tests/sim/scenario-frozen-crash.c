/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon dies, or power is lost, at any moment while a disk is frozen,
 * read and thawed under a guest, by a temporary image that is full, fails once,
 * now and then or always, or stalls; and while bitmaps and targets of another
 * size are refused. What is left of the disk is what was flushed or something
 * newer, its image opens and checks, and so does that of the temporary image,
 * whatever it holds.
 */
#include "block/filter/copy-before-write.h"
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (192 * KiB)
#define DISK 0u
#define DISK_LEFT 1u
#define TEMP 2u
#define TEMP_LEFT 3u
#define SMALL 4u

typedef struct Run {
    bool qcow2, temp_qcow2; /* the disk, the temporary image */
    History *h;
    Root *guest;
    bool over; /* the crash has been */
} Run;

static const char *kind(bool qcow2)
{
    return qcow2 ? "image" : "disk";
}

COROUTINE_ONLY
static void co_make(unsigned n, bool qcow2)
{
    if (qcow2) {
        co_sim_image_make(n, DISK_BYTES, -1);
        co_sim_image_open(n, -1);
    } else {
        co_sim_disk_add(n, DISK_BYTES);
    }
}

COROUTINE_ONLY
static void co_close(unsigned n, bool qcow2)
{
    if (qcow2) {
        co_sim_image_close(n);
    }
    co_sim_disk_del(n);
}

static void choose_faults(void)
{
    static const unsigned errors[] = {0, 0, 5, 100};
    SimDiskFaults *faults = sim_disk_faults(TEMP);

    *faults = (SimDiskFaults){
        .write_error_percent = errors[sim_below(4)],
        .write_errors = sim_percent(20) ? 1 : 0,
        .stuck_percent = sim_percent(20) ? 100 : 0,
        .space_bytes = sim_percent(20) ? DISK_BYTES / 2 : 0,
    };
}

/* --- frozen and thawed --------------------------------------------------- */

COROUTINE_ONLY
static void co_top(const char *file, unsigned n)
{
    co_sim_qmp_ok("{'execute': 'blockdev-reopen', 'arguments': {'options': [{"
                  "'driver': 'raw', 'node-name': 'top', 'file': '%s%u',"
                  " 'discard': 'unmap'}]}}",
                  file, n);
}

COROUTINE_ONLY
static void co_freeze(const Run *run)
{
    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {"
                  "'driver': 'copy-before-write', 'node-name': 'cbw0',"
                  " 'file': '%s%u', 'target': '%s%u', 'on-cbw-error': '%s',"
                  " 'cbw-timeout-ms': %u, 'discard': 'unmap'}}",
                  kind(run->qcow2), DISK, kind(run->temp_qcow2), TEMP,
                  sim_percent(50) ? "break-snapshot" : "break-guest-write",
                  5 + (unsigned)sim_below(50));
    co_top("cbw", 0);
    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {"
                  "'driver': 'snapshot-access', 'node-name': 'snap',"
                  " 'file': 'cbw0', 'discard': 'unmap'}}");
}

COROUTINE_ONLY
static void co_thaw(const Run *run)
{
    co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                  " {'node-name': 'snap'}}");
    co_top(kind(run->qcow2), DISK);
    *sim_disk_faults(TEMP) = (SimDiskFaults){0};
    co_cbw_wait_late();
    co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                  " {'node-name': 'cbw0'}}");
}

/* What is read is scenario-fleecing's matter. */
COROUTINE_ONLY
static void co_use_snapshot(void)
{
    Root *reader = root_new("root", NULL, NULL);
    uint8_t *buf = g_malloc(DISK_BYTES);

    sim_check(root_attach(reader, node_find("snap"),
                          PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL, NULL),
              "a reader cannot attach");
    for (unsigned i = 0; i < 4; i++) {
        uint64_t at = sim_below(DISK_BYTES / SIM_SECTOR / 2) * SIM_SECTOR;

        if (sim_percent(30)) {
            co_root_pdiscard(reader, at, DISK_BYTES / 2);
        } else {
            co_root_pread(reader, at, DISK_BYTES / 2, buf);
        }
        co_sim_pause();
    }
    g_free(buf);
    co_sim_guest_free(reader);
}

/* What does not fit the disk changes nothing. */
COROUTINE_ONLY
static void co_misfit(const Run *run)
{
    bool small = sim_percent(50);

    sim_check(!co_sim_qmp(
                  "{'execute': 'blockdev-add', 'arguments': {"
                  "'driver': 'copy-before-write', 'node-name': 'cbw0',"
                  " 'file': '%s%u', 'target': '%s%u'%s}}",
                  kind(run->qcow2), DISK,
                  small ? "disk" : kind(run->temp_qcow2), small ? SMALL : TEMP,
                  small ? "" : ", 'bitmap': {'node': 'disk4', 'name': 'b'}"),
              "a target, or a bitmap, of another size is taken");
    sim_check(!node_find("cbw0"), "what was refused is there");
}

COROUTINE_ONLY
static void co_freezer(void *opaque)
{
    const Run *run = opaque;

    do {
        if (sim_percent(20)) {
            co_misfit(run);
        }
        choose_faults();
        co_freeze(run);
        co_use_snapshot();
        co_thaw(run);
    } while (!run->over);
}

/* --- the crash ----------------------------------------------------------- */

COROUTINE_ONLY
static void co_crash(Run *run)
{
    static const unsigned percents[] = {0, 5, 50, 95, 100};
    unsigned percent = percents[sim_below(5)];

    co_sleep_ns(sim_below(20000000));
    history_lose_power(run->h);
    sim_disk_lose_power(DISK, DISK_LEFT, percent);
    sim_disk_lose_power(TEMP, TEMP_LEFT, percent);
    run->over = true;
}

COROUTINE_ONLY
static void co_work(Run *run)
{
    LoadOptions options = {.workers = 5,
                           .requests = 100000,
                           .image = true,
                           .errors_expected = true};
    Load *load = load_start(run->guest, run->h, &options);
    SimGroup freezer;

    sim_group_init(&freezer);
    sim_group_start(&freezer, 0, co_freezer, run);
    co_crash(run);
    load_stop(load);
    co_load_finish(load);
    co_sim_group_wait(&freezer);
}

COROUTINE_ONLY
static void co_check_left(const Run *run)
{
    Node *disk = co_sim_disk_open(DISK_LEFT);
    Root *guest =
        sim_guest_new(run->qcow2 ? co_sim_image_open(DISK_LEFT, -1) : disk);
    void *buf = g_malloc(DISK_BYTES);
    int ret = co_root_pread(guest, 0, DISK_BYTES, buf);

    sim_check(ret == 0, "what is left cannot be read: %s", strerror(-ret));
    history_check_left(run->h, buf);
    g_free(buf);
    co_sim_guest_free(guest);
    if (run->qcow2) {
        co_sim_image_check(DISK_LEFT, true);
    }
    co_close(DISK_LEFT, run->qcow2);
    if (run->temp_qcow2) {
        co_sim_disk_open(TEMP_LEFT);
        co_sim_image_open(TEMP_LEFT, -1);
        co_sim_image_check(TEMP_LEFT, true);
        co_close(TEMP_LEFT, true);
    }
}

static void co_run(void)
{
    Run run = {
        .qcow2 = sim_percent(60),
        .temp_qcow2 = sim_percent(50),
        .h = history_new(DISK_BYTES),
    };

    co_make(DISK, run.qcow2);
    co_make(TEMP, run.temp_qcow2);
    co_sim_disk_add(SMALL, DISK_BYTES / 2);
    co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-add', 'arguments':"
                  " {'node': 'disk4', 'name': 'b'}}");
    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'driver': 'raw',"
                  " 'node-name': 'top', 'file': '%s%u', 'discard': 'unmap'}}",
                  kind(run.qcow2), DISK);
    run.guest = sim_guest_new(node_find("top"));
    history_keep_safe(run.h);
    if (sim_percent(50)) {
        co_load_fill(run.guest, run.h);
    }
    co_work(&run);
    co_load_check_all(run.guest, run.h);
    co_sim_guest_free(run.guest);
    co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                  " {'node-name': 'top'}}");
    co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-remove', 'arguments':"
                  " {'node': 'disk4', 'name': 'b'}}");
    co_sim_disk_del(SMALL);
    co_close(TEMP, run.temp_qcow2);
    co_close(DISK, run.qcow2);
    co_check_left(&run);
    history_free(run.h);
}

const SimScenario scenario_frozen_crash = {
    .name = "frozen-crash",
    .about = "power is lost while a disk is frozen, read and thawed",
    .co_run = co_run,
};
