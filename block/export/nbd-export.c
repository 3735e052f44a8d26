/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NBD as a kind of export: checks its options, holds its bitmaps, knows what
 * it can do. Invariants: see nbd-export.h.
 */
#include "block/export/nbd-export.h"
#include "block/export/nbd-server.h"
#include "block/export/nbd-conn.h"
#include "block/export/nbd-server.h"
#include "nbd/protocol.h"

#define PREFERRED_BLOCK_BYTES 4096u

static ListLink listed = LIST_INIT(listed);
static uint64_t last_serial;

/* Also those that no client may find yet. */
static NbdExport *find_any(const char *name)
{
    LIST_FOREACH(e, &listed, NbdExport, listed) {
        if (!strcmp(e->name, name)) {
            return e;
        }
    }
    return NULL;
}

NbdExport *nbd_export_find(const char *name)
{
    NbdExport *e = find_any(name);

    return e && !e->exp->tentative ? e : NULL;
}

NbdExport *nbd_export_next(const NbdExport *e)
{
    for (;;) {
        ListLink *next = e ? e->listed.next : listed.next;

        if (next == &listed) {
            return NULL;
        }
        e = LIST_ENTRY(next, NbdExport, listed);
        if (!e->exp->tentative) {
            return (NbdExport *)e;
        }
    }
}

/* --- what it offers ------------------------------------------------------ */

uint64_t nbd_export_size_bytes(const NbdExport *e)
{
    return __atomic_load_n(&e->exp->size_bytes, __ATOMIC_RELAXED);
}

uint16_t nbd_export_flags(const NbdExport *e, bool structured)
{
    /* Every connection reads and writes through the same root, so what one
     * has flushed or written is there for all. */
    uint16_t flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH |
                     NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_CACHE;

    if (nbd_server_max_connections() != 1) {
        flags |= NBD_FLAG_CAN_MULTI_CONN;
    }
    flags |= e->exp->writable
                 ? NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_WRITE_ZEROES |
                       NBD_FLAG_SEND_FAST_ZERO
                 : NBD_FLAG_READ_ONLY;
    return structured ? flags | NBD_FLAG_SEND_DF : flags;
}

uint32_t nbd_export_min_block_bytes(const NbdExport *e)
{
    const Node *node = root_node(e->exp->root);
    uint32_t align = MAX(1, node->limits.request_align);

    /* The specification's greatest minimum; any alignment is served. */
    return MIN(align, 65536);
}

uint32_t nbd_export_preferred_block_bytes(const NbdExport *e)
{
    return MAX(PREFERRED_BLOCK_BYTES, nbd_export_min_block_bytes(e));
}

/* --- bitmaps ------------------------------------------------------------- */

static DirtyBitmap *find_in_chain(Node *node, const char *name, Error **errp)
{
    while (node) {
        DirtyBitmap *bitmap = bitmap_find(node, name);
        Edge *below;

        if (bitmap) {
            return bitmap;
        }
        below = node_filtered_child(node);
        if (!below) {
            below = node_backing_child(node);
        }
        node = below ? below->child : NULL;
    }
    error_set(errp, "Bitmap '%s' is not found", name);
    return NULL;
}

CONTROL_ONLY
static DirtyBitmap *lookup(Node *node, const BlockDirtyBitmapOrStr *ref,
                           Error **errp)
{
    if (ref->kind == BLOCK_DIRTY_BITMAP_OR_STR_KIND_LOCAL) {
        return find_in_chain(node, ref->u.local, errp);
    }
    return bitmap_lookup(ref->u.external->node, ref->u.external->name, NULL,
                         errp);
}

/* Clients tell contexts apart by their names. */
static bool check_distinct(const NbdExport *e, const char *context,
                           const char *name, Error **errp)
{
    for (unsigned i = 0; i < e->bitmaps->len; i++) {
        if (!strcmp(g_array_index(e->bitmaps, NbdExportBitmap, i).context,
                    context)) {
            error_set(errp, "Bitmap '%s' is named twice", name);
            return false;
        }
    }
    return true;
}

CONTROL_ONLY
static bool add_bitmap(NbdExport *e, const BlockDirtyBitmapOrStr *ref,
                       Error **errp)
{
    Node *node = root_node(e->exp->root);
    DirtyBitmap *bitmap = lookup(node, ref, errp);
    NbdExportBitmap entry;

    if (!bitmap || !bitmap_check(bitmap, BITMAP_CHECK_ALLOW_RO, errp)) {
        return false;
    }
    /* It would change under a client that takes the export for frozen. */
    if (!e->exp->writable && !node->read_only && bitmap_enabled(bitmap)) {
        error_set(errp, "Enabled bitmap '%s' incompatible with readonly export",
                  bitmap_name(bitmap));
        return false;
    }
    entry.bitmap = bitmap;
    entry.context = g_strconcat(NBD_CONTEXT_BITMAP, bitmap_name(bitmap), NULL);
    if (!check_distinct(e, entry.context, bitmap_name(bitmap), errp)) {
        g_free(entry.context);
        return false;
    }
    g_array_append_val(e->bitmaps, entry);
    return true;
}

CONTROL_ONLY
static bool add_bitmaps(NbdExport *e, const BlockDirtyBitmapOrStrList *list,
                        Error **errp)
{
    for (size_t i = 0; list && i < list->n; i++) {
        if (!add_bitmap(e, list->v[i], errp)) {
            return false;
        }
    }
    return true;
}

static DirtyBitmap *bitmap_at(const NbdExport *e, unsigned i)
{
    return g_array_index(e->bitmaps, NbdExportBitmap, i).bitmap;
}

/* Their nodes stay as long: one may be a job's filter, which the export's own
 * root leaves when the job ends. */
static void hold_bitmaps(NbdExport *e)
{
    for (unsigned i = 0; i < e->bitmaps->len; i++) {
        bitmap_set_busy(bitmap_at(e, i), true);
        node_ref(bitmap_node(bitmap_at(e, i)));
        g_ptr_array_add(e->bitmap_nodes, bitmap_node(bitmap_at(e, i)));
    }
}

static void let_bitmaps_go(NbdExport *e)
{
    for (unsigned i = 0; i < e->bitmaps->len; i++) {
        bitmap_set_busy(bitmap_at(e, i), false);
    }
    g_array_set_size(e->bitmaps, 0);
}

COROUTINE_ONLY CONTROL_ONLY static void co_release_bitmaps(NbdExport *e)
{
    /* All of a node's bitmaps are released with it: none may be busy then. */
    let_bitmaps_go(e);
    for (guint i = 0; i < e->bitmap_nodes->len; i++) {
        co_node_unref(e->bitmap_nodes->pdata[i]);
    }
}

static void bitmap_entry_clear(gpointer p)
{
    g_free(((NbdExportBitmap *)p)->context);
}

/* --- life ---------------------------------------------------------------- */

CONTROL_ONLY
static bool nbd_ready(Error **errp)
{
    if (!nbd_server_running()) {
        error_set(errp, "NBD server not running");
        return false;
    }
    return true;
}

static bool check_options(const BlockExportOptionsNbd *options,
                          const char *name, Error **errp)
{
    if (strlen(name) > NBD_MAX_STRING) {
        error_set(errp, "export name '%s' too long", name);
        return false;
    }
    if (options->description && strlen(options->description) > NBD_MAX_STRING) {
        error_set(errp, "description '%s' too long", options->description);
        return false;
    }
    if (find_any(name)) {
        error_set(errp, "NBD server already has export named '%s'", name);
        return false;
    }
    return true;
}

static void free_nbd_export(NbdExport *e)
{
    g_array_unref(e->bitmaps);
    g_ptr_array_unref(e->bitmap_nodes);
    g_free(e->name);
    g_free(e->description);
    g_free(e);
}

CONTROL_ONLY
static bool co_create(BlockExport *exp, const BlockExportOptions *options,
                      Error **errp)
{
    const BlockExportOptionsNbd *nbd = &options->u.nbd;
    const char *name = nbd->name ? nbd->name : options->node_name;
    NbdExport *e;

    if (!check_options(nbd, name, errp)) {
        return false;
    }
    e = g_new0(NbdExport, 1);
    e->exp = exp;
    e->serial = ++last_serial;
    e->name = g_strdup(name);
    e->description = g_strdup(nbd->description);
    e->shows_depth = nbd->allocation_depth;
    e->memory_align = root_node(exp->root)->limits.memory_align;
    e->bitmaps = g_array_new(false, false, sizeof(NbdExportBitmap));
    g_array_set_clear_func(e->bitmaps, bitmap_entry_clear);
    e->bitmap_nodes = g_ptr_array_new();
    list_init(&e->clients);
    if (!add_bitmaps(e, nbd->bitmaps, errp)) {
        free_nbd_export(e);
        return false;
    }
    hold_bitmaps(e);
    list_append(&listed, &e->listed);
    exp->state = e;
    return true;
}

CONTROL_ONLY
static void request_shutdown(BlockExport *exp)
{
    NbdExport *e = exp->state;

    list_remove(&e->listed);
    LIST_FOREACH_SAFE(conn, &e->clients, NbdConn, in_export) {
        nbd_conn_disconnect(conn);
    }
}

static void retract(BlockExport *exp)
{
    NbdExport *e = exp->state;

    list_remove(&e->listed);
    let_bitmaps_go(e);
}

COROUTINE_ONLY CONTROL_ONLY static void co_free_state(BlockExport *exp)
{
    NbdExport *e = exp->state;

    assert(list_empty(&e->clients));
    co_release_bitmaps(e);
    free_nbd_export(e);
    exp->state = NULL;
}

const ExportDriver nbd_export_driver = {
    .type = BLOCK_EXPORT_TYPE_NBD,
    .ready = nbd_ready,
    .co_create = co_create,
    .request_shutdown = request_shutdown,
    .retract = retract,
    .co_free_state = co_free_state,
};
