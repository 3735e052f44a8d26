/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which parts of a read the server has told. Servers may tell them in any
 * order; nearly all tell them in theirs.
 *
 * Invariants: call->told and those in call->areas are disjoint; neighbours
 * that touch may stay apart, but told has grown as far as it could when it
 * was added to last.
 */
#include "block/net/nbd-client.h"

static bool overlaps(const NbdArea *a, const NbdArea *b)
{
    return a->start < b->end && b->start < a->end;
}

static NbdArea *other(const NbdCall *call, guint i)
{
    return &g_array_index(call->areas, NbdArea, i);
}

static bool is_new(const NbdCall *call, const NbdArea *area)
{
    if (overlaps(&call->told, area)) {
        return false;
    }
    for (guint i = 0; call->areas && i < call->areas->len; i++) {
        if (overlaps(other(call, i), area)) {
            return false;
        }
    }
    return true;
}

/* Makes @area part of told if they touch. */
static bool join(NbdCall *call, const NbdArea *area)
{
    if (call->told.end == call->told.start) {
        call->told = *area;
    } else if (area->start == call->told.end) {
        call->told.end = area->end;
    } else if (area->end == call->told.start) {
        call->told.start = area->start;
    } else {
        return false;
    }
    return true;
}

/* What lies apart may touch told by now. */
static void join_others(NbdCall *call)
{
    for (guint i = 0; call->areas && i < call->areas->len;) {
        if (join(call, other(call, i))) {
            g_array_remove_index_fast(call->areas, i);
            i = 0;
        } else {
            i++;
        }
    }
}

bool nbd_area_add(NbdCall *call, uint64_t start, uint32_t bytes)
{
    NbdArea area;

    if (!bytes || !range_fits(start, bytes, call->bytes)) {
        return false;
    }
    area = (NbdArea){start, start + bytes};
    if (!is_new(call, &area)) {
        return false;
    }
    if (join(call, &area)) {
        join_others(call);
        return true;
    }
    if (!call->areas) {
        call->areas = g_array_new(false, false, sizeof(NbdArea));
    }
    if (call->areas->len >= NBD_AREAS_MAX) {
        return false;
    }
    g_array_append_val(call->areas, area);
    return true;
}

bool nbd_area_complete(const NbdCall *call)
{
    return call->told.start == 0 && call->told.end == call->bytes;
}
