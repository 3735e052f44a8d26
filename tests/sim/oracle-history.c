/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each sector may hold: see oracle.h.
 *
 * Time is counted in calls of this file. A write that ended at E hides every
 * write that had ended before it began, for reads that begin after E.
 *
 * Invariant: values[] of a sector has no entry that is hidden from a read
 * that has not ended yet, and lacks none that is not, but for those dropped
 * because nobody can see them any more.
 */
#include "oracle.h"

#define VISIBLE UINT64_MAX

typedef struct Value {
    uint64_t id;
    uint64_t ended;     /* VISIBLE: not yet */
    uint64_t hidden_at; /* VISIBLE: it is not */
    bool replaced;      /* something newer is safe */
} Value;

struct History {
    uint64_t sectors, now, next_id;
    GArray **values; /* of Value, one a sector */
    GArray *reads;   /* of uint64_t: when those in flight began */
    uint64_t safe;   /* when the last flush began that succeeded; 0: not kept */
    bool lost;       /* power; safe stays */
};

History *history_new(uint64_t bytes)
{
    History *h = g_new0(History, 1);

    h->sectors = bytes / SIM_SECTOR;
    h->now = h->next_id = 1;
    h->values = g_new0(GArray *, h->sectors);
    h->reads = g_array_new(false, false, sizeof(uint64_t));
    return h;
}

void history_free(History *h)
{
    for (uint64_t s = 0; s < h->sectors; s++) {
        if (h->values[s]) {
            g_array_free(h->values[s], true);
        }
    }
    g_array_free(h->reads, true);
    g_free(h->values);
    g_free(h);
}

uint64_t history_sectors(const History *h)
{
    return h->sectors;
}

/* --- sectors ------------------------------------------------------------- */

static GArray *values_of(History *h, uint64_t sector)
{
    if (!h->values[sector]) {
        Value zero = {.hidden_at = VISIBLE};

        h->values[sector] = g_array_new(false, false, sizeof(Value));
        g_array_append_val(h->values[sector], zero);
    }
    return h->values[sector];
}

static uint64_t oldest_read(const History *h)
{
    uint64_t oldest = h->now;

    for (guint i = 0; i < h->reads->len; i++) {
        oldest = MIN(oldest, g_array_index(h->reads, uint64_t, i));
    }
    return oldest;
}

static void drop_hidden(GArray *values, uint64_t oldest)
{
    for (guint i = 0; i < values->len;) {
        if (g_array_index(values, Value, i).hidden_at < oldest) {
            g_array_remove_index_fast(values, i);
        } else {
            i++;
        }
    }
}

/* --- writes -------------------------------------------------------------- */

void history_write_begin(History *h, HistoryWrite *w, uint64_t sector,
                         uint64_t count, bool zeroes)
{
    Value value = {.ended = VISIBLE, .hidden_at = VISIBLE};
    uint64_t oldest = oldest_read(h);

    *w = (HistoryWrite){
        .id = zeroes ? 0 : h->next_id++,
        .sector = sector,
        .count = count,
        .begun = h->now++,
    };
    value.id = w->id;
    for (uint64_t s = sector; s < sector + count; s++) {
        drop_hidden(values_of(h, s), oldest);
        g_array_append_val(h->values[s], value);
    }
}

/* The entry of @w: the last one of that id that is in flight. */
static Value *value_of(GArray *values, const HistoryWrite *w)
{
    for (guint i = values->len; i-- > 0;) {
        Value *v = &g_array_index(values, Value, i);

        if (v->id == w->id && v->ended == VISIBLE) {
            return v;
        }
    }
    g_assert_not_reached();
}

void history_write_end(History *h, const HistoryWrite *w, int ret)
{
    uint64_t now = h->now++;

    for (uint64_t s = w->sector; s < w->sector + w->count; s++) {
        GArray *values = h->values[s];

        value_of(values, w)->ended = now;
        for (guint i = 0; ret == 0 && i < values->len; i++) {
            Value *v = &g_array_index(values, Value, i);

            if (v->ended < w->begun && v->hidden_at == VISIBLE) {
                v->hidden_at = now;
            }
        }
    }
}

/* Each sector is filled with the id, changed by its number so that sectors
 * that end up elsewhere are noticed. */
static uint64_t word(uint64_t id, uint64_t sector)
{
    return id ? id << 24 | (sector + 1) : 0;
}

void history_fill(const HistoryWrite *w, void *buf)
{
    uint64_t *words = buf;

    for (uint64_t s = 0; s < w->count; s++) {
        uint64_t same = word(w->id, w->sector + s);

        for (unsigned i = 0; i < SIM_SECTOR / 8; i++) {
            *words++ = same;
        }
    }
}

/* --- reads --------------------------------------------------------------- */

uint64_t history_read_begin(History *h)
{
    uint64_t now = h->now++;

    g_array_append_val(h->reads, now);
    return now;
}

static void read_over(History *h, uint64_t begun)
{
    for (guint i = 0; i < h->reads->len; i++) {
        if (g_array_index(h->reads, uint64_t, i) == begun) {
            g_array_remove_index_fast(h->reads, i);
            return;
        }
    }
    g_assert_not_reached();
}

static bool may_be(GArray *values, uint64_t begun, uint64_t sector,
                   uint64_t seen, bool left)
{
    for (guint i = 0; i < values->len; i++) {
        const Value *v = &g_array_index(values, Value, i);

        if (v->hidden_at > begun && !(left && v->replaced) &&
            word(v->id, sector) == seen) {
            return true;
        }
    }
    return false;
}

static void check_sector(History *h, uint64_t begun, uint64_t sector,
                         const uint64_t *words, const char *who, bool left)
{
    GArray *values = values_of(h, sector);
    /* Mostly all of it is of one write. */
    bool one = !memcmp(words, words + 1, SIM_SECTOR - 8);

    for (unsigned i = 0; i < (one ? 1 : SIM_SECTOR / 8); i++) {
        if (i == 0 || words[i] != words[0]) {
            sim_check(may_be(values, begun, sector, words[i], left),
                      "%s: sector %" PRIu64 " holds write %" PRIu64
                      " of sector %" PRId64 ", which nothing explains",
                      who, sector, words[i] >> 24,
                      (int64_t)(words[i] & 0xffffff) - 1);
        }
    }
}

void history_check(History *h, uint64_t begun, uint64_t sector, uint64_t count,
                   const void *buf, const char *who)
{
    const uint64_t *words = buf;

    for (uint64_t s = 0; s < count; s++) {
        check_sector(h, begun, sector + s, words + s * SIM_SECTOR / 8, who,
                     false);
    }
    read_over(h, begun);
}

void history_check_stable(History *h, uint64_t begun, unsigned disk)
{
    uint64_t words[SIM_SECTOR / 8];

    for (uint64_t s = 0; s < h->sectors; s++) {
        if (h->values[s]) {
            sim_disk_peek(disk, s * SIM_SECTOR, words, sizeof(words), true);
            check_sector(h, begun, s, words, "after a loss of power", false);
        }
    }
    read_over(h, begun);
}

/* --- what is left of other disks ----------------------------------------- */

/* It is a read that began then and does not end: so nothing is dropped. */
void history_keep_safe(History *h)
{
    h->safe = history_read_begin(h);
}

void history_flushed(History *h, uint64_t begun)
{
    if (h->lost || begun < h->safe) {
        read_over(h, begun);
    } else {
        read_over(h, h->safe);
        h->safe = begun;
    }
}

void history_write_safe(History *h, const HistoryWrite *w)
{
    for (uint64_t s = w->sector; !h->lost && s < w->sector + w->count; s++) {
        for (guint i = 0; i < h->values[s]->len; i++) {
            Value *v = &g_array_index(h->values[s], Value, i);

            v->replaced |= v->ended < w->begun;
        }
    }
}

void history_lose_power(History *h)
{
    h->lost = true;
}

void history_check_left(History *h, const void *buf)
{
    const uint64_t *words = buf;

    for (uint64_t s = 0; s < h->sectors; s++) {
        check_sector(h, h->safe, s, words + s * SIM_SECTOR / 8,
                     "after a loss of power", true);
    }
    read_over(h, h->safe);
    h->safe = 0;
}
