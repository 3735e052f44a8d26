/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop of one thread: ready coroutines, messages from other
 * threads, timers and I/O completions. All I/O, time and randomness of the
 * product go through its back-end table (util/reactor/backend.h), which is
 * where the simulator steps in.
 *
 * Invariants:
 * 1. One reactor a thread, bound to it from reactor_new to reactor_free.
 * 2. Callbacks and coroutines run only from reactor_run*, never from inside
 *    a submission or a wake; there are no nested loops.
 * 3. A buffer handed to an I/O function belongs to the ring until the call
 *    returns. Cancelling asks; it does not take the buffer back.
 * 4. In one turn ready items run first, in order; items made ready during the
 *    turn run in the next one, after completions were looked at.
 */
#ifndef UTIL_REACTOR_REACTOR_H
#define UTIL_REACTOR_REACTOR_H

#include "util/coroutine/sync.h"
#include "util/error.h"

typedef struct Reactor Reactor;

typedef enum ReactorKind {
    REACTOR_AUTO, /* io_uring where the kernel allows it, else epoll */
    REACTOR_IO_URING,
    REACTOR_EPOLL,
} ReactorKind;

/* Makes the calling thread's reactor. The environment variable
 * TIDEMARK_REACTOR=io_uring|epoll decides what AUTO means. The first one made
 * in a process is the control reactor. */
Reactor *reactor_new(ReactorKind kind, Error **errp);
/* Nothing may be pending on it. */
void reactor_free(Reactor *r);
Reactor *reactor_current(void);
Reactor *reactor_control(void);
/* The first line of a callback that runs on control, for the check of thread
 * roles. */
static inline void control_assert(void) CONTROL_ASSERTED
{
    assert(reactor_current() && reactor_current() == reactor_control());
}
const char *reactor_backend_name(const Reactor *r);
/* 0 for the control reactor, then 1, 2 ... (freed numbers are used again);
 * always below REACTOR_MAX: the index of per-reactor lanes. */
#define REACTOR_MAX 64
unsigned reactor_index(const Reactor *r);

/* How long a reactor without work looks for some before it sleeps, in ns: the
 * limit starts low, is multiplied by @grow (0: by 2) when that was too short,
 * and divided by @shrink (0: to nothing) when work comes later than @max_ns.
 * A new reactor has REACTOR_POLL_MAX_NS and zeros; the environment variable
 * TIDEMARK_POLL_NS changes that, 0 means to sleep at once. */
#define REACTOR_POLL_MAX_NS 64000
typedef struct ReactorPolling {
    int64_t max_ns, grow, shrink;
} ReactorPolling;
/* From now on. Any thread that knows that @r outlives the call. */
void reactor_set_polling(Reactor *r, const ReactorPolling *set);

/* Runs the loop on its thread until reactor_stop. main() of a tool and thread
 * start functions only. */
void reactor_run(Reactor *r);
/* The loop ends after its turn. Any thread that knows that @r outlives the
 * call, and signal handlers. */
void reactor_stop(Reactor *r);
/* Starts a coroutine @entry(@opaque) and runs the loop until it ended. */
void reactor_run_coroutine(CoroutineEntry *entry, void *opaque);

/* Runs @fn(@arg) on @r's thread, soon, outside of any coroutine. Any thread.
 * Messages from one thread arrive in order. */
void reactor_post(Reactor *r, void (*fn)(void *arg), void *arg);
/* The same, but at once, before it returns, where the caller is on @r's thread
 * already. */
void reactor_dispatch(Reactor *r, void (*fn)(void *arg), void *arg);
/* Moves one call to @r and waits for it: @fn(@arg) runs in a coroutine there,
 * or in the caller's own if that is on @r's thread already. The calling
 * coroutine stays on its own thread. */
void co_reactor_call(Reactor *r, void (*fn)(void *arg),
                     void *arg) COROUTINE_ONLY;

/* --- threads ------------------------------------------------------------- */

/* A thread that does nothing but run a reactor. */
typedef struct ReactorThread ReactorThread;

/* Starts one, called @name (15 bytes show in ps); returns when its reactor
 * runs. Control thread; waits for the start, which is short. */
ReactorThread *reactor_thread_start(const char *name, ReactorKind kind,
                                    Error **errp);
Reactor *reactor_thread_reactor(const ReactorThread *t);
/* The kernel's number of it, as ps and top show. */
int reactor_thread_id(const ReactorThread *t);
/* Stops its reactor, on which nothing may be pending, and waits for its
 * end. */
void reactor_thread_stop(ReactorThread *t);

/* --- time ---------------------------------------------------------------- */

int64_t reactor_now_ns(void);        /* monotonic */
int64_t reactor_wall_clock_us(void); /* since 1970 */
void reactor_random(void *buf, size_t bytes);

typedef struct Timer {
    void (*fn)(void *opaque);
    void *opaque;
    int64_t deadline_ns;
    Reactor *reactor; /* set while armed */
    size_t heap_index;
    uint64_t arming; /* orders equal deadlines: first armed, first run */
} Timer;

/* A timer belongs to the thread that arms it. @fn runs outside coroutines. */
void timer_init(Timer *t, void (*fn)(void *opaque), void *opaque);
void timer_arm(Timer *t, int64_t deadline_ns); /* again moves it */
void timer_cancel(Timer *t);                   /* fine if not armed */
bool timer_armed(const Timer *t);

void co_sleep_ns(int64_t delay_ns) COROUTINE_ONLY;
/* co_queue_wait with a bound; false when the deadline passed first. */
bool co_queue_wait_until(CoQueue *queue, int64_t deadline_ns) COROUTINE_ONLY;

/* --- files: return bytes or 0, or -errno --------------------------------- */

/* One preadv/pwritev: may be short, never retries EINTR to the caller.
 * @n <= IOV_MAX areas. */
ssize_t co_io_preadv(int fd, const struct iovec *v, unsigned n,
                     uint64_t offset_bytes) COROUTINE_ONLY;
/* @fua: the data is on stable storage when it returns (RWF_DSYNC). */
ssize_t co_io_pwritev(int fd, const struct iovec *v, unsigned n,
                      uint64_t offset_bytes, bool fua) COROUTINE_ONLY;
int co_io_fdatasync(int fd) COROUTINE_ONLY;
int co_io_fallocate(int fd, int mode, uint64_t offset_bytes,
                    uint64_t length_bytes) COROUTINE_ONLY;

/* Runs @fn(@arg) on a worker thread of the (bounded) pool and returns its
 * result. @fn touches nothing but its argument. */
int64_t co_worker_run(int64_t (*fn)(void *arg), void *arg) COROUTINE_ONLY;

/* Opens with O_CLOEXEC; an fd or -errno. Blocking calls of control code. */
int io_open(const char *path, int flags, unsigned mode);
void io_close(int fd);
/* All of a small file that someone names in options: its bytes, and a NUL after
 * them, in *@text, which the caller frees; how many, or -errno, -EFBIG if there
 * are more than @max_bytes. Blocks. */
ssize_t io_read_file(const char *path, size_t max_bytes, char **text);

/* --- sockets: non-blocking inside; -errno on error ----------------------- */

/* Bytes received (0 = the peer closed), possibly fewer than @bytes. */
ssize_t co_io_recv(int fd, void *buf, size_t bytes) COROUTINE_ONLY;
ssize_t co_io_recvv(int fd, const struct iovec *v, unsigned n) COROUTINE_ONLY;
/* Bytes sent, possibly fewer. @more: more follows at once (MSG_MORE). No
 * SIGPIPE. Works on pipes and terminals too. */
ssize_t co_io_sendv(int fd, const struct iovec *v, unsigned n,
                    bool more) COROUTINE_ONLY;
/* The same for much: where the kernel can, another thread copies it, and this
 * one serves others meanwhile. */
ssize_t co_io_sendv_apart(int fd, const struct iovec *v,
                          unsigned n) COROUTINE_ONLY;
/* All of it, or an error: 0, -EPIPE when the peer closed in the middle,
 * -errno. co_io_recv_all: 1 on a clean end before the first byte. */
int co_io_send_all(int fd, const void *buf, size_t bytes) COROUTINE_ONLY;
int co_io_recv_all(int fd, void *buf, size_t bytes) COROUTINE_ONLY;
/* The next connection's fd (CLOEXEC), or -errno. */
int co_io_accept(int fd) COROUTINE_ONLY;
/* Waits for POLLIN/POLLOUT on @fd; the events that came, or -errno. */
int co_io_poll(int fd, short events) COROUTINE_ONLY;
/* Asks every operation pending on @fd on this reactor to end early with
 * -ECANCELED. */
void io_cancel_fd(int fd);

/* Makes a listening stream socket. unix: a stale socket file that nobody
 * listens on is replaced. Texts are QEMU's. fd or -1 with @errp. */
int io_listen_unix(const char *path, Error **errp);
/* The same for a name outside of the file system; @padded: filled up with
 * zero bytes. */
int io_listen_abstract(const char *name, bool padded, Error **errp);
/* Takes over the inherited socket with that number, or that name if a service
 * manager has passed sockets (service.h). Others may have it, too. */
int io_listen_fd(const char *text, Error **errp);
/* The same without listening: -1 with @errp if it is no socket. */
int io_inherited_socket(const char *text, Error **errp);
/* Removes the file of a socket that was listened on; that it is gone already
 * is fine. */
void io_unlink(const char *path);
/* @port may be "0"; @ipv4/@ipv6: -1 unset, 0 off, 1 on. */
int io_listen_inet(const char *host, const char *port, int ipv4, int ipv6,
                   Error **errp);
/* Where to connect to. */
typedef struct IoAddress {
    const char *path;        /* of a unix socket; NULL: inet */
    bool abstract;           /* @path is a name outside of the file system */
    bool padded;             /* such a name is filled up with zero bytes */
    const char *host, *port; /* inet */
    int ipv4, ipv6;          /* -1 unset, 0 off, 1 on */
    bool numeric;            /* nothing is looked up by name */
    bool keep_alive;         /* the kernel looks for peers that are gone */
} IoAddress;
/* A connection on its way. Zeroed at first, but fd -1. */
typedef struct IoPending {
    int fd; /* waits for its peer; -1: none does */
    bool given_up;
} IoPending;
/* Connects; an fd, or -1 with QEMU's text. @pending (may be NULL) is for who
 * wants to give up. */
int co_io_connect(const IoAddress *addr, IoPending *pending,
                  Error **errp) COROUTINE_ONLY;
/* Makes co_io_connect fail soon; the look-up of a name still ends when the
 * resolver says so. On the same thread. */
void io_give_up(IoPending *pending);
int co_io_connect_unix(const char *path, Error **errp) COROUTINE_ONLY;
int co_io_connect_inet(const char *host, const char *port,
                       Error **errp) COROUTINE_ONLY;
/* The bound address as text "host", "port" for an inet socket (owned by the
 * caller). */
bool io_local_address(int fd, char **host, char **port);
/* Small messages leave at once (TCP_NODELAY); -errno, which is of no interest
 * for a unix socket. */
int io_set_nodelay(int fd);
/* A TCP peer that has gone without a word is noticed within two minutes. */
void io_set_keepalive(int fd);
/* shutdown(fd, SHUT_RDWR): readers see an end. */
void io_shutdown(int fd);

#endif
