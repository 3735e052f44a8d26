/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's data on its way from and to the file: as it is, or encrypted.
 *
 * Invariant: a sector is encrypted with a number that it has at one place only:
 * with LUKS where it lies in its file, in old images where it is on the disk.
 */
#include "block/qcow2/crypt-int.h"
#include "block/qcow2/qcow2-int.h"

#define PIECE_BYTES (1 * MiB)

int co_qcow2_edge_read(Edge *edge, uint64_t offset, uint64_t bytes, Iov *iov,
                       size_t iov_offset)
{
    uint64_t end = edge->child->size_bytes;
    uint64_t there = offset >= end ? 0 : MIN(bytes, end - offset);
    int ret = 0;

    if (there) {
        ret = co_edge_preadv(edge, offset, there, iov, iov_offset, 0);
    }
    if (there < bytes) {
        iov_memset(iov, iov_offset + there, 0, bytes - there);
    }
    return ret;
}

/* --- encrypted ----------------------------------------------------------- */

/* A part of a request, in memory. */
typedef struct Piece {
    Qcow2State *s;
    LuksCipher *cipher;
    uint64_t guest, host;
    uint8_t *buf;
    size_t bytes;
    ReqFlags flags; /* of writes */
} Piece;

static uint64_t number(const Piece *p)
{
    return (p->s->crypt_method == QCOW2_CRYPT_LUKS ? p->host : p->guest) /
           LUKS_SECTOR;
}

COROUTINE_ONLY
static int co_read_piece(const Piece *p)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, p->buf, p->bytes);
    ret = co_qcow2_edge_read(p->s->data_file, p->host, p->bytes, &iov, 0);
    iov_free(&iov);
    if (ret == 0 && !luks_decrypt(p->cipher, number(p), p->buf, p->bytes)) {
        ret = -EIO;
    }
    return ret;
}

COROUTINE_ONLY
static int co_write_piece(const Piece *p)
{
    Iov iov;
    int ret;

    if (!luks_encrypt(p->cipher, number(p), p->buf, p->bytes)) {
        return -EIO;
    }
    iov_init_buf(&iov, p->buf, p->bytes);
    ret =
        co_edge_pwritev(p->s->data_file, p->host, p->bytes, &iov, 0, p->flags);
    iov_free(&iov);
    return ret;
}

/* Piece by piece, through memory of our own. */
COROUTINE_ONLY
static int co_pieces(Qcow2State *s, uint64_t guest, uint64_t host,
                     uint64_t bytes, Iov *iov, size_t iov_offset, bool write,
                     ReqFlags flags)
{
    Piece p = {s, s->crypt->old ? s->crypt->old : s->crypt->luks.cipher, guest,
               host};
    int ret = 0;

    if (!p.cipher) {
        return -EPERM;
    }
    p.flags = flags;
    p.buf = io_buffer_alloc(s->data_file->child, MIN(bytes, PIECE_BYTES));
    if (!p.buf) {
        return -ENOMEM;
    }
    while (bytes && ret == 0) {
        p.bytes = MIN(bytes, PIECE_BYTES);
        if (write) {
            iov_to_buf(iov, iov_offset, p.buf, p.bytes);
        }
        ret = write ? co_write_piece(&p) : co_read_piece(&p);
        if (ret == 0 && !write) {
            iov_from_buf(iov, iov_offset, p.buf, p.bytes);
        }
        p.guest += p.bytes;
        p.host += p.bytes;
        iov_offset += p.bytes;
        bytes -= p.bytes;
    }
    io_buffer_free(p.buf);
    return ret;
}

/* --- either -------------------------------------------------------------- */

int co_qcow2_data_read(Qcow2State *s, uint64_t guest, uint64_t host,
                       uint64_t bytes, Iov *iov, size_t iov_offset)
{
    return UNLIKELY(s->crypt)
               ? co_pieces(s, guest, host, bytes, iov, iov_offset, false, 0)
               : co_qcow2_edge_read(s->data_file, host, bytes, iov, iov_offset);
}

int co_qcow2_data_write(Qcow2State *s, uint64_t guest, uint64_t host,
                        uint64_t bytes, Iov *iov, size_t iov_offset,
                        ReqFlags flags)
{
    int ret = co_qcow2_data_reach(s, host + bytes);

    if (ret < 0) {
        return ret;
    }
    return UNLIKELY(s->crypt)
               ? co_pieces(s, guest, host, bytes, iov, iov_offset, true, flags)
               : co_edge_pwritev(s->data_file, host, bytes, iov, iov_offset,
                                 flags);
}
