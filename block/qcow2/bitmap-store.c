/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the bitmaps of a node to those in its image: all of them, when nobody
 * writes any more; and taking one out of the image.
 */
#include "block/qcow2/bitmap-int.h"

#include "qapi/qapi-types.h"
#include "util/log.h"

/* --- storing ------------------------------------------------------------- */

/* One that was never in the image and is not right all the same. */
static SparseBitmap *no_bits(const DirtyBitmap *bitmap)
{
    return sparse_bitmap_new(DIV_ROUND_UP(
        bitmap_size_bytes(bitmap), (uint64_t)bitmap_granularity_bytes(bitmap)));
}

static uint32_t flags_of(const DirtyBitmap *bitmap)
{
    return bitmap_inconsistent(bitmap) ? QCOW2_BITMAP_IN_USE
           : bitmap_recording(bitmap)  ? QCOW2_BITMAP_AUTO
                                       : 0;
}

COROUTINE_ONLY
static int co_store_one(Qcow2State *s, const DirtyBitmap *bitmap,
                        Qcow2Stored **stored)
{
    Qcow2Stored *e = g_new0(Qcow2Stored, 1);
    SparseBitmap *owned = NULL;
    const SparseBitmap *bits = bitmap_inconsistent(bitmap)
                                   ? (owned = no_bits(bitmap))
                                   : bitmap_recorded_bits(bitmap, &owned);
    int ret;

    e->name = g_strdup(bitmap_name(bitmap));
    e->name_bytes = strlen(e->name);
    e->type = QCOW2_BITMAP_TYPE_DIRTY;
    e->granularity_bits = __builtin_ctz(bitmap_granularity_bytes(bitmap));
    e->flags = flags_of(bitmap);
    ret = co_qcow2_bits_write(s, bits, e);
    sparse_bitmap_free(owned);
    if (ret < 0) {
        qcow2_stored_free(e);
        return ret;
    }
    *stored = e;
    return 0;
}

/* What a store is made of. */
typedef struct Store {
    bool changed;     /* the directory is not the old one */
    GPtrArray *list;  /* Qcow2Stored: the directory to be */
    GPtrArray *added; /* of them, those that are written anew; not owned */
    GPtrArray *left;  /* of b->stored, those that go; not owned */
} Store;

COROUTINE_ONLY
static int co_add(Qcow2State *s, Store *st, const DirtyBitmap *bitmap)
{
    Qcow2Stored *e;
    int ret = co_store_one(s, bitmap, &e);

    if (ret == 0) {
        g_ptr_array_add(st->list, e);
        g_ptr_array_add(st->added, e);
        st->changed = true;
    }
    return ret;
}

/* Smaller ones are written anew, which takes no time to speak of, so that the
 * file ends where it does if QEMU has written it. */
#define KEEP_FROM_ENTRIES 17

/* The bits that the image has for @e are those of @bitmap: they stay. */
static bool keep(Store *st, const Qcow2Stored *e, const DirtyBitmap *bitmap)
{
    SparseBitmap *owned;
    const SparseBitmap *bits = bitmap_recorded_bits(bitmap, &owned);
    bool same = e->table_entries >= KEEP_FROM_ENTRIES &&
                sparse_bitmap_kept(bits) == e->table_offset;
    Qcow2Stored *copy;

    sparse_bitmap_free(owned);
    if (!same) {
        return false;
    }
    copy = qcow2_stored_copy(e);
    copy->flags = flags_of(bitmap) | (e->flags & QCOW2_BITMAP_EXTRA_COMPATIBLE);
    g_ptr_array_add(st->list, copy);
    st->changed = true;
    return true;
}

static bool goes_in(const DirtyBitmap *bitmap)
{
    return bitmap && bitmap_persistent(bitmap) && !bitmap_inconsistent(bitmap);
}

COROUTINE_ONLY
static int co_fill(Qcow2State *s, Store *st)
{
    const GPtrArray *old = qcow2_bitmaps(s)->stored;
    DirtyBitmap *bitmap = NULL;
    int ret = 0;

    for (unsigned i = 0; i < old->len && ret == 0; i++) {
        Qcow2Stored *e = g_ptr_array_index(old, i);

        bitmap = bitmap_find(s->node, e->name);
        if (goes_in(bitmap) && keep(st, e, bitmap)) {
            continue;
        }
        if (goes_in(bitmap)) {
            ret = co_add(s, st, bitmap);
            if (ret == 0 && e->extra_bytes) {
                Qcow2Stored *now =
                    g_ptr_array_index(st->added, st->added->len - 1);

                now->extra = g_memdup2(e->extra, e->extra_bytes);
                now->extra_bytes = e->extra_bytes;
                now->flags |= QCOW2_BITMAP_EXTRA_COMPATIBLE;
            }
            g_ptr_array_add(st->left, e);
        } else {
            g_ptr_array_add(st->list, qcow2_stored_copy(e));
        }
    }
    bitmap = NULL;
    while (ret == 0 && (bitmap = bitmap_next(s->node, bitmap))) {
        if (bitmap_persistent(bitmap) &&
            qcow2_stored_find(old, bitmap_name(bitmap)) < 0) {
            ret = co_add(s, st, bitmap);
        }
    }
    return ret;
}

COROUTINE_ONLY
static int co_free_left(Qcow2State *s, const GPtrArray *left)
{
    int ret = 0;

    for (unsigned i = 0; i < left->len; i++) {
        int one = co_qcow2_bits_free(s, g_ptr_array_index(left, i));

        ret = one < 0 ? one : ret;
    }
    return ret;
}

/* Takes st->list over. */
COROUTINE_ONLY
static int co_switch_to(Qcow2State *s, Store *st)
{
    Qcow2Bitmaps *b = qcow2_bitmaps(s);
    GPtrArray *old = g_ptr_array_ref(b->stored);
    int ret = co_qcow2_directory_write(s, st->list);

    if (ret == 0) {
        st->list = NULL;
        if (co_free_left(s, st->left) < 0) {
            log_bounded(LOG_LEVEL_WARNING,
                        "Clusters of the old bitmaps of '%s' could not be "
                        "freed; 'img check -r leaks' finds them",
                        node_name(s->node));
        }
    }
    g_ptr_array_unref(old);
    return ret;
}

/* What is stored need not be stored again. */
static void note_kept(Qcow2State *s)
{
    const GPtrArray *list = qcow2_bitmaps(s)->stored;

    for (unsigned i = 0; i < list->len; i++) {
        const Qcow2Stored *e = g_ptr_array_index(list, i);
        DirtyBitmap *bitmap = bitmap_find(s->node, e->name);

        if (goes_in(bitmap)) {
            bitmap_note_kept(bitmap, e->table_offset);
        }
    }
}

int co_qcow2_bitmaps_store(Qcow2State *s)
{
    Store st = {false, g_ptr_array_new_with_free_func(qcow2_stored_free),
                g_ptr_array_new(), g_ptr_array_new()};
    int ret = 0;

    if (qcow2_bitmaps(s)) {
        ret = co_fill(s, &st);
        if (ret == 0 && st.changed) {
            ret = co_switch_to(s, &st);
        }
        if (ret == 0) {
            note_kept(s);
        }
        for (unsigned i = 0; ret < 0 && i < st.added->len; i++) {
            co_qcow2_bits_undo(s, g_ptr_array_index(st.added, i));
        }
    }
    if (st.list) {
        g_ptr_array_free(st.list, TRUE);
    }
    g_ptr_array_free(st.added, TRUE);
    g_ptr_array_free(st.left, TRUE);
    return ret;
}

/* --- taking one out ------------------------------------------------------ */

typedef struct Forget {
    Qcow2State *s;
    const char *name;
    int ret;
} Forget;

COROUTINE_ONLY
static int co_forget(Qcow2State *s, const char *name)
{
    Qcow2Bitmaps *b = qcow2_bitmaps(s);
    int index = b ? qcow2_stored_find(b->stored, name) : -1, ret;
    Store st = {0};

    if (index < 0) {
        return 0;
    }
    st.list = g_ptr_array_new_with_free_func(qcow2_stored_free);
    st.left = g_ptr_array_new();
    for (unsigned i = 0; i < b->stored->len; i++) {
        Qcow2Stored *e = g_ptr_array_index(b->stored, i);

        if (i == (unsigned)index) {
            g_ptr_array_add(st.left, e);
        } else {
            g_ptr_array_add(st.list, qcow2_stored_copy(e));
        }
    }
    ret = co_switch_to(s, &st);
    if (st.list) {
        g_ptr_array_free(st.list, TRUE);
    }
    g_ptr_array_free(st.left, TRUE);
    return ret == 0 ? co_qcow2_settle(s) : ret;
}

COROUTINE_ONLY
static void co_forget_at_home(void *opaque)
{
    Forget *f = opaque;

    f->ret = co_forget(f->s, f->name);
}

COROUTINE_ONLY
static bool co_forget_stored(Node *node, const char *name, Error **errp)
{
    Forget f = {qcow2_state(node), name, 0};

    co_reactor_call(node->home, co_forget_at_home, &f);
    if (f.ret < 0) {
        error_set_errno(errp, -f.ret, "Failed to remove bitmap '%s' from file",
                        name);
    }
    return f.ret == 0;
}

typedef struct Touch {
    Qcow2State *s;
    int ret;
} Touch;

COROUTINE_ONLY
static void co_touch_at_home(void *opaque)
{
    Touch *t = opaque;

    t->ret = co_qcow2_bitmaps_mark(t->s);
}

COROUTINE_ONLY
static bool co_touch(Node *node, Error **errp)
{
    Touch t = {qcow2_state(node), 0};

    if (!t.s->bitmaps || !t.s->bitmaps_unmarked || node->read_only) {
        return true;
    }
    co_reactor_call(node->home, co_touch_at_home, &t);
    if (t.ret < 0) {
        error_set_errno(errp, -t.ret,
                        "Failed to mark the bitmaps of '%s' as "
                        "being in use",
                        node_name(node));
    }
    return t.ret == 0;
}

static bool is_supported(const Node *node)
{
    return qcow2_state(node)->version >= 3;
}

const BitmapStore qcow2_bitmap_store = {
    .supported = is_supported,
    .co_can_store = co_qcow2_bitmap_can_store,
    .co_forget = co_forget_stored,
    .co_touch = co_touch,
};
