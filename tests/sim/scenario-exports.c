/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NBD clients over a network that splits, stalls and breaks, while their
 * export is removed and comes back, and at last the server stops. Requests
 * that were under way then may have been done or not; all others were.
 */
#include "nbd-client.h"
#include "oracle.h"
#include "scenarios.h"

#define DISK_BYTES (64 * KiB)
#define MAX_SECTORS 12u
#define CLIENTS 5u

typedef struct Shared {
    History *history;
    bool stop;
} Shared;

COROUTINE_ONLY
static int co_write(const Shared *shared, int fd, uint64_t sector,
                    uint64_t count)
{
    char buf[MAX_SECTORS * SIM_SECTOR];
    HistoryWrite w;
    int ret;

    history_write_begin(shared->history, &w, sector, count, false);
    history_fill(&w, buf);
    ret = co_sim_nbd_write(fd, sector * SIM_SECTOR, buf, count * SIM_SECTOR,
                           sim_percent(10));
    /* Without an answer it may still be under way. */
    if (ret != -EPIPE) {
        history_write_end(shared->history, &w, ret);
    }
    return ret;
}

COROUTINE_ONLY
static int co_read(const Shared *shared, int fd, uint64_t sector,
                   uint64_t count)
{
    char buf[MAX_SECTORS * SIM_SECTOR];
    uint64_t begun = history_read_begin(shared->history);
    int ret = co_sim_nbd_read(fd, sector * SIM_SECTOR, buf, count * SIM_SECTOR);

    history_check(shared->history, begun, sector, ret ? 0 : count, buf,
                  "client");
    return ret;
}

COROUTINE_ONLY
static int co_flush(const Shared *shared, int fd)
{
    uint64_t begun = history_read_begin(shared->history);
    int ret = co_sim_nbd_flush(fd);

    if (ret) {
        history_check(shared->history, begun, 0, 0, NULL, "client");
    } else {
        history_check_stable(shared->history, begun, 0);
    }
    return ret;
}

COROUTINE_ONLY
static int co_request(const Shared *shared, int fd)
{
    uint64_t count = 1 + sim_below(MAX_SECTORS);
    uint64_t sector = sim_below(DISK_BYTES / SIM_SECTOR - count);
    unsigned kind = sim_below(100);

    return kind < 50   ? co_write(shared, fd, sector, count)
           : kind < 96 ? co_read(shared, fd, sector, count)
                       : co_flush(shared, fd);
}

/* Comes back until it is told to stop. */
static void co_client(void *opaque)
{
    Shared *shared = opaque;

    while (!shared->stop) {
        int fd = co_sim_nbd_open("nbd", "disk");
        unsigned requests = 1 + sim_below(40);

        if (fd < 0) {
            co_sleep_ns(1000000);
            continue;
        }
        while (requests && co_request(shared, fd) != -EPIPE) {
            requests--;
        }
        co_sim_nbd_close(fd, sim_percent(50));
    }
}

/* On control, on a thread, or on two. */
COROUTINE_ONLY
static void co_add_export(void)
{
    static const char *const threads[] = {"", ", 'iothread': 't0'",
                                          ", 'iothread': ['t1', 't0']"};

    co_sim_qmp_ok("{'execute': 'block-export-add', 'arguments': {"
                  "'type': 'nbd', 'id': 'e', 'node-name': '%s',"
                  " 'name': 'disk', 'writable': true%s}}",
                  sim_top_name(0), threads[sim_below(3)]);
}

COROUTINE_ONLY
static void co_threads(bool begin)
{
    for (unsigned i = 0; i < 2; i++) {
        co_sim_qmp_ok(begin ? "{'execute': 'object-add', 'arguments':"
                              " {'qom-type': 'iothread', 'id': 't%u'}}"
                            : "{'execute': 'object-del', 'arguments':"
                              " {'id': 't%u'}}",
                      i);
    }
}

COROUTINE_ONLY
static void co_remove_export(unsigned number)
{
    if (!sim_percent(30) ||
        !co_sim_qmp("{'execute': 'block-export-del',"
                    " 'arguments': {'id': 'e', 'mode': 'safe'}}")) {
        co_sim_qmp_ok("{'execute': 'block-export-del',"
                      " 'arguments': {'id': 'e', 'mode': 'hard'}}");
    }
    co_sim_events_wait("BLOCK_EXPORT_DELETED", number);
}

COROUTINE_ONLY
static void co_serve(void)
{
    co_sim_qmp_ok("{'execute': 'nbd-server-start', 'arguments': {'addr':"
                  " {'type': 'unix', 'data': {'path': 'nbd'}}}}");
    co_add_export();
    for (unsigned i = 1; i <= 3; i++) {
        co_sleep_ns(1000000 + sim_below(4000000));
        co_remove_export(i);
        if (sim_percent(50)) {
            co_sim_pause();
        }
        co_add_export();
    }
    co_sleep_ns(1000000);
}

COROUTINE_ONLY
static void co_check_disk(Node *node, History *h)
{
    Root *guest = sim_guest_new(node);

    co_load_check_all(guest, h);
    co_sim_guest_free(guest);
}

static void co_run(void)
{
    Node *node = co_sim_stack_add(0, DISK_BYTES);
    Shared shared = {.history = history_new(DISK_BYTES)};
    SimGroup group;

    sim_net_faults = (SimNetFaults){
        .split_percent = sim_percent(60) ? 20 : 0,
        .stall_percent = sim_percent(50) ? 1 : 0,
        .reset_percent = sim_percent(50) ? 5 : 0,
    };
    co_threads(true);
    sim_group_init(&group);
    for (unsigned i = 0; i < CLIENTS; i++) {
        sim_group_start(&group, i % SIM_GUESTS, co_client, &shared);
    }
    co_serve();
    shared.stop = true;
    co_sim_qmp_ok("{'execute': 'nbd-server-stop'}");
    co_sim_group_wait(&group);
    co_check_disk(node, shared.history);
    history_free(shared.history);
    co_threads(false);
    co_sim_stack_del(0);
}

const SimScenario scenario_exports = {
    .name = "exports",
    .about = "NBD clients on a bad network, exports that come and go",
    .co_run = co_run,
};
