/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Simulated sockets: streams between a listener's path and those who connect
 * to it. Bytes are under way for a while and arrive in pieces; connections
 * stall and break.
 *
 * Invariants:
 * 1. A socket lives until the end of the run; its descriptor is never used
 *    again, so that a late use of it is noticed.
 * 2. Bytes arrive in order and once. After a shutdown those under way still
 *    arrive; after a reset none does.
 * 3. An operation that waits is on the list of its socket from its submission
 *    to its end.
 */
#include "sim.h"

#include <poll.h>
#include <sys/un.h>

#define FD_FIRST (1 << 24)
#define BUFFER_BYTES (64 * KiB)

typedef struct Socket Socket;

struct Socket {
    SimEvent flow;       /* bytes of @transit arrive */
    Socket *peer;        /* NULL: not connected */
    GByteArray *transit; /* sent, not arrived */
    GByteArray *arrived; /* not received yet */
    GQueue backlog;      /* a listener's: Socket */
    char *path;          /* a listener's */
    ListLink waits;
    bool listening, closed;
    bool fin;  /* sends no more */
    bool eof;  /* nothing more arrives */
    bool shut; /* by this side */
    bool reset;
};

typedef struct Wait {
    SimEvent event;
    ListLink link;
    Socket *socket;
    IoOp *op;
    bool cancelled;
} Wait;

static GPtrArray *sockets;
SimNetFaults sim_net_faults;

static Socket *socket_of(int fd)
{
    Socket *s;

    sim_check(sim_net_is_socket(fd), "descriptor %d is no socket", fd);
    s = g_ptr_array_index(sockets, fd - FD_FIRST);
    sim_check(!s->closed, "socket %d is closed", fd - FD_FIRST);
    return s;
}

bool sim_net_is_socket(int fd)
{
    return sockets && fd >= FD_FIRST && fd - FD_FIRST < (int)sockets->len;
}

static void flow_run(SimEvent *event);

static int socket_add(Socket **socket)
{
    Socket *s = g_new0(Socket, 1);

    if (!sockets) {
        sockets = g_ptr_array_new();
    }
    s->flow = (SimEvent){.run = flow_run, .what = "net"};
    s->transit = g_byte_array_new();
    s->arrived = g_byte_array_new();
    list_init(&s->waits);
    g_queue_init(&s->backlog);
    g_ptr_array_add(sockets, s);
    if (socket) {
        *socket = s;
    }
    return FD_FIRST + sockets->len - 1;
}

/* --- readiness ----------------------------------------------------------- */

static size_t room(const Socket *s)
{
    size_t used = s->transit->len + s->peer->arrived->len;

    return used < BUFFER_BYTES ? BUFFER_BYTES - used : 0;
}

static short socket_events(const Socket *s)
{
    short events = s->shut || s->reset ? POLLHUP : 0;

    if (s->listening) {
        return events | (g_queue_is_empty((GQueue *)&s->backlog) ? 0 : POLLIN);
    }
    if (s->arrived->len || s->eof || s->reset) {
        events |= POLLIN;
    }
    if (!s->peer || s->fin || s->reset || s->peer->closed || room(s)) {
        events |= POLLOUT;
    }
    return events;
}

static bool wait_over(const Wait *w)
{
    short wanted = w->op->kind == IO_RECVMSG   ? POLLIN
                   : w->op->kind == IO_SENDMSG ? POLLOUT
                                               : w->op->u.events;

    return w->cancelled || (socket_events(w->socket) & (wanted | POLLHUP));
}

/* Those who wait at @s and need not any more go on soon. */
static void poke(Socket *s)
{
    LIST_FOREACH(w, &s->waits, Wait, link) {
        if (!w->event.queued && wait_over(w)) {
            sim_event_add(&w->event, sim_below(5000));
        }
    }
}

/* --- the way of bytes ---------------------------------------------------- */

static void flow_start(Socket *s)
{
    if (!s->flow.queued && (s->transit->len || s->fin)) {
        sim_event_add(&s->flow, sim_percent(sim_net_faults.stall_percent)
                                    ? INT64_C(10000000)
                                    : (int64_t)(1000 + sim_below(30000)));
    }
}

static void break_connection(Socket *s)
{
    Socket *both[] = {s, s->peer};

    for (unsigned i = 0; i < 2; i++) {
        both[i]->reset = true;
        sim_event_remove(&both[i]->flow);
        g_byte_array_set_size(both[i]->transit, 0);
        g_byte_array_set_size(both[i]->arrived, 0);
    }
    poke(both[0]);
    poke(both[1]);
}

static void flow_run(SimEvent *event)
{
    Socket *s = container_of(event, Socket, flow), *peer = s->peer;
    size_t bytes = s->transit->len;

    if (sim_below(1000) < sim_net_faults.reset_percent) {
        sim_trace("  reset", 0, 0, 0);
        break_connection(s);
        return;
    }
    if (bytes > 1 && sim_percent(sim_net_faults.split_percent)) {
        bytes = 1 + sim_below(bytes);
    }
    if (peer->closed) {
        g_byte_array_set_size(s->transit, 0);
        s->reset = true;
        poke(s);
        return;
    }
    if (bytes) {
        g_byte_array_append(peer->arrived, s->transit->data, bytes);
        g_byte_array_remove_range(s->transit, 0, bytes);
    }
    if (s->fin && !s->transit->len) {
        peer->eof = true;
    } else {
        flow_start(s);
    }
    poke(peer);
}

static size_t part_of(size_t bytes)
{
    return bytes > 1 && sim_percent(sim_net_faults.split_percent)
               ? 1 + sim_below(bytes)
               : bytes;
}

static ssize_t receive(Socket *s, struct msghdr *msg)
{
    size_t bytes = part_of(s->arrived->len), done = 0;

    if (s->reset) {
        return -ECONNRESET;
    }
    if (!bytes) {
        return s->eof || s->shut ? 0 : -EAGAIN;
    }
    for (size_t i = 0; i < msg->msg_iovlen && done < bytes; i++) {
        size_t n = MIN(msg->msg_iov[i].iov_len, bytes - done);

        memcpy(msg->msg_iov[i].iov_base, s->arrived->data + done, n);
        done += n;
    }
    g_byte_array_remove_range(s->arrived, 0, done);
    poke(s->peer);
    return done;
}

static ssize_t transmit(Socket *s, const struct msghdr *msg)
{
    size_t bytes, done = 0;

    if (s->reset || s->fin || s->peer->closed || s->peer->shut) {
        return -EPIPE;
    }
    bytes = part_of(room(s));
    if (!bytes) {
        return -EAGAIN;
    }
    for (size_t i = 0; i < msg->msg_iovlen && done < bytes; i++) {
        size_t n = MIN(msg->msg_iov[i].iov_len, bytes - done);

        g_byte_array_append(s->transit, msg->msg_iov[i].iov_base, n);
        done += n;
    }
    flow_start(s);
    return done;
}

/* --- calls that do not wait ---------------------------------------------- */

ssize_t sim_recvmsg(int fd, struct msghdr *msg)
{
    return receive(socket_of(fd), msg);
}

ssize_t sim_sendmsg(int fd, const struct msghdr *msg, bool more)
{
    return transmit(socket_of(fd), msg);
}

int sim_socket(int domain)
{
    return domain == AF_UNIX ? socket_add(NULL) : -EAFNOSUPPORT;
}

static Socket *find_listener(const char *path)
{
    for (guint i = 0; sockets && i < sockets->len; i++) {
        Socket *s = g_ptr_array_index(sockets, i);

        if (s->listening && !s->closed && !s->shut && s->path &&
            !strcmp(s->path, path)) {
            return s;
        }
    }
    return NULL;
}

int sim_bind(int fd, const struct sockaddr *addr, socklen_t bytes)
{
    const char *path = ((const struct sockaddr_un *)addr)->sun_path;

    if (find_listener(path)) {
        return -EADDRINUSE;
    }
    socket_of(fd)->path = g_strdup(path);
    return 0;
}

int sim_listen(int fd, int backlog)
{
    socket_of(fd)->listening = true;
    return 0;
}

int sim_connect(int fd, const struct sockaddr *addr, socklen_t bytes)
{
    Socket *s = socket_of(fd), *other;
    Socket *listener =
        find_listener(((const struct sockaddr_un *)addr)->sun_path);

    if (!listener) {
        return -ECONNREFUSED;
    }
    socket_add(&other);
    s->peer = other;
    other->peer = s;
    g_queue_push_tail(&listener->backlog, other);
    poke(listener);
    return 0;
}

int sim_connect_result(int fd)
{
    return 0;
}

static int fd_of(const Socket *s)
{
    guint index;

    return g_ptr_array_find(sockets, s, &index) ? FD_FIRST + (int)index : -1;
}

int sim_accept(int fd)
{
    Socket *s = socket_of(fd), *next;

    if (s->shut) {
        return -EINVAL;
    }
    next = g_queue_pop_head(&s->backlog);
    return next ? fd_of(next) : -EAGAIN;
}

/* It sends nothing more; what is under way arrives. */
static void finish(Socket *s)
{
    if (s->peer && !s->fin) {
        s->fin = true;
        if (!s->reset) {
            flow_start(s);
        }
    }
}

void sim_shutdown(int fd)
{
    Socket *s = socket_of(fd);

    s->shut = true;
    s->eof = true;
    finish(s);
    poke(s);
}

void sim_socket_close(int fd)
{
    Socket *s = socket_of(fd), *waiting;

    sim_check(list_empty(&s->waits), "socket %d closes under an operation",
              fd - FD_FIRST);
    finish(s);
    s->closed = true;
    while ((waiting = g_queue_pop_head(&s->backlog))) {
        waiting->closed = true;
        finish(waiting);
    }
    if (s->peer && !s->peer->closed) {
        poke(s->peer);
    }
}

int sim_unlink(const char *path)
{
    return 0;
}

/* --- operations that wait ------------------------------------------------ */

static int64_t wait_result(const Wait *w)
{
    IoOp *op = w->op;

    if (w->cancelled) {
        return -ECANCELED;
    }
    switch (op->kind) {
    case IO_RECVMSG:
        return receive(w->socket, &op->u.msg.hdr);
    case IO_SENDMSG:
        return transmit(w->socket, &op->u.msg.hdr);
    default:
        return socket_events(w->socket) & (op->u.events | POLLHUP);
    }
}

static void wait_run(SimEvent *event)
{
    Wait *w = container_of(event, Wait, event);
    int64_t result;

    if (!wait_over(w)) {
        return; /* Another one took it. */
    }
    result = wait_result(w);
    if (result == -EAGAIN) {
        return;
    }
    sim_trace("  socket", w->op->kind, (uint64_t)result, 0);
    list_remove(&w->link);
    io_op_complete(w->op, result);
    g_free(w);
}

void sim_net_submit(Reactor *r, IoOp *op)
{
    Wait *w = g_new0(Wait, 1);

    w->event = (SimEvent){.run = wait_run, .reactor = r, .what = "socket"};
    w->socket = socket_of(op->fd);
    w->op = op;
    list_append(&w->socket->waits, &w->link);
    poke(w->socket);
}

void sim_net_cancel(IoOp *op)
{
    Socket *s = socket_of(op->fd);

    LIST_FOREACH(w, &s->waits, Wait, link) {
        if (w->op == op) {
            w->cancelled = true;
        }
    }
    poke(s);
}

/* --- the end ------------------------------------------------------------- */

unsigned sim_sockets_open(void)
{
    unsigned n = 0;

    for (guint i = 0; sockets && i < sockets->len; i++) {
        n += !((Socket *)g_ptr_array_index(sockets, i))->closed;
    }
    return n;
}

static void socket_free(Socket *s)
{
    g_byte_array_free(s->transit, TRUE);
    g_byte_array_free(s->arrived, TRUE);
    g_queue_clear(&s->backlog);
    g_free(s->path);
    g_free(s);
}

void sim_sockets_end(void)
{
    sim_check(sim_sockets_open() == 0, "%u sockets are left open",
              sim_sockets_open());
    for (guint i = 0; sockets && i < sockets->len; i++) {
        socket_free(g_ptr_array_index(sockets, i));
    }
    if (sockets) {
        g_ptr_array_set_size(sockets, 0);
    }
    sim_net_faults = (SimNetFaults){0};
}
