/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preallocation: places for what nobody has written yet.
 *
 * Invariant: no request is in flight. What is given a place reads as zeroes,
 * whatever lies in the file.
 */
#include "block/qcow2/qcow2-int.h"

COROUTINE_ONLY
static int co_write_zeroes_data(Qcow2State *s, uint64_t guest, uint64_t offset,
                                uint64_t bytes)
{
    size_t chunk = MIN(bytes, 1 * MiB);
    void *buf = io_buffer_alloc(s->data_file->child, chunk);
    int ret = buf ? 0 : -ENOMEM;

    if (buf) {
        memset(buf, 0, chunk);
    }
    while (bytes && ret == 0) {
        uint64_t n = MIN(bytes, chunk);
        Iov iov;

        iov_init_buf(&iov, buf, n);
        ret = co_qcow2_data_write(s, guest, offset, n, &iov, 0, 0);
        iov_free(&iov);
        guest += n;
        offset += n;
        bytes -= n;
    }
    io_buffer_free(buf);
    return ret;
}

COROUTINE_ONLY
static int co_fill_places(Qcow2State *s, uint64_t guest, uint64_t host,
                          uint64_t bytes, bool fresh, FormatPreallocation how)
{
    if (s->crypt && s->version < 3) {
        return co_write_zeroes_data(s, guest, host, bytes);
    }
    switch (how) {
    case FORMAT_PREALLOC_FULL:
        return co_write_zeroes_data(s, guest, host, bytes);
    case FORMAT_PREALLOC_FALLOC:
        return co_edge_pwrite_zeroes(s->data_file, host, bytes, 0);
    default:
        return fresh ? 0
                     : co_edge_pwrite_zeroes(s->data_file, host, bytes,
                                             REQ_MAY_UNMAP);
    }
}

/* Whether the guest's zeroes were written to the place. */
static bool are_written(const Qcow2State *s, FormatPreallocation how)
{
    return how == FORMAT_PREALLOC_FULL ||
           (how == FORMAT_PREALLOC_FALLOC && !s->crypt);
}

/* The entry @e with a place. What was marked as zeroes, lest what is behind
 * shows, stays so, or has them in the place. Encrypted, zeroes in the file are
 * something else on the disk: the entry says that it has zeroes there, or with
 * subclusters nothing. */
static Qcow2Entry with_place(const Qcow2State *s, Qcow2Entry e, uint64_t host,
                             FormatPreallocation how)
{
    bool encrypted = (s->crypt || s->crypt_soon) && s->version >= 3;
    bool marked = e.entry & QCOW2_ZERO;

    if (s->extended_l2) {
        uint64_t zeroes = e.bitmap & ~(uint64_t)UINT32_MAX;

        return (Qcow2Entry){host | QCOW2_COPIED, zeroes && are_written(s, how)
                                                     ? UINT32_MAX
                                                     : zeroes};
    }
    return encrypted || (marked && !are_written(s, how))
               ? (Qcow2Entry){host | QCOW2_COPIED | QCOW2_ZERO, 0}
               : (Qcow2Entry){host | QCOW2_COPIED, 0};
}

COROUTINE_ONLY
static int co_link_places(Qcow2State *s, uint64_t guest, uint64_t host,
                          uint64_t clusters, FormatPreallocation how)
{
    for (uint64_t i = 0; i < clusters; i++) {
        uint64_t step = i << s->cluster_bits;
        Qcow2Piece *piece;
        Qcow2Entry e;
        unsigned byte;
        int ret = co_qcow2_entry_writable(s, guest + step, &piece, &byte);

        if (ret < 0) {
            return ret;
        }
        e = with_place(s, qcow2_entry_load(s, piece->data + byte), host + step,
                       how);
        qcow2_entry_store(s, qcow2_piece_modify(&s->l2_cache, piece) + byte, e);
        qcow2_piece_put(&s->l2_cache, piece);
    }
    return 0;
}

/* So much at once that the caches are not outgrown. */
#define PREALLOCATE_STEP 4096

int co_qcow2_preallocate(Qcow2State *s, uint64_t offset, uint64_t bytes,
                         FormatPreallocation how, Error **errp)
{
    uint64_t at = ROUND_UP(offset, s->cluster_bytes);
    uint64_t end = ROUND_UP(offset + bytes, s->cluster_bytes);
    int ret = 0;

    while (at < end && ret == 0) {
        uint64_t host = at,
                 got = MIN((end - at) >> s->cluster_bits, PREALLOCATE_STEP);
        uint64_t reach = qcow2_table_reach(s);
        bool fresh = true;

        got = MIN(got, (reach - at % reach) >> s->cluster_bits);
        ret = co_qcow2_table_ensure(s, at);
        if (ret == 0 && !s->has_data_file) {
            ret = co_qcow2_alloc_run(s, NULL, got, &host, &fresh);
        }
        bytes = got << s->cluster_bits;
        if (ret == 0) {
            ret = co_qcow2_data_reach(s, host + bytes);
        }
        if (ret == 0) {
            ret = co_fill_places(s, at, host, bytes, fresh, how);
        }
        if (ret == 0) {
            ret = co_link_places(s, at, host, got, how);
        }
        at += bytes;
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not preallocate metadata");
    }
    return ret;
}
