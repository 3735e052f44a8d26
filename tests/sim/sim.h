/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulator: the product's own code on one thread, where a seeded
 * generator decides what happens next. See docs/devel/sim.md.
 *
 * Invariants:
 * 1. Whatever is decided by chance is decided by sim_rand of the run's seed;
 *    no address, real time or order of a hash table has a part in it. So a
 *    seed is a run, and a run has one trace.
 * 2. Nothing happens outside of an event, and of all events that may happen
 *    now any may be the next one.
 * 3. A run begins and ends with nothing: no nodes, jobs, exports, coroutines,
 *    events, open disks.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <json-c/json.h>

#include "block/graph/root.h"
#include "util/reactor/backend.h"
#include "util/sim.h"

#define SIM_REACTORS 5 /* in all */
#define SIM_GUESTS 3   /* control and two more, for scenarios */
#define SIM_DISKS 8
#define SIM_SECTOR 512u

/* --- scenarios (scenario-NAME.c, listed in main.c) ----------------------- */

typedef struct SimScenario {
    const char *name;
    const char *about; /* one line */
    /* On control; ends when all that it began has ended. */
    void (*co_run)(void) COROUTINE_ONLY;
} SimScenario;

/* --- chance (rand.c) ----------------------------------------------------- */

void sim_rand_seed(uint64_t seed);
uint64_t sim_rand(void);
/* 0 ... @n - 1; @n > 0. */
uint64_t sim_below(uint64_t n);
/* True @percent times of a hundred. */
bool sim_percent(unsigned percent);
/* Turns on the planted fault @name, NULL: none. */
void sim_plant(const char *name);
/* How often the planted fault was met in this run. */
unsigned sim_planted_count(void);

/* --- traces and failures (trace.c) --------------------------------------- */

/* One thing that happened. @what must be a constant. */
void sim_trace(const char *what, uint64_t a, uint64_t b, uint64_t c);
/* The same with the hash of a text, which is printed where all is. */
void sim_trace_text(const char *what, const char *text);
/* Begins the trace of a run; @print: also to standard output. */
void sim_trace_begin(const char *scenario, uint64_t seed, bool print);
uint64_t sim_trace_hash(void);
uint64_t sim_trace_count(void);
/* The run found a fault: says so with the last events; does not return. */
void sim_fail(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;
#define sim_check(condition, ...)  \
    do {                           \
        if (!(condition)) {        \
            sim_fail(__VA_ARGS__); \
        }                          \
    } while (0)

/* --- time and order (scheduler.c) ---------------------------------------- */

typedef struct SimEvent {
    void (*run)(struct SimEvent *event);
    Reactor *reactor; /* is entered for it; NULL: none */
    const char *what; /* for the trace */
    int64_t due_ns;
    uint64_t number;
    bool queued;
} SimEvent;

/* Since the run began. */
int64_t sim_now_ns(void);
int64_t sim_start_ns(void);
/* @event happens in @delay_ns or later. It belongs to the queue until then. */
void sim_event_add(SimEvent *event, int64_t delay_ns);
/* It happens at once instead of later. */
void sim_event_hurry(SimEvent *event);
bool sim_event_remove(SimEvent *event); /* false if it was not there */
/* Makes the reactors, once. */
void sim_scheduler_init(void);
Reactor *sim_reactor(unsigned index);
/* Runs one scenario from nothing to nothing. */
void sim_run(const SimScenario *scenario, uint64_t seed, bool print);
/* Another reactor, for what would be a new thread; NULL: none is left. */
Reactor *sim_reactor_lend(void);
void sim_reactor_take_back(Reactor *r);
/* Starts @entry(@opaque) in a coroutine on a reactor below SIM_GUESTS, soon. */
void sim_start(unsigned reactor, CoroutineEntry *entry, void *opaque);

/* Counts coroutines and others that a scenario waits for. Control's; the
 * others reach it by message. */
typedef struct SimGroup {
    unsigned running;
    CoQueue changed;
} SimGroup;
void sim_group_init(SimGroup *group);
/* sim_start, counted until @entry has returned. */
void sim_group_start(SimGroup *group, unsigned reactor, CoroutineEntry *entry,
                     void *opaque);
void co_sim_group_wait(SimGroup *group) COROUTINE_ONLY;
/* A few random steps for the others. */
void co_sim_pause(void) COROUTINE_ONLY;

/* --- the back end (backend.c) -------------------------------------------- */

extern const ReactorBackend sim_backend;

/* --- disks (disk.c): the files "sim0" ... -------------------------------- */

typedef struct SimDiskFaults {
    unsigned read_error_percent, write_error_percent, flush_error_percent;
    unsigned write_errors;  /* so many of the next writes fail */
    unsigned short_percent; /* only a part is done */
    unsigned stuck_percent; /* takes a second */
    uint64_t space_bytes;   /* writes beyond: ENOSPC. 0: none */
} SimDiskFaults;

/* Empties disk @n and gives it a size. Its file is sim_disk_path. */
void sim_disk_reset(unsigned n, uint64_t bytes);
const char *sim_disk_path(unsigned n);
SimDiskFaults *sim_disk_faults(unsigned n);
/* How many requests the product has handed over, in all runs. */
uint64_t sim_disk_requests(void);
/* Those of them that have not ended. */
unsigned sim_disk_busy(unsigned n);
/* What would be read now, or, @stable, after the worst loss of power. */
void sim_disk_peek(unsigned n, uint64_t offset_bytes, void *buf, size_t bytes,
                   bool stable);
/* Disk @to, which nobody uses, becomes what a loss of power at this moment
 * leaves of disk @n: each sector that is not safe is its old content, with
 * that likelihood, or its new one. */
void sim_disk_lose_power(unsigned n, unsigned to, unsigned lost_percent);
/* For the back end: a real descriptor of a disk's file, or -errno. */
int sim_disk_open(const char *path, int flags);
bool sim_disk_close(int fd);
unsigned sim_disks_open(void);
void sim_disk_submit(Reactor *r, IoOp *op);
void sim_disks_end(void);
/* A worker may have cut or grown a file by a call of its own. */
void sim_disks_refresh(void);

/* --- sockets (net.c) ----------------------------------------------------- */

typedef struct SimNetFaults {
    unsigned split_percent; /* less than asked for is taken */
    unsigned stall_percent; /* a piece takes ten milliseconds */
    unsigned reset_percent; /* of a thousand pieces: the connection breaks */
} SimNetFaults;

extern SimNetFaults sim_net_faults;
bool sim_net_is_socket(int fd);
void sim_net_submit(Reactor *r, IoOp *op);
void sim_net_cancel(IoOp *op);
unsigned sim_sockets_open(void);
void sim_sockets_end(void);

int sim_socket(int domain);
int sim_bind(int fd, const struct sockaddr *addr, socklen_t bytes);
int sim_listen(int fd, int backlog);
int sim_accept(int fd);
int sim_connect(int fd, const struct sockaddr *addr, socklen_t bytes);
int sim_connect_result(int fd);
ssize_t sim_recvmsg(int fd, struct msghdr *msg);
ssize_t sim_sendmsg(int fd, const struct msghdr *msg, bool more);
void sim_shutdown(int fd);
void sim_socket_close(int fd);
int sim_unlink(const char *path);

/* --- what scenarios use (world.c) ---------------------------------------- */

/* One QMP command in JSON, made by printf with ' for ". True if it worked;
 * the text of the error is in the trace. */
bool co_sim_qmp(const char *format, ...) G_GNUC_PRINTF(1, 2) COROUTINE_ONLY;
/* The same; a failure fails the run. */
void co_sim_qmp_ok(const char *format, ...) G_GNUC_PRINTF(1, 2) COROUTINE_ONLY;
/* blockdev-add of disk @n, node "disk<n>", with @bytes of zeroes. */
Node *co_sim_disk_add(unsigned n, uint64_t bytes) COROUTINE_ONLY;
/* The same of disk @n as it is. */
Node *co_sim_disk_open(unsigned n) COROUTINE_ONLY;
void co_sim_disk_del(unsigned n) COROUTINE_ONLY;
/* The same with, by chance, a filter or a format above it; its top. */
Node *co_sim_stack_add(unsigned n, uint64_t bytes) COROUTINE_ONLY;
void co_sim_stack_del(unsigned n) COROUTINE_ONLY;
const char *sim_top_name(unsigned n);
/* --- images (image.c) ---------------------------------------------------- */

/* Makes disk @n a qcow2 image of @bytes, of a kind by chance. It is open as
 * "disk<n>" afterwards. @base: the disk behind it, or -1. */
void co_sim_image_make(unsigned n, uint64_t bytes, int base) COROUTINE_ONLY;
/* Node "image<n>" above "disk<n>", with caches by chance. */
Node *co_sim_image_open(unsigned n, int base) COROUTINE_ONLY;
void co_sim_image_close(unsigned n) COROUTINE_ONLY;
/* Holds the image's counts against what it refers to. @leaks: these are
 * allowed; they are repaired. Nobody else uses it. */
void co_sim_image_check(unsigned n, bool leaks) COROUTINE_ONLY;

/* A user of @node that reads and writes. */
Root *sim_guest_new(Node *node);
void co_sim_guest_free(Root *guest) COROUTINE_ONLY;
/* Events of jobs: how often @word (an event, or the new state of a job) was
 * seen in this run. */
unsigned sim_events_seen(const char *word);
/* Waits until it was seen @n times. */
void co_sim_events_wait(const char *word, unsigned n) COROUTINE_ONLY;
void sim_world_begin(void);
void sim_world_end(void);

#endif
