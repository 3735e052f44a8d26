/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The epoll back end, for kernels and containers without io_uring: sockets by
 * readiness, files by the worker pool.
 *
 * Invariants:
 * 1. A descriptor with operations that wait for readiness has one Watch,
 *    which knows what the kernel was asked for. The kernel's registration is
 *    one-shot: after an event it is asleep until it is armed again.
 * 2. A registration may outlive its Watch, asleep; arming copes with finding
 *    one already there, or gone with a closed descriptor.
 */
#include "util/reactor/backend.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <fcntl.h>
#include <unistd.h>

#define EVENTS_MAX 64

typedef struct Epoll {
    int epoll_fd;
    int wakeup_fd;
    GHashTable *watches; /* descriptor -> Watch */
} Epoll;

typedef struct Watch {
    int fd;
    ListLink ops; /* of IoOp.link */
} Watch;

static void *epoll_init(int *ret)
{
    Epoll *e = g_new0(Epoll, 1);
    struct epoll_event event = {.events = EPOLLIN};

    e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    e->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    event.data.fd = e->wakeup_fd;
    if (e->epoll_fd < 0 || e->wakeup_fd < 0 ||
        epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, e->wakeup_fd, &event)) {
        *ret = -errno;
        close(e->epoll_fd);
        close(e->wakeup_fd);
        g_free(e);
        return NULL;
    }
    e->watches = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return e;
}

static void epoll_free(void *state)
{
    Epoll *e = state;

    assert(g_hash_table_size(e->watches) == 0);
    g_hash_table_destroy(e->watches);
    close(e->epoll_fd);
    close(e->wakeup_fd);
    g_free(e);
}

/* --- files: on a worker thread ------------------------------------------ */

static int64_t file_run(void *arg)
{
    IoOp *op = arg;
    int64_t ret = -EINVAL;

    switch (op->kind) {
    case IO_PREADV:
        ret = preadv(op->fd, op->u.rw.v, op->u.rw.n, op->u.rw.offset_bytes);
        break;
    case IO_PWRITEV:
        ret = pwritev2(op->fd, op->u.rw.v, op->u.rw.n, op->u.rw.offset_bytes,
                       op->u.rw.fua ? RWF_DSYNC : 0);
        break;
    case IO_FDATASYNC:
        ret = fdatasync(op->fd);
        break;
    case IO_FALLOCATE:
        ret = fallocate(op->fd, op->u.fallocate.mode,
                        op->u.fallocate.offset_bytes,
                        op->u.fallocate.length_bytes);
        break;
    default:
        g_assert_not_reached();
    }
    return ret < 0 ? -errno : ret;
}

/* On the worker. @done belongs to the reactor's thread, which does not look
 * at it for an operation that a worker has. */
static void file_done(WorkerJob *job)
{
    IoOp *op = container_of(job, IoOp, job);

    op->result = job->result;
    coroutine_wake(op->co);
}

static bool is_file_op(const IoOp *op)
{
    return op->kind <= IO_FALLOCATE;
}

/* --- sockets: by readiness ---------------------------------------------- */

static uint32_t wanted_events(const IoOp *op)
{
    switch (op->kind) {
    case IO_RECVMSG:
        return EPOLLIN;
    case IO_SENDMSG:
        return EPOLLOUT;
    default:
        /* The values of POLL* and EPOLL* are the same on Linux. */
        return (unsigned short)op->u.events;
    }
}

STATIC_ASSERT(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
              EPOLLHUP == POLLHUP);

/* Tries @op after @events came; false if it goes on waiting. */
static bool attempt(IoOp *op, uint32_t events)
{
    struct msghdr *hdr = &op->u.msg.hdr;
    int64_t ret = -EAGAIN;

    if (!(events & (wanted_events(op) | EPOLLERR | EPOLLHUP))) {
        return false;
    }
    switch (op->kind) {
    case IO_RECVMSG:
        ret = reactor_sys_posix.recvmsg(op->fd, hdr);
        break;
    case IO_SENDMSG:
        ret =
            reactor_sys_posix.sendmsg(op->fd, hdr, op->u.msg.flags & MSG_MORE);
        break;
    default:
        ret = events & (wanted_events(op) | EPOLLERR | EPOLLHUP);
    }
    if (ret == -EAGAIN) {
        return false;
    }
    io_op_complete(op, ret);
    return true;
}

/* Ends the watch of @w's operations all with @result. */
static void watch_fail(Epoll *e, Watch *w, int result)
{
    ListLink *link;

    while ((link = list_pop(&w->ops))) {
        io_op_complete(LIST_ENTRY(link, IoOp, link), result);
    }
    g_hash_table_remove(e->watches, GINT_TO_POINTER(w->fd));
}

/* Tries what waits for @events; frees the watch when nothing is left. */
static bool watch_attempt(Epoll *e, Watch *w, uint32_t events)
{
    LIST_FOREACH_SAFE(op, &w->ops, IoOp, link) {
        if (attempt(op, events)) {
            list_remove(&op->link);
        }
    }
    if (list_empty(&w->ops)) {
        g_hash_table_remove(e->watches, GINT_TO_POINTER(w->fd));
        return true;
    }
    return false;
}

/* Asks the kernel for what @w's operations wait for. */
static void watch_arm(Epoll *e, Watch *w)
{
    struct epoll_event event = {.events = EPOLLONESHOT, .data.fd = w->fd};
    int ret;

    LIST_FOREACH(op, &w->ops, IoOp, link) {
        event.events |= wanted_events(op);
    }
    ret = epoll_ctl(e->epoll_fd, EPOLL_CTL_MOD, w->fd, &event);
    if (ret && errno == ENOENT) {
        ret = epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, w->fd, &event);
    }
    if (ret && errno == EPERM) {
        /* A regular file or the like: always ready. */
        watch_attempt(e, w, event.events & ~EPOLLONESHOT);
    } else if (ret) {
        watch_fail(e, w, -errno);
    }
}

static void watch_add(Epoll *e, IoOp *op)
{
    Watch *w = g_hash_table_lookup(e->watches, GINT_TO_POINTER(op->fd));

    if (!w) {
        w = g_new0(Watch, 1);
        w->fd = op->fd;
        list_init(&w->ops);
        g_hash_table_insert(e->watches, GINT_TO_POINTER(op->fd), w);
    }
    list_append(&w->ops, &op->link);
    watch_arm(e, w);
}

static void epoll_submit(void *state, IoOp *op)
{
    if (is_file_op(op)) {
        op->job = (WorkerJob){.fn = file_run, .arg = op, .done_fn = file_done};
        worker_pool_start(&op->job);
    } else {
        watch_add(state, op);
    }
}

static void epoll_cancel(void *state, IoOp *op)
{
    Epoll *e = state;
    Watch *w;

    if (is_file_op(op)) {
        if (worker_pool_cancel(&op->job)) {
            io_op_complete(op, -ECANCELED);
        }
        return;
    }
    w = g_hash_table_lookup(e->watches, GINT_TO_POINTER(op->fd));
    list_remove(&op->link);
    if (list_empty(&w->ops)) {
        g_hash_table_remove(e->watches, GINT_TO_POINTER(op->fd));
    }
    io_op_complete(op, -ECANCELED);
}

/* --- waiting ------------------------------------------------------------ */

static void on_event(Epoll *e, const struct epoll_event *event)
{
    Watch *w;

    if (event->data.fd == e->wakeup_fd) {
        uint64_t value;

        if (read(e->wakeup_fd, &value, sizeof(value)) < 0) {
            assert(errno == EAGAIN || errno == EINTR);
        }
        return;
    }
    /* Its operations may have been cancelled meanwhile. */
    w = g_hash_table_lookup(e->watches, GINT_TO_POINTER(event->data.fd));
    if (w && !watch_attempt(e, w, event->events)) {
        watch_arm(e, w);
    }
}

/* epoll_pwait2, or milliseconds rounded up on kernels before 5.11. */
static int wait_events(Epoll *e, struct epoll_event *events, int64_t timeout_ns)
{
    struct timespec ts = {
        .tv_sec = timeout_ns / INT64_C(1000000000),
        .tv_nsec = timeout_ns % INT64_C(1000000000),
    };
    int n = epoll_pwait2(e->epoll_fd, events, EVENTS_MAX,
                         timeout_ns < 0 ? NULL : &ts, NULL);

    if (n < 0 && errno == ENOSYS) {
        int64_t ms = timeout_ns < 0 ? -1 : DIV_ROUND_UP(timeout_ns, 1000000);

        n = epoll_wait(e->epoll_fd, events, EVENTS_MAX, MIN(ms, INT_MAX));
    }
    return n;
}

static void epoll_wait_turn(void *state, int64_t timeout_ns)
{
    Epoll *e = state;
    struct epoll_event events[EVENTS_MAX];
    int n = wait_events(e, events, timeout_ns);

    assert(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++) {
        on_event(e, &events[i]);
    }
}

static void epoll_wakeup(void *state)
{
    Epoll *e = state;
    uint64_t one = 1;
    ssize_t ret;

    /* EAGAIN: the counter is full, so the wakeup is certain anyway. */
    do {
        ret = write(e->wakeup_fd, &one, sizeof(one));
    } while (ret < 0 && errno == EINTR);
}

const ReactorBackend reactor_backend_epoll = {
    .name = "epoll",
    .sys = &reactor_sys_posix,
    .init = epoll_init,
    .free = epoll_free,
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .wait = epoll_wait_turn,
    .wakeup = epoll_wakeup,
    .worker_start = worker_pool_start,
};
