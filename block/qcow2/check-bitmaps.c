/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clusters that stored bitmaps take, so that a check counts them and a
 * repair does not free them. What a bitmap means is not looked at.
 */
#include "block/qcow2/check-int.h"

#define MAX_BITMAPS 65535
#define MAX_DIRECTORY_BYTES (64 * MiB)
#define MAX_TABLE_ENTRIES (0x8000000 / 8)
#define ENTRY_HEAD_BYTES 24

typedef struct BitmapsExtension {
    Be32 count;
    Be32 reserved;
    Be64 directory_bytes;
    Be64 directory_offset;
} BitmapsExtension;
STATIC_ASSERT(sizeof(BitmapsExtension) == 24);

typedef struct DirectoryEntry {
    Be64 table_offset;
    Be32 table_entries;
    Be32 flags;
    uint8_t type;
    uint8_t granularity_bits;
    Be16 name_bytes;
    Be32 extra_bytes;
} DirectoryEntry;
STATIC_ASSERT(sizeof(DirectoryEntry) == ENTRY_HEAD_BYTES);

static void damaged(Qcow2Check *c, const char *what)
{
    qcow2_check_say(c, "ERROR: %s", what);
    c->out->corruptions++;
}

COROUTINE_ONLY
static void co_walk_table(Qcow2Check *c, uint64_t offset, uint32_t entries)
{
    Be64 *table;

    if (entries > MAX_TABLE_ENTRIES || offset % c->s->cluster_bytes) {
        damaged(c, "bitmap table is invalid");
        return;
    }
    qcow2_check_ref(c, offset, entries * UINT64_C(8));
    table = g_try_new(Be64, MAX(entries, 1));
    if (!table ||
        co_qcow2_file_read(c->s, offset, table, entries * UINT64_C(8)) < 0) {
        c->out->check_errors++;
        entries = 0;
    }
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t data = be64_get(table[i]) & QCOW2_OFFSET_MASK;

        if (data % c->s->cluster_bytes) {
            damaged(c, "bitmap data cluster is not aligned");
        } else if (data) {
            qcow2_check_ref(c, data, c->s->cluster_bytes);
        }
    }
    g_free(table);
}

COROUTINE_ONLY
static void co_walk_directory(Qcow2Check *c, const uint8_t *dir, uint64_t bytes,
                              uint32_t count)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        DirectoryEntry e;

        if (bytes - at < sizeof(e)) {
            damaged(c, "bitmap directory is too short");
            return;
        }
        memcpy(&e, dir + at, sizeof(e));
        co_walk_table(c, be64_get(e.table_offset), be32_get(e.table_entries));
        at += ROUND_UP(sizeof(e) + (uint64_t)be16_get(e.name_bytes) +
                           be32_get(e.extra_bytes),
                       8);
        if (at > bytes) {
            damaged(c, "bitmap directory entry exceeds the directory");
            return;
        }
    }
}

int co_qcow2_check_bitmaps(Qcow2Check *c)
{
    Qcow2Extension *ext = qcow2_extension_find(c->s, QCOW2_EXT_BITMAPS);
    BitmapsExtension head;
    uint64_t bytes, offset;
    uint8_t *dir;

    if (!ext || ext->length < sizeof(head) ||
        !(c->s->autoclear & QCOW2_AUTOCLEAR_BITMAPS)) {
        return 0;
    }
    memcpy(&head, ext->data, sizeof(head));
    bytes = be64_get(head.directory_bytes);
    offset = be64_get(head.directory_offset);
    if (bytes > MAX_DIRECTORY_BYTES || offset % c->s->cluster_bytes ||
        be32_get(head.count) > MAX_BITMAPS) {
        damaged(c, "bitmap directory is invalid");
        return 0;
    }
    qcow2_check_ref(c, offset, bytes);
    dir = g_try_malloc(MAX(bytes, 1));
    if (!dir || co_qcow2_file_read(c->s, offset, dir, bytes) < 0) {
        c->out->check_errors++;
    } else {
        co_walk_directory(c, dir, bytes, be32_get(head.count));
    }
    g_free(dir);
    return 0;
}
