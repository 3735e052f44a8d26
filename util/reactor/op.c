/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations in flight, calls to worker threads, and the clock. */
#include "util/reactor/reactor-int.h"

/* Whether it takes a processor or a disk, rather than what others do. */
static bool is_own_work(const IoOp *op)
{
    return (op->kind != IO_RECVMSG && op->kind != IO_SENDMSG &&
            op->kind != IO_POLL) ||
           (op->kind == IO_SENDMSG && op->u.msg.apart);
}

int64_t co_io_op(IoOp *op)
{
    Reactor *r = reactor_current();
    bool own_work = is_own_work(op);

    op->co = coroutine_self();
    assert(op->co);
    list_append(&r->pending, &op->pending);
    r->own_work += own_work;
    r->backend->submit(r->state, op);
    co_yield ();
    r->own_work -= own_work;
    list_remove(&op->pending);
    return op->result;
}

void io_op_complete(IoOp *op, int64_t result)
{
    assert(!op->done);
    op->result = result;
    op->done = true;
    coroutine_wake(op->co);
}

void io_cancel_fd(int fd)
{
    Reactor *r = reactor_current();

    LIST_FOREACH(op, &r->pending, IoOp, pending) {
        if (op->fd == fd && !op->cancel_asked) {
            op->cancel_asked = true;
            if (!op->done) {
                r->backend->cancel(r->state, op);
            }
        }
    }
}

typedef struct WorkerCall {
    WorkerJob job;
    Coroutine *caller;
} WorkerCall;

static void worker_call_done(WorkerJob *job)
{
    coroutine_wake(container_of(job, WorkerCall, job)->caller);
}

int64_t co_worker_run(int64_t (*fn)(void *arg), void *arg)
{
    Reactor *r = reactor_current();
    WorkerCall call = {
        .job = {.fn = fn, .arg = arg, .done_fn = worker_call_done},
        .caller = coroutine_self(),
    };

    r->own_work++;
    r->backend->worker_start(&call.job);
    co_yield ();
    r->own_work--;
    return call.job.result;
}

int64_t reactor_now_ns(void)
{
    return reactor_sys()->now_ns();
}

int64_t reactor_wall_clock_us(void)
{
    return reactor_sys()->wall_clock_us();
}

void reactor_random(void *buf, size_t bytes)
{
    reactor_sys()->random(buf, bytes);
}
