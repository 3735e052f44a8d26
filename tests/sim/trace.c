/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace of a run: a hash over everything that happened, the last things
 * in a ring, and what is printed when the run found a fault.
 */
#include "sim.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define RING 64u

typedef struct Entry {
    uint64_t number;
    int64_t now_ns;
    int reactor;
    const char *what;
    uint64_t a, b, c;
} Entry;

static struct {
    const char *scenario;
    uint64_t seed;
    bool print;
    uint64_t hash, count;
    Entry ring[RING];
} trace;

static void print_entry(FILE *out, const Entry *e)
{
    fprintf(out,
            "%8" PRIu64 " %12" PRId64 "ns r%d %-16s %" PRIu64 " %" PRIu64
            " %" PRIu64 "\n",
            e->number, e->now_ns, e->reactor, e->what, e->a, e->b, e->c);
}

static void mix(uint64_t value)
{
    trace.hash = (trace.hash ^ value) * UINT64_C(0x100000001b3);
    trace.hash ^= trace.hash >> 29;
}

/* Its first eight bytes: they tell all that happens apart. */
static uint64_t word_of(const char *what)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < 8 && what[i]; i++) {
        word |= (uint64_t)(uint8_t)what[i] << 8 * i;
    }
    return word;
}

void sim_trace(const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    Reactor *r = reactor_current();
    Entry *e = &trace.ring[trace.count % RING];

    *e = (Entry){
        .number = trace.count++,
        .now_ns = sim_now_ns(),
        .reactor = r ? (int)reactor_index(r) : -1,
        .what = what,
        .a = a,
        .b = b,
        .c = c,
    };
    mix(word_of(what));
    mix(e->now_ns ^ (uint64_t)e->reactor << 56);
    mix(a);
    mix(b);
    mix(c);
    if (trace.print) {
        print_entry(stdout, e);
    }
}

void sim_trace_begin(const char *scenario, uint64_t seed, bool print)
{
    trace.scenario = scenario;
    trace.seed = seed;
    trace.print = print;
    trace.hash = UINT64_C(0xcbf29ce484222325);
    trace.count = 0;
}

void sim_trace_text(const char *what, const char *text)
{
    sim_trace(what, g_str_hash(text), 0, 0);
    if (trace.print) {
        printf("%8s %s\n", "", text);
    }
}

uint64_t sim_trace_hash(void)
{
    return trace.hash;
}

uint64_t sim_trace_count(void)
{
    return trace.count;
}

static void print_last(void)
{
    uint64_t from = trace.count > RING ? trace.count - RING : 0;

    fprintf(stderr, "the last of %" PRIu64 " events:\n", trace.count);
    for (uint64_t i = from; i < trace.count; i++) {
        print_entry(stderr, &trace.ring[i % RING]);
    }
    fprintf(stderr, "again: sim %s --seed %" PRIu64 " --trace\n",
            trace.scenario, trace.seed);
}

void sim_fail(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    print_last();
    fprintf(stderr, "FOUND %s seed %" PRIu64 ": ", trace.scenario, trace.seed);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _exit(1);
}

/* An assertion of the product, or worse. */
static void on_crash(int signo)
{
    signal(signo, SIG_DFL);
    sim_fail("the program died by signal %d", signo);
}

static void __attribute__((constructor)) catch_crashes(void)
{
    static char stack[64 << 10];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};

    sigaltstack(&alternate, NULL);
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}
