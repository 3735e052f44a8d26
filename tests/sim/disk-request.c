/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of simulated disks. One is done in one to three pieces, each at a
 * time of its own, so that others see it half done, and ends some time after
 * its last piece.
 *
 * Invariant: the buffer of a request is touched only before its end.
 */
#include "disk-int.h"

#include <fcntl.h>

#define PIECES 3u

static uint64_t requests;

typedef struct Request Request;

typedef struct Piece {
    SimEvent event;
    Request *request;
    uint64_t start, end; /* of the request's bytes */
} Piece;

struct Request {
    SimEvent event; /* the end */
    IoOp *op;
    Disk *disk;
    unsigned pieces_left;
    Piece pieces[PIECES];
    int64_t result;
    uint64_t flush_gen;
};

/* --- the work of a request ----------------------------------------------- */

static bool is_write(const IoOp *op)
{
    return op->kind == IO_PWRITEV;
}

/* Moves the bytes [@start, @end) of the request between its areas and the
 * disk. */
static void move_bytes(const Request *req, uint64_t start, uint64_t end)
{
    const IoOp *op = req->op;
    uint64_t at = 0;

    for (unsigned i = 0; i < op->u.rw.n && at < end; i++) {
        const struct iovec *v = &op->u.rw.v[i];
        uint64_t from = MAX(at, start), to = MIN(at + v->iov_len, end);

        if (from < to) {
            char *buf = (char *)v->iov_base + (from - at);
            uint64_t offset = op->u.rw.offset_bytes + from;

            if (is_write(op)) {
                disk_write(req->disk, offset, buf, to - from);
            } else {
                disk_read(req->disk, offset, buf, to - from);
            }
        }
        at += v->iov_len;
    }
    if (is_write(op)) {
        disk_sectors_changed(req->disk, op->u.rw.offset_bytes + start,
                             end - start);
    }
}

static int64_t do_fallocate(Request *req)
{
    const IoOp *op = req->op;
    int ret = disk_fallocate(req->disk, op->u.fallocate.mode,
                             op->u.fallocate.offset_bytes,
                             op->u.fallocate.length_bytes);

    if (ret == 0 && (op->u.fallocate.mode & FALLOC_FL_PUNCH_HOLE)) {
        disk_sectors_changed(req->disk, op->u.fallocate.offset_bytes,
                             op->u.fallocate.length_bytes);
    }
    return ret;
}

static int64_t latency_ns(const Disk *d)
{
    return sim_percent(d->faults.stuck_percent)
               ? INT64_C(1000000000)
               : (int64_t)(2000 + sim_below(150000));
}

static void piece_run(SimEvent *event)
{
    Piece *piece = container_of(event, Piece, event);
    Request *req = piece->request;
    IoOp *op = req->op;

    sim_trace("  lands", op->kind, piece->start, piece->end);
    if (op->kind == IO_FDATASYNC) {
        if (req->result == 0) {
            disk_make_stable(req->disk, 0, DISK_MAX_BYTES / SIM_SECTOR,
                             req->flush_gen);
        }
    } else if (op->kind == IO_FALLOCATE) {
        req->result = req->result ? req->result : do_fallocate(req);
    } else if (req->result > 0 || sim_percent(50)) {
        /* What a failed write leaves behind is anybody's guess. */
        move_bytes(req, piece->start, piece->end);
    }
    if (--req->pieces_left == 0) {
        sim_event_add(&req->event, sim_below(20000));
    }
}

static void request_end(SimEvent *event)
{
    Request *req = container_of(event, Request, event);
    IoOp *op = req->op;
    int64_t result = req->result;

    if (op->kind == IO_PREADV && result > 0) {
        uint64_t bytes = disk_bytes(req->disk);

        result = op->u.rw.offset_bytes >= bytes
                     ? 0
                     : MIN(result, (int64_t)(bytes - op->u.rw.offset_bytes));
    } else if (is_write(op) && op->u.rw.fua && result > 0) {
        disk_make_stable(
            req->disk, op->u.rw.offset_bytes / SIM_SECTOR,
            DIV_ROUND_UP(op->u.rw.offset_bytes + result, SIM_SECTOR),
            UINT64_MAX);
    }
    sim_trace("  ends", op->kind, (uint64_t)result, 0);
    req->disk->busy--;
    g_free(req);
    io_op_complete(op, result);
}

/* --- beginning a request ------------------------------------------------- */

static uint64_t op_bytes(const IoOp *op)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < op->u.rw.n; i++) {
        bytes += op->u.rw.v[i].iov_len;
    }
    return bytes;
}

static int64_t decide_rw(Disk *d, const IoOp *op)
{
    SimDiskFaults *f = &d->faults;
    uint64_t bytes = op_bytes(op);
    uint64_t end = op->u.rw.offset_bytes + bytes;

    if (is_write(op) && f->write_errors) {
        f->write_errors--;
        return -EIO;
    }
    if (sim_percent(is_write(op) ? f->write_error_percent
                                 : f->read_error_percent)) {
        return -EIO;
    }
    if (is_write(op) && f->space_bytes && end > f->space_bytes) {
        return -ENOSPC;
    }
    if (end > DISK_MAX_BYTES) {
        return -EFBIG;
    }
    if (bytes > SIM_SECTOR && sim_percent(f->short_percent)) {
        bytes = SIM_SECTOR * (1 + sim_below(bytes / SIM_SECTOR));
        bytes = MIN(bytes, op_bytes(op));
    }
    return bytes;
}

static void add_piece(Request *req, uint64_t start, uint64_t end)
{
    Piece *piece = &req->pieces[req->pieces_left++];

    *piece = (Piece){
        .event = {.run = piece_run, .what = "disk"},
        .request = req,
        .start = start,
        .end = end,
    };
    sim_event_add(&piece->event, latency_ns(req->disk));
}

static void cut_in_pieces(Request *req, uint64_t bytes)
{
    uint64_t start = 0;

    while (req->pieces_left + 1 < PIECES && bytes - start > SIM_SECTOR &&
           sim_percent(40)) {
        uint64_t sectors = (bytes - start - 1) / SIM_SECTOR;
        uint64_t end = start + SIM_SECTOR * (1 + sim_below(sectors));

        add_piece(req, start, end);
        start = end;
    }
    add_piece(req, start, bytes);
}

uint64_t sim_disk_requests(void)
{
    return requests;
}

void sim_disk_submit(Reactor *r, IoOp *op)
{
    Disk *d = disk_find(op->fd);
    Request *req = g_new0(Request, 1);

    sim_check(d, "I/O on descriptor %d, which is not open", op->fd);
    req->event = (SimEvent){.run = request_end, .reactor = r, .what = "done"};
    req->op = op;
    req->disk = d;
    d->busy++;
    requests++;
    sim_trace("  submit", op->kind,
              op->kind == IO_FDATASYNC ? 0 : op->u.rw.offset_bytes,
              disk_index(d));
    switch (op->kind) {
    case IO_PREADV:
    case IO_PWRITEV:
        req->result = decide_rw(d, op);
        cut_in_pieces(req,
                      req->result > 0 ? (uint64_t)req->result : op_bytes(op));
        break;
    case IO_FDATASYNC:
        req->result = sim_percent(d->faults.flush_error_percent) ? -EIO : 0;
        req->flush_gen = d->last_gen;
        add_piece(req, 0, 0);
        break;
    case IO_FALLOCATE:
        req->result = sim_percent(d->faults.write_error_percent) ? -EIO : 0;
        add_piece(req, 0, 0);
        break;
    default:
        sim_fail("operation %d on a disk", op->kind);
    }
}
