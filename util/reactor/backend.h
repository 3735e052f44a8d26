/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reactor needs from the world below it: a table of functions. The
 * io_uring and epoll back ends fill it with the kernel; a simulator fills it
 * with seeded inventions, and then nothing of the product touches the real
 * clock, disk or network.
 *
 * Invariants:
 * 1. An operation is on its reactor's pending list from submit to the return
 *    of the co_io_ function; a back end ends it exactly once, by
 *    io_op_complete, never from inside submit's caller (completion only puts
 *    the coroutine on the ready queue).
 * 2. A back end never refuses an operation: when its queues are full it keeps
 *    it and submits it later; the coroutine that waits is the bound.
 */
#ifndef UTIL_REACTOR_BACKEND_H
#define UTIL_REACTOR_BACKEND_H

#include "util/reactor/reactor.h"
#include "util/reactor/worker.h"

#include <netdb.h>
#include <sys/socket.h>

typedef enum IoKind {
    IO_PREADV,
    IO_PWRITEV,
    IO_FDATASYNC,
    IO_FALLOCATE,
    IO_RECVMSG, /* a socket */
    IO_SENDMSG, /* a socket */
    IO_POLL,
} IoKind;

/* One operation in flight; lives on the stack of the coroutine that waits. */
typedef struct IoOp {
    IoKind kind;
    int fd;
    union {
        struct {
            const struct iovec *v;
            unsigned n;
            uint64_t offset_bytes;
            bool fua;
        } rw;
        struct {
            int mode;
            uint64_t offset_bytes, length_bytes;
        } fallocate;
        struct {
            struct msghdr hdr;
            int flags;
            bool apart; /* rather by another thread, if one is at hand */
        } msg;
        short events;
    } u;
    /* Set by io_op_complete: bytes, events or 0, or -errno. */
    int64_t result;
    bool done;
    bool cancel_asked;
    Coroutine *co;
    ListLink pending; /* on the reactor's list */
    /* The back end's own. */
    ListLink link;
    WorkerJob job;
} IoOp;

/* Ends @op. On its reactor's thread. */
void io_op_complete(IoOp *op, int64_t result);

/* The world as seen by calls that do not wait. All return -errno on error. */
typedef struct ReactorSys {
    int64_t (*now_ns)(void);
    int64_t (*wall_clock_us)(void);
    void (*random)(void *buf, size_t bytes);
    int (*open)(const char *path, int flags, unsigned mode);
    void (*close)(int fd);
    /* Whether reads and writes of the file never wait for a device. */
    bool (*in_memory)(int fd);
    /* Of such files only. */
    ssize_t (*memory_preadv)(int fd, const struct iovec *v, unsigned n,
                             uint64_t offset_bytes);
    ssize_t (*memory_pwritev)(int fd, const struct iovec *v, unsigned n,
                              uint64_t offset_bytes);
    /* Does not block: -EAGAIN where it would; -ENOTSOCK. */
    ssize_t (*recvmsg)(int fd, struct msghdr *msg);
    ssize_t (*sendmsg)(int fd, const struct msghdr *msg, bool more);
    /* Pipes, terminals and the like, after a poll said they are ready. */
    ssize_t (*readv)(int fd, const struct iovec *v, unsigned n);
    ssize_t (*writev)(int fd, const struct iovec *v, unsigned n);
    int (*socket)(int domain); /* stream, CLOEXEC */
    int (*bind)(int fd, const struct sockaddr *addr, socklen_t bytes);
    int (*listen)(int fd, int backlog);
    int (*accept)(int fd); /* does not block */
    /* Starts; -EINPROGRESS: poll for POLLOUT, then connect_result. */
    int (*connect)(int fd, const struct sockaddr *addr, socklen_t bytes);
    int (*connect_result)(int fd);
    int (*local_address)(int fd, struct sockaddr_storage *addr);
    int (*set_option)(int fd, int level, int option, int value);
    void (*shutdown)(int fd);
    /* getaddrinfo; may block. Its error code. */
    int (*resolve)(const char *host, const char *port,
                   const struct addrinfo *hints, struct addrinfo **result);
    void (*resolve_free)(struct addrinfo *result);
    /* 1 if @path is a file with something in it, 0 if it is anything else,
     * -errno. */
    int (*unix_probe)(const char *path);
    int (*unlink)(const char *path);
    /* Sends one datagram to the unix socket @addr. Blocks while the listener
     * is crowded, for a second at most. */
    int (*send_datagram)(const struct sockaddr *addr, socklen_t addr_bytes,
                         const void *data, size_t bytes);
} ReactorSys;

typedef struct ReactorBackend {
    const char *name;
    const ReactorSys *sys;
    /* On the reactor's thread. NULL and -errno in *@ret if it cannot. */
    void *(*init)(int *ret);
    void (*free)(void *state);
    void (*submit)(void *state, IoOp *op);
    /* Asks; the operation still ends by io_op_complete. */
    void (*cancel)(void *state, IoOp *op);
    /* Submits what waits for it, ends what is done. Sleeps until something
     * is done, a wakeup, or @timeout_ns passed; 0: does not sleep; -1: no
     * bound. */
    void (*wait)(void *state, int64_t timeout_ns);
    /* Whether a wait would find something done, as far as that can be told
     * without a system call once all was submitted. NULL: it cannot, and the
     * reactor does not poll. */
    bool (*look)(void *state);
    /* Ends a sleep, the present or the next one. Any thread, and signal
     * handlers. */
    void (*wakeup)(void *state);
    /* Starts a job on another thread; @job->done_fn is called there. */
    void (*worker_start)(WorkerJob *job);
    /* Both or none, on control: where one thread plays all others, another
     * reactor for what would be a new thread, or NULL; and its return, when
     * nothing may be pending there but messages that run yet. */
    Reactor *(*lend)(void);
    void (*take_back)(Reactor *r);
} ReactorBackend;

extern const ReactorSys reactor_sys_posix;
extern const ReactorBackend reactor_backend_io_uring;
extern const ReactorBackend reactor_backend_epoll;

/* reactor_new with a table of one's own: the simulator, tests. */
Reactor *reactor_new_with(const ReactorBackend *backend, Error **errp);

/* The table in force on this thread: its reactor's, else the kernel. */
const ReactorSys *reactor_sys(void);

/* Submits @op, waits for its end and returns its result. */
int64_t co_io_op(IoOp *op) COROUTINE_ONLY;

/* --- one step at a time: for a simulator, whose one thread plays several ---
 */

/* @r is the calling thread's reactor from now on; NULL: it has none. */
void reactor_enter(Reactor *r);
/* Whether something is ready to run on @r, which is the current one. */
bool reactor_is_ready(Reactor *r);
/* Runs what became ready first on @r, the current one. */
void reactor_step(Reactor *r);
/* Nothing is ready, pending or to come on @r. */
bool reactor_is_idle(Reactor *r);

/* --- the parts of the reactor, for its own files ------------------------ */

typedef struct TimerHeap {
    Timer **v;
    size_t n, capacity;
    int64_t ran_at_ns;
    uint64_t armed; /* timers armed so far: orders equal deadlines */
} TimerHeap;

/* Runs what is due at @now_ns. */
void timer_heap_run(TimerHeap *heap, int64_t now_ns);
/* Time until the first deadline, 0 if past, -1 if there is no timer. */
int64_t timer_heap_timeout_ns(const TimerHeap *heap, int64_t now_ns);
TimerHeap *reactor_timers(Reactor *r);
const ReactorBackend *reactor_backend(const Reactor *r);

#endif
