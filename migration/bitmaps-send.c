/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps leave. What they are goes first, while the machine still runs,
 * so that a destination that cannot take one says so early; from then on they
 * are busy, and nobody removes them. Their bits go when the machine stands
 * still.
 */
#include "migration/migration-int.h"

#include "block/backend/backend.h"
#include "block/graph/quiesce.h"
#include "util/be.h"

#define RUNS_MAX 4096
#define NAME_MAX_BYTES 255

typedef struct Run {
    Be64 offset, bytes;
} Run;

/* --- which --------------------------------------------------------------- */

static void sent_free(gpointer data)
{
    SentBitmap *sent = data;

    g_free(sent->node);
    g_free(sent->name);
    g_free(sent);
}

static bool has_named_bitmaps(const Node *node)
{
    DirtyBitmap *bitmap = NULL;

    while ((bitmap = bitmap_next(node, bitmap)) && !bitmap_name(bitmap)) {
    }
    return bitmap != NULL;
}

/* The bitmaps of a named drive's disk go by the drive's name, also while the
 * filter of a job is above the disk. */
CONTROL_ONLY
static const char *name_without_mapping(const Node *node)
{
    Backend *b = NULL;

    while ((b = backend_next(b))) {
        const Node *found = *backend_name(b) ? backend_node(b) : NULL;

        while (found && node_filtered_child(found) &&
               !has_named_bitmaps(found)) {
            found = node_filtered_child(found)->child;
        }
        if (found == node) {
            return backend_name(b);
        }
    }
    return node_name(node);
}

CONTROL_ONLY
static bool add(GPtrArray *list, Node *node, DirtyBitmap *bitmap, Error **errp)
{
    const BitmapMigrationBitmapAliasTransform *transform;
    const char *node_out, *name_out, *name = bitmap_name(bitmap);
    SentBitmap *sent;

    if (!mapping_to_alias(node_name(node), name, &node_out, &name_out,
                          &transform)) {
        return true;
    }
    if (!migration_params()->block_bitmap_mapping) {
        node_out = name_without_mapping(node);
    }
    if (*node_out == '#') {
        error_set(errp,
                  "Cannot migrate bitmap '%s' on node '%s': the node "
                  "has no name of its own",
                  name, node_name(node));
        return false;
    }
    if (strlen(name_out) > NAME_MAX_BYTES) {
        error_set(errp,
                  "Cannot migrate bitmap '%s' on node '%s': Name is "
                  "longer than %d bytes",
                  name, node_name(node), NAME_MAX_BYTES);
        return false;
    }
    if (!bitmap_check(bitmap, BITMAP_CHECK_DEFAULT, errp)) {
        return false;
    }
    sent = g_new0(SentBitmap, 1);
    sent->bitmap = bitmap;
    sent->node = g_strdup(node_out);
    sent->name = g_strdup(name_out);
    sent->was_persistent = bitmap_persistent(bitmap);
    sent->persistent = transform && transform->has_persistent
                           ? transform->persistent
                           : sent->was_persistent;
    bitmap_set_busy(bitmap, true);
    node_ref(node);
    g_ptr_array_add(list, sent);
    return true;
}

void co_bitmaps_release(GPtrArray *list)
{
    co_graph_lock();
    for (guint i = 0; i < list->len; i++) {
        SentBitmap *sent = list->pdata[i];
        Node *node = bitmap_node(sent->bitmap);

        bitmap_set_busy(sent->bitmap, false);
        co_node_unref(node);
    }
    graph_unlock();
    g_ptr_array_unref(list);
}

CONTROL_ONLY
static bool add_all(GPtrArray *list, Error **errp)
{
    Node *node = NULL;

    while ((node = node_next(node))) {
        DirtyBitmap *bitmap = NULL;

        while ((bitmap = bitmap_next(node, bitmap))) {
            if (bitmap_name(bitmap) && !add(list, node, bitmap, errp)) {
                return false;
            }
        }
    }
    return true;
}

GPtrArray *co_bitmaps_collect(Error **errp)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(sent_free);
    bool ok;

    co_graph_lock();
    ok = add_all(list, errp);
    graph_unlock();
    if (!ok) {
        co_bitmaps_release(list);
    }
    return ok ? list : NULL;
}

/* --- the way ------------------------------------------------------------- */

static json_object *head_of(const SentBitmap *sent)
{
    json_object *json = json_object_new_object();

    json_object_object_add(json, "node", json_object_new_string(sent->node));
    json_object_object_add(json, "name", json_object_new_string(sent->name));
    json_object_object_add(
        json, "granularity",
        json_object_new_uint64(bitmap_granularity_bytes(sent->bitmap)));
    json_object_object_add(
        json, "size", json_object_new_uint64(bitmap_size_bytes(sent->bitmap)));
    json_object_object_add(
        json, "enabled", json_object_new_boolean(bitmap_enabled(sent->bitmap)));
    json_object_object_add(json, "persistent",
                           json_object_new_boolean(sent->persistent));
    return json;
}

COROUTINE_ONLY
static bool co_send_runs(Channel *c, const DirtyBitmap *bitmap, Error **errp)
{
    g_autofree Run *runs = g_new(Run, RUNS_MAX);
    uint64_t size = bitmap_size_bytes(bitmap), at = 0, start, bytes;
    uint32_t n = 0;

    while (
        bitmap_next_dirty_run(bitmap, at, size, UINT64_MAX, &start, &bytes)) {
        runs[n++] = (Run){be64(start), be64(bytes)};
        at = start + bytes;
        if (n == RUNS_MAX) {
            if (!co_record_send(c, RECORD_RUNS, runs, n * sizeof(Run), errp)) {
                return false;
            }
            n = 0;
        }
    }
    return !n || co_record_send(c, RECORD_RUNS, runs, n * sizeof(Run), errp);
}

bool co_bitmaps_announce(Channel *c, const GPtrArray *list, Error **errp)
{
    for (guint i = 0; i < list->len; i++) {
        json_object *head = head_of(list->pdata[i]);
        bool ok = co_record_send_json(c, RECORD_BITMAP, head, errp);

        json_object_put(head);
        if (!ok) {
            return false;
        }
    }
    return true;
}

bool co_bitmaps_send(Channel *c, const GPtrArray *list, Error **errp)
{
    for (guint i = 0; i < list->len; i++) {
        const SentBitmap *sent = list->pdata[i];

        if (!co_send_runs(c, sent->bitmap, errp) ||
            !co_record_send(c, RECORD_BITMAP_END, NULL, 0, errp)) {
            return false;
        }
    }
    return true;
}

/* --- whose they are ------------------------------------------------------ */

bool co_bitmaps_forget(const GPtrArray *list, Error **errp)
{
    for (guint i = 0; i < list->len; i++) {
        SentBitmap *sent = list->pdata[i];
        Node *node = bitmap_node(sent->bitmap);
        Quiesce *section;
        bool ok;

        if (!sent->was_persistent) {
            continue;
        }
        section = co_quiesce_begin(&node, 1);
        ok = node->driver->bitmap_store->co_forget(
            node, bitmap_name(sent->bitmap), errp);
        quiesce_end(section);
        if (!ok) {
            return false;
        }
        bitmap_set_persistent(sent->bitmap, false);
    }
    return true;
}

void bitmaps_take_back(const GPtrArray *list)
{
    for (guint i = 0; list && i < list->len; i++) {
        SentBitmap *sent = list->pdata[i];

        if (sent->was_persistent) {
            bitmap_set_persistent(sent->bitmap, true);
        }
    }
}
