/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether one more bitmap may be stored in an image: its limits, and the room
 * in its header. */
#include "block/qcow2/bitmap-int.h"

static bool fits_header(Qcow2State *s)
{
    static const Qcow2BitmapsExtension sample;
    g_autofree uint8_t *cluster = g_malloc0(s->cluster_bytes);
    bool fits;

    if (qcow2_extension_find(s, QCOW2_EXT_BITMAPS)) {
        return true;
    }
    qcow2_extension_set(s, QCOW2_EXT_BITMAPS, &sample, sizeof(sample));
    fits = qcow2_header_build(s, cluster) >= 0;
    qcow2_extension_set(s, QCOW2_EXT_BITMAPS, NULL, 0);
    return fits;
}

/* As if all were stored now. */
static void count_all(const Qcow2State *s, uint64_t *count, uint64_t *bytes)
{
    const GPtrArray *list = qcow2_bitmaps(s)->stored;
    DirtyBitmap *bitmap = NULL;

    *count = list->len;
    *bytes = qcow2_directory_bytes(list);
    while ((bitmap = bitmap_next(s->node, bitmap))) {
        if (bitmap_persistent(bitmap) &&
            qcow2_stored_find(list, bitmap_name(bitmap)) < 0) {
            ++*count;
            *bytes += ROUND_UP(
                sizeof(Qcow2BitmapHead) + strlen(bitmap_name(bitmap)), 8);
        }
    }
}

/* At home. */
static const char *why_not(Node *node, const char *name,
                           uint32_t granularity_bytes)
{
    Qcow2State *s = qcow2_state(node);
    uint64_t bits = DIV_ROUND_UP(node->size_bytes, (uint64_t)granularity_bytes);
    uint64_t count, bytes;

    if (s->version < 3) {
        return "Cannot store dirty bitmaps in qcow2 v2 files";
    }
    if (node->read_only || !s->bitmaps) {
        return "Block node is read-only";
    }
    if (!node->size_bytes) {
        return "The disk is empty";
    }
    if (strlen(name) > BITMAP_NAME_MAX) {
        return "Name length exceeds maximum (1023 characters)";
    }
    if (DIV_ROUND_UP(bits, 8) > QCOW2_MAX_BITMAP_BYTES ||
        qcow2_bits_clusters(s, bits) > QCOW2_MAX_BITMAP_TABLE_ENTRIES) {
        return "Too much space will be occupied by the bitmap. Use larger "
               "granularity";
    }
    count_all(s, &count, &bytes);
    if (count >= QCOW2_MAX_BITMAPS) {
        return "Maximum number of persistent bitmaps is already reached";
    }
    if (bytes + ROUND_UP(sizeof(Qcow2BitmapHead) + strlen(name), 8) >
        QCOW2_MAX_BITMAP_DIRECTORY_BYTES) {
        return "Not enough space in the bitmap directory";
    }
    return fits_header(s) ? NULL : "Not enough space in the image's header";
}

typedef struct Ask {
    Node *node;
    const char *name;
    uint32_t granularity_bytes;
    const char *why;
} Ask;

COROUTINE_ONLY
static void co_ask_at_home(void *opaque)
{
    Ask *a = opaque;

    a->why = why_not(a->node, a->name, a->granularity_bytes);
}

bool co_qcow2_bitmap_can_store(Node *node, const char *name,
                               uint32_t granularity_bytes, Error **errp)
{
    Ask ask = {node, name, granularity_bytes, NULL};

    co_reactor_call(node->home, co_ask_at_home, &ask);
    if (ask.why) {
        error_set(errp, "Can't make bitmap '%s' persistent in '%s': %s", name,
                  node_name(node), ask.why);
    }
    return !ask.why;
}
