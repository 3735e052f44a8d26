/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From guest offsets to places in the file: entries of the L2 tables.
 */
#include "block/qcow2/l2-int.h"

#include "qapi/qapi-types.h"

Qcow2Entry qcow2_entry_load(const Qcow2State *s, const uint8_t *at)
{
    const Be64 *words = (const Be64 *)at;
    Qcow2Entry e = {be64_get(words[0]), 0};

    if (s->extended_l2) {
        e.bitmap = be64_get(words[1]);
    }
    return e;
}

void qcow2_entry_store(const Qcow2State *s, uint8_t *at, Qcow2Entry e)
{
    Be64 *words = (Be64 *)at;

    words[0] = be64(e.entry);
    if (s->extended_l2) {
        words[1] = be64(e.bitmap);
    }
}

void qcow2_compressed_place(const Qcow2State *s, uint64_t entry,
                            uint64_t *offset, uint64_t *bytes)
{
    unsigned shift = 62 - (s->cluster_bits - 8);
    uint64_t sectors = (entry >> shift & ((UINT64_C(1) << (62 - shift)) - 1));

    *offset = entry & ((UINT64_C(1) << shift) - 1);
    *bytes = (sectors + 1) * 512 - *offset % 512;
}

/* In an external file offset 0 is a place like any other. */
static bool has_place(const Qcow2State *s, uint64_t entry)
{
    return (entry & QCOW2_OFFSET_MASK) ||
           (s->has_data_file && (entry & QCOW2_COPIED));
}

static Qcow2Type extended_type(const Qcow2State *s, Qcow2Entry e, unsigned sub)
{
    bool place = has_place(s, e.entry);

    if (e.bitmap >> (32 + sub) & 1) {
        return place ? QCOW2_ZERO_ALLOC : QCOW2_ZERO_PLAIN;
    }
    if (e.bitmap >> sub & 1) {
        return QCOW2_NORMAL;
    }
    return place ? QCOW2_UNALLOCATED_ALLOC : QCOW2_UNALLOCATED;
}

/* What one entry means for its subcluster @sub. */
static Qcow2Type qcow2_entry_type(const Qcow2State *s, Qcow2Entry e,
                                  unsigned sub)
{
    if (e.entry & QCOW2_COMPRESSED) {
        return QCOW2_IS_COMPRESSED;
    }
    if (s->extended_l2) {
        return extended_type(s, e, sub);
    }
    if (e.entry & QCOW2_ZERO) {
        return has_place(s, e.entry) ? QCOW2_ZERO_ALLOC : QCOW2_ZERO_PLAIN;
    }
    return has_place(s, e.entry) ? QCOW2_NORMAL : QCOW2_UNALLOCATED;
}

void co_qcow2_entry_release(Qcow2State *s, Qcow2Entry e, Qcow2FreeKind kind)
{
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK, bytes = s->cluster_bytes;

    if (e.entry & QCOW2_COMPRESSED) {
        qcow2_compressed_place(s, e.entry, &offset, &bytes);
        co_qcow2_free_later(s, offset, bytes, kind);
    } else if (offset % s->cluster_bytes) {
        /* It would take halves of two others. */
        co_qcow2_mark_corrupt(s, false, -1, -1,
                              "Cannot free unaligned cluster %#" PRIx64,
                              offset);
    } else if (offset && !s->has_data_file) {
        co_qcow2_free_data(s, offset, bytes, kind);
    }
}

/* --- what must not be ---------------------------------------------------- */

COROUTINE_ONLY
static int co_check_entry(Qcow2State *s, Qcow2Entry e, uint64_t guest,
                          bool writing)
{
    uint64_t place = e.entry & QCOW2_OFFSET_MASK;
    uint64_t table = s->l1[guest / qcow2_table_reach(s)] & QCOW2_OFFSET_MASK;
    unsigned index = guest % qcow2_table_reach(s) >> s->cluster_bits;

    if (e.entry & QCOW2_COMPRESSED) {
        if (!s->has_data_file) {
            return 0;
        }
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "Compressed cluster entry found in image with "
                              "external data file (L2 offset: %#" PRIx64
                              ", L2 index: %#x)",
                              table, index);
        return -EIO;
    }
    if (s->version < 3 && (e.entry & QCOW2_ZERO)) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "Zero cluster entry found in pre-v3 image (L2 "
                              "offset: %#" PRIx64 ", L2 index: %#x)",
                              table, index);
        return -EIO;
    }
    if (place % s->cluster_bytes && !(writing && !(e.entry & QCOW2_COPIED))) {
        if (writing) {
            co_qcow2_mark_corrupt(s, true, -1, -1,
                                  "%s cluster offset %#" PRIx64 " unaligned "
                                  "(guest offset: %#" PRIx64 ")",
                                  !s->extended_l2 && (e.entry & QCOW2_ZERO)
                                      ? "Preallocated zero"
                                      : "Data",
                                  place, guest);
        } else {
            co_qcow2_mark_corrupt(s, true, -1, -1,
                                  "Cluster allocation offset %#" PRIx64
                                  " unaligned (L2 offset: %#" PRIx64
                                  ", L2 index: %#x)",
                                  place, table, index);
        }
        return -EIO;
    }
    if (s->has_data_file && has_place(s, e.entry) &&
        place != ROUND_DOWN(guest, s->cluster_bytes)) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "External data file host cluster offset %#" PRIx64
                              " does not match guest cluster offset: %#" PRIx64
                              ", L2 index: %#x)",
                              place, ROUND_DOWN(guest, s->cluster_bytes),
                              index);
        return -EIO;
    }
    if (s->extended_l2 &&
        ((e.bitmap & e.bitmap >> 32 & UINT32_MAX) ||
         ((e.bitmap & UINT32_MAX) && !has_place(s, e.entry)))) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "Invalid cluster entry found %s(L2 offset: "
                              "%#" PRIx64 ", L2 index: %#x)",
                              writing ? "" : " ", table, index);
        return -EIO;
    }
    return 0;
}

int co_qcow2_table_of(Qcow2State *s, uint64_t guest, uint64_t *table)
{
    uint64_t index = guest / qcow2_table_reach(s);

    *table = index < s->l1_size ? s->l1[index] & QCOW2_OFFSET_MASK : 0;
    if (*table % s->cluster_bytes) {
        co_qcow2_mark_corrupt(s, true, -1, -1,
                              "L2 table offset %#" PRIx64
                              " unaligned (L1 index: %#" PRIx64 ")",
                              *table, index);
        return -EIO;
    }
    return 0;
}

static uint64_t entry_byte(const Qcow2State *s, uint64_t guest)
{
    return (guest % qcow2_table_reach(s) >> s->cluster_bits) *
           s->l2_entry_bytes;
}

int co_qcow2_piece_of(Qcow2State *s, uint64_t table, uint64_t guest,
                      Qcow2Piece **piece, unsigned *byte)
{
    uint64_t at = entry_byte(s, guest);
    int ret = co_qcow2_piece_get(&s->l2_cache, table + at, piece);

    if (ret < 0) {
        return ret;
    }
    (*piece)->l1_index = guest / qcow2_table_reach(s);
    *byte = at & (s->l2_cache.piece_bytes - 1);
    return 0;
}

/* --- mapping ------------------------------------------------------------- */

/* How far from @sub on an entry's subclusters are of the same type. */
static unsigned same_subclusters(const Qcow2State *s, Qcow2Entry e,
                                 unsigned sub, Qcow2Type type)
{
    unsigned n = 1;

    while (sub + n < QCOW2_SUBCLUSTERS &&
           qcow2_entry_type(s, e, sub + n) == type) {
        n++;
    }
    return n;
}

static uint64_t cluster_span(const Qcow2State *s, Qcow2Entry e,
                             uint64_t in_cluster, Qcow2Type type)
{
    unsigned sub;

    if (!s->extended_l2 || type == QCOW2_IS_COMPRESSED) {
        return s->cluster_bytes - in_cluster;
    }
    sub = in_cluster / s->subcluster_bytes;
    return (sub + same_subclusters(s, e, sub, type)) * s->subcluster_bytes -
           in_cluster;
}

static bool placed(Qcow2Type type)
{
    return type == QCOW2_NORMAL || type == QCOW2_ZERO_ALLOC ||
           type == QCOW2_UNALLOCATED_ALLOC;
}

/* Whether the next cluster's entry goes on where the first @bytes end. */
static bool goes_on(const Qcow2State *s, const Qcow2Map *map, Qcow2Entry e)
{
    if (qcow2_entry_type(s, e, 0) != map->type ||
        map->type == QCOW2_IS_COMPRESSED) {
        return false;
    }
    if (!placed(map->type)) {
        return true;
    }
    return (e.entry & QCOW2_OFFSET_MASK) == map->host + map->bytes &&
           !(e.entry & QCOW2_COPIED) == !map->copied;
}

COROUTINE_ONLY
static int co_map_piece(Qcow2State *s, const Qcow2Piece *piece, unsigned byte,
                        uint64_t offset, uint64_t bytes, bool writing,
                        Qcow2Map *map)
{
    uint64_t in_cluster = offset & (s->cluster_bytes - 1);
    Qcow2Entry e = qcow2_entry_load(s, piece->data + byte);
    int ret = co_check_entry(s, e, offset, writing);

    if (ret < 0) {
        return ret;
    }
    map->first = e;
    map->type = qcow2_entry_type(s, e, in_cluster / s->subcluster_bytes);
    map->copied = e.entry & QCOW2_COPIED;
    map->host =
        placed(map->type) ? (e.entry & QCOW2_OFFSET_MASK) + in_cluster : 0;
    map->bytes = cluster_span(s, e, in_cluster, map->type);
    while (map->bytes < bytes &&
           (byte += s->l2_entry_bytes) < s->l2_cache.piece_bytes &&
           /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a power of two */
           (offset + map->bytes) % s->cluster_bytes == 0) {
        e = qcow2_entry_load(s, piece->data + byte);
        if (!goes_on(s, map, e) ||
            (e.entry & QCOW2_OFFSET_MASK) % s->cluster_bytes) {
            break;
        }
        if ((s->version < 3 || s->has_data_file || s->extended_l2) &&
            (ret = co_check_entry(s, e, offset + map->bytes, writing)) < 0) {
            return ret;
        }
        map->bytes += cluster_span(s, e, 0, map->type);
    }
    map->bytes = MIN(map->bytes, bytes);
    return 0;
}

COROUTINE_ONLY
static int co_map(Qcow2State *s, uint64_t offset, uint64_t bytes, bool writing,
                  Qcow2Map *map)
{
    uint64_t reach = qcow2_table_reach(s), table;
    Qcow2Piece *piece;
    unsigned byte;
    int ret = co_qcow2_table_of(s, offset, &table);

    if (ret < 0) {
        return ret;
    }
    bytes = MIN(bytes, reach - offset % reach);
    if (!table) {
        *map = (Qcow2Map){.type = QCOW2_UNALLOCATED, .bytes = bytes};
        return 0;
    }
    ret = co_qcow2_piece_of(s, table, offset, &piece, &byte);
    if (ret < 0) {
        return ret;
    }
    ret = co_map_piece(s, piece, byte, offset, bytes, writing, map);
    qcow2_piece_put(&s->l2_cache, piece);
    return ret;
}

int co_qcow2_map(Qcow2State *s, uint64_t offset, uint64_t bytes, Qcow2Map *map)
{
    return co_map(s, offset, bytes, false, map);
}

int co_qcow2_map_to_write(Qcow2State *s, uint64_t offset, uint64_t bytes,
                          Qcow2Map *map)
{
    return co_map(s, offset, bytes, true, map);
}

int co_qcow2_entry_get(Qcow2State *s, uint64_t offset, Qcow2Entry *entry)
{
    Qcow2Map map;
    int ret = co_qcow2_map(s, offset, 1, &map);

    *entry = ret == 0 ? map.first : (Qcow2Entry){0};
    return ret;
}

bool qcow2_known_empty(Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    uint64_t last = offset + bytes - 1;
    uint64_t index = offset / qcow2_table_reach(s), table, at, end;
    const Qcow2Piece *piece;

    if (last / qcow2_table_reach(s) != index || index >= s->l1_size) {
        return false;
    }
    table = s->l1[index] & QCOW2_OFFSET_MASK;
    if (!table) {
        return true;
    }
    at = table + entry_byte(s, offset);
    end = table + entry_byte(s, last);
    piece = qcow2_piece_peek(&s->l2_cache, at);
    if (!piece || end >= piece->offset + s->l2_cache.piece_bytes) {
        return false;
    }
    for (; at <= end; at += s->l2_entry_bytes) {
        Qcow2Entry e = qcow2_entry_load(s, piece->data + (at - piece->offset));

        if (e.entry || e.bitmap) {
            return false;
        }
    }
    return true;
}
