/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of an open image: sizes of the caches, what is discarded, overlap
 * checks; and changing them later.
 */
#include "block/qcow2/bitmap-int.h"
#include "block/qcow2/open-int.h"

#define L2_CACHE_DEFAULT_MAX (32 * MiB)
#define REFS_CACHE_DEFAULT (1 * MiB)
#define PIECE_DEFAULT 4096

typedef struct CacheSizes {
    uint64_t l2_bytes, refs_bytes, piece_bytes;
} CacheSizes;

static uint64_t whole_l2(const Qcow2State *s)
{
    return s->l1_size * s->cluster_bytes;
}

static bool not_negative(const char *name, bool given, int64_t value,
                         Error **errp)
{
    if (given && value < 0) {
        error_set(errp,
                  "Parameter '%s' expects a non-negative number below 2^64",
                  name);
        return false;
    }
    return true;
}

static bool check_sizes(const BlockdevOptionsQcow2 *o, Error **errp)
{
    if (!not_negative("l2-cache-entry-size", o->has_l2_cache_entry_size,
                      o->l2_cache_entry_size, errp) ||
        !not_negative("cache-size", o->has_cache_size, o->cache_size, errp) ||
        !not_negative("l2-cache-size", o->has_l2_cache_size, o->l2_cache_size,
                      errp) ||
        !not_negative("refcount-cache-size", o->has_refcount_cache_size,
                      o->refcount_cache_size, errp)) {
        return false;
    }
    if (o->has_cache_size &&
        (o->has_l2_cache_size + o->has_refcount_cache_size == 2)) {
        error_set(errp, "cache-size, l2-cache-size and refcount-cache-size "
                        "may not be set at the same time");
        return false;
    }
    if (o->has_cache_size && o->has_l2_cache_size &&
        o->l2_cache_size > o->cache_size) {
        error_set(errp, "l2-cache-size may not exceed cache-size");
        return false;
    }
    if (o->has_cache_size && o->has_refcount_cache_size &&
        o->refcount_cache_size > o->cache_size) {
        error_set(errp, "refcount-cache-size may not exceed cache-size");
        return false;
    }
    return true;
}

/* What is not for L2 tables is for counts; so many clusters are too many. */
static bool check_refs_size(const Qcow2State *s, const BlockdevOptionsQcow2 *o,
                            uint64_t refs_bytes, Error **errp)
{
    if (o->has_cache_size && !o->has_l2_cache_size &&
        !o->has_refcount_cache_size) {
        refs_bytes = o->cache_size - MIN((uint64_t)o->cache_size, whole_l2(s));
    }
    if (refs_bytes / s->cluster_bytes > INT_MAX) {
        error_set(errp, "Refcount cache size too big");
        return false;
    }
    return true;
}

static bool sizes_parse(const Qcow2State *s, const BlockdevOptionsQcow2 *o,
                        CacheSizes *sizes, Error **errp)
{
    if (!check_sizes(o, errp)) {
        return false;
    }
    sizes->piece_bytes = MIN(PIECE_DEFAULT, s->cluster_bytes);
    if (o->has_l2_cache_entry_size) {
        if (o->l2_cache_entry_size < 512 ||
            o->l2_cache_entry_size > s->cluster_bytes ||
            !is_power_of_2(o->l2_cache_entry_size)) {
            error_set(errp,
                      "L2 cache entry size must be a power of two between %d "
                      "and the cluster size (%" PRIu64 ")",
                      512, s->cluster_bytes);
            return false;
        }
        sizes->piece_bytes = o->l2_cache_entry_size;
    }
    sizes->refs_bytes = REFS_CACHE_DEFAULT;
    sizes->l2_bytes = MIN(L2_CACHE_DEFAULT_MAX, MAX(whole_l2(s), 64 * KiB));
    if (o->has_refcount_cache_size) {
        sizes->refs_bytes = o->refcount_cache_size;
    }
    if (o->has_l2_cache_size) {
        sizes->l2_bytes = o->l2_cache_size;
    }
    if (o->has_cache_size) {
        if (o->has_l2_cache_size) {
            sizes->refs_bytes = o->cache_size - o->l2_cache_size;
        } else if (o->has_refcount_cache_size) {
            sizes->l2_bytes = o->cache_size - o->refcount_cache_size;
        } else {
            sizes->refs_bytes = MIN(REFS_CACHE_DEFAULT, o->cache_size / 5);
            sizes->l2_bytes = o->cache_size - sizes->refs_bytes;
        }
    }
    return check_refs_size(s, o, sizes->refs_bytes, errp);
}

/* --- overlap checks ------------------------------------------------------ */

static unsigned mode_bits(Qcow2OverlapCheckMode mode)
{
    switch (mode) {
    case QCOW2_OVERLAP_CHECK_MODE_NONE:
        return 0;
    case QCOW2_OVERLAP_CHECK_MODE_CONSTANT:
        return QCOW2_OL_CONSTANT;
    case QCOW2_OVERLAP_CHECK_MODE_ALL:
        return QCOW2_OL_ALL;
    default:
        return QCOW2_OL_CACHED;
    }
}

static void flag(unsigned *bits, unsigned bit, bool given, bool value)
{
    if (given) {
        *bits = value ? *bits | bit : *bits & ~bit;
    }
}

static unsigned overlap_bits(const Qcow2OverlapChecks *o)
{
    const Qcow2OverlapCheckFlags *f;
    unsigned bits;

    if (!o) {
        return QCOW2_OL_CACHED;
    }
    if (o->kind == QCOW2_OVERLAP_CHECKS_KIND_MODE) {
        return mode_bits(o->u.mode);
    }
    f = o->u.flags;
    bits = f->has_template ? mode_bits(f->template) : QCOW2_OL_CACHED;
    flag(&bits, QCOW2_OL_MAIN_HEADER, f->has_main_header, f->main_header);
    flag(&bits, QCOW2_OL_ACTIVE_L1, f->has_active_l1, f->active_l1);
    flag(&bits, QCOW2_OL_ACTIVE_L2, f->has_active_l2, f->active_l2);
    flag(&bits, QCOW2_OL_REFCOUNT_TABLE, f->has_refcount_table,
         f->refcount_table);
    flag(&bits, QCOW2_OL_REFCOUNT_BLOCK, f->has_refcount_block,
         f->refcount_block);
    flag(&bits, QCOW2_OL_SNAPSHOT_TABLE, f->has_snapshot_table,
         f->snapshot_table);
    flag(&bits, QCOW2_OL_INACTIVE_L1, f->has_inactive_l1, f->inactive_l1);
    flag(&bits, QCOW2_OL_INACTIVE_L2, f->has_inactive_l2, f->inactive_l2);
    flag(&bits, QCOW2_OL_BITMAP_DIRECTORY, f->has_bitmap_directory,
         f->bitmap_directory);
    return bits;
}

/* --- applying ------------------------------------------------------------ */

static bool check_interval(const BlockdevOptionsQcow2 *o, Error **errp)
{
    if (o->has_cache_clean_interval &&
        (o->cache_clean_interval < 0 || o->cache_clean_interval > UINT32_MAX)) {
        error_set(errp, "Cache clean interval too big");
        return false;
    }
    return true;
}

static void apply_flags(Qcow2State *s, const BlockdevOptionsQcow2 *o)
{
    s->lazy = s->version >= 3 &&
              (o->has_lazy_refcounts
                   ? o->lazy_refcounts
                   : (s->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS) != 0);
    s->discard_request = o->has_pass_discard_request ? o->pass_discard_request
                                                     : s->node->discard_unmap;
    s->discard_snapshot =
        o->has_pass_discard_snapshot ? o->pass_discard_snapshot : true;
    s->discard_other = o->has_pass_discard_other && o->pass_discard_other;
    s->overlap_checks = overlap_bits(o->overlap_check);
    s->cache_clean_interval_s =
        o->has_cache_clean_interval ? o->cache_clean_interval : 600;
}

bool qcow2_options_apply(Qcow2State *s, const BlockdevOptionsQcow2 *o,
                         Error **errp)
{
    CacheSizes sizes;

    if (o->has_lazy_refcounts && o->lazy_refcounts && s->version < 3) {
        error_set(errp, "Lazy refcounts require a qcow2 image with at least "
                        "qemu 1.1 compatibility level");
        return false;
    }
    if (!sizes_parse(s, o, &sizes, errp) || !check_interval(o, errp)) {
        return false;
    }
    qcow2_cache_init(&s->l2_cache, s, sizes.piece_bytes, sizes.l2_bytes,
                     BLKDBG_L2_LOAD);
    qcow2_cache_init(&s->refs_cache, s, MIN(PIECE_DEFAULT, s->cluster_bytes),
                     sizes.refs_bytes, BLKDBG_NONE);
    apply_flags(s, o);
    return true;
}

/* --- reopening ----------------------------------------------------------- */

const char *const qcow2_reopen_options[] = {
    "lazy-refcounts",
    "pass-discard-request",
    "pass-discard-snapshot",
    "pass-discard-other",
    "overlap-check",
    "cache-size",
    "l2-cache-size",
    "l2-cache-entry-size",
    "refcount-cache-size",
    "cache-clean-interval",
    NULL,
};

typedef struct Undo {
    Qcow2State *s;
    bool discard_request, discard_snapshot, discard_other, lazy;
    unsigned overlap_checks;
    uint64_t cache_clean_interval_s;
    CacheSizes sizes;
} Undo;

static void reopen_abort(void *opaque)
{
    Undo *u = opaque;

    u->s->discard_request = u->discard_request;
    u->s->discard_snapshot = u->discard_snapshot;
    u->s->discard_other = u->discard_other;
    u->s->lazy = u->lazy;
    u->s->overlap_checks = u->overlap_checks;
    u->s->cache_clean_interval_s = u->cache_clean_interval_s;
}

static void set_cache(Qcow2Cache *c, Qcow2State *s, uint64_t piece_bytes,
                      uint64_t max_bytes)
{
    int event = c->load_event;

    if (c->piece_bytes != piece_bytes && c->n_dirty == 0) {
        qcow2_cache_destroy(c);
        qcow2_cache_init(c, s, piece_bytes, max_bytes, event);
    } else {
        c->max_pieces = MAX(max_bytes / c->piece_bytes, 4);
    }
}

static void reopen_commit(void *opaque)
{
    Undo *u = opaque;

    set_cache(&u->s->l2_cache, u->s, u->sizes.piece_bytes, u->sizes.l2_bytes);
    set_cache(&u->s->refs_cache, u->s, u->s->refs_cache.piece_bytes,
              u->sizes.refs_bytes);
    qcow2_bitmaps_set_readonly(u->s, u->s->node->read_only);
}

static const TxnOps reopen_ops = {
    .commit = reopen_commit,
    .abort = reopen_abort,
    .clean = g_free,
};

bool co_qcow2_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    const BlockdevOptionsQcow2 *o = &reopen->options->u.qcow2;
    Qcow2State *s = qcow2_state(reopen->node);
    CacheSizes sizes;
    Undo *u;

    if (!sizes_parse(s, o, &sizes, errp) || !check_interval(o, errp)) {
        return false;
    }
    if ((s->incompatible & QCOW2_INCOMPAT_CORRUPT) &&
        !reopen->node->read_only) {
        error_set(errp, "qcow2: Image is corrupt; cannot be opened "
                        "read/write");
        return false;
    }
    u = g_new(Undo, 1);
    *u = (Undo){s,
                s->discard_request,
                s->discard_snapshot,
                s->discard_other,
                s->lazy,
                s->overlap_checks,
                s->cache_clean_interval_s,
                sizes};
    txn_add(txn, &reopen_ops, u);
    apply_flags(s, o);
    return true;
}
