/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps arrive. What comes is foreign; it waits beside the nodes until
 * the images are ours, and becomes bitmaps then.
 */
#include "migration/migration-int.h"

#include "block/bitmap/ops.h"
#include "util/be.h"
#include "util/json/json-parse.h"

typedef struct LoadedBitmap {
    char *node, *name; /* here */
    uint32_t granularity_bytes;
    uint64_t size_bytes;
    bool enabled, persistent;
    SparseBitmap *bits; /* NULL: nobody here wants it */
} LoadedBitmap;

static void loaded_bitmap_free(gpointer data)
{
    LoadedBitmap *b = data;

    g_free(b->node);
    g_free(b->name);
    sparse_bitmap_free(b->bits);
    g_free(b);
}

void loaded_init(LoadedBitmaps *l)
{
    l->list = g_ptr_array_new_with_free_func(loaded_bitmap_free);
    l->at = 0;
}

void loaded_free(LoadedBitmaps *l)
{
    g_ptr_array_free(l->list, TRUE);
    l->list = NULL;
}

/* --- what comes ---------------------------------------------------------- */

static bool bad(Error **errp)
{
    error_set(errp, "Dirty bitmap in the migration stream is not well-formed");
    return false;
}

static json_object *member(json_object *json, const char *name, json_type type)
{
    json_object *value = NULL;

    return json_object_object_get_ex(json, name, &value) &&
                   json_object_is_type(value, type)
               ? value
               : NULL;
}

static bool read_head(LoadedBitmap *b, json_object *json, const char **node,
                      const char **name, Error **errp)
{
    json_object *n = member(json, "node", json_type_string);
    json_object *m = member(json, "name", json_type_string);
    json_object *g = member(json, "granularity", json_type_int);
    json_object *s = member(json, "size", json_type_int);
    uint64_t granularity = json_object_get_uint64(g);

    if (!n || !m || !g || !s || granularity < BITMAP_GRANULARITY_MIN ||
        granularity > BITMAP_GRANULARITY_MAX ||
        (granularity & (granularity - 1)) ||
        json_object_get_uint64(s) > INT64_MAX) {
        return bad(errp);
    }
    *node = json_object_get_string(n);
    *name = json_object_get_string(m);
    b->granularity_bytes = granularity;
    b->size_bytes = json_object_get_uint64(s);
    b->enabled =
        json_object_get_boolean(member(json, "enabled", json_type_boolean));
    b->persistent =
        json_object_get_boolean(member(json, "persistent", json_type_boolean));
    return true;
}

/* Finds where it goes: false is a reason to fail, no bits that it stays out. */
CONTROL_ONLY
static bool place(LoadedBitmap *b, const char *node, const char *name,
                  Error **errp)
{
    const BitmapMigrationBitmapAliasTransform *transform;
    const char *node_here, *name_here;
    Error *err = NULL;
    Node *found;

    if (!mapping_from_alias(node, name, &node_here, &name_here, &transform)) {
        return true;
    }
    /* What the mapping names are nodes, never devices. */
    found =
        node_lookup(migration_params()->block_bitmap_mapping ? NULL : node_here,
                    node_here, &err);
    if (!found) {
        error_report_err(err);
        return true;
    }
    if (bitmap_find(found, name_here)) {
        error_set(errp,
                  "Bitmap with the same name ('%s') already exists on "
                  "destination",
                  name_here);
        return false;
    }
    if (transform && transform->has_persistent) {
        b->persistent = transform->persistent;
    }
    b->node = g_strdup(node_name(found));
    b->name = g_strdup(name_here);
    b->bits = sparse_bitmap_new(
        DIV_ROUND_UP(b->size_bytes, (uint64_t)b->granularity_bytes));
    return true;
}

bool loaded_begin(LoadedBitmaps *l, const Record *record, Error **errp)
{
    json_object *json = json_parse_string((const char *)record->data, errp);
    LoadedBitmap *b = g_new0(LoadedBitmap, 1);
    const char *node, *name;
    bool ok;

    control_assert();
    g_ptr_array_add(l->list, b);
    ok = json && read_head(b, json, &node, &name, errp) &&
         place(b, node, name, errp);
    json_object_put(json);
    return ok;
}

bool loaded_runs(LoadedBitmaps *l, const Record *record, Error **errp)
{
    LoadedBitmap *b = l->at < l->list->len ? l->list->pdata[l->at] : NULL;

    if (!b || record->bytes % (2 * sizeof(Be64))) {
        return bad(errp);
    }
    for (uint32_t at = 0; at < record->bytes; at += 2 * sizeof(Be64)) {
        Be64 run[2];
        uint64_t offset, bytes, first, end;

        memcpy(run, record->data + at, sizeof(run));
        offset = be64_get(run[0]);
        bytes = be64_get(run[1]);
        if (!bytes || offset >= b->size_bytes ||
            bytes > b->size_bytes - offset) {
            return bad(errp);
        }
        first = offset / b->granularity_bytes;
        end = DIV_ROUND_UP(offset + bytes, (uint64_t)b->granularity_bytes);
        if (b->bits) {
            sparse_bitmap_set(b->bits, first, end - first);
        }
    }
    return true;
}

void loaded_next(LoadedBitmaps *l)
{
    l->at = MIN(l->at + 1, l->list->len);
}

/* --- bitmaps ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool co_install(LoadedBitmap *b,
                                                   Error **errp)
{
    BlockDirtyBitmapAdd args = {
        .node = b->node,
        .name = b->name,
        .has_granularity = true,
        .granularity = b->granularity_bytes,
        .has_persistent = true,
        .persistent = b->persistent,
        .has_disabled = true,
        .disabled = !b->enabled,
    };
    DirtyBitmap *bitmap = co_bitmap_op_add(&args, errp);

    if (!bitmap) {
        return false;
    }
    if (bitmap_size_bytes(bitmap) != b->size_bytes) {
        error_set(errp,
                  "Bitmap '%s' is for a disk of %" PRIu64 " bytes, but "
                  "node '%s' has %" PRIu64,
                  b->name, b->size_bytes, b->node, bitmap_size_bytes(bitmap));
        return false;
    }
    bitmap_restore(bitmap, g_steal_pointer(&b->bits));
    return true;
}

bool co_loaded_install(LoadedBitmaps *l, Error **errp)
{
    bool ok = true;

    co_graph_lock();
    for (guint i = 0; i < l->list->len && ok; i++) {
        LoadedBitmap *b = l->list->pdata[i];

        ok = !b->bits || co_install(b, errp);
    }
    graph_unlock();
    return ok;
}
