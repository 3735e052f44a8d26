/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the node as requests to the server.
 *
 * Invariants: nothing beyond the export's real size is ever sent (the node's
 * size is rounded up to whole sectors: what is read there is zeroes). The one
 * extent that is remembered holds data; that something is zeroes is asked anew
 * each time, because others may write to the export.
 */
#include "block/net/nbd-io.h"

static bool can(const NbdClient *c, uint16_t flag)
{
    return c->info.flags & flag;
}

/* How much of a range lies in the export. */
static uint64_t bytes_inside(const NbdClient *c, uint64_t offset_bytes,
                             uint64_t bytes)
{
    uint64_t size = c->info.size_bytes;

    return offset_bytes >= size ? 0 : MIN(bytes, size - offset_bytes);
}

static bool is_inside(const NbdClient *c, uint64_t offset_bytes, uint64_t bytes)
{
    return bytes_inside(c, offset_bytes, bytes) == bytes;
}

/* The content changes, maybe to zeroes. */
static void forget_data(NbdClient *c, uint64_t offset_bytes, uint64_t bytes)
{
    if (offset_bytes < c->data_end && c->data_start < offset_bytes + bytes) {
        c->data_start = c->data_end = 0;
    }
}

int co_nbd_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                  size_t iov_offset, ReqFlags flags)
{
    NbdClient *c = node->state;
    uint64_t inside = bytes_inside(c, offset_bytes, bytes);
    NbdCall call = {
        .command = NBD_CMD_READ,
        .offset_bytes = offset_bytes,
        .bytes = inside,
    };
    int ret;

    if (inside < bytes) {
        iov_memset(iov, iov_offset + inside, 0, bytes - inside);
    }
    if (!inside) {
        return 0;
    }
    iov_init_slice(&call.data, iov, iov_offset, inside);
    ret = co_nbd_call(c, &call, 0);
    iov_free(&call.data);
    return ret;
}

int co_nbd_flush(Node *node)
{
    NbdClient *c = node->state;
    NbdCall call = {.command = NBD_CMD_FLUSH};

    return can(c, NBD_FLAG_SEND_FLUSH) ? co_nbd_call(c, &call, 0) : 0;
}

/* The server's FUA where it has one, else a flush after the request. */
COROUTINE_ONLY
static int co_call_fua(Node *node, NbdCall *call, uint16_t flags, bool fua)
{
    NbdClient *c = node->state;
    bool native = fua && can(c, NBD_FLAG_SEND_FUA);
    int ret = co_nbd_call(c, call, flags | (native ? NBD_CMD_FLAG_FUA : 0));

    return ret == 0 && fua && !native ? co_nbd_flush(node) : ret;
}

int co_nbd_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   size_t iov_offset, ReqFlags flags)
{
    NbdClient *c = node->state;
    NbdCall call = {
        .command = NBD_CMD_WRITE,
        .offset_bytes = offset_bytes,
        .bytes = bytes,
    };
    int ret;

    if (!is_inside(c, offset_bytes, bytes)) {
        return -ENOSPC;
    }
    iov_init_slice(&call.data, iov, iov_offset, bytes);
    ret = co_call_fua(node, &call, 0, flags & REQ_FUA);
    iov_free(&call.data);
    return ret;
}

int co_nbd_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         ReqFlags flags)
{
    NbdClient *c = node->state;
    NbdCall call = {
        .command = NBD_CMD_WRITE_ZEROES,
        .offset_bytes = offset_bytes,
        .bytes = bytes,
    };
    uint16_t wire = flags & REQ_MAY_UNMAP ? 0 : NBD_CMD_FLAG_NO_HOLE;
    int ret;

    if (!can(c, NBD_FLAG_SEND_WRITE_ZEROES)) {
        return -ENOTSUP;
    }
    if (!is_inside(c, offset_bytes, bytes)) {
        return -ENOSPC;
    }
    if (flags & REQ_NO_FALLBACK) {
        /* Only such a server tells when it would have to write them. */
        if (!can(c, NBD_FLAG_SEND_FAST_ZERO)) {
            return -ENOTSUP;
        }
        wire |= NBD_CMD_FLAG_FAST_ZERO;
    }
    forget_data(c, offset_bytes, bytes);
    ret = co_call_fua(node, &call, wire, flags & REQ_FUA);
    forget_data(c, offset_bytes, bytes);
    return ret;
}

int co_nbd_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    NbdClient *c = node->state;
    NbdCall call = {
        .command = NBD_CMD_TRIM,
        .offset_bytes = offset_bytes,
        .bytes = bytes_inside(c, offset_bytes, bytes),
    };
    int ret;

    if (!can(c, NBD_FLAG_SEND_TRIM)) {
        return -ENOTSUP;
    }
    if (!call.bytes) {
        return 0;
    }
    forget_data(c, offset_bytes, bytes);
    ret = co_nbd_call(c, &call, 0);
    forget_data(c, offset_bytes, bytes);
    return ret;
}

uint64_t nbd_max_effect_bytes(const NbdClient *c)
{
    return ROUND_DOWN(c->extended ? NBD_MAX_EXT_EFFECT_BYTES
                                  : NBD_MAX_EFFECT_BYTES,
                      MAX(c->info.min_bytes, 1));
}

/* --- block status -------------------------------------------------------- */

/* A depth is shown as 0, 1 or more. */
static uint32_t clip_depth(const NbdClient *c, uint32_t flags)
{
    return !strcmp(c->context, "qemu:allocation-depth") ? MIN(flags, 2) : flags;
}

static unsigned status_flags(uint32_t flags)
{
    unsigned status = (flags & NBD_STATE_HOLE ? 0 : STATUS_DATA) |
                      (flags & NBD_STATE_ZERO ? STATUS_ZERO : 0);

    /* What is neither lies nowhere. */
    return status ? status | STATUS_OFFSET : 0;
}

static bool is_known_data(const NbdClient *c, uint64_t offset_bytes)
{
    return offset_bytes >= c->data_start && offset_bytes < c->data_end;
}

COROUTINE_ONLY
static int co_ask_status(NbdClient *c, uint64_t offset_bytes, uint64_t bytes,
                         BlockStatus *status)
{
    NbdCall call = {
        .command = NBD_CMD_BLOCK_STATUS,
        .offset_bytes = offset_bytes,
        .bytes = MIN(bytes, nbd_max_effect_bytes(c)),
    };
    int ret = co_nbd_call(c, &call, NBD_CMD_FLAG_REQ_ONE);

    if (ret) {
        return ret;
    }
    status->bytes = call.extent_bytes;
    status->flags = status_flags(clip_depth(c, call.extent_flags));
    if (c->plain_context && !call.extent_flags) {
        c->data_start = offset_bytes;
        c->data_end = offset_bytes + call.extent_bytes;
    }
    return 0;
}

int co_nbd_block_status(Node *node, bool want_zero, uint64_t offset_bytes,
                        uint64_t bytes, BlockStatus *status)
{
    NbdClient *c = node->state;
    uint64_t inside = bytes_inside(c, offset_bytes, bytes);

    status->map = offset_bytes;
    status->file = node;
    if (!inside) {
        status->flags = STATUS_ZERO;
        status->bytes = bytes;
        return 0;
    }
    if (!c->has_context) {
        status->flags = STATUS_DATA | STATUS_OFFSET;
        status->bytes = inside;
        return 0;
    }
    if (is_known_data(c, offset_bytes)) {
        status->flags = STATUS_DATA | STATUS_OFFSET;
        status->bytes = MIN(inside, c->data_end - offset_bytes);
        return 0;
    }
    return co_ask_status(c, offset_bytes, inside, status);
}
