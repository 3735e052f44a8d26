/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table behind the simulated reactors: virtual time, seeded random
 * numbers, simulated disks and sockets, and workers that are events. What the
 * product must not ask for in a simulation fails the run.
 */
#include "sim.h"

#include <poll.h>

/* --- calls that do not wait ---------------------------------------------- */

static int64_t sys_now_ns(void)
{
    /* Timers compare with what this says, so it is the absolute one. */
    return sim_now_ns() + sim_start_ns();
}

static int64_t sys_wall_clock_us(void)
{
    return INT64_C(1700000000000000) + sim_now_ns() / 1000;
}

static void sys_random(void *buf, size_t bytes)
{
    uint8_t *p = buf;

    while (bytes--) {
        *p++ = (uint8_t)sim_rand();
    }
}

static int sys_open(const char *path, int flags, unsigned mode)
{
    return sim_disk_open(path, flags);
}

static void sys_close(int fd)
{
    if (!sim_disk_close(fd)) {
        sim_socket_close(fd);
    }
}

static bool sys_in_memory(int fd)
{
    return false;
}

static ssize_t sys_memory_rw(int fd, const struct iovec *v, unsigned n,
                             uint64_t offset_bytes)
{
    sim_fail("I/O that does not wait on disk %d", fd);
}

static ssize_t sys_stream(int fd, const struct iovec *v, unsigned n)
{
    sim_fail("a read or write of descriptor %d, which is no socket", fd);
}

static int sys_local_address(int fd, struct sockaddr_storage *addr)
{
    *addr = (struct sockaddr_storage){.ss_family = AF_UNIX};
    return 0;
}

static int sys_set_option(int fd, int level, int option, int value)
{
    return 0;
}

static int sys_resolve(const char *host, const char *port,
                       const struct addrinfo *hints, struct addrinfo **found)
{
    return EAI_NONAME;
}

static void sys_resolve_free(struct addrinfo *found)
{
}

static int sys_unix_probe(const char *path)
{
    return -ENOENT;
}

static int sys_send_datagram(const struct sockaddr *addr, socklen_t addr_bytes,
                             const void *data, size_t bytes)
{
    return -ECONNREFUSED;
}

static const ReactorSys sim_sys = {
    .now_ns = sys_now_ns,
    .wall_clock_us = sys_wall_clock_us,
    .random = sys_random,
    .open = sys_open,
    .close = sys_close,
    .in_memory = sys_in_memory,
    .memory_preadv = sys_memory_rw,
    .memory_pwritev = sys_memory_rw,
    .recvmsg = sim_recvmsg,
    .sendmsg = sim_sendmsg,
    .readv = sys_stream,
    .writev = sys_stream,
    .socket = sim_socket,
    .bind = sim_bind,
    .listen = sim_listen,
    .accept = sim_accept,
    .connect = sim_connect,
    .connect_result = sim_connect_result,
    .local_address = sys_local_address,
    .set_option = sys_set_option,
    .shutdown = sim_shutdown,
    .resolve = sys_resolve,
    .resolve_free = sys_resolve_free,
    .unix_probe = sys_unix_probe,
    .unlink = sim_unlink,
    .send_datagram = sys_send_datagram,
};

/* --- operations ---------------------------------------------------------- */

static void *backend_init(int *ret)
{
    return g_new0(char, 1);
}

static void backend_submit(void *state, IoOp *op)
{
    if (sim_net_is_socket(op->fd)) {
        sim_net_submit(reactor_current(), op);
    } else {
        sim_disk_submit(reactor_current(), op);
    }
}

static void backend_cancel(void *state, IoOp *op)
{
    if (sim_net_is_socket(op->fd)) {
        sim_net_cancel(op);
    }
    /* A disk does what it was told. */
}

static void backend_wait(void *state, int64_t timeout_ns)
{
    sim_fail("a reactor sleeps by itself");
}

static void backend_wakeup(void *state)
{
}

/* --- workers ------------------------------------------------------------- */

typedef struct Work {
    SimEvent event;
    WorkerJob *job;
} Work;

static void work_run(SimEvent *event)
{
    Work *work = container_of(event, Work, event);
    WorkerJob *job = work->job;

    g_free(work);
    job->result = job->fn(job->arg);
    sim_disks_refresh();
    job->done_fn(job);
}

static void backend_worker_start(WorkerJob *job)
{
    Work *work = g_new0(Work, 1);

    work->event.run = work_run;
    work->event.what = "worker";
    work->job = job;
    sim_event_add(&work->event, sim_below(100000));
}

const ReactorBackend sim_backend = {
    .name = "sim",
    .sys = &sim_sys,
    .init = backend_init,
    .free = g_free,
    .submit = backend_submit,
    .cancel = backend_cancel,
    .wait = backend_wait,
    .wakeup = backend_wakeup,
    .worker_start = backend_worker_start,
    .lend = sim_reactor_lend,
    .take_back = sim_reactor_take_back,
};
