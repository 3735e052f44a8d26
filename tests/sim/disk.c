/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Simulated disks. Each is a file in memory (memfd), so that the calls of the
 * file driver that are not in the back end's table (length, holes, locks)
 * have something real to look at; when and in which order its bytes are read
 * and written, and what fails, is decided here.
 *
 * A request is done in one to three pieces, each at a time of its own, so
 * that others see it half done, and ends some time after its last piece.
 *
 * What survives a loss of power is kept beside: a sector that was written and
 * not flushed since may have its old or its new content. The worst is the old
 * one, which sim_disk_peek shows.
 *
 * Invariants:
 * 1. gen[s] != 0 exactly while sector s is newer than stable[s]; it numbers
 *    the first landing that made it so. Beyond sectors_used both are zero.
 * 2. The buffer of a request is touched only before its end.
 */
#include "sim.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_MAX_BYTES (8 * MiB)
#define PIECES 3u
#define FDS 1024u

typedef struct Disk {
    int memory_fd;
    uint8_t *bytes; /* the file, mapped; beyond its end nobody may look */
    uint8_t *stable;
    uint64_t *gen, last_gen;
    uint64_t sectors_used; /* no later one ever changed */
    unsigned busy;
    int64_t length; /* -1: somebody may have changed it */
    SimDiskFaults faults;
} Disk;

static Disk disks[SIM_DISKS];
static Disk *disk_of_fd[FDS];
static unsigned open_count;

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

/* --- files --------------------------------------------------------------- */

const char *sim_disk_path(unsigned n)
{
    static const char *const paths[SIM_DISKS] = {
        "sim0", "sim1", "sim2", "sim3", "sim4", "sim5", "sim6", "sim7",
    };

    return paths[n];
}

SimDiskFaults *sim_disk_faults(unsigned n)
{
    return &disks[n].faults;
}

unsigned sim_disk_busy(unsigned n)
{
    return disks[n].busy;
}

static void disk_init(Disk *d)
{
    d->memory_fd = memfd_create("sim", MFD_CLOEXEC);
    d->bytes = mmap(NULL, DISK_MAX_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                    d->memory_fd, 0);
    assert(d->memory_fd >= 0 && d->bytes != MAP_FAILED);
    d->stable = g_malloc0(DISK_MAX_BYTES);
    d->gen = g_new0(uint64_t, DISK_MAX_BYTES / SIM_SECTOR);
}

void sim_disk_reset(unsigned n, uint64_t bytes)
{
    Disk *d = &disks[n];

    assert(n < SIM_DISKS && bytes <= DISK_MAX_BYTES && !d->busy);
    if (!d->stable) {
        disk_init(d);
    }
    if (ftruncate(d->memory_fd, 0) || ftruncate(d->memory_fd, bytes)) {
        abort();
    }
    memset(d->stable, 0, d->sectors_used * SIM_SECTOR);
    memset(d->gen, 0, d->sectors_used * sizeof(*d->gen));
    d->last_gen = d->sectors_used = 0;
    d->length = bytes;
    d->faults = (SimDiskFaults){0};
}

int sim_disk_open(const char *path, int flags)
{
    char name[32];
    int fd;

    for (unsigned i = 0; i < SIM_DISKS; i++) {
        if (strcmp(path, sim_disk_path(i)) || !disks[i].stable) {
            continue;
        }
        /* By name, so that it is an open file of its own, with locks. */
        g_snprintf(name, sizeof(name), "/proc/self/fd/%d", disks[i].memory_fd);
        fd = open(name, (flags & ~O_DIRECT) | O_CLOEXEC);
        assert(fd >= 0 && fd < (int)FDS);
        disk_of_fd[fd] = &disks[i];
        open_count++;
        return fd;
    }
    return -ENOENT;
}

bool sim_disk_close(int fd)
{
    if (fd < 0 || fd >= (int)FDS || !disk_of_fd[fd]) {
        return false;
    }
    disk_of_fd[fd] = NULL;
    open_count--;
    close(fd);
    return true;
}

unsigned sim_disks_open(void)
{
    return open_count;
}

void sim_disks_end(void)
{
    sim_check(open_count == 0, "%u files are left open", open_count);
    for (unsigned i = 0; i < SIM_DISKS; i++) {
        sim_check(disks[i].busy == 0, "disk %u is busy at the end", i);
    }
}

/* --- content ------------------------------------------------------------- */

void sim_disks_forget(void)
{
    for (unsigned i = 0; i < SIM_DISKS; i++) {
        disks[i].length = -1;
    }
}

static uint64_t disk_bytes(Disk *d)
{
    struct stat st;

    if (d->length < 0) {
        if (fstat(d->memory_fd, &st)) {
            abort();
        }
        d->length = st.st_size;
    }
    return d->length;
}

static void disk_read(Disk *d, uint64_t offset_bytes, void *buf, size_t bytes)
{
    uint64_t end = disk_bytes(d);
    size_t n = offset_bytes < end ? MIN(bytes, end - offset_bytes) : 0;

    memcpy(buf, d->bytes + offset_bytes, n);
    memset((char *)buf + n, 0, bytes - n);
}

static void disk_write(Disk *d, uint64_t offset_bytes, const void *buf,
                       size_t bytes)
{
    if (offset_bytes + bytes > disk_bytes(d)) {
        if (ftruncate(d->memory_fd, offset_bytes + bytes)) {
            abort();
        }
        d->length = offset_bytes + bytes;
    }
    memcpy(d->bytes + offset_bytes, buf, bytes);
}

void sim_disk_peek(unsigned n, uint64_t offset_bytes, void *buf, size_t bytes,
                   bool stable)
{
    if (stable) {
        memcpy(buf, disks[n].stable + offset_bytes, bytes);
    } else {
        disk_read(&disks[n], offset_bytes, buf, bytes);
    }
}

static void sectors_changed(Disk *d, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t end = DIV_ROUND_UP(offset_bytes + bytes, SIM_SECTOR);
    uint64_t gen = ++d->last_gen;

    end = MIN(end, DISK_MAX_BYTES / SIM_SECTOR);
    d->sectors_used = MAX(d->sectors_used, end);
    for (uint64_t s = offset_bytes / SIM_SECTOR; s < end; s++) {
        if (!d->gen[s]) {
            d->gen[s] = gen;
        }
    }
}

/* Sectors that had changed by @gen are safe now; later ones perhaps. */
static void make_stable(Disk *d, uint64_t first, uint64_t end, uint64_t gen)
{
    end = MIN(end, d->sectors_used);
    for (uint64_t s = first; s < end; s++) {
        if (d->gen[s] && (d->gen[s] <= gen || sim_percent(50))) {
            disk_read(d, s * SIM_SECTOR, d->stable + s * SIM_SECTOR,
                      SIM_SECTOR);
            d->gen[s] = 0;
        }
    }
}

void sim_disk_lose_power(unsigned n, unsigned to, unsigned lost_percent)
{
    Disk *from = &disks[n], *d = &disks[to];
    uint8_t sector[SIM_SECTOR];
    uint64_t end = disk_bytes(from);

    sim_disk_reset(to, end);
    for (uint64_t s = 0; s < MIN(from->sectors_used, end / SIM_SECTOR); s++) {
        bool lost = from->gen[s] && sim_percent(lost_percent);

        sim_disk_peek(n, s * SIM_SECTOR, sector, SIM_SECTOR, lost);
        if (!buffer_is_zero(sector, SIM_SECTOR)) {
            disk_write(d, s * SIM_SECTOR, sector, SIM_SECTOR);
            memcpy(d->stable + s * SIM_SECTOR, sector, SIM_SECTOR);
            d->sectors_used = s + 1;
        }
    }
}

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
        sectors_changed(req->disk, op->u.rw.offset_bytes + start, end - start);
    }
}

static int64_t do_fallocate(Request *req)
{
    const IoOp *op = req->op;

    req->disk->length = -1;
    if (fallocate(req->disk->memory_fd, op->u.fallocate.mode,
                  op->u.fallocate.offset_bytes, op->u.fallocate.length_bytes)) {
        return -errno;
    }
    if (op->u.fallocate.mode & FALLOC_FL_PUNCH_HOLE) {
        sectors_changed(req->disk, op->u.fallocate.offset_bytes,
                        op->u.fallocate.length_bytes);
    }
    return 0;
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
            make_stable(req->disk, 0, DISK_MAX_BYTES / SIM_SECTOR,
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
        make_stable(req->disk, op->u.rw.offset_bytes / SIM_SECTOR,
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

static int64_t decide_rw(const Disk *d, const IoOp *op)
{
    const SimDiskFaults *f = &d->faults;
    uint64_t bytes = op_bytes(op);
    uint64_t end = op->u.rw.offset_bytes + bytes;

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

void sim_disk_submit(Reactor *r, IoOp *op)
{
    Disk *d = op->fd >= 0 && op->fd < (int)FDS ? disk_of_fd[op->fd] : NULL;
    Request *req = g_new0(Request, 1);

    sim_check(d, "I/O on descriptor %d, which is not open", op->fd);
    req->event = (SimEvent){.run = request_end, .reactor = r, .what = "done"};
    req->op = op;
    req->disk = d;
    d->busy++;
    sim_trace("  submit", op->kind,
              op->kind == IO_FDATASYNC ? 0 : op->u.rw.offset_bytes, d - disks);
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
