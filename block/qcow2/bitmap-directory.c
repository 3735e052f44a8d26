/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of the bitmaps in an image: read with all its lengths
 * checked, written as a whole to a new place before the header names it, or,
 * where only flags change, in place.
 */
#include "block/qcow2/bitmap-int.h"

#include "qapi/qapi-types.h"

void qcow2_stored_free(gpointer stored)
{
    Qcow2Stored *e = stored;

    g_free(e->name);
    g_free(e->extra);
    g_free(e);
}

Qcow2Stored *qcow2_stored_copy(const Qcow2Stored *stored)
{
    Qcow2Stored *e = g_memdup2(stored, sizeof(*stored));

    e->name = g_memdup2(stored->name, stored->name_bytes + UINT64_C(1));
    e->extra = g_memdup2(stored->extra, stored->extra_bytes);
    return e;
}

int qcow2_stored_find(const GPtrArray *list, const char *name)
{
    size_t bytes = strlen(name);

    for (unsigned i = 0; i < list->len; i++) {
        const Qcow2Stored *e = g_ptr_array_index(list, i);

        if (e->name_bytes == bytes && !memcmp(e->name, name, bytes)) {
            return i;
        }
    }
    return -1;
}

static uint64_t entry_bytes(uint32_t extra_bytes, uint16_t name_bytes)
{
    return ROUND_UP(
        sizeof(Qcow2BitmapHead) + (uint64_t)extra_bytes + name_bytes, 8);
}

uint64_t qcow2_directory_bytes(const GPtrArray *list)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < list->len; i++) {
        const Qcow2Stored *e = g_ptr_array_index(list, i);

        bytes += entry_bytes(e->extra_bytes, e->name_bytes);
    }
    return bytes;
}

void qcow2_bitmaps_update_unmarked(Qcow2State *s)
{
    const GPtrArray *list = qcow2_bitmaps(s)->stored;

    s->bitmaps_unmarked = false;
    for (unsigned i = 0; i < list->len; i++) {
        const Qcow2Stored *e = g_ptr_array_index(list, i);

        s->bitmaps_unmarked |= !(e->flags & QCOW2_BITMAP_IN_USE);
    }
}

/* --- reading ------------------------------------------------------------- */

static Qcow2Stored *take_entry(const Qcow2BitmapHead *h, const uint8_t *behind)
{
    Qcow2Stored *e = g_new0(Qcow2Stored, 1);

    e->table_offset = be64_get(h->table_offset);
    e->table_entries = be32_get(h->table_entries);
    e->flags = be32_get(h->flags);
    e->type = h->type;
    e->granularity_bits = h->granularity_bits;
    e->name_bytes = be16_get(h->name_bytes);
    e->extra_bytes = be32_get(h->extra_bytes);
    e->extra = g_memdup2(behind, e->extra_bytes);
    e->name = g_malloc0(e->name_bytes + UINT64_C(1));
    memcpy(e->name, behind + e->extra_bytes, e->name_bytes);
    return e;
}

static const char *take_entries(Qcow2Bitmaps *b, const uint8_t *dir,
                                uint64_t bytes, uint32_t count)
{
    uint64_t at = 0;

    while (at < bytes) {
        Qcow2BitmapHead h;
        uint64_t n;

        if (b->stored->len == count) {
            return "there are more bitmaps than its count says";
        }
        if (bytes - at < sizeof(h)) {
            return "it ends within an entry";
        }
        memcpy(&h, dir + at, sizeof(h));
        n = entry_bytes(be32_get(h.extra_bytes), be16_get(h.name_bytes));
        if (n > bytes - at) {
            return "an entry is longer than the directory";
        }
        g_ptr_array_add(b->stored, take_entry(&h, dir + at + sizeof(h)));
        at += n;
    }
    return b->stored->len < count ? "there are fewer bitmaps than its count "
                                    "says"
                                  : NULL;
}

const char *co_qcow2_directory_read(Qcow2State *s, Qcow2Bitmaps *b)
{
    const Qcow2Extension *ext = qcow2_extension_find(s, QCOW2_EXT_BITMAPS);
    Qcow2BitmapsExtension h;
    const char *wrong;
    uint64_t bytes, offset;
    uint32_t count;
    uint8_t *dir;

    if (ext->length != sizeof(h)) {
        return "the header extension has another length";
    }
    memcpy(&h, ext->data, sizeof(h));
    count = be32_get(h.count);
    bytes = be64_get(h.directory_bytes);
    offset = be64_get(h.directory_offset);
    if (be32_get(h.reserved) || !count || count > QCOW2_MAX_BITMAPS ||
        bytes > QCOW2_MAX_BITMAP_DIRECTORY_BYTES || offset % s->cluster_bytes ||
        !offset || offset > s->file_bytes || bytes > s->file_bytes - offset) {
        return "the header extension is invalid";
    }
    dir = g_try_malloc(MAX(bytes, 1));
    if (!dir || co_qcow2_file_read(s, offset, dir, bytes) < 0) {
        g_free(dir);
        return "it cannot be read";
    }
    b->directory_offset = offset;
    b->directory_bytes = bytes;
    wrong = take_entries(b, dir, bytes, count);
    g_free(dir);
    return wrong;
}

/* --- writing ------------------------------------------------------------- */

static GByteArray *build(const GPtrArray *list)
{
    static const uint8_t padding[8];
    GByteArray *out = g_byte_array_new();

    for (unsigned i = 0; i < list->len; i++) {
        const Qcow2Stored *e = g_ptr_array_index(list, i);
        Qcow2BitmapHead h = {be64(e->table_offset), be32(e->table_entries),
                             be32(e->flags),        e->type,
                             e->granularity_bits,   be16(e->name_bytes),
                             be32(e->extra_bytes)};

        g_byte_array_append(out, (const uint8_t *)&h, sizeof(h));
        if (e->extra_bytes) {
            g_byte_array_append(out, e->extra, e->extra_bytes);
        }
        g_byte_array_append(out, (const uint8_t *)e->name, e->name_bytes);
        g_byte_array_append(out, padding, ROUND_UP(out->len, 8) - out->len);
    }
    return out;
}

static void set_extension(Qcow2State *s, uint32_t count, uint64_t offset,
                          uint64_t bytes)
{
    Qcow2BitmapsExtension h = {be32(count), be32(0), be64(bytes), be64(offset)};

    qcow2_extension_set(s, QCOW2_EXT_BITMAPS, &h, count ? sizeof(h) : 0);
    if (count) {
        s->autoclear |= QCOW2_AUTOCLEAR_BITMAPS;
    } else {
        s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
    }
}

/* The header as it is now in memory; a longer refcount table may be in it
 * only once that is in the file. */
COROUTINE_ONLY
static int co_write_header(Qcow2State *s)
{
    int ret;

    for (;;) {
        ret = co_qcow2_commit(s, true);
        if (ret < 0) {
            return ret;
        }
        co_mutex_lock(&s->commit_mutex);
        if (!s->reftable_moved) {
            break;
        }
        comutex_unlock(&s->commit_mutex);
    }
    ret = co_qcow2_header_write(s);
    comutex_unlock(&s->commit_mutex);
    return ret == 0 ? co_edge_flush(s->file) : ret;
}

/* The header names the directory at @offset. */
COROUTINE_ONLY
static int co_switch(Qcow2State *s, uint32_t count, uint64_t offset,
                     uint64_t bytes)
{
    Qcow2Bitmaps *b = qcow2_bitmaps(s);
    const Qcow2Extension *ext = qcow2_extension_find(s, QCOW2_EXT_BITMAPS);
    g_autofree void *old = ext ? g_memdup2(ext->data, ext->length) : NULL;
    uint32_t old_length = ext ? ext->length : 0;
    uint64_t old_autoclear = s->autoclear;
    int ret;

    set_extension(s, count, offset, bytes);
    ret = co_write_header(s);
    if (ret < 0) {
        qcow2_extension_set(s, QCOW2_EXT_BITMAPS, old, old_length);
        s->autoclear = old_autoclear;
        return ret;
    }
    if (b->directory_bytes && !b->damaged) {
        co_qcow2_free_later(s, b->directory_offset, b->directory_bytes,
                            QCOW2_FREE_OTHER);
    }
    b->directory_offset = offset;
    b->directory_bytes = bytes;
    b->damaged = false;
    return 0;
}

int co_qcow2_directory_write(Qcow2State *s, GPtrArray *list)
{
    Qcow2Bitmaps *b = qcow2_bitmaps(s);
    GByteArray *out = build(list);
    uint64_t offset = 0;
    int ret = 0;

    if (out->len) {
        ret = co_qcow2_alloc_bytes(s, NULL, out->len, false, &offset);
        if (ret == 0) {
            ret = co_qcow2_file_write(s, offset, out->data, out->len);
            if (ret < 0) {
                co_qcow2_refcount_change(s, offset, out->len, -1);
            }
        }
    }
    if (ret == 0) {
        /* If this fails the header on disk may be either: no cluster of the
         * two directories may be used for anything else. */
        ret = co_switch(s, list->len, offset, out->len);
    }
    if (ret == 0 && list != b->stored) {
        g_ptr_array_unref(b->stored);
        b->stored = list;
    }
    if (ret == 0) {
        qcow2_bitmaps_update_unmarked(s);
    }
    g_byte_array_free(out, TRUE);
    return ret;
}

/* Flags only: an entry's lie within one sector, so each is the old or the new
 * one after a crash. */
COROUTINE_ONLY
static int co_write_in_place(Qcow2State *s)
{
    Qcow2Bitmaps *b = qcow2_bitmaps(s);
    GByteArray *out = build(b->stored);
    int ret = co_qcow2_file_write(s, b->directory_offset, out->data, out->len);

    assert(out->len == b->directory_bytes);
    g_byte_array_free(out, TRUE);
    return ret == 0 ? co_edge_flush(s->file) : ret;
}

int co_qcow2_bitmaps_mark(Qcow2State *s)
{
    Qcow2Bitmaps *b = qcow2_bitmaps(s);
    int ret = 0;

    co_mutex_lock(&b->marking);
    if (s->bitmaps_unmarked) {
        for (unsigned i = 0; i < b->stored->len; i++) {
            Qcow2Stored *e = g_ptr_array_index(b->stored, i);

            e->flags |= QCOW2_BITMAP_IN_USE;
        }
        ret = b->damaged ? co_qcow2_directory_write(s, b->stored)
                         : co_write_in_place(s);
        s->bitmaps_unmarked = ret < 0;
    }
    comutex_unlock(&b->marking);
    return ret;
}
