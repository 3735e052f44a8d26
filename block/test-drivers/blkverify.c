/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blkverify: an image under test beside a raw copy that is right. Everything
 * is done to both; when they differ the program ends, with a message that says
 * where.
 *
 * Invariant: what is returned is what both said.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "block/graph/driver.h"
#include "block/io/io.h"
#include "qapi/qapi-types.h"

extern const NodeDriver driver_blkverify;

typedef struct VerifyState {
    /* CONST */
    Edge *raw, *test;
} VerifyState;

typedef struct VerifyRequest {
    const char *what; /* "read" */
    uint64_t offset_bytes, bytes;
} VerifyRequest;

/* --- the end ------------------------------------------------------------- */

G_GNUC_PRINTF(2, 3)
static void mismatch(const VerifyRequest *req, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "blkverify: %s offset=%" PRIu64 " bytes=%" PRIu64 " ",
            req->what, req->offset_bytes, req->bytes);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    fflush(NULL);
    _exit(1);
}

static void compare_results(const VerifyRequest *req, int raw, int test)
{
    if (raw != test) {
        mismatch(req, "return value mismatch %d != %d", test, raw);
    }
}

static void compare_data(const VerifyRequest *req, const uint8_t *raw,
                         const uint8_t *test)
{
    uint64_t at = 0;

    while (at < req->bytes && raw[at] == test[at]) {
        at++;
    }
    if (at < req->bytes) {
        mismatch(req, "contents mismatch at offset %" PRIu64,
                 req->offset_bytes + at);
    }
}

/* --- options ------------------------------------------------------------- */

/* The name that opens it so, if both have one. */
static void name_node(Node *node, const VerifyState *s)
{
    const char *raw = s->raw->child->filename, *test = s->test->child->filename;

    if (raw && test && !g_str_has_prefix(raw, "json:") &&
        !g_str_has_prefix(test, "json:")) {
        node->filename = g_strdup_printf("blkverify:%s:%s", raw, test);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_verify_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsBlkverify *o = &options->u.blkverify;
    VerifyState *s = node->state;

    s->raw = co_node_open_child(node, o->raw, "raw",
                                EDGE_FILTERED | EDGE_PRIMARY, errp);
    s->test = s->raw
                  ? co_node_open_child(node, o->test, "test", EDGE_DATA, errp)
                  : NULL;
    if (!s->test) {
        return false;
    }
    node->size_bytes = s->test->child->size_bytes;
    name_node(node, s);
    return true;
}

/* --- requests ------------------------------------------------------------ */

/* What lies beyond the end of one that is shorter reads as zeroes. */
COROUTINE_ONLY
static int co_read_one(Edge *edge, const VerifyRequest *req, uint8_t *buf)
{
    uint64_t size = edge->child->size_bytes;
    uint64_t inside = req->offset_bytes < size
                          ? MIN(req->bytes, size - req->offset_bytes)
                          : 0;
    Iov iov;
    int ret;

    memset(buf + inside, 0, req->bytes - inside);
    iov_init_buf(&iov, buf, req->bytes);
    ret = co_edge_preadv(edge, req->offset_bytes, inside, &iov, 0, 0);
    iov_free(&iov);
    return ret;
}

COROUTINE_ONLY
static int co_read_both(const VerifyState *s, const VerifyRequest *req,
                        uint8_t *raw, uint8_t *test)
{
    int raw_ret = co_read_one(s->raw, req, raw);
    int test_ret = co_read_one(s->test, req, test);

    compare_results(req, raw_ret, test_ret);
    if (test_ret == 0) {
        compare_data(req, raw, test);
    }
    return test_ret;
}

COROUTINE_ONLY
static int co_verify_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const VerifyState *s = node->state;
    VerifyRequest req = {"read", offset_bytes, bytes};
    uint8_t *raw = io_buffer_alloc(s->raw->child, bytes);
    uint8_t *test = io_buffer_alloc(s->test->child, bytes);
    int ret = raw && test ? co_read_both(s, &req, raw, test) : -ENOMEM;

    if (ret == 0) {
        iov_from_buf(iov, iov_offset, test, bytes);
    }
    if (raw) {
        io_buffer_free(raw);
    }
    if (test) {
        io_buffer_free(test);
    }
    return ret;
}

COROUTINE_ONLY
static int co_verify_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                             Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const VerifyState *s = node->state;
    VerifyRequest req = {"write", offset_bytes, bytes};
    int raw, test;

    if (flags & REQ_COMPRESSED) {
        return -ENOTSUP;
    }
    raw = co_edge_pwritev(s->raw, offset_bytes, bytes, iov, iov_offset, flags);
    test =
        co_edge_pwritev(s->test, offset_bytes, bytes, iov, iov_offset, flags);
    compare_results(&req, raw, test);
    return test;
}

/* Only the image under test: the copy is right whatever becomes of it. */
COROUTINE_ONLY
static int co_verify_flush(Node *node)
{
    const VerifyState *s = node->state;

    return co_edge_flush(s->test);
}

static int64_t co_verify_allocated_bytes(Node *node)
{
    return -ENOTSUP;
}

const NodeDriver driver_blkverify = {
    .name = "blkverify",
    .state_bytes = sizeof(VerifyState),
    .threading = NODE_HOMED,
    .is_filter = true,
    .shown_by_options = true,
    .flushes_children = true,
    .flushes_again = true,
    .co_open = co_verify_open,
    .co_preadv = co_verify_preadv,
    .co_pwritev = co_verify_pwritev,
    .co_flush = co_verify_flush,
    .co_allocated_bytes = co_verify_allocated_bytes,
};
