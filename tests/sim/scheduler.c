/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who goes next. Each step picks one of: the reactors that have something
 * ready, the reactors that have a timer due, the events that are due. When
 * there is none, time passes until there is; when time cannot help, somebody
 * waits for nothing and the run has found a fault.
 *
 * Reactors get weights by the seed, so that in some runs one of them is far
 * behind the others.
 */
#include "sim.h"

/* A run that does more than this turns in circles. */
#define STEPS_MAX UINT64_C(3000000)
/* More are not looked at in one step. */
#define CHOICES 128u

static struct {
    Reactor *reactors[SIM_REACTORS];
    unsigned weight[SIM_REACTORS];
    bool lent[SIM_REACTORS];
    int64_t now_ns, start_ns;
    GPtrArray *events; /* of SimEvent */
    uint64_t numbers;
} sim;

int64_t sim_now_ns(void)
{
    return sim.now_ns - sim.start_ns;
}

int64_t sim_start_ns(void)
{
    return sim.start_ns;
}

Reactor *sim_reactor(unsigned index)
{
    return sim.reactors[index];
}

/* --- events -------------------------------------------------------------- */

void sim_event_add(SimEvent *event, int64_t delay_ns)
{
    assert(!event->queued);
    event->queued = true;
    event->due_ns = sim.now_ns + delay_ns;
    event->number = sim.numbers++;
    g_ptr_array_add(sim.events, event);
}

void sim_event_hurry(SimEvent *event)
{
    event->due_ns = MIN(event->due_ns, sim.now_ns);
}

bool sim_event_remove(SimEvent *event)
{
    if (event->queued) {
        event->queued = false;
        return g_ptr_array_remove_fast(sim.events, event);
    }
    return false;
}

static void event_run(guint index)
{
    SimEvent *event = g_ptr_array_remove_index_fast(sim.events, index);

    event->queued = false;
    reactor_enter(event->reactor);
    sim_trace(event->what, 0, 0, 0);
    event->run(event);
}

/* --- one step ------------------------------------------------------------ */

typedef enum ChoiceKind { CHOICE_READY, CHOICE_TIMER, CHOICE_EVENT } ChoiceKind;

typedef struct Choice {
    ChoiceKind kind;
    guint index;
    unsigned below; /* the sum of the weights up to this one */
} Choice;

/* What may happen now. */
typedef struct Choices {
    guint n;
    Choice v[CHOICES];
} Choices;

static void consider(Choices *choices, ChoiceKind kind, guint index,
                     unsigned weight)
{
    unsigned sum = choices->n ? choices->v[choices->n - 1].below : 0;

    choices->v[choices->n++] = (Choice){kind, index, sum + weight};
}

/* Each with the likelihood of its weight among all. */
static const Choice *choose(const Choices *choices)
{
    uint64_t number = sim_below(choices->v[choices->n - 1].below);
    const Choice *choice = choices->v;

    while (choice->below <= number) {
        choice++;
    }
    return choice;
}

static void consider_reactors(Choices *choices)
{
    for (unsigned i = 0; i < SIM_REACTORS; i++) {
        Reactor *r = sim.reactors[i];
        unsigned weight = sim.weight[i];

        if (reactor_is_idle(r)) {
            continue;
        }
        reactor_enter(r);
        if (reactor_is_ready(r)) {
            consider(choices, CHOICE_READY, i, 2 * weight);
        }
        if (timer_heap_timeout_ns(reactor_timers(r), sim.now_ns) == 0) {
            consider(choices, CHOICE_TIMER, i, weight);
        }
    }
}

static void run_choice(const Choice *choice)
{
    if (choice->kind == CHOICE_EVENT) {
        event_run(choice->index);
        return;
    }
    reactor_enter(sim.reactors[choice->index]);
    if (choice->kind == CHOICE_READY) {
        sim_trace("run", 0, 0, 0);
        reactor_step(sim.reactors[choice->index]);
    } else {
        sim_trace("timer", 0, 0, 0);
        timer_heap_run(reactor_timers(sim.reactors[choice->index]), sim.now_ns);
    }
}

/* Lets time pass until something is due; false if nothing ever is. */
static bool pass_time(void)
{
    int64_t next_ns = INT64_MAX;

    for (guint i = 0; i < sim.events->len; i++) {
        SimEvent *event = g_ptr_array_index(sim.events, i);

        next_ns = MIN(next_ns, event->due_ns);
    }
    for (unsigned i = 0; i < SIM_REACTORS; i++) {
        TimerHeap *heap = reactor_timers(sim.reactors[i]);

        if (heap->n) {
            next_ns = MIN(next_ns, heap->v[0]->deadline_ns);
        }
    }
    if (next_ns == INT64_MAX) {
        return false;
    }
    sim.now_ns = MAX(sim.now_ns, next_ns);
    return true;
}

/* False if there is nothing to do, now or later. */
static bool step(void)
{
    Choices choices;

    choices.n = 0;
    consider_reactors(&choices);
    for (guint i = 0; i < sim.events->len && choices.n < CHOICES; i++) {
        SimEvent *event = g_ptr_array_index(sim.events, i);

        if (event->due_ns <= sim.now_ns) {
            consider(&choices, CHOICE_EVENT, i, 1);
        }
    }
    if (!choices.n) {
        return pass_time();
    }
    sim.now_ns += 500;
    run_choice(choose(&choices));
    return true;
}

/* --- a run --------------------------------------------------------------- */

void sim_scheduler_init(void)
{
    sim.events = g_ptr_array_new();
    sim.now_ns = sim.start_ns = 1000000000;
    for (unsigned i = 0; i < SIM_REACTORS; i++) {
        reactor_enter(NULL);
        sim.reactors[i] = reactor_new_with(&sim_backend, NULL);
        assert(sim.reactors[i]);
    }
}

Reactor *sim_reactor_lend(void)
{
    for (unsigned i = SIM_GUESTS; i < SIM_REACTORS; i++) {
        if (!sim.lent[i]) {
            sim.lent[i] = true;
            return sim.reactors[i];
        }
    }
    return NULL;
}

/* Where a thread would end. */
static void thread_ends(void *opaque)
{
    Reactor *r = opaque;

    sim_check(reactor_is_idle(r), "reactor %u ends, but is not idle",
              reactor_index(r));
    sim.lent[reactor_index(r)] = false;
}

void sim_reactor_take_back(Reactor *r)
{
    reactor_post(r, thread_ends, r);
}

typedef struct Start {
    CoroutineEntry *entry;
    void *opaque;
} Start;

static void start_now(void *opaque)
{
    Start *start = opaque, copy = *start;

    g_free(start);
    coroutine_start(copy.entry, copy.opaque);
}

void sim_start(unsigned reactor, CoroutineEntry *entry, void *opaque)
{
    Start *start = g_new(Start, 1);

    *start = (Start){entry, opaque};
    reactor_post(sim.reactors[reactor], start_now, start);
}

typedef struct Run {
    const SimScenario *scenario;
    bool done;
} Run;

static void co_run(void *opaque)
{
    Run *run = opaque;

    run->scenario->co_run();
    run->done = true;
}

static void choose_weights(void)
{
    for (unsigned i = 0; i < SIM_REACTORS; i++) {
        sim.weight[i] = sim_percent(50) ? 8 : 1 << sim_below(7);
    }
}

static void check_end(void)
{
    sim_check(coroutine_count() == 0, "%zu coroutines are left",
              coroutine_count());
    sim_check(sim.events->len == 0, "%u operations are left", sim.events->len);
    for (unsigned i = 0; i < SIM_REACTORS; i++) {
        sim_check(reactor_is_idle(sim.reactors[i]),
                  "reactor %u has something left", i);
        sim_check(!sim.lent[i], "the thread of reactor %u is left", i);
    }
    sim_world_end();
    sim_sockets_end();
    sim_disks_end();
}

void sim_run(const SimScenario *scenario, uint64_t seed, bool print)
{
    Run run = {.scenario = scenario};
    uint64_t steps = 0;

    sim_rand_seed(seed);
    sim.start_ns = sim.now_ns;
    sim.numbers = 0;
    sim_trace_begin(scenario->name, seed, print);
    choose_weights();
    sim_world_begin();
    reactor_enter(sim.reactors[0]);
    sim_start(0, co_run, &run);
    while (step()) {
        sim_check(++steps < STEPS_MAX, "no end after %" PRIu64 " steps", steps);
    }
    reactor_enter(sim.reactors[0]);
    sim_check(run.done,
              "somebody waits and nothing will ever happen: %zu "
              "coroutines",
              coroutine_count());
    check_end();
}

/* --- groups -------------------------------------------------------------- */

void sim_group_init(SimGroup *group)
{
    *group = (SimGroup){0};
    coqueue_init(&group->changed);
}

typedef struct Member {
    SimGroup *group;
    CoroutineEntry *entry;
    void *opaque;
} Member;

static void member_gone(void *opaque)
{
    SimGroup *group = opaque;

    group->running--;
    coqueue_wake_all(&group->changed);
}

static void co_member(void *opaque)
{
    Member *member = opaque;

    member->entry(member->opaque);
    reactor_post(sim.reactors[0], member_gone, member->group);
    g_free(member);
}

void sim_group_start(SimGroup *group, unsigned reactor, CoroutineEntry *entry,
                     void *opaque)
{
    Member *member = g_new(Member, 1);

    *member = (Member){group, entry, opaque};
    group->running++;
    sim_start(reactor, co_member, member);
}

void co_sim_group_wait(SimGroup *group)
{
    while (group->running) {
        co_queue_wait(&group->changed);
    }
}

void co_sim_pause(void)
{
    co_sleep_ns(sim_below(200000));
}
