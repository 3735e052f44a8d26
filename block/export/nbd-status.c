/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block status: one chunk for each context that the client chose.
 *
 * Invariants: extents begin at the request's offset, never go beyond its end,
 * and there is at least one for each context; with REQ_ONE exactly one.
 */
#include "block/export/nbd-conn.h"
#include "nbd/extents.h"

static uint32_t base_flags(const BlockStatus *status)
{
    return (status->flags & STATUS_DATA ? 0 : NBD_STATE_HOLE) |
           (status->flags & STATUS_ZERO ? NBD_STATE_ZERO : 0);
}

COROUTINE_ONLY
static int co_base_extents(NbdRequest *req, NbdExtents *extents)
{
    uint64_t at = req->offset_bytes, end = at + req->bytes;

    while (at < end) {
        BlockStatus status;
        int ret = co_root_block_status(req->conn->e->exp->root, at, end - at,
                                       &status);

        if (ret < 0) {
            return ret;
        }
        if (!status.bytes ||
            !nbd_extents_add(extents, status.bytes, base_flags(&status))) {
            break;
        }
        at += status.bytes;
    }
    return extents->n ? 0 : -EIO;
}

/* An extent's flags are the depth itself. */
COROUTINE_ONLY
static int co_depth_extents(NbdRequest *req, NbdExtents *extents)
{
    uint64_t at = req->offset_bytes, end = at + req->bytes;

    while (at < end) {
        uint64_t bytes;
        unsigned depth;
        int ret = co_root_allocation_depth(req->conn->e->exp->root, at,
                                           end - at, &bytes, &depth);

        if (ret < 0) {
            return ret;
        }
        if (!bytes || !nbd_extents_add(extents, bytes, depth)) {
            break;
        }
        at += bytes;
    }
    return extents->n ? 0 : -EIO;
}

static void bitmap_extents(NbdRequest *req, const DirtyBitmap *bitmap,
                           NbdExtents *extents)
{
    uint64_t at = req->offset_bytes, end = at + req->bytes, next;
    bool dirty = bitmap_next_dirty(bitmap, at, end) == at, more = true;

    while (more && at < end) {
        next = dirty ? bitmap_next_clean(bitmap, at, end)
                     : bitmap_next_dirty(bitmap, at, end);
        /* The bit that was just looked at may have changed meanwhile. */
        if (next > at) {
            more = nbd_extents_add(extents, next - at,
                                   dirty ? NBD_STATE_DIRTY : 0);
        }
        at = next;
        dirty = !dirty;
    }
}

COROUTINE_ONLY
static int co_context_extents(NbdRequest *req, uint32_t id, NbdExtents *extents)
{
    const NbdExport *e = req->conn->e;

    if (id == NBD_CONTEXT_ID_BASE) {
        return co_base_extents(req, extents);
    }
    if (id == NBD_CONTEXT_ID_DEPTH) {
        return co_depth_extents(req, extents);
    }
    bitmap_extents(
        req,
        g_array_index(e->bitmaps, NbdExportBitmap, id - NBD_CONTEXT_ID_BITMAP)
            .bitmap,
        extents);
    return 0;
}

/* Header and context number; then come the extents. */
static void put_status_head(const NbdRequest *req, GByteArray *out, uint32_t id,
                            unsigned n, uint16_t flags)
{
    bool extended = req->conn->extended;
    NbdExtStatus status = {be32(id), be32(n)};
    size_t status_bytes = extended ? sizeof(status) : sizeof(status.context_id);
    uint64_t bytes =
        status_bytes +
        (uint64_t)n * (extended ? sizeof(NbdExtExtent) : sizeof(NbdExtent));
    uint8_t head[NBD_CHUNK_HEADER_MAX];
    size_t head_bytes = nbd_chunk_put(
        req, head, flags,
        extended ? NBD_CHUNK_BLOCK_STATUS_EXT : NBD_CHUNK_BLOCK_STATUS, bytes);

    g_byte_array_append(out, head, head_bytes);
    g_byte_array_append(out, (const void *)&status, status_bytes);
}

static void add_chunk(NbdRequest *req, GByteArray *out, uint32_t id,
                      const NbdExtents *extents, bool last)
{
    put_status_head(req, out, id, extents->n, last ? NBD_CHUNK_FLAG_DONE : 0);
    nbd_extents_encode(extents, req->conn->extended, out);
}

int co_nbd_status(NbdRequest *req)
{
    const GArray *ids = req->conn->selection.ids;
    unsigned max = req->flags & NBD_CMD_FLAG_REQ_ONE ? 1 : NBD_MAX_EXTENTS;
    GByteArray *out = g_byte_array_new();
    int ret = 0;

    for (unsigned i = 0; i < ids->len && !ret; i++) {
        uint32_t id = g_array_index(ids, uint32_t, i);
        NbdExtents extents;

        nbd_extents_init(&extents, max, req->bytes);
        ret = co_context_extents(req, id, &extents);
        if (!ret) {
            add_chunk(req, out, id, &extents, i + 1 == ids->len);
        }
        nbd_extents_free(&extents);
    }
    if (ret) {
        g_byte_array_unref(out);
        return ret;
    }
    iov_add(&req->reply, out->data, out->len);
    req->heads = g_byte_array_free(out, false);
    return 0;
}
