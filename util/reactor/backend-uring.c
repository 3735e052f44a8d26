/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The io_uring back end: one ring a reactor. Operations of a turn are
 * submitted by the system call that also waits, or in bundles before it.
 *
 * Invariants:
 * 1. A completion's user data is the IoOp, or one of the addresses of this
 *    file's markers.
 * 2. A read of the wakeup eventfd is in flight whenever the ring sleeps.
 * 3. An operation for which the submission ring has no room is on @parked, in
 *    order; the kernel keeps completions that the completion ring has no room
 *    for (IORING_FEAT_NODROP), and their number is bounded by the operations.
 */
#include "util/reactor/backend.h"

#include <liburing.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_ENTRIES 256
#define COMPLETION_ENTRIES 4096
/* So many transfers go to the kernel at once, before a turn has ended: a disk
 * begins with the first ones while the others are being made. */
#define EARLY_TRANSFERS 8

typedef struct Uring {
    struct io_uring ring;
    int wakeup_fd;
    bool wakeup_armed;
    uint64_t wakeup_value; /* what the eventfd's read fills */
    ListLink parked;       /* of IoOp.link */
} Uring;

/* User data of completions that no operation waits for. */
static char marker_wakeup, marker_cancel;

/* The first set of features that the kernel takes. */
static int ring_init(struct io_uring *ring)
{
    static const unsigned flags[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
            IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        0,
    };
    int ret = -EINVAL;

    for (unsigned i = 0; i < ARRAY_SIZE(flags) && ret == -EINVAL; i++) {
        struct io_uring_params p = {
            .flags = flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
            .cq_entries = COMPLETION_ENTRIES,
        };

        ret = io_uring_queue_init_params(RING_ENTRIES, ring, &p);
        if (!ret && !(p.features & IORING_FEAT_NODROP)) {
            io_uring_queue_exit(ring);
            ret = -ENOSYS;
        }
    }
    return ret;
}

static void *uring_init(int *ret)
{
    Uring *u = g_new0(Uring, 1);

    list_init(&u->parked);
    *ret = ring_init(&u->ring);
    if (*ret) {
        g_free(u);
        return NULL;
    }
    io_uring_ring_dontfork(&u->ring);
    /* Blocking: the ring waits for it. */
    u->wakeup_fd = eventfd(0, EFD_CLOEXEC);
    if (u->wakeup_fd < 0) {
        *ret = -errno;
        io_uring_queue_exit(&u->ring);
        g_free(u);
        return NULL;
    }
    return u;
}

static void uring_free(void *state)
{
    Uring *u = state;

    assert(list_empty(&u->parked));
    io_uring_queue_exit(&u->ring);
    close(u->wakeup_fd);
    g_free(u);
}

/* Room for one more submission, or NULL: the kernel is busy. */
static struct io_uring_sqe *get_sqe(Uring *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

    if (!sqe) {
        io_uring_submit(&u->ring);
        sqe = io_uring_get_sqe(&u->ring);
    }
    return sqe;
}

static void fill(struct io_uring_sqe *sqe, IoOp *op)
{
    switch (op->kind) {
    case IO_PREADV:
        io_uring_prep_readv(sqe, op->fd, op->u.rw.v, op->u.rw.n,
                            op->u.rw.offset_bytes);
        break;
    case IO_PWRITEV:
        io_uring_prep_writev2(sqe, op->fd, op->u.rw.v, op->u.rw.n,
                              op->u.rw.offset_bytes,
                              op->u.rw.fua ? RWF_DSYNC : 0);
        break;
    case IO_FDATASYNC:
        io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
        break;
    case IO_FALLOCATE:
        io_uring_prep_fallocate(sqe, op->fd, op->u.fallocate.mode,
                                op->u.fallocate.offset_bytes,
                                op->u.fallocate.length_bytes);
        break;
    case IO_RECVMSG:
        io_uring_prep_recvmsg(sqe, op->fd, &op->u.msg.hdr, op->u.msg.flags);
        break;
    case IO_SENDMSG:
        io_uring_prep_sendmsg(sqe, op->fd, &op->u.msg.hdr, op->u.msg.flags);
        if (op->u.msg.apart) {
            sqe->flags |= IOSQE_ASYNC;
        }
        break;
    case IO_POLL:
        io_uring_prep_poll_add(sqe, op->fd, op->u.events);
        break;
    }
    io_uring_sqe_set_data(sqe, op);
}

static bool is_transfer(const IoOp *op)
{
    return op->kind == IO_PREADV || op->kind == IO_PWRITEV;
}

static void uring_submit(void *state, IoOp *op)
{
    Uring *u = state;
    struct io_uring_sqe *sqe = list_empty(&u->parked) ? get_sqe(u) : NULL;

    if (sqe) {
        fill(sqe, op);
        if (is_transfer(op) && io_uring_sq_ready(&u->ring) >= EARLY_TRANSFERS) {
            io_uring_submit(&u->ring);
        }
    } else {
        list_append(&u->parked, &op->link);
    }
}

static void submit_parked(Uring *u)
{
    struct io_uring_sqe *sqe;

    while (!list_empty(&u->parked) && (sqe = get_sqe(u))) {
        fill(sqe, LIST_ENTRY(list_pop(&u->parked), IoOp, link));
    }
}

static void uring_cancel(void *state, IoOp *op)
{
    Uring *u = state;
    struct io_uring_sqe *sqe;

    if (list_linked(&op->link)) {
        list_remove(&op->link);
        io_op_complete(op, -ECANCELED);
        return;
    }
    /* Without room the operation just ends later: cancelling only asks. */
    sqe = get_sqe(u);
    if (sqe) {
        io_uring_prep_cancel(sqe, op, 0);
        io_uring_sqe_set_data(sqe, &marker_cancel);
    }
}

static void arm_wakeup(Uring *u)
{
    struct io_uring_sqe *sqe = u->wakeup_armed ? NULL : get_sqe(u);

    if (sqe) {
        io_uring_prep_read(sqe, u->wakeup_fd, &u->wakeup_value,
                           sizeof(u->wakeup_value), 0);
        io_uring_sqe_set_data(sqe, &marker_wakeup);
        u->wakeup_armed = true;
    }
}

static void complete(Uring *u, void *data, int result)
{
    if (data == &marker_wakeup) {
        u->wakeup_armed = false;
    } else if (data && data != &marker_cancel) {
        io_op_complete(data, result);
    }
}

/* Ends what is done; how many. */
static unsigned reap(Uring *u)
{
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;

    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        if (cqe->user_data != LIBURING_UDATA_TIMEOUT) {
            complete(u, io_uring_cqe_get_data(cqe), cqe->res);
        }
        n++;
    }
    io_uring_cq_advance(&u->ring, n);
    return n;
}

static void uring_wait(void *state, int64_t timeout_ns)
{
    Uring *u = state;
    struct io_uring_cqe *cqe;

    submit_parked(u);
    arm_wakeup(u);
    /* Nothing sleeps while something could not be submitted. */
    if (timeout_ns == 0 || !u->wakeup_armed || !list_empty(&u->parked)) {
        io_uring_submit(&u->ring);
        io_uring_peek_cqe(&u->ring, &cqe);
    } else {
        struct __kernel_timespec ts = {
            .tv_sec = timeout_ns / INT64_C(1000000000),
            .tv_nsec = timeout_ns % INT64_C(1000000000),
        };

        /* Interrupted, timed out or busy: the loop looks and comes back. */
        io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1,
                                         timeout_ns < 0 ? NULL : &ts, NULL);
    }
    reap(u);
}

/* Completions that are made on this thread are announced by a flag. */
static bool uring_look(void *state)
{
    Uring *u = state;

    return io_uring_cq_ready(&u->ring) ||
           (__atomic_load_n(u->ring.sq.kflags, __ATOMIC_RELAXED) &
            (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

static void uring_wakeup(void *state)
{
    Uring *u = state;
    uint64_t one = 1;
    ssize_t ret;

    /* Full (2^64 - 1 wakeups unread) would block, but cannot happen. */
    do {
        ret = write(u->wakeup_fd, &one, sizeof(one));
    } while (ret < 0 && errno == EINTR);
}

const ReactorBackend reactor_backend_io_uring = {
    .name = "io_uring",
    .sys = &reactor_sys_posix,
    .init = uring_init,
    .free = uring_free,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .wait = uring_wait,
    .look = uring_look,
    .wakeup = uring_wakeup,
    .worker_start = worker_pool_start,
};
