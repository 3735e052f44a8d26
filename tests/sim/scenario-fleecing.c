/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk is frozen and thawed again and again under a guest, by transactions,
 * some of which fail. Readers on all reactors look at the point in time; one
 * discards. The temporary image fails, is full, or hangs, and the snapshot or
 * the guest's write breaks. What is read is of the point in time, byte by
 * byte, or is refused for a reason.
 */
#include "block/filter/copy-before-write.h"
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (384 * KiB)
#define CLUSTER (64 * KiB)
#define CLUSTERS (DISK_BYTES / CLUSTER)
#define READERS 4
#define ROUNDS 3
#define READS 28
#define LARGE_BYTES (4 * CLUSTER)

static struct {
    bool wanted;
    uint8_t frozen[DISK_BYTES];
    bool may_break;       /* reads may be refused at any time */
    bool going[CLUSTERS]; /* discarded, or about to be */
    bool gone[CLUSTERS];  /* discarded */
    Root *root;
} snap;

/* As in scenario-backup.c: the section in which all happens is the first. */
static void section_ends(Root *root)
{
    if (snap.wanted) {
        snap.wanted = false;
        sim_disk_peek(0, 0, snap.frozen, DISK_BYTES, false);
    }
}

static const RootOps guest_ops = {.quiesce_end = section_ends};

static bool any_of(const bool *clusters, uint64_t offset, uint64_t bytes)
{
    for (uint64_t c = offset / CLUSTER; c * CLUSTER < offset + bytes; c++) {
        if (clusters[c]) {
            return true;
        }
    }
    return false;
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b,
                                 uint64_t bytes)
{
    uint64_t i = 0;

    while (i < bytes && a[i] == b[i]) {
        i++;
    }
    return i;
}

COROUTINE_ONLY
static void co_read_one(uint64_t offset, uint64_t bytes, uint8_t *buf)
{
    bool was_gone = any_of(snap.gone, offset, bytes);
    int ret = co_root_pread(snap.root, offset, bytes, buf);

    if (ret < 0) {
        sim_check(snap.may_break || any_of(snap.going, offset, bytes),
                  "a read of the snapshot at %" PRIu64 " ends with %d", offset,
                  ret);
        sim_check(ret == -EACCES || snap.may_break, "it ends with %d", ret);
    } else {
        sim_check(!was_gone, "what was discarded is read at %" PRIu64, offset);
        sim_check(!memcmp(buf, snap.frozen + offset, bytes),
                  "byte %" PRIu64 " is not of the point in time",
                  offset + first_difference(buf, snap.frozen + offset, bytes));
    }
}

COROUTINE_ONLY
static void co_discard_one(uint64_t offset, uint64_t bytes)
{
    uint64_t first = (offset + CLUSTER - 1) / CLUSTER;
    uint64_t end = (offset + bytes) / CLUSTER;

    /* While it goes on reads of these clusters are refused or not. */
    for (uint64_t c = first; c < end; c++) {
        snap.going[c] = true;
    }
    co_root_pdiscard(snap.root, offset, bytes);
    for (uint64_t c = first; c < end; c++) {
        snap.gone[c] = true;
    }
}

COROUTINE_ONLY
static void co_reader(void *opaque)
{
    uint8_t *buf = g_malloc(LARGE_BYTES);
    bool discards = opaque != NULL;

    for (unsigned i = 0; i < READS; i++) {
        uint64_t offset = sim_below(DISK_BYTES / SIM_SECTOR) * SIM_SECTOR;
        uint64_t sectors = sim_percent(10) ? LARGE_BYTES / SIM_SECTOR : 16;
        uint64_t bytes = (1 + sim_below(sectors)) * SIM_SECTOR;

        bytes = MIN(bytes, DISK_BYTES - offset);
        if (discards && sim_percent(10)) {
            co_discard_one(offset, bytes);
        } else {
            co_read_one(offset, bytes, buf);
        }
    }
    g_free(buf);
}

/* A backup of the point in time, which may give back its space. */
COROUTINE_ONLY
static void co_push(void *opaque)
{
    bool discards = *(const bool *)opaque || sim_percent(30);
    unsigned gone = sim_events_seen("null");
    unsigned aborted = sim_events_seen("aborting");
    uint8_t *copy;

    for (unsigned c = 0; discards && c < CLUSTERS; c++) {
        snap.going[c] = true;
    }
    co_sim_qmp_ok("{'execute': 'blockdev-backup', 'arguments': {'job-id': 'j',"
                  " 'device': 'snap', 'target': 'disk3', 'sync': 'full',"
                  " 'discard-source': %s, 'x-perf': {'max-workers': %u}}}",
                  discards ? "true" : "false", (unsigned)(1 + sim_below(4)));
    co_sim_events_wait("null", gone + 1);
    co_graph_lock();
    graph_unlock();
    if (sim_events_seen("aborting") > aborted) {
        sim_check(snap.may_break || discards, "a backup of it fails");
        return;
    }
    copy = g_malloc(DISK_BYTES);
    sim_disk_peek(3, 0, copy, DISK_BYTES, false);
    sim_check(!memcmp(copy, snap.frozen, DISK_BYTES),
              "its backup is not of the point in time");
    g_free(copy);
}

/* The same commands, then perhaps one that fails. */
COROUTINE_ONLY
static bool co_freeze(bool fail, bool break_snapshot, unsigned timeout_ms)
{
    char space[80] = "";

    if (sim_percent(30)) {
        g_snprintf(space, sizeof(space),
                   ", 'space-cap': %u, 'on-space-full': '%s'",
                   (unsigned)((1 + sim_below(CLUSTERS)) * CLUSTER),
                   timeout_ms && sim_percent(50) ? "wait" : "fail");
    }
    return co_sim_qmp(
        "{'execute': 'transaction', 'arguments': {'actions': ["
        "{'type': 'blockdev-add', 'data': {'driver': 'copy-before-write',"
        " 'node-name': 'cbw', 'file': 'disk0', 'target': 'disk1',"
        " 'on-cbw-error': '%s', 'cbw-timeout-ms': %u%s}},"
        "{'type': 'blockdev-reopen', 'data': {'options': [{'driver': 'raw',"
        " 'node-name': 'top', 'file': 'cbw', 'discard': 'unmap'}]}},"
        "{'type': 'blockdev-add', 'data': {'driver': 'snapshot-access',"
        " 'node-name': 'snap', 'file': 'cbw', 'discard': 'unmap'}}"
        "%s]}}",
        break_snapshot ? "break-snapshot" : "break-guest-write", timeout_ms,
        space, fail ? ", {'type': 'abort', 'data': {}}" : "");
}

COROUTINE_ONLY
static void co_thaw(void)
{
    co_sim_qmp_ok(
        "{'execute': 'transaction', 'arguments': {'actions': ["
        "{'type': 'blockdev-del', 'data': {'node-name': 'snap'}},"
        "{'type': 'blockdev-reopen', 'data': {'options': [{'driver': 'raw',"
        " 'node-name': 'top', 'file': 'disk0', 'discard': 'unmap'}]}},"
        "{'type': 'blockdev-del', 'data': {'node-name': 'cbw'}}]}}");
    /* A late request keeps the temporary image until it has ended. */
    co_cbw_wait_late();
}

static void choose_faults(void)
{
    SimDiskFaults *faults = sim_disk_faults(1);

    *faults = (SimDiskFaults){0};
    switch (sim_below(8)) {
    case 0:
        faults->write_error_percent = sim_percent(30) ? 100 : 20;
        break;
    case 1:
        faults->space_bytes = (1 + sim_below(CLUSTERS)) * CLUSTER;
        break;
    case 2:
        faults->stuck_percent = sim_percent(30) ? 100 : 1;
        break;
    default:
        break;
    }
}

/* What is refused at once changes nothing. */
COROUTINE_ONLY
static void co_refused(void)
{
    sim_check(
        !co_sim_qmp("{'execute': 'transaction', 'arguments': {'actions': ["
                    "{'type': 'block-dirty-bitmap-add', 'data':"
                    " {'node': 'disk2', 'name': 'b'}},"
                    "{'type': 'blockdev-add', 'data': {"
                    "'driver': 'copy-before-write', 'node-name': 'cbw',"
                    " 'file': 'disk0', 'target': '%s',"
                    " 'bitmap': {'node': 'disk2', 'name': 'b'}}}]}}",
                    sim_percent(50) ? "disk1" : "disk2"),
        "a bitmap, or a target, of another size is taken");
    sim_check(!node_find("cbw"), "a transaction that failed left nodes");
}

/* What would show readers something else is refused while there are any. */
COROUTINE_ONLY
static void co_under_readers(void)
{
    co_sim_pause();
    sim_check(!co_sim_qmp("{'execute': 'blockdev-reopen', 'arguments':"
                          " {'options': [{'driver': 'raw', 'node-name': 'top',"
                          " 'file': 'disk0', 'discard': 'unmap'}]}}"),
              "the filter is taken out under its readers");
    sim_check(!co_sim_qmp("{'execute': 'block_resize', 'arguments':"
                          " {'node-name': 'top', 'size': %u}}",
                          (unsigned)(sim_below(2 * CLUSTERS) * CLUSTER)),
              "a disk is resized while it is frozen");
}

COROUTINE_ONLY
static void co_round(void)
{
    bool break_snapshot = sim_percent(50);
    unsigned timeout_ms = sim_percent(50) ? 20 + sim_below(200) : 0;
    bool one_discards = sim_percent(50);
    SimGroup readers;

    choose_faults();
    if (sim_percent(20)) {
        co_refused();
    }
    if (sim_percent(30)) {
        sim_check(!co_freeze(true, break_snapshot, timeout_ms),
                  "an abort succeeds");
        sim_check(!node_find("cbw") && !node_find("snap"),
                  "a transaction that failed left nodes");
    }
    memset(snap.gone, 0, sizeof(snap.gone));
    memset(snap.going, 0, sizeof(snap.going));
    snap.may_break = break_snapshot;
    snap.wanted = true;
    sim_check(co_freeze(false, break_snapshot, timeout_ms), "no freezing");
    sim_check(!snap.wanted, "no section was held");
    snap.root = root_new("root", NULL, NULL);
    sim_check(root_attach(snap.root, node_find("snap"),
                          PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL, NULL),
              "a reader cannot attach");
    sim_group_init(&readers);
    for (unsigned i = 0; i < READERS; i++) {
        sim_group_start(&readers, sim_below(SIM_GUESTS), co_reader,
                        i == 0 && one_discards ? &snap : NULL);
    }
    if (sim_percent(30)) {
        sim_group_start(&readers, 0, co_push, &one_discards);
    }
    if (sim_percent(30)) {
        co_under_readers();
    }
    co_sim_group_wait(&readers);
    *sim_disk_faults(1) = (SimDiskFaults){0};
    co_sim_guest_free(snap.root);
    co_thaw();
}

static void co_run(void)
{
    Root *guest = root_new("root", &guest_ops, NULL);
    History *h = history_new(DISK_BYTES);
    LoadOptions options = {
        .workers = 6, .requests = 100000, .tires = 80, .errors_expected = true};
    Load *load;

    snap.wanted = false;
    co_sim_disk_add(0, DISK_BYTES);
    co_sim_disk_add(1, DISK_BYTES);
    co_sim_disk_add(2, DISK_BYTES / 2);
    co_sim_disk_add(3, DISK_BYTES);
    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'driver': 'raw',"
                  " 'node-name': 'top', 'file': 'disk0', 'discard': 'unmap'}}");
    sim_check(root_attach(guest, node_find("top"),
                          PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL, NULL),
              "a guest cannot attach");
    co_load_fill(guest, h);
    load = load_start(guest, h, &options);
    for (unsigned i = 0; i < ROUNDS; i++) {
        co_round();
    }
    load_stop(load);
    co_load_finish(load);
    co_load_check_all(guest, h);
    history_free(h);
    co_sim_guest_free(guest);
    co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                  " {'node-name': 'top'}}");
    co_sim_disk_del(3);
    co_sim_disk_del(2);
    co_sim_disk_del(1);
    co_sim_disk_del(0);
}

const SimScenario scenario_fleecing = {
    .name = "fleecing",
    .about = "a frozen point in time, read while a guest writes",
    .co_run = co_run,
};
