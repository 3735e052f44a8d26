/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that reads, writes, zeroes, discards and flushes at random, from
 * all reactors, and whose every read and flush is held against its history.
 */
#include "oracle.h"

#define MAX_SECTORS 64u

struct Load {
    Root *guest;
    History *history;
    LoadOptions options;
    SimGroup group;
    bool stopped;
};

/* --- one request --------------------------------------------------------- */

static void choose_area(const Load *load, uint64_t *sector, uint64_t *count)
{
    uint64_t sectors = history_sectors(load->history);

    *count = 1 + sim_below(load->options.max_sectors);
    *sector = sim_below(sectors);
    *count = MIN(*count, sectors - *sector);
}

static void check_ret(const Load *load, int ret, const char *what)
{
    sim_check(ret == 0 || load->options.errors_expected, "%s: %s", what,
              strerror(-ret));
}

static void co_read(Load *load, void *buf)
{
    uint64_t sector, count, begun = history_read_begin(load->history);
    int ret;

    choose_area(load, &sector, &count);
    ret = co_root_pread(load->guest, sector * SIM_SECTOR, count * SIM_SECTOR,
                        buf);
    check_ret(load, ret, "read");
    history_check(load->history, begun, sector, ret ? 0 : count, buf, "guest");
}

static void told(const Load *load, const HistoryWrite *w, bool ended)
{
    if (load->options.changing) {
        load->options.changing(load->options.opaque, w, ended);
    }
}

static int co_change(Load *load, const HistoryWrite *w, unsigned kind,
                     void *buf)
{
    uint64_t offset = w->sector * SIM_SECTOR, bytes = w->count * SIM_SECTOR;

    if (kind < 2) {
        return co_root_pwrite_zeroes(load->guest, offset, bytes,
                                     kind ? REQ_MAY_UNMAP : 0);
    }
    history_fill(w, buf);
    return co_root_pwrite(load->guest, offset, bytes, buf,
                          kind == 2 ? REQ_FUA : 0);
}

static void co_write(Load *load, void *buf)
{
    unsigned kind = sim_below(20);
    uint64_t sector, count;
    HistoryWrite w;
    int ret;

    choose_area(load, &sector, &count);
    history_write_begin(load->history, &w, sector, count, kind < 2);
    told(load, &w, false);
    ret = co_change(load, &w, kind, buf);
    check_ret(load, ret, "write");
    if (load->options.image && kind == 2 && ret == 0) {
        history_write_safe(load->history, &w);
    }
    history_write_end(load->history, &w, ret);
    told(load, &w, true);
}

static void co_flush(Load *load)
{
    uint64_t begun = history_read_begin(load->history);
    int ret = co_root_flush(load->guest);

    check_ret(load, ret, "flush");
    if (ret == 0 && load->options.image) {
        history_flushed(load->history, begun);
    } else if (ret == 0) {
        history_check_stable(load->history, begun, load->options.disk);
    } else {
        history_check(load->history, begun, 0, 0, NULL, "flush");
    }
}

/* The longest rest of a worker that is tired. */
#define REST_NS 10000000

static void co_worker(void *opaque)
{
    uint64_t buf[MAX_SECTORS * SIM_SECTOR / 8];
    Load *load = opaque;

    for (unsigned i = 0; i < load->options.requests && !load->stopped; i++) {
        unsigned kind = sim_below(100);

        if (kind < 60) {
            co_write(load, buf);
        } else if (kind < 98) {
            co_read(load, buf);
        } else {
            co_flush(load);
        }
        if (load->options.tires && i >= load->options.tires) {
            co_sleep_ns(sim_below(REST_NS));
        } else if (sim_percent(5)) {
            co_sim_pause();
        }
    }
}

/* --- all of it ----------------------------------------------------------- */

Load *load_start(Root *guest, History *h, const LoadOptions *options)
{
    Load *load = g_new0(Load, 1);

    load->guest = guest;
    load->history = h;
    load->options = *options;
    if (!load->options.max_sectors) {
        load->options.max_sectors = 16;
    }
    assert(load->options.max_sectors <= MAX_SECTORS);
    sim_group_init(&load->group);
    for (unsigned i = 0; i < options->workers; i++) {
        sim_group_start(&load->group, i % SIM_GUESTS, co_worker, load);
    }
    return load;
}

void load_stop(Load *load)
{
    load->stopped = true;
}

void co_load_finish(Load *load)
{
    co_sim_group_wait(&load->group);
    g_free(load);
}

void co_load_fill(Root *guest, History *h)
{
    uint64_t sectors = history_sectors(h);
    uint8_t *buf = g_malloc(sectors * SIM_SECTOR);
    HistoryWrite w;
    int ret;

    history_write_begin(h, &w, 0, sectors, false);
    history_fill(&w, buf);
    ret = co_root_pwrite(guest, 0, sectors * SIM_SECTOR, buf, 0);
    sim_check(ret == 0, "the first write: %s", strerror(-ret));
    history_write_end(h, &w, ret);
    g_free(buf);
}

void co_load_check_all(Root *guest, History *h)
{
    uint64_t begun = history_read_begin(h);
    uint64_t sectors = history_sectors(h);
    void *buf = g_malloc(sectors * SIM_SECTOR);
    int ret = co_root_pread(guest, 0, sectors * SIM_SECTOR, buf);

    sim_check(ret == 0, "the last read: %s", strerror(-ret));
    history_check(h, begun, 0, sectors, buf, "the whole disk");
    g_free(buf);
}
