/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed clusters: zlib (raw deflate) and zstd, in workers; writing them.
 * What libdeflate makes may refer back by up to 32 KiB; who takes a cluster
 * apart in one go, as all readers of the format do, has all of it at hand.
 *
 * Invariant: a compressed cluster is written once, where nothing has a place
 * yet; who writes to it again gives it a place of its own.
 */
#include "block/qcow2/alloc-int.h"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "qapi/qapi-types.h"

typedef struct Job {
    const void *in;
    size_t in_bytes;
    void *out;
    size_t out_bytes; /* room, then used */
    bool zstd;
} Job;

/* --- in workers ---------------------------------------------------------- */

/* Faster than zlib's usual level by three and still smaller. */
#define DEFLATE_LEVEL 4

/* Making them costs more than using them: one a thread. */
static void compressor_free(gpointer c)
{
    libdeflate_free_compressor(c);
}

static void decompressor_free(gpointer d)
{
    libdeflate_free_decompressor(d);
}

static void zstd_free(gpointer ctx)
{
    ZSTD_freeCCtx(ctx);
}

static GPrivate compressors = G_PRIVATE_INIT(compressor_free);
static GPrivate decompressors = G_PRIVATE_INIT(decompressor_free);
static GPrivate zstd_contexts = G_PRIVATE_INIT(zstd_free);

static int64_t deflate_work(void *opaque)
{
    Job *j = opaque;
    struct libdeflate_compressor *c = g_private_get(&compressors);
    size_t used;

    if (!c) {
        c = libdeflate_alloc_compressor(DEFLATE_LEVEL);
        g_private_set(&compressors, c);
    }
    if (!c) {
        return -ENOMEM;
    }
    used = libdeflate_deflate_compress(c, j->in, j->in_bytes, j->out,
                                       j->out_bytes);
    j->out_bytes = used;
    return used ? 0 : -ENOSPC;
}

/* Streams that do not end, as others may write them. */
static int64_t inflate_loosely(Job *j)
{
    z_stream z = {0};
    int ret;

    if (inflateInit2(&z, -15) != Z_OK) {
        return -EIO;
    }
    z.next_in = (void *)j->in;
    z.avail_in = j->in_bytes;
    z.next_out = j->out;
    z.avail_out = j->out_bytes;
    ret = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    /* There may be rubbish behind, which looks like more to come. */
    return (ret == Z_STREAM_END || ret == Z_BUF_ERROR) && z.avail_out == 0
               ? 0
               : -EIO;
}

static int64_t inflate_work(void *opaque)
{
    Job *j = opaque;
    struct libdeflate_decompressor *d = g_private_get(&decompressors);
    size_t in, out;

    if (!d) {
        d = libdeflate_alloc_decompressor();
        g_private_set(&decompressors, d);
    }
    if (d &&
        libdeflate_deflate_decompress_ex(d, j->in, j->in_bytes, j->out,
                                         j->out_bytes, &in,
                                         &out) == LIBDEFLATE_SUCCESS &&
        out == j->out_bytes) {
        return 0;
    }
    return inflate_loosely(j);
}

static int64_t zstd_compress_work(void *opaque)
{
    Job *j = opaque;
    ZSTD_CCtx *ctx = g_private_get(&zstd_contexts);
    size_t ret;

    if (!ctx) {
        ctx = ZSTD_createCCtx();
        g_private_set(&zstd_contexts, ctx);
    }
    if (!ctx) {
        return -ENOMEM;
    }
    ret = ZSTD_compressCCtx(ctx, j->out, j->out_bytes, j->in, j->in_bytes,
                            ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(ret)) {
        return ZSTD_getErrorCode(ret) == ZSTD_error_dstSize_tooSmall ? -ENOSPC
                                                                     : -EIO;
    }
    j->out_bytes = ret;
    return 0;
}

static int64_t zstd_decompress_work(void *opaque)
{
    Job *j = opaque;
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    ZSTD_inBuffer in = {j->in, j->in_bytes, 0};
    ZSTD_outBuffer out = {j->out, j->out_bytes, 0};
    size_t ret = 0;

    if (!ctx) {
        return -ENOMEM;
    }
    /* Stops where the cluster is full; what is behind the frame is not ours. */
    while (out.pos < out.size) {
        size_t before = in.pos + out.pos;

        ret = ZSTD_decompressStream(ctx, &out, &in);
        if (ZSTD_isError(ret) || in.pos + out.pos == before) {
            break;
        }
    }
    ZSTD_freeDCtx(ctx);
    return out.pos == out.size && !ZSTD_isError(ret) ? 0 : -EIO;
}

/* One cluster, in a worker. *@out_bytes: room, then used; -ENOSPC if that is
 * not enough. */
COROUTINE_ONLY
static int co_qcow2_compress(const Qcow2State *s, const void *in, void *out,
                             size_t *out_bytes)
{
    Job job = {in, s->cluster_bytes, out, *out_bytes, false};
    bool zstd = s->compression == QCOW2_COMPRESSION_ZSTD;
    int ret = co_worker_run(zstd ? zstd_compress_work : deflate_work, &job);

    *out_bytes = job.out_bytes;
    return ret;
}

int co_qcow2_decompress(const Qcow2State *s, const void *in, size_t in_bytes,
                        void *out)
{
    Job job = {in, in_bytes, out, s->cluster_bytes, false};
    bool zstd = s->compression == QCOW2_COMPRESSION_ZSTD;

    return co_worker_run(zstd ? zstd_decompress_work : inflate_work, &job);
}

/* --- writing ------------------------------------------------------------- */

/* A place for @bytes of compressed data: behind the last one in its cluster,
 * or a new cluster. Each piece counts once in each cluster it touches. */
COROUTINE_ONLY
static int co_place(Qcow2State *s, size_t bytes, uint64_t *offset)
{
    uint64_t at, room;
    int ret = 0;

    co_mutex_lock(&s->compress_mutex);
    at = s->compressed_end;
    room = at ? ROUND_UP(at, s->cluster_bytes) - at : 0;
    if (room >= bytes) {
        ret = co_qcow2_refcount_change(s, at, bytes, 1);
    }
    if (room < bytes || ret < 0) {
        uint64_t new;
        bool fresh;

        ret = co_qcow2_alloc_run(s, "compressed cluster", 1, &new, &fresh);
        if (ret == 0 && room && new == at + room) {
            /* It goes on right behind: use the rest of the last one too. */
            ret = co_qcow2_refcount_change(s, at, room, 1);
            at = ret == 0 ? at : new;
            ret = 0;
        } else {
            at = new;
        }
        if (ret == 0 && s->fresh_from == new + s->cluster_bytes) {
            s->fresh_from = new; /* the rest of it is not going to be written */
        }
    }
    if (ret == 0) {
        *offset = at;
        s->compressed_end = at + bytes;
        s->fresh_from = MAX(s->fresh_from, s->compressed_end);
        if (s->compressed_end % s->cluster_bytes == 0) {
            s->compressed_end = 0;
        }
    }
    comutex_unlock(&s->compress_mutex);
    return ret;
}

COROUTINE_ONLY
static int co_store(Qcow2State *s, uint64_t guest, const uint8_t *data,
                    size_t bytes)
{
    unsigned shift = 62 - (s->cluster_bits - 8), byte;
    uint64_t offset = 0, sectors;
    Qcow2Piece *piece;
    Qcow2Entry old;
    int ret;

    ret = co_qcow2_table_ensure(s, guest);
    if (ret == 0) {
        qcow2_event(s, BLKDBG_CLUSTER_ALLOC_BYTES);
        ret = co_place(s, bytes, &offset);
    }
    if (ret < 0) {
        return ret;
    }
    qcow2_event(s, BLKDBG_L2_UPDATE_COMPRESSED);
    qcow2_event(s, BLKDBG_WRITE_COMPRESSED);
    ret = co_qcow2_file_write(s, offset, data, bytes);
    if (ret == 0) {
        ret = co_qcow2_entry_writable(s, guest, &piece, &byte);
    }
    if (ret != 0) {
        co_qcow2_free_later(s, offset, bytes, QCOW2_FREE_KEEP);
        return ret;
    }
    sectors = (offset + bytes - 1) / 512 - offset / 512;
    old = qcow2_entry_load(s, piece->data + byte);
    qcow2_entry_store(
        s, qcow2_piece_modify(&s->l2_cache, piece) + byte,
        (Qcow2Entry){QCOW2_COMPRESSED | sectors << shift | offset, 0});
    qcow2_piece_put(&s->l2_cache, piece);
    co_qcow2_entry_release(s, old, QCOW2_FREE_OTHER);
    return 0;
}

COROUTINE_ONLY
static int co_write_locked(Qcow2State *s, uint64_t guest, const uint8_t *in,
                           uint8_t *out)
{
    size_t out_bytes = s->cluster_bytes - 1;
    Qcow2Entry old;
    int ret = co_qcow2_table_ensure(s, guest);

    if (ret == 0) {
        ret = co_qcow2_entry_get(s, guest, &old);
    }
    if (ret == 0 && (old.entry & (QCOW2_COMPRESSED | QCOW2_OFFSET_MASK))) {
        return -EIO; /* only what has no place is written compressed */
    }
    if (ret == 0) {
        ret = co_qcow2_compress(s, in, out, &out_bytes);
    }
    return ret < 0 ? ret : co_store(s, guest, out, out_bytes);
}

/* The end of writing them: the file ends where a sector does. */
COROUTINE_ONLY
static int co_end_compressed(Qcow2State *s)
{
    int ret;

    co_mutex_lock(&s->alloc_mutex);
    if (s->file_grown) {
        s->fresh_from = ROUND_UP(s->fresh_from, 512);
        ret = co_qcow2_file_reach(s, s->fresh_from);
    } else {
        /* What is known of its length is rounded up already. */
        ret = co_qcow2_file_set_length(s, ROUND_UP(s->file_bytes, 512));
    }
    comutex_unlock(&s->alloc_mutex);
    return ret;
}

int co_qcow2_pwritev_compressed(Node *node, uint64_t offset, uint64_t bytes,
                                Iov *iov, size_t iov_offset)
{
    Qcow2State *s = qcow2_state(node);
    uint8_t *in, *out;
    RangeLock lock;
    int ret;

    if (s->has_data_file) {
        return -ENOTSUP;
    }
    if (s->crypt) {
        return -EIO; /* they would not be encrypted */
    }
    ret = co_qcow2_may_change(s);
    if (ret < 0 || !bytes) {
        return ret < 0 ? ret : co_end_compressed(s);
    }
    if (offset % s->cluster_bytes || bytes > s->cluster_bytes ||
        (bytes < s->cluster_bytes && offset + bytes != node->size_bytes)) {
        return -EINVAL;
    }
    in = io_buffer_alloc(s->file->child, s->cluster_bytes);
    out = io_buffer_alloc(s->file->child, s->cluster_bytes);
    ret = -ENOMEM;
    if (in && out) {
        iov_to_buf(iov, iov_offset, in, bytes);
        memset(in + bytes, 0, s->cluster_bytes - bytes);
        co_range_lock(s->ranges, &lock, offset, s->cluster_bytes,
                      RANGE_EXCLUSIVE);
        ret = co_write_locked(s, offset, in, out);
        range_unlock(s->ranges, &lock);
        if (ret == -ENOSPC) {
            /* It does not get smaller: as it is. */
            ret = co_qcow2_pwritev(node, offset, bytes, iov, iov_offset, 0);
        }
    }
    io_buffer_free(in);
    io_buffer_free(out);
    return ret;
}
