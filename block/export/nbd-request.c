/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of the transmission phase: what is allowed, and doing it
 * through the export's root. Errors and texts are those of QEMU 7.2; every
 * malformed request gets EINVAL.
 *
 * Invariant: a request that passed nbd_request_check lies within the export,
 * and its payload within NBD_MAX_PAYLOAD.
 */
#include "block/export/nbd-conn.h"

/* How much a CACHE command reads at a time. */
#define CACHE_STEP_BYTES (1u << 20)

/* --- checks -------------------------------------------------------------- */

static uint16_t allowed_flags(const NbdRequest *req)
{
    switch (req->command) {
    case NBD_CMD_READ:
        return NBD_CMD_FLAG_FUA | (req->conn->structured ? NBD_CMD_FLAG_DF : 0);
    case NBD_CMD_WRITE_ZEROES:
        return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FAST_ZERO;
    case NBD_CMD_BLOCK_STATUS:
        return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_REQ_ONE;
    case NBD_CMD_WRITE:
        return NBD_CMD_FLAG_FUA |
               (req->conn->extended ? NBD_CMD_FLAG_PAYLOAD_LEN : 0);
    default:
        return NBD_CMD_FLAG_FUA;
    }
}

static bool check_known(const NbdRequest *req, Error **errp)
{
    if (req->command > NBD_CMD_BLOCK_STATUS) {
        error_set(errp, "invalid request type (%u) received", req->command);
        return false;
    }
    if (req->flags & ~allowed_flags(req)) {
        error_set(errp, "unsupported flags for command %s (got 0x%x)",
                  nbd_command_name(req->command), req->flags);
        return false;
    }
    if (req->command == NBD_CMD_WRITE && req->conn->extended &&
        !(req->flags & NBD_CMD_FLAG_PAYLOAD_LEN)) {
        error_set(errp, "payload length missing for command write");
        return false;
    }
    return true;
}

static bool check_writable(const NbdRequest *req, Error **errp)
{
    bool writes = req->command == NBD_CMD_WRITE ||
                  req->command == NBD_CMD_TRIM ||
                  req->command == NBD_CMD_WRITE_ZEROES;

    if (writes && !req->conn->e->exp->writable) {
        error_set(errp, "Export is read-only");
        return false;
    }
    return true;
}

static bool check_range(const NbdRequest *req, Error **errp)
{
    uint64_t size_bytes = nbd_export_size_bytes(req->conn->e);
    bool payload = req->command == NBD_CMD_READ ||
                   req->command == NBD_CMD_WRITE ||
                   req->command == NBD_CMD_CACHE;

    if (payload && req->bytes > NBD_MAX_PAYLOAD) {
        error_set(errp, "len (%" PRIu64 ") is larger than max len (%u)",
                  req->bytes, NBD_MAX_PAYLOAD);
        return false;
    }
    if (!range_fits(req->offset_bytes, req->bytes, size_bytes)) {
        error_set(errp,
                  "operation past EOF; From: %" PRIu64 ", Len: %" PRIu64
                  ", Size: %" PRIu64,
                  req->offset_bytes, req->bytes, size_bytes);
        return false;
    }
    return true;
}

static bool check_status(const NbdRequest *req, Error **errp)
{
    if (!req->conn->selection.ids->len) {
        error_set(errp, "CMD_BLOCK_STATUS not negotiated");
        return false;
    }
    if (!req->bytes) {
        error_set(errp, "need non-zero length");
        return false;
    }
    return true;
}

bool nbd_request_check(const NbdRequest *req, Error **errp)
{
    if (!check_known(req, errp) || !check_writable(req, errp)) {
        return false;
    }
    if (req->command == NBD_CMD_FLUSH) {
        /* Its offset and length mean nothing. */
        return true;
    }
    if (req->command == NBD_CMD_BLOCK_STATUS && !check_status(req, errp)) {
        return false;
    }
    return check_range(req, errp);
}

size_t nbd_request_buffer_bytes(const NbdRequest *req)
{
    switch (req->command) {
    case NBD_CMD_READ:
    case NBD_CMD_WRITE:
        return req->bytes;
    case NBD_CMD_CACHE:
        return MIN(req->bytes, CACHE_STEP_BYTES);
    default:
        return 0;
    }
}

/* --- doing it ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_cache(NbdRequest *req, Root *root)
{
    uint64_t end = req->offset_bytes + req->bytes;
    int ret = 0;

    for (uint64_t at = req->offset_bytes; at < end && !ret;
         at += req->buffer_bytes) {
        ret =
            co_root_pread(root, at, MIN(req->buffer_bytes, end - at), req->buf);
    }
    return ret;
}

COROUTINE_ONLY
static int co_trim(NbdRequest *req, Root *root, bool fua)
{
    int ret = co_root_pdiscard(root, req->offset_bytes, req->bytes);

    return ret || !fua ? ret : co_root_flush(root);
}

/* Who asks for fast zeroes would rather do without them (ENOTSUP) than have
 * them written as data. */
static ReqFlags zero_flags(const NbdRequest *req)
{
    return (req->flags & NBD_CMD_FLAG_NO_HOLE ? 0 : REQ_MAY_UNMAP) |
           (req->flags & NBD_CMD_FLAG_FAST_ZERO
                ? REQ_NO_FALLBACK | REQ_FAST_ZERO
                : 0);
}

COROUTINE_ONLY
static int co_execute(NbdRequest *req)
{
    const BlockExport *exp = req->conn->e->exp;
    bool fua = exp->writethrough || (req->flags & NBD_CMD_FLAG_FUA);
    ReqFlags flags = fua ? REQ_FUA : 0;

    if (req->command == NBD_CMD_FLUSH) {
        return co_root_flush(exp->root);
    }
    if (!req->bytes) {
        return 0;
    }
    switch (req->command) {
    case NBD_CMD_READ:
        return co_root_pread(exp->root, req->offset_bytes, req->bytes,
                             req->buf);
    case NBD_CMD_WRITE:
        return co_root_pwrite(exp->root, req->offset_bytes, req->bytes,
                              req->buf, flags);
    case NBD_CMD_TRIM:
        return co_trim(req, exp->root, fua);
    case NBD_CMD_CACHE:
        return co_cache(req, exp->root);
    case NBD_CMD_WRITE_ZEROES:
        return co_root_pwrite_zeroes(exp->root, req->offset_bytes, req->bytes,
                                     flags | zero_flags(req));
    case NBD_CMD_BLOCK_STATUS:
        return co_nbd_status(req);
    default:
        g_assert_not_reached();
    }
}

void co_nbd_request_run(NbdRequest *req)
{
    int ret = co_execute(req);

    if (ret < 0) {
        Error *err = NULL;

        error_set_errno(&err, -ret, "%s failed",
                        nbd_command_name(req->command));
        nbd_reply_error(req, -ret, err);
    } else if (req->command == NBD_CMD_READ) {
        nbd_reply_read(req);
    } else if (req->command != NBD_CMD_BLOCK_STATUS) {
        nbd_reply_done(req);
    }
}
