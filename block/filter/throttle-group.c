/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of throttled nodes: whose turn it is. Invariants: see the header. */
#include "block/filter/throttle-group.h"

#include "util/reactor/virtual-clock.h"

struct ThrottleGroup {
    /* CONTROL */
    ThrottleBuckets buckets;
    ListLink members; /* ThrottleMember */
    bool turn_taken[THROTTLE_DIRECTIONS];
};

/* A request in a member's line, on its own stack. */
typedef struct Waiter {
    ListLink link;
    CoQueue queue;
    bool has_turn;
} Waiter;

/* --- the object ---------------------------------------------------------- */

#define FOLD(what)                   \
    do {                             \
        if (p->has_x_##what) {       \
            l->has_##what = true;    \
            l->what = p->x_##what;   \
            p->has_x_##what = false; \
            p->x_##what = 0;         \
        }                            \
    } while (0)

/* The limits that were given one by one, which is how option strings have
 * them, become part of the others. */
static void fold_limits(ThrottleGroupProperties *p)
{
    ThrottleLimits *l;

    if (!p->limits) {
        p->limits = ThrottleLimits_new();
    }
    l = p->limits;
    FOLD(iops_total);
    FOLD(iops_total_max);
    FOLD(iops_total_max_length);
    FOLD(iops_read);
    FOLD(iops_read_max);
    FOLD(iops_read_max_length);
    FOLD(iops_write);
    FOLD(iops_write_max);
    FOLD(iops_write_max_length);
    FOLD(bps_total);
    FOLD(bps_total_max);
    FOLD(bps_total_max_length);
    FOLD(bps_read);
    FOLD(bps_read_max);
    FOLD(bps_read_max_length);
    FOLD(bps_write);
    FOLD(bps_write_max);
    FOLD(bps_write_max_length);
    FOLD(iops_size);
}

#undef FOLD

#define NOT_NEGATIVE(what) (!p->has_x_##what || p->x_##what >= 0)

/* Of limits that are properties by themselves. */
static bool signs_ok(const ThrottleGroupProperties *p, Error **errp)
{
    if (NOT_NEGATIVE(iops_total) && NOT_NEGATIVE(iops_read) &&
        NOT_NEGATIVE(iops_write) && NOT_NEGATIVE(bps_total) &&
        NOT_NEGATIVE(bps_read) && NOT_NEGATIVE(bps_write) &&
        NOT_NEGATIVE(iops_total_max) && NOT_NEGATIVE(iops_read_max) &&
        NOT_NEGATIVE(iops_write_max) && NOT_NEGATIVE(bps_total_max) &&
        NOT_NEGATIVE(bps_read_max) && NOT_NEGATIVE(bps_write_max) &&
        NOT_NEGATIVE(iops_total_max_length) &&
        NOT_NEGATIVE(iops_read_max_length) &&
        NOT_NEGATIVE(iops_write_max_length) &&
        NOT_NEGATIVE(bps_total_max_length) &&
        NOT_NEGATIVE(bps_read_max_length) &&
        NOT_NEGATIVE(bps_write_max_length) && NOT_NEGATIVE(iops_size)) {
        return true;
    }
    error_set(errp, "Property values cannot be negative");
    return false;
}

#undef NOT_NEGATIVE

static void *create_group(const ObjectOptions *options, Error **errp)
{
    ThrottleGroup *group;
    ObjectOptions *copy;
    bool ok;

    if (!signs_ok(&options->u.throttle_group, errp)) {
        return NULL;
    }
    group = g_new0(ThrottleGroup, 1);
    copy = ObjectOptions_clone(options);
    fold_limits(&copy->u.throttle_group);
    list_init(&group->members);
    ok = throttle_buckets_init(&group->buckets, copy->u.throttle_group.limits,
                               errp);
    ObjectOptions_free(copy);
    if (!ok) {
        g_free(group);
        return NULL;
    }
    group->buckets.leaked_ns = vclock_now_ns();
    return group;
}

static void free_group(void *state)
{
    ThrottleGroup *group = state;

    assert(list_empty(&group->members));
    g_free(group);
}

#define COMPLETE(l, what)                               \
    do {                                                \
        if (!(l)->has_##what##_max_length) {            \
            (l)->what##_max_length = 1;                 \
        }                                               \
        (l)->has_##what = (l)->has_##what##_max = true; \
        (l)->has_##what##_max_length = true;            \
    } while (0)

static void complete_group(ObjectOptions *options)
{
    ThrottleLimits *l;

    fold_limits(&options->u.throttle_group);
    l = options->u.throttle_group.limits;
    COMPLETE(l, iops_total);
    COMPLETE(l, iops_read);
    COMPLETE(l, iops_write);
    COMPLETE(l, bps_total);
    COMPLETE(l, bps_read);
    COMPLETE(l, bps_write);
    l->has_iops_size = true;
}

/* The new limits count from now on; who sleeps asks again how long. */
static bool change_group(Object *object, const ObjectOptions *options,
                         Error **errp)
{
    ThrottleGroup *group = object->state;
    ThrottleBuckets buckets;

    if (!throttle_buckets_init(&buckets, options->u.throttle_group.limits,
                               errp)) {
        return false;
    }
    buckets.leaked_ns = vclock_now_ns();
    group->buckets = buckets;
    LIST_FOREACH(member, &group->members, ThrottleMember, link) {
        coqueue_wake_all(&member->sleeping);
    }
    return true;
}

#define LIMIT(name)                           \
    {                                         \
        name, "int", PROPERTY_FIXED, "limits" \
    }

static const ObjectProperty properties[] = {
    LIMIT("x-bps-write-max-length"),
    LIMIT("x-iops-total-max-length"),
    LIMIT("x-iops-size"),
    {"limits", "ThrottleLimits", PROPERTY_CHANGES},
    LIMIT("x-bps-total"),
    LIMIT("x-iops-read-max-length"),
    LIMIT("x-bps-write"),
    LIMIT("x-iops-write-max-length"),
    LIMIT("x-bps-read-max"),
    LIMIT("x-iops-read-max"),
    LIMIT("x-bps-total-max"),
    LIMIT("x-bps-read-max-length"),
    LIMIT("x-iops-read"),
    LIMIT("x-bps-read"),
    LIMIT("x-bps-write-max"),
    LIMIT("x-iops-total-max"),
    LIMIT("x-iops-total"),
    LIMIT("x-iops-write"),
    LIMIT("x-bps-total-max-length"),
    LIMIT("x-iops-write-max"),
    {}};

const ObjectClass object_throttle_group = {
    .type = OBJECT_TYPE_THROTTLE_GROUP,
    .co_create = create_group,
    .co_free = free_group,
    .properties = properties,
    .complete = complete_group,
    .change = change_group,
};

Object *throttle_group_find(const char *name, Error **errp)
{
    Object *object = object_find(name);

    if (!object || object->class != &object_throttle_group) {
        error_set(errp, "Throttle group '%s' does not exist", name);
        return NULL;
    }
    return object;
}

/* --- members ------------------------------------------------------------- */

void throttle_member_init(ThrottleMember *member, bool (*hurried)(void *opaque),
                          void *opaque)
{
    for (size_t i = 0; i < THROTTLE_DIRECTIONS; i++) {
        list_init(&member->waiting[i]);
    }
    coqueue_init(&member->sleeping);
    member->hurried = hurried;
    member->opaque = opaque;
}

static void leave(ThrottleMember *member)
{
    for (size_t i = 0; i < THROTTLE_DIRECTIONS; i++) {
        assert(list_empty(&member->waiting[i]));
    }
    list_remove(&member->link);
    member->object->users--;
    member->object = NULL;
    member->group = NULL;
}

void throttle_member_join(ThrottleMember *member, Object *group)
{
    if (member->group) {
        leave(member);
    }
    if (group) {
        member->object = group;
        member->group = group->state;
        group->users++;
        list_append(&member->group->members, &member->link);
    }
}

/* --- turns --------------------------------------------------------------- */

/* The first waiter of the next member that has any, beginning behind @last. */
static Waiter *next_waiter(ThrottleGroup *group, ThrottleMember *last,
                           ThrottleDirection direction)
{
    ListLink *at = &last->link;

    do {
        at = at->next;
        if (at != &group->members) {
            ThrottleMember *m = LIST_ENTRY(at, ThrottleMember, link);
            ListLink *first = list_pop(&m->waiting[direction]);

            if (first) {
                return LIST_ENTRY(first, Waiter, link);
            }
        }
    } while (at != &last->link);
    return NULL;
}

static void pass_turn_on(ThrottleMember *member, ThrottleDirection direction)
{
    ThrottleGroup *group = member->group;
    Waiter *next = next_waiter(group, member, direction);

    group->turn_taken[direction] = next != NULL;
    if (next) {
        next->has_turn = true;
        coqueue_wake_one(&next->queue);
    }
}

/* Waits in the member's line; true: it has the turn now, false: it is hurried
 * and goes without. */
COROUTINE_ONLY
static bool co_wait_in_line(ThrottleMember *member, ThrottleDirection direction)
{
    Waiter waiter = {.has_turn = false};

    coqueue_init(&waiter.queue);
    list_append(&member->waiting[direction], &waiter.link);
    while (!waiter.has_turn && !member->hurried(member->opaque)) {
        co_queue_wait(&waiter.queue);
    }
    if (!waiter.has_turn) {
        list_remove(&waiter.link);
    }
    return waiter.has_turn;
}

/* The one that has the turn sleeps until there is room. */
COROUTINE_ONLY CONTROL_ONLY static void
co_wait_for_room(ThrottleMember *member, ThrottleDirection direction)
{
    while (!member->hurried(member->opaque)) {
        int64_t now_ns = vclock_now_ns();
        int64_t delay_ns =
            throttle_delay_ns(&member->group->buckets, direction, now_ns);

        if (!delay_ns) {
            return;
        }
        co_vclock_wait_until(&member->sleeping, now_ns + delay_ns);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void
co_admit_on_control(ThrottleMember *member, ThrottleDirection direction,
                    uint64_t bytes)
{
    ThrottleGroup *group = member->group;
    bool mine = !group->turn_taken[direction];

    if (mine) {
        group->turn_taken[direction] = true;
    } else {
        mine = co_wait_in_line(member, direction);
    }
    if (mine) {
        co_wait_for_room(member, direction);
    }
    throttle_account(&group->buckets, direction, bytes);
    if (mine) {
        pass_turn_on(member, direction);
    }
}

typedef struct Admission {
    ThrottleMember *member;
    ThrottleDirection direction;
    uint64_t bytes;
} Admission;

COROUTINE_ONLY CONTROL_ONLY static void admission_entry(void *opaque)
{
    Admission *a = opaque;

    co_admit_on_control(a->member, a->direction, a->bytes);
}

void co_throttle_admit(ThrottleMember *member, ThrottleDirection direction,
                       uint64_t bytes)
{
    Admission a = {member, direction, bytes};

    if (LIKELY(reactor_current() == reactor_control())) {
        control_assert();
        admission_entry(&a);
    } else {
        co_reactor_call(reactor_control(), admission_entry, &a);
    }
}

void throttle_member_hurry(ThrottleMember *member)
{
    for (size_t i = 0; i < THROTTLE_DIRECTIONS; i++) {
        LIST_FOREACH(waiter, &member->waiting[i], Waiter, link) {
            coqueue_wake_one(&waiter->queue);
        }
    }
    coqueue_wake_all(&member->sleeping);
}
