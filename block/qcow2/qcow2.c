/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver qcow2: opening, closing, options, and the table of functions.
 */
#include "block/qcow2/bitmap-int.h"
#include "block/qcow2/crypt.h"
#include "block/qcow2/open-int.h"

#include <stdio.h>

#include "qapi/qapi-types.h"

/* --- opening ------------------------------------------------------------- */

static void state_init(Node *node)
{
    Qcow2State *s = qcow2_state(node);

    s->node = node;
    s->ranges = range_locks_new(false);
    s->l1_dirty = g_hash_table_new(NULL, NULL);
    s->reftable_dirty = g_hash_table_new(NULL, NULL);
    s->tables = g_hash_table_new(NULL, NULL);
    s->frees_waiting = g_array_new(FALSE, FALSE, sizeof(Qcow2Free));
    s->frees_ready = g_array_new(FALSE, FALSE, sizeof(Qcow2Free));
    s->unknown = g_array_new(FALSE, FALSE, sizeof(Qcow2Free));
    comutex_init(&s->l2_mutex);
    comutex_init(&s->alloc_mutex);
    comutex_init(&s->commit_mutex);
    comutex_init(&s->compress_mutex);
    list_init(&s->extensions);
}

static void state_free(Qcow2State *s)
{
    qcow2_cache_destroy(&s->l2_cache);
    qcow2_cache_destroy(&s->refs_cache);
    qcow2_bitmaps_close(s);
    qcow2_crypt_close(s);
    qcow2_snapshots_free(s);
    qcow2_header_free(s);
    g_free(s->l1);
    g_free(s->reftable);
    g_hash_table_destroy(s->l1_dirty);
    g_hash_table_destroy(s->reftable_dirty);
    g_hash_table_destroy(s->tables);
    g_array_free(s->frees_waiting, TRUE);
    g_array_free(s->frees_ready, TRUE);
    g_array_free(s->unknown, TRUE);
    range_locks_free(s->ranges);
    memset(s, 0, sizeof(*s));
}

COROUTINE_ONLY
static int co_l1_load(Qcow2State *s, Error **errp)
{
    size_t bytes = s->l1_size * sizeof(Be64);
    Be64 *table = g_try_malloc(MAX(bytes, 1));
    int ret =
        table ? co_qcow2_file_read(s, s->l1_offset, table, bytes) : -ENOMEM;

    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read L1 table");
        g_free(table);
        return ret;
    }
    s->l1 = g_new(uint64_t, MAX(s->l1_size, 1));
    for (uint32_t i = 0; i < s->l1_size; i++) {
        s->l1[i] = be64_get(table[i]);
    }
    g_free(table);
    return 0;
}

/* An image that is written loses what others keep in it and we do not know. */
COROUTINE_ONLY
static int co_clear_autoclear(Qcow2State *s, Error **errp)
{
    uint64_t keep = QCOW2_AUTOCLEAR_KNOWN;
    int ret;

    if (s->node->read_only || !(s->autoclear & ~keep)) {
        return 0;
    }
    s->autoclear &= keep;
    ret = co_qcow2_header_write(s);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not update qcow2 header");
    }
    return ret;
}

COROUTINE_ONLY
static bool co_open_tables(Qcow2State *s, Error **errp)
{
    s->file_bytes = s->file->child->size_bytes;
    s->fresh_from = ROUND_UP(s->file_bytes, s->cluster_bytes);
    return co_qcow2_reftable_load(s, errp) == 0 && co_l1_load(s, errp) == 0 &&
           co_qcow2_snapshots_load(s, errp) == 0;
}

static void say(void *opaque, const char *text)
{
    fprintf(stderr, "%s\n", text);
}

/* Counts of an image that was not closed properly are made anew. */
COROUTINE_ONLY
static bool co_repair_dirty(Qcow2State *s, Error **errp)
{
    FormatCheck check = {.message = say,
                         .fix = CHECK_FIX_ERRORS | CHECK_FIX_LEAKS};
    int ret;

    if (s->node->read_only || format_opening_for_repair ||
        !(s->incompatible & QCOW2_INCOMPAT_DIRTY)) {
        return true;
    }
    ret = co_qcow2_check(s->node, &check, errp);
    if (ret < 0 || check.check_errors) {
        if (ret == 0) {
            error_set(errp, "Could not repair dirty image");
        }
        return false;
    }
    return true;
}

/* After the children are there. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_read_image(Node *node, const BlockdevOptionsQcow2 *o, Error **errp)
{
    Qcow2State *s = qcow2_state(node);

    if (!qcow2_options_apply(s, o, errp) ||
        !co_qcow2_crypt_open(s, o->encrypt, errp) || !co_open_tables(s, errp)) {
        return false;
    }
    node_size_changed(node, ROUND_DOWN(s->disk_bytes, 512));
    qcow2_tables_note_all(s);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_begin_use(Qcow2State *s,
                                                     Error **errp)
{
    if (!co_repair_dirty(s, errp) || co_clear_autoclear(s, errp) < 0) {
        return false;
    }
    co_qcow2_bitmaps_open(s);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_open_image(Node *node, const BlockdevOptionsQcow2 *o, Error **errp)
{
    Qcow2State *s = qcow2_state(node);

    s->file = co_node_open_child(
        node, o->file, "file", EDGE_METADATA | EDGE_DATA | EDGE_PRIMARY, errp);
    if (!s->file) {
        return false;
    }
    s->data_file = s->file;
    if (co_qcow2_header_read(s, errp) < 0 ||
        !co_qcow2_open_data_file(s, o, errp) || !co_read_image(node, o, errp)) {
        return false;
    }
    return co_qcow2_open_backing(s, o, errp) &&
           (node->inactive || co_begin_use(s, errp));
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_qcow2_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    state_init(node);
    if (!co_open_image(node, &options->u.qcow2, errp)) {
        state_free(qcow2_state(node));
        return false;
    }
    return true;
}

/* Another program has used the image, and has it no longer. What is open below
 * stays; all else is read again. */
COROUTINE_ONLY CONTROL_ONLY static bool co_qcow2_activate(Node *node,
                                                          Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    Edge *file = s->file, *data_file = s->data_file;
    BlockdevOptions *options = BlockdevOptions_from_json(node->options, errp);
    bool ok;

    if (!options) {
        return false;
    }
    state_free(s);
    state_init(node);
    s->file = file;
    s->data_file = data_file;
    ok = co_qcow2_header_read(s, errp) == 0;
    s->has_data_file = s->incompatible & QCOW2_INCOMPAT_DATA_FILE;
    s->data_file_raw =
        s->has_data_file && (s->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW);
    ok = ok && co_read_image(node, &options->u.qcow2, errp) &&
         co_begin_use(s, errp);
    BlockdevOptions_free(options);
    if (!ok) {
        node->size_bytes = 0; /* nothing can be read of what is not known */
        error_prepend(errp, "Could not reopen qcow2 layer: ");
    }
    return ok;
}

/* --- closing ------------------------------------------------------------- */

/* Nobody is left to be told by an error: what was flushed is there, the rest of
 * the metadata is lost. */
COROUTINE_ONLY
static int co_settle_or_say(Qcow2State *s)
{
    int ret;

    if (qcow2_is_watched(s)) {
        co_qcow2_settle(s); /* as a flush that nobody asked for is */
    }
    ret = co_qcow2_settle(s);
    if (ret < 0) {
        error_report("Failed to flush the L2 table cache: %s",
                     g_strerror(-ret));
        ret = co_qcow2_settle(s);
    }
    if (ret < 0) {
        error_report("Failed to flush the refcount block cache: %s",
                     g_strerror(-ret));
    }
    return ret;
}

/* Before the image may be somebody else's: memory and file agree, the file is
 * no longer than it need be. */
COROUTINE_ONLY
static int co_qcow2_inactivate(Qcow2State *s)
{
    int ret, stored;

    if (s->node->read_only || s->corrupt) {
        return 0;
    }
    stored = co_qcow2_bitmaps_store(s);
    if (stored < 0) {
        error_report("Lost persistent bitmaps during inactivation of node "
                     "'%s': %s",
                     node_name(s->node), g_strerror(-stored));
    }
    ret = co_settle_or_say(s);
    if (ret == 0) {
        ret = stored;
    }
    if (ret == 0) {
        ret = co_qcow2_mark_clean(s);
    }
    if (ret == 0) {
        ret = co_qcow2_file_trim(s);
    }
    return ret;
}

COROUTINE_ONLY
static void co_qcow2_close(Node *node)
{
    Qcow2State *s = qcow2_state(node);

    co_qcow2_inactivate(s);
    state_free(s);
}

typedef struct SettleCall {
    Qcow2State *s;
    int ret;
} SettleCall;

COROUTINE_ONLY
static void co_settle_at_home(void *opaque)
{
    SettleCall *call = opaque;

    call->ret = co_qcow2_inactivate(call->s);
}

COROUTINE_ONLY
static int co_qcow2_settle_node(Node *node)
{
    SettleCall call = {qcow2_state(node), 0};

    co_reactor_call(node->home, co_settle_at_home, &call);
    return call.ret;
}

static void qcow2_refresh_limits(Node *node)
{
    const Qcow2State *s = qcow2_state(node);

    node->limits.zeroes_align = s->subcluster_bytes;
    node->limits.discard_align = s->cluster_bytes;
    if (s->crypt) {
        node->limits.request_align = MAX(node->limits.request_align, 512);
    }
}

static uint32_t qcow2_cluster_bytes(const Node *node)
{
    return qcow2_state(node)->cluster_bytes;
}

/* An older image has no entries that are zero; giving clusters up would show
 * the image behind. */
static bool qcow2_zeroes_unmap(const Node *node)
{
    return qcow2_state(node)->version >= 3;
}

static const char *const qcow2_identity[] = {"encrypt.key-secret", NULL};

const NodeDriver driver_qcow2 = {
    .name = "qcow2",
    .state_bytes = sizeof(Qcow2State),
    .threading = NODE_HOMED,
    .movable = true,
    .is_format = true,
    .supports_backing = true,
    .bitmap_store = &qcow2_bitmap_store,
    .identity_options = qcow2_identity,
    .co_open = co_qcow2_open,
    .co_reopen = co_qcow2_reopen,
    .reopen_options = qcow2_reopen_options,
    .co_settle = co_qcow2_settle_node,
    .co_activate = co_qcow2_activate,
    .co_close = co_qcow2_close,
    .refresh_limits = qcow2_refresh_limits,
    .zeroes_unmap = qcow2_zeroes_unmap,
    .co_preadv = co_qcow2_preadv,
    .co_pwritev = co_qcow2_pwritev,
    .co_pwrite_zeroes = co_qcow2_pwrite_zeroes,
    .co_pdiscard = co_qcow2_pdiscard,
    .co_flush = co_qcow2_flush,
    .co_block_status = co_qcow2_block_status,
    .co_truncate = co_qcow2_truncate,
    .cluster_bytes = qcow2_cluster_bytes,
    .format = &qcow2_format_ops,
};
