/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ram-node.h. */
#include "ram-node.h"

#include "block/io/io.h"
#include "qapi/qapi-types.h"
#include "util/json/json-parse.h"

RamState *ram_state(Node *node)
{
    return node->state;
}

void ram_release(Node *node)
{
    ram_state(node)->hold = false;
    coqueue_wake_all(&ram_state(node)->held);
}

static int co_pause(RamState *s)
{
    if (s->yield) {
        co_reschedule();
    }
    while (s->hold) {
        co_queue_wait(&s->held);
    }
    return s->error;
}

static void check_range(const RamState *s, uint64_t offset, uint64_t bytes)
{
    g_assert_cmpuint(bytes, >, 0);
    g_assert_cmpuint((offset | bytes) % s->align, ==, 0);
    g_assert_cmpuint(offset + bytes, <=, s->capacity);
}

static int co_ram_preadv(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                         size_t iov_offset, ReqFlags flags)
{
    RamState *s = node->state;
    int ret;

    check_range(s, offset, bytes);
    if (s->max_transfer) {
        g_assert_cmpuint(bytes, <=, s->max_transfer);
    }
    s->reads++;
    ret = co_pause(s);
    if (ret == 0) {
        iov_from_buf(iov, iov_offset, s->bytes + offset, bytes);
    }
    return ret;
}

static int co_ram_pwritev(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                          size_t iov_offset, ReqFlags flags)
{
    RamState *s = node->state;
    int ret;

    check_range(s, offset, bytes);
    if (s->max_transfer) {
        g_assert_cmpuint(bytes, <=, s->max_transfer);
    }
    s->writes++;
    s->last_flags = flags;
    ret = co_pause(s);
    if (ret == 0) {
        iov_to_buf(iov, iov_offset, s->bytes + offset, bytes);
    }
    return ret;
}

static int co_ram_pwrite_zeroes(Node *node, uint64_t offset, uint64_t bytes,
                                ReqFlags flags)
{
    RamState *s = node->state;
    int ret;

    check_range(s, offset, bytes);
    s->zeroes++;
    s->last_flags = flags;
    if (s->zeroes_unsupported) {
        return -ENOTSUP;
    }
    ret = co_pause(s);
    if (ret == 0) {
        memset(s->bytes + offset, 0, bytes);
    }
    return ret;
}

static int co_ram_pdiscard(Node *node, uint64_t offset, uint64_t bytes)
{
    RamState *s = node->state;

    check_range(s, offset, bytes);
    s->discards++;
    memset(s->bytes + offset, 0, bytes);
    return co_pause(s);
}

static int co_ram_flush(Node *node)
{
    RamState *s = node->state;

    s->flushes++;
    return co_pause(s);
}

static void co_ram_close(Node *node)
{
    g_free(ram_state(node)->bytes);
}

static void ram_refresh_limits(Node *node)
{
    RamState *s = node->state;

    node->limits.request_align = s->align;
    node->limits.zeroes_align = s->zeroes_align;
    node->limits.max_transfer_bytes = s->max_transfer;
    node->limits.max_iov = s->max_iov;
}

static bool ram_prepare_perm(Node *node, Perms perm, Perms shared, Error **errp)
{
    if (ram_state(node)->refuse_perms) {
        error_set(errp, "refused");
        return false;
    }
    return true;
}

static void ram_commit_perm(Node *node, Perms perm, Perms shared)
{
    ram_state(node)->perm = perm;
    ram_state(node)->shared = shared;
}

static int co_ram_truncate(Node *node, uint64_t size_bytes, bool exact,
                           Error **errp)
{
    RamState *s = node->state;
    uint64_t capacity = ROUND_UP(size_bytes, s->align);

    s->bytes = g_realloc(s->bytes, capacity);
    if (capacity > s->capacity) {
        memset(s->bytes + s->capacity, 0, capacity - s->capacity);
    }
    s->capacity = capacity;
    return 0;
}

#define RAM_FUNCTIONS                                                       \
    .state_bytes = sizeof(RamState), .co_close = co_ram_close,              \
    .prepare_perm = ram_prepare_perm, .commit_perm = ram_commit_perm,       \
    .refresh_limits = ram_refresh_limits, .co_preadv = co_ram_preadv,       \
    .co_pwritev = co_ram_pwritev, .co_pwrite_zeroes = co_ram_pwrite_zeroes, \
    .co_pdiscard = co_ram_pdiscard, .co_flush = co_ram_flush,               \
    .co_truncate = co_ram_truncate

const NodeDriver ram_driver = {.name = "ram", RAM_FUNCTIONS};
const NodeDriver ram_fua_driver = {
    .name = "ram-fua",
    .supports_fua = true,
    RAM_FUNCTIONS,
};

Node *ram_node_new(const char *name, uint64_t size_bytes, uint32_t align)
{
    Node *node = node_new(&ram_driver, name, NULL);
    RamState *s;

    g_assert_nonnull(node);
    s = node->state;
    s->align = align;
    s->capacity = ROUND_UP(size_bytes, align);
    s->bytes = g_malloc0(s->capacity);
    coqueue_init(&s->held);
    node->size_bytes = size_bytes;
    node->discard_unmap = true;
    node_refresh_limits(node);
    return node;
}

static int co_pass_preadv(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                          size_t iov_offset, ReqFlags flags)
{
    return co_edge_preadv(node_filtered_child(node), offset, bytes, iov,
                          iov_offset, flags);
}

static int co_pass_pwritev(Node *node, uint64_t offset, uint64_t bytes,
                           Iov *iov, size_t iov_offset, ReqFlags flags)
{
    return co_edge_pwritev(node_filtered_child(node), offset, bytes, iov,
                           iov_offset, flags);
}

const NodeDriver pass_driver = {
    .name = "pass",
    .is_filter = true,
    .supports_fua = true,
    .co_preadv = co_pass_preadv,
    .co_pwritev = co_pass_pwritev,
};

Node *pass_node_new(const char *name, Node *below)
{
    Node *node = node_new(&pass_driver, name, NULL);

    g_assert_nonnull(node);
    g_assert_nonnull(
        edge_attach(node, below, "file", EDGE_FILTERED | EDGE_PRIMARY, NULL));
    node->size_bytes = below->size_bytes;
    node_refresh_limits(node);
    return node;
}

Node *open_json(const char *json, Error **errp)
{
    json_object *doc = json_parse_string(json, errp);
    BlockdevOptions *options = BlockdevOptions_from_json(doc, errp);
    Node *node = options ? co_node_open(options, errp) : NULL;

    BlockdevOptions_free(options);
    json_object_put(doc);
    return node;
}

void check_error(Error **err, const char *text)
{
    g_assert_nonnull(*err);
    g_assert_cmpstr(error_text(*err), ==, text);
    error_free(*err);
    *err = NULL;
}

static void body_entry(void *opaque)
{
    void (*body)(void) = *(void (**)(void))opaque;

    body();
}

void run_in_coroutine(void (*body)(void))
{
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    g_assert_nonnull(r);
    reactor_run_coroutine(body_entry, &body);
    g_assert_null(node_next(NULL));
    g_assert_cmpuint(coroutine_count(), ==, 0);
    reactor_free(r);
}
