/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader: replies off the stream, to the calls they belong to.
 *
 * Invariants: a length from the wire is checked against what it is for before
 * anything is read by it; the stream is at the next reply's magic after each
 * reply, and whatever breaks that ends the connection. Functions return 0 or
 * -errno, where any error is such an end.
 */
#include "block/net/nbd-client.h"

/* Payloads from this size on go from the socket to their place at once. */
#define DIRECT_BYTES (NBD_INPUT_BYTES / 4)
/* Texts and kinds of chunks that are skipped. */
#define SKIP_MAX (64u << 10)

/* --- input --------------------------------------------------------------- */

COROUTINE_ONLY
static int co_fill(NbdClient *c)
{
    NbdInput *in = c->input;
    ssize_t n;

    if (c->state != NBD_LINK_UP) {
        return -ECANCELED;
    }
    in->start = in->end = 0;
    n = co_io_recv(c->session.fd, in->buf, sizeof(in->buf));
    if (n <= 0) {
        return n < 0 ? n : -EPIPE;
    }
    in->end = n;
    return 0;
}

COROUTINE_ONLY
static int co_take(NbdClient *c, void *buf, size_t bytes)
{
    NbdInput *in = c->input;
    uint8_t *to = buf;

    while (true) {
        size_t n = MIN(bytes, in->end - in->start);
        int ret;

        if (n && to) {
            memcpy(to, in->buf + in->start, n);
            to += n;
        }
        in->start += n;
        bytes -= n;
        if (!bytes) {
            return 0;
        }
        ret = co_fill(c);
        if (ret) {
            return ret;
        }
    }
}

COROUTINE_ONLY
static int co_skip(NbdClient *c, uint32_t bytes)
{
    return bytes > SKIP_MAX ? -EINVAL : co_take(c, NULL, bytes);
}

/* Straight from the socket into a part of @iov. */
COROUTINE_ONLY
static int co_take_direct(NbdClient *c, const Iov *iov, size_t at,
                          size_t bytes)
{
    while (bytes) {
        ssize_t n;
        Iov part;

        if (c->state != NBD_LINK_UP) {
            return -ECANCELED;
        }
        iov_init_slice(&part, iov, at, bytes);
        n = co_io_recvv(c->session.fd, part.v, MIN(part.n, IOV_MAX));
        iov_free(&part);
        if (n <= 0) {
            return n < 0 ? n : -EPIPE;
        }
        at += n;
        bytes -= n;
    }
    return 0;
}

/* Data of a read, to its place. */
COROUTINE_ONLY
static int co_take_data(NbdClient *c, NbdCall *call, size_t at, size_t bytes)
{
    NbdInput *in = c->input;

    while (bytes) {
        size_t n = MIN(bytes, in->end - in->start);
        int ret;

        iov_from_buf(&call->data, at, in->buf + in->start, n);
        in->start += n;
        at += n;
        bytes -= n;
        if (bytes >= DIRECT_BYTES) {
            return co_take_direct(c, &call->data, at, bytes);
        }
        if (bytes && (ret = co_fill(c))) {
            return ret;
        }
    }
    return 0;
}

/* --- simple replies ------------------------------------------------------ */

COROUTINE_ONLY
static int co_simple(NbdClient *c, const NbdSimpleReply *reply)
{
    NbdCall *call = nbd_call_find(c, reply->cookie);
    uint32_t error = be32_get(reply->error);

    /* The protocol wants reads to be answered in chunks once these were
     * agreed upon, and statuses exist in no other form. */
    if (!call || call->command == NBD_CMD_BLOCK_STATUS ||
        (c->session.structured && call->command == NBD_CMD_READ)) {
        return -EINVAL;
    }
    call->error = nbd_error_to_errno(error);
    if (!error && call->command == NBD_CMD_READ) {
        int ret = co_take_data(c, call, 0, call->bytes);

        if (ret) {
            return ret;
        }
    }
    nbd_call_replied(c, call);
    return 0;
}

/* --- chunks -------------------------------------------------------------- */

/* The place that a chunk of a read begins at. */
COROUTINE_ONLY
static int co_chunk_offset(NbdClient *c, const NbdCall *call, uint64_t *at)
{
    Be64 offset;
    int ret = co_take(c, &offset, sizeof(offset));

    if (!ret && be64_get(offset) < call->offset_bytes) {
        ret = -EINVAL;
    }
    *at = ret ? 0 : be64_get(offset) - call->offset_bytes;
    return ret;
}

COROUTINE_ONLY
static int co_chunk_data(NbdClient *c, NbdCall *call, uint32_t bytes)
{
    uint64_t at;
    int ret;

    if (call->command != NBD_CMD_READ || bytes <= sizeof(Be64)) {
        return -EINVAL;
    }
    ret = co_chunk_offset(c, call, &at);
    if (ret) {
        return ret;
    }
    if (!nbd_area_add(call, at, bytes - sizeof(Be64))) {
        return -EINVAL;
    }
    return co_take_data(c, call, at, bytes - sizeof(Be64));
}

COROUTINE_ONLY
static int co_chunk_hole(NbdClient *c, NbdCall *call, uint32_t bytes)
{
    uint64_t at;
    Be32 length;
    int ret;

    if (call->command != NBD_CMD_READ ||
        bytes != sizeof(Be64) + sizeof(Be32)) {
        return -EINVAL;
    }
    ret = co_chunk_offset(c, call, &at);
    ret = ret ? ret : co_take(c, &length, sizeof(length));
    if (ret) {
        return ret;
    }
    if (!nbd_area_add(call, at, be32_get(length))) {
        return -EINVAL;
    }
    iov_memset(&call->data, at, 0, be32_get(length));
    return 0;
}

/* One extent was asked for; servers may tell more, which are skipped. */
COROUTINE_ONLY
static int co_chunk_status(NbdClient *c, NbdCall *call, uint32_t bytes)
{
    Be32 context;
    NbdExtent extent;
    int ret;

    if (call->command != NBD_CMD_BLOCK_STATUS || call->extent_bytes ||
        bytes < sizeof(context) + sizeof(extent) ||
        (bytes - sizeof(context)) % sizeof(extent)) {
        return -EINVAL;
    }
    ret = co_take(c, &context, sizeof(context));
    ret = ret ? ret : co_take(c, &extent, sizeof(extent));
    if (ret) {
        return ret;
    }
    if (be32_get(context) != c->session.context_id ||
        !be32_get(extent.bytes)) {
        return -EINVAL;
    }
    call->extent_bytes = MIN(be32_get(extent.bytes), call->bytes);
    call->extent_flags = be32_get(extent.flags);
    return co_skip(c, bytes - sizeof(context) - sizeof(extent));
}

COROUTINE_ONLY
static int co_chunk_error(NbdClient *c, NbdCall *call, uint16_t type,
                          uint32_t bytes)
{
    struct {
        Be32 error;
        Be16 text_bytes;
    } head;
    uint32_t rest = bytes - sizeof(head);
    int ret;

    if (bytes < sizeof(head)) {
        return -EINVAL;
    }
    ret = co_take(c, &head, sizeof(head));
    if (ret) {
        return ret;
    }
    if (!be32_get(head.error) ||
        (type == NBD_CHUNK_ERROR && be16_get(head.text_bytes) != rest) ||
        be16_get(head.text_bytes) > rest) {
        return -EINVAL;
    }
    /* The first of several errors counts. */
    if (!call->error) {
        call->error = nbd_error_to_errno(be32_get(head.error));
    }
    return co_skip(c, rest);
}

COROUTINE_ONLY
static int co_chunk_content(NbdClient *c, NbdCall *call, uint16_t type,
                            uint32_t bytes)
{
    switch (type) {
    case NBD_CHUNK_NONE:
        return bytes ? -EINVAL : 0;
    case NBD_CHUNK_OFFSET_DATA:
        return co_chunk_data(c, call, bytes);
    case NBD_CHUNK_OFFSET_HOLE:
        return co_chunk_hole(c, call, bytes);
    case NBD_CHUNK_BLOCK_STATUS:
        return co_chunk_status(c, call, bytes);
    default:
        /* Errors of kinds yet unknown begin as the known ones do. */
        return type & NBD_CHUNK_IS_ERROR
                   ? co_chunk_error(c, call, type, bytes)
                   : -EINVAL;
    }
}

/* A call without an error has been told all that it asked for. */
static bool answered(const NbdCall *call)
{
    switch (call->error ? NBD_CMD_FLUSH : call->command) {
    case NBD_CMD_READ:
        return nbd_area_complete(call);
    case NBD_CMD_BLOCK_STATUS:
        return call->extent_bytes;
    default:
        return true;
    }
}

/* The longest chunk that can mean anything for a call: who announces more is
 * not waited for. */
static uint64_t chunk_max(const NbdCall *call)
{
    return MAX((uint64_t)call->bytes + sizeof(Be64), SKIP_MAX);
}

COROUTINE_ONLY
static int co_chunk(NbdClient *c, const NbdChunkHeader *head)
{
    NbdCall *call = nbd_call_find(c, head->cookie);
    uint16_t type = be16_get(head->type);
    bool last = be16_get(head->flags) & NBD_CHUNK_FLAG_DONE;
    int ret;

    if (!call || !c->session.structured ||
        (type == NBD_CHUNK_NONE && !last) ||
        be32_get(head->bytes) > chunk_max(call)) {
        return -EINVAL;
    }
    ret = co_chunk_content(c, call, type, be32_get(head->bytes));
    if (ret || !last) {
        return ret;
    }
    if (!answered(call)) {
        return -EINVAL;
    }
    nbd_call_replied(c, call);
    return 0;
}

/* --- the loop ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_one_reply(NbdClient *c)
{
    union {
        Be32 magic;
        NbdSimpleReply simple;
        NbdChunkHeader chunk;
    } head;
    uint8_t *rest = (uint8_t *)&head + sizeof(head.magic);
    int ret = co_take(c, &head, sizeof(head.magic));

    if (ret) {
        return ret;
    }
    switch (be32_get(head.magic)) {
    case NBD_MAGIC_SIMPLE_REPLY:
        ret = co_take(c, rest, sizeof(head.simple) - sizeof(head.magic));
        return ret ? ret : co_simple(c, &head.simple);
    case NBD_MAGIC_CHUNK:
        ret = co_take(c, rest, sizeof(head.chunk) - sizeof(head.magic));
        return ret ? ret : co_chunk(c, &head.chunk);
    default:
        return -EINVAL;
    }
}

void co_nbd_client_reader(void *opaque)
{
    NbdClient *c = opaque;

    coroutine_assert();
    while (co_one_reply(c) == 0) {
        /* The next one. */
    }
    nbd_link_worker_ended(c);
}
