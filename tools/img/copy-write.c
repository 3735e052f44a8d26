/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img convert`: writing what was read, and leaving runs of zeroes out. */
#include "tools/img/copy-int.h"

#include "block/graph/format.h"
#include "block/io/io.h"

COROUTINE_ONLY
static int co_write_zeroes(ImgCopy *copy, uint64_t at, uint64_t bytes)
{
    return copy->target_is_zero
               ? 0
               : co_root_pwrite_zeroes(copy->target, at, bytes,
                                       REQ_MAY_UNMAP | copy->write_flags);
}

/* Bytes from @buf on that are all zeroes, or all not; in whole units. */
static uint64_t run_of(const uint8_t *buf, uint64_t bytes, uint64_t unit,
                       bool *zero)
{
    uint64_t done;

    *zero = buffer_is_zero(buf, MIN(unit, bytes));
    for (done = unit; done < bytes; done += unit) {
        if (buffer_is_zero(buf + done, MIN(unit, bytes - done)) != *zero) {
            return done;
        }
    }
    return bytes;
}

/* Bytes that are written alike: *@zero, or data with runs of zeroes in it that
 * are too short to be left out. */
static uint64_t segment_of(const ImgCopy *copy, const uint8_t *buf,
                           uint64_t bytes, bool *zero)
{
    uint64_t min = copy->min_sparse_bytes;
    uint64_t unit =
        min % IMG_COPY_UNIT_BYTES ? IMG_COPY_SECTOR_BYTES : IMG_COPY_UNIT_BYTES;
    uint64_t done, run;
    bool is_zero;

    done = run_of(buf, bytes, unit, zero);
    if (*zero && done < min && done < bytes) {
        *zero = false;
    }
    while (!*zero && done < bytes) {
        run = run_of(buf + done, bytes - done, unit, &is_zero);
        if (is_zero && run >= min) {
            break;
        }
        done += run;
    }
    return done;
}

COROUTINE_ONLY
static int co_write_data(ImgCopy *copy, const ImgPiece *piece,
                         const uint8_t *buf)
{
    uint64_t done, n;
    bool zero = false;
    int ret;

    for (done = 0; done < piece->bytes; done += n) {
        n = piece->bytes - done;
        if (copy->min_sparse_bytes && !copy->offload) {
            n = segment_of(copy, buf + done, n, &zero);
        }
        if (done + n == piece->bytes) {
            img_copy_end_turn(copy, piece);
        }
        ret = zero ? co_write_zeroes(copy, piece->at + done, n)
                   : co_root_pwrite(copy->target, piece->at + done, n,
                                    buf + done, copy->write_flags);
        if (ret < 0) {
            return ret;
        }
    }
    return 0;
}

COROUTINE_ONLY
static int co_write_compressed(ImgCopy *copy, const ImgPiece *piece,
                               uint8_t *buf)
{
    Node *node = root_node(copy->target);
    Iov iov;
    int ret;

    if (copy->min_sparse_bytes && buffer_is_zero(buf, piece->bytes)) {
        return co_write_zeroes(copy, piece->at, piece->bytes);
    }
    iov_init_buf(&iov, buf, piece->bytes);
    co_root_enter(copy->target);
    ret = node->driver->format->co_pwritev_compressed(node, piece->at,
                                                      piece->bytes, &iov, 0);
    root_leave(copy->target);
    iov_free(&iov);
    return ret;
}

int co_img_copy_end_compressed(ImgCopy *copy)
{
    Node *node = root_node(copy->target);
    Iov iov;
    int ret;

    iov_init(&iov);
    co_root_enter(copy->target);
    ret = node->driver->format->co_pwritev_compressed(node, 0, 0, &iov, 0);
    root_leave(copy->target);
    iov_free(&iov);
    return ret;
}

/* Compressing takes long and is many processors' work: such pieces begin in
 * order and end as they will. */
int co_img_copy_write(ImgCopy *copy, const ImgPiece *piece, uint8_t *buf)
{
    if (copy->compressed || piece->kind != KIND_DATA) {
        img_copy_end_turn(copy, piece);
    }
    switch (piece->kind) {
    case KIND_BACKING:
        return 0;
    case KIND_ZERO:
        return co_write_zeroes(copy, piece->at, piece->bytes);
    default:
        return copy->compressed ? co_write_compressed(copy, piece, buf)
                                : co_write_data(copy, piece, buf);
    }
}
