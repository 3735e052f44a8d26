/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the bitmaps in an image to those of its node. Whatever is wrong with
 * one, the disk is served: the bitmap is there, inconsistent, and the reason
 * is said once.
 */
#include "block/qcow2/bitmap-int.h"

#include <stdio.h>

#include "qapi/qapi-types.h"
#include "util/log.h"

/* What keeps an entry from being used whatever its bits are, or NULL. */
static const char *entry_wrong(const Qcow2Stored *e)
{
    if (e->flags & ~(uint32_t)QCOW2_BITMAP_FLAGS_KNOWN) {
        return "it has unknown flags";
    }
    if (e->type != QCOW2_BITMAP_TYPE_DIRTY) {
        return "it is of an unknown type";
    }
    if (e->extra_bytes && !(e->flags & QCOW2_BITMAP_EXTRA_COMPATIBLE)) {
        return "it has unknown extra data";
    }
    if (e->granularity_bits < __builtin_ctz(BITMAP_GRANULARITY_MIN) ||
        e->granularity_bits > __builtin_ctz(BITMAP_GRANULARITY_MAX)) {
        return "its granularity is not supported";
    }
    return NULL;
}

/* Why it cannot even be shown, or NULL. */
static const char *name_wrong(const Node *node, const Qcow2Stored *e)
{
    if (!e->name_bytes || e->name_bytes > BITMAP_NAME_MAX ||
        strlen(e->name) != e->name_bytes ||
        !g_utf8_validate(e->name, e->name_bytes, NULL)) {
        return "its name is no name";
    }
    return bitmap_find(node, e->name) ? "there are two of that name" : NULL;
}

static void say(const Node *node, const Qcow2Stored *e, const char *wrong)
{
    log_bounded(LOG_LEVEL_WARNING,
                "Bitmap '%.100s' in '%s' is inconsistent: %s", e->name,
                node->filename ? node->filename : node_name(node), wrong);
}

/* Several at a time: one is taken apart while others are read. */
#define LOADS_AT_ONCE 2

/* All bitmaps of an image as they are loaded. */
typedef struct Loads {
    Qcow2State *s;
    uint64_t budget; /* clusters that all together may take */
    GArray *loads;   /* Load */
    unsigned next;
    CoCount running;
} Loads;

typedef struct Load {
    const Qcow2Stored *e;
    DirtyBitmap *bitmap;
    SparseBitmap *bits;
    const char *wrong;
} Load;

COROUTINE_ONLY
static void co_load(void *opaque)
{
    Loads *l = opaque;
    g_autofree void *buffer = qcow2_bits_buffer(l->s);

    while (l->next < l->loads->len) {
        Load *load = &g_array_index(l->loads, Load, l->next++);

        load->bits = sparse_bitmap_new(
            DIV_ROUND_UP(bitmap_size_bytes(load->bitmap),
                         (uint64_t)bitmap_granularity_bytes(load->bitmap)));
        load->wrong = entry_wrong(load->e);
        if (!load->wrong) {
            load->wrong = co_qcow2_bits_read(l->s, load->e, &l->budget, buffer,
                                             load->bits);
        }
    }
    cocount_dec(&l->running);
}

COROUTINE_ONLY
static void co_load_all(Loads *l)
{
    cocount_init(&l->running);
    for (unsigned i = 0; i < MIN(l->loads->len, LOADS_AT_ONCE); i++) {
        cocount_inc(&l->running);
        coroutine_start(co_load, l);
    }
    co_count_wait_zero(&l->running);
}

static void take_load(Qcow2State *s, const Load *load)
{
    const Qcow2Stored *e = load->e;
    DirtyBitmap *bitmap = load->bitmap;

    if (load->wrong) {
        say(s->node, e, load->wrong);
        bitmap_set_inconsistent(bitmap);
        sparse_bitmap_free(load->bits);
        return;
    }
    if (!(e->flags & QCOW2_BITMAP_AUTO)) {
        bitmap_disable(bitmap);
    }
    bitmap_restore(bitmap, load->bits);
    bitmap_note_kept(bitmap, e->table_offset);
}

/* The bitmap is there; its bits are to be loaded, unless they are wrong. */
static void make_one(Loads *l, const Qcow2Stored *e)
{
    Qcow2State *s = l->s;
    const char *wrong = name_wrong(s->node, e);
    bool granularity_ok =
        e->granularity_bits >= __builtin_ctz(BITMAP_GRANULARITY_MIN) &&
        e->granularity_bits <= __builtin_ctz(BITMAP_GRANULARITY_MAX);
    DirtyBitmap *bitmap;

    if (wrong) {
        say(s->node, e, wrong);
        return;
    }
    bitmap = bitmap_create(s->node,
                           granularity_ok ? UINT32_C(1) << e->granularity_bits
                                          : BITMAP_GRANULARITY_MIN,
                           e->name, NULL);
    bitmap_set_persistent(bitmap, true);
    bitmap_set_readonly(bitmap, s->node->read_only);
    if (e->flags & QCOW2_BITMAP_IN_USE) {
        bitmap_set_inconsistent(bitmap);
    } else {
        Load load = {.e = e, .bitmap = bitmap};

        g_array_append_val(l->loads, load);
    }
}

COROUTINE_ONLY
static void co_make_all(Qcow2State *s)
{
    const GPtrArray *stored = qcow2_bitmaps(s)->stored;
    Loads l = {.s = s,
               .budget = DIV_ROUND_UP(s->file_bytes, s->cluster_bytes),
               .loads = g_array_new(FALSE, FALSE, sizeof(Load))};

    for (unsigned i = 0; i < stored->len; i++) {
        make_one(&l, g_ptr_array_index(stored, i));
    }
    co_load_all(&l);
    for (unsigned i = 0; i < l.loads->len; i++) {
        take_load(s, &g_array_index(l.loads, Load, i));
    }
    g_array_free(l.loads, TRUE);
}

/* The image was written by who does not know of bitmaps. */
static void say_stale(const Qcow2State *s)
{
    warn_report(s->version < 3
                    ? "This qcow2 v2 image contains bitmaps, but they may have "
                      "been modified by a program without persistent bitmap "
                      "support; so now they must all be considered inconsistent"
                    : "a program lacking bitmap support modified this file, so "
                      "all bitmaps are now considered inconsistent");
    /* QEMU ends it without a line's end. */
    fputs("Some clusters may be leaked, run 'qemu-img check -r' on the image "
          "file to fix.",
          stderr);
}

/* From now on the disk changes and no bitmap in the image is right. A failure
 * is told to the first write, which tries again. */
COROUTINE_ONLY
static void co_begin_use(Qcow2State *s)
{
    const Qcow2Bitmaps *b = qcow2_bitmaps(s);

    if (s->bitmaps_unmarked) {
        co_qcow2_bitmaps_mark(s);
    } else if (b->damaged && !b->stored->len) {
        co_qcow2_directory_write(s, b->stored);
    }
}

void co_qcow2_bitmaps_open(Qcow2State *s)
{
    const char *wrong = NULL;
    Qcow2Bitmaps *b;

    if (format_opening_for_repair || s->snapshot_loaded) {
        return;
    }
    b = g_new0(Qcow2Bitmaps, 1);
    b->stored = g_ptr_array_new_with_free_func(qcow2_stored_free);
    comutex_init(&b->marking);
    s->bitmaps = b;
    if (!qcow2_extension_find(s, QCOW2_EXT_BITMAPS)) {
        return;
    }
    if (s->autoclear & QCOW2_AUTOCLEAR_BITMAPS) {
        wrong = co_qcow2_directory_read(s, b);
    } else {
        say_stale(s);
        qcow2_extension_set(s, QCOW2_EXT_BITMAPS, NULL, 0);
        if (!s->node->read_only) {
            co_qcow2_header_write(s); /* else the next one warns again */
        }
    }
    if (wrong) {
        b->damaged = true;
        log_bounded(LOG_LEVEL_WARNING,
                    "Bitmaps of '%s' are lost: the directory of its bitmaps "
                    "is damaged: %s",
                    s->node->filename ? s->node->filename : node_name(s->node),
                    wrong);
    }
    co_make_all(s);
    qcow2_bitmaps_update_unmarked(s);
    if (!s->node->read_only) {
        co_begin_use(s);
    }
}

void qcow2_bitmaps_close(Qcow2State *s)
{
    Qcow2Bitmaps *b = qcow2_bitmaps(s);

    if (b) {
        g_ptr_array_free(b->stored, TRUE);
        g_free(b);
        s->bitmaps = NULL;
    }
}

void qcow2_bitmaps_set_readonly(Qcow2State *s, bool readonly)
{
    DirtyBitmap *bitmap = NULL;

    while ((bitmap = bitmap_next(s->node, bitmap))) {
        if (bitmap_persistent(bitmap)) {
            bitmap_set_readonly(bitmap, readonly);
        }
    }
}
