/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters that are let go of.
 *
 * Invariant: a count goes down only for a cluster that nothing on stable
 * storage refers to: after the next commit, or at once if nothing there ever
 * did (s->unknown: taken for data since the last batch of metadata). What the
 * image itself lies in is never let go of, whatever entries say.
 */
#include "block/qcow2/alloc-int.h"

#include <stdio.h>

#include "qapi/qapi-types.h"
#include "util/report-order.h"

/* They leak, which a check finds. */
static void say_not_freed(int error)
{
    report_settle_output();
    fprintf(stderr, "qcow2_free_clusters failed: %s\n", strerror(error));
}

/* Where errors are injected, one that comes with a free hits the read of its
 * count: false then. */
COROUTINE_ONLY
static bool co_free_watched(Qcow2State *s, uint64_t offset)
{
    Qcow2Piece *piece;
    uint64_t index, end;
    int ret;

    qcow2_event(s, BLKDBG_CLUSTER_FREE);
    ret = co_qcow2_refblock_change(s, offset >> s->cluster_bits, &piece, &index,
                                   &end);
    if (ret < 0) {
        say_not_freed(-ret);
    } else if (piece) {
        qcow2_piece_put(&s->refs_cache, piece);
    }
    return ret == 0;
}

/* Neighbours go together; parts of a cluster count one by one. */
static void free_add(const Qcow2State *s, GArray *frees, const Qcow2Free *entry)
{
    if (frees->len && !qcow2_is_watched(s)) {
        Qcow2Free *last = &g_array_index(frees, Qcow2Free, frees->len - 1);

        if (last->kind == entry->kind &&
            last->offset + last->bytes == entry->offset &&
            (entry->offset | entry->bytes) % s->cluster_bytes == 0) {
            last->bytes += entry->bytes;
            return;
        }
    }
    g_array_append_val(frees, *entry);
}

void co_qcow2_free_later(Qcow2State *s, uint64_t offset, uint64_t bytes,
                         Qcow2FreeKind kind)
{
    Qcow2Free entry = {offset, bytes, kind};

    if (qcow2_is_watched(s) && !co_free_watched(s, offset)) {
        return;
    }
    free_add(s, s->frees_waiting, &entry);
}

/* More runs than this are taken for known. */
#define UNKNOWN_MAX 64

void qcow2_note_unknown(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    Qcow2Free entry = {offset, bytes, QCOW2_FREE_OTHER};

    if (s->unknown->len < UNKNOWN_MAX) {
        free_add(s, s->unknown, &entry);
    }
}

static bool is_unknown(const Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    for (unsigned i = 0; i < s->unknown->len; i++) {
        const Qcow2Free *run = &g_array_index(s->unknown, Qcow2Free, i);

        if (offset >= run->offset && bytes <= run->bytes &&
            offset - run->offset <= run->bytes - bytes) {
            return true;
        }
    }
    return false;
}

void co_qcow2_free_data(Qcow2State *s, uint64_t offset, uint64_t bytes,
                        Qcow2FreeKind kind)
{
    Qcow2Free entry = {offset, bytes, kind};

    if (!is_unknown(s, offset, bytes) || qcow2_is_watched(s)) {
        co_qcow2_free_later(s, offset, bytes, kind);
    } else {
        free_add(s, s->frees_ready, &entry);
    }
}

static bool wants_discard(const Qcow2State *s, Qcow2FreeKind kind)
{
    switch (kind) {
    case QCOW2_FREE_REQUEST:
        return s->discard_request;
    case QCOW2_FREE_SNAPSHOT:
        return s->discard_snapshot;
    case QCOW2_FREE_OTHER:
        return s->discard_other;
    case QCOW2_FREE_ALWAYS:
        return true;
    default:
        return false;
    }
}

/* Gives the space of clusters back that nobody else refers to. They are still
 * counted, so nobody takes them meanwhile. */
COROUTINE_ONLY
static void co_discard_unused(Qcow2State *s, const Qcow2Free *f)
{
    uint64_t start = ROUND_DOWN(f->offset, s->cluster_bytes);
    uint64_t end = ROUND_UP(f->offset + f->bytes, s->cluster_bytes), run = 0;

    for (uint64_t at = start; at < end; at += s->cluster_bytes) {
        uint64_t count;

        if (co_qcow2_refcount_get(s, at >> s->cluster_bits, &count) < 0) {
            return;
        }
        if (count == 1) {
            run += s->cluster_bytes;
        }
        if (run && (count != 1 || at + s->cluster_bytes == end)) {
            uint64_t run_end = count == 1 ? at + s->cluster_bytes : at;

            if (run_end <= s->file->child->size_bytes) {
                co_edge_pdiscard(s->file, run_end - run, run);
            }
            run = 0;
        }
    }
}

COROUTINE_ONLY
static int co_free(Qcow2State *s, const Qcow2Free *f)
{
    if (wants_discard(s, f->kind)) {
        co_discard_unused(s, f);
    }
    return co_qcow2_refcount_change(s, f->offset, f->bytes, -1);
}

/* Whether the image itself lies there, and nobody else has counted. */
COROUTINE_ONLY
static bool co_is_needed(Qcow2State *s, uint64_t cluster)
{
    uint64_t count;

    return qcow2_is_metadata(s, cluster << s->cluster_bits, s->cluster_bytes) &&
           co_qcow2_refcount_get(s, cluster, &count) == 0 && count == 1;
}

/* An entry of a damaged image may name a table as its data: that stays. */
COROUTINE_ONLY
static int co_free_but_needed(Qcow2State *s, const Qcow2Free *f)
{
    uint64_t end = f->offset + f->bytes, at = f->offset;
    int ret = 0;

    while (at < end && ret == 0) {
        Qcow2Free part = {at, 0, f->kind};

        while (at < end && !co_is_needed(s, at >> s->cluster_bits)) {
            at = MIN(ROUND_DOWN(at, s->cluster_bytes) + s->cluster_bytes, end);
        }
        part.bytes = at - part.offset;
        if (part.bytes) {
            ret = co_free(s, &part);
        }
        at = ROUND_DOWN(at, s->cluster_bytes) + s->cluster_bytes;
    }
    return ret;
}

int co_qcow2_apply_frees(Qcow2State *s)
{
    GArray *frees = s->frees_ready;
    int ret = 0;

    if (!frees->len) {
        return 0;
    }
    s->frees_ready = g_array_new(FALSE, FALSE, sizeof(Qcow2Free));
    for (unsigned i = 0; i < frees->len; i++) {
        const Qcow2Free *f = &g_array_index(frees, Qcow2Free, i);
        int one = co_free_but_needed(s, f);

        if (one < 0) {
            say_not_freed(-one);
            /* A count that was wrong before is no failure of who flushes. */
            ret = one == -EINVAL ? ret : one;
        }
    }
    g_array_free(frees, TRUE);
    return ret;
}
