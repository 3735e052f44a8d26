/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * throttle-group objects: limits that several nodes share.
 *
 *   request: room and nobody waits -> goes
 *            else waits in its member's line --its turn--> sleeps until there
 *            is room -> goes -> the turn is the next member's that has a line
 *
 * Invariants:
 * 1. At most one request of a direction has the turn; who has it is the only
 *    one that sleeps.
 * 2. Members that have a line take turns, one request each.
 * 3. Nobody waits below a root that is to be still: a quiesced section must
 *    not take as long as a limit likes.
 * The group's state belongs to the control thread; requests of other reactors
 * come by message.
 */
#ifndef BLOCK_FILTER_THROTTLE_GROUP_H
#define BLOCK_FILTER_THROTTLE_GROUP_H

#include "block/filter/throttle-limits.h"
#include "objects/object.h"
#include "util/coroutine/sync.h"

extern const ObjectClass object_throttle_group;

typedef struct ThrottleGroup ThrottleGroup;

/* One node of a group. */
typedef struct ThrottleMember {
    /* CONTROL */
    ThrottleGroup *group;
    Object *object; /* the group's: it stays while it has members */
    ListLink link;
    ListLink waiting[THROTTLE_DIRECTIONS];
    CoQueue sleeping;
    /* True while requests must not wait (invariant 3). */
    bool (*hurried)(void *opaque);
    void *opaque;
} ThrottleMember;

/* The object of the group called @name; NULL with @errp. */
Object *throttle_group_find(const char *name, Error **errp) CONTROL_ONLY;

/* Zeroed memory becomes a member of no group. */
void throttle_member_init(ThrottleMember *member, bool (*hurried)(void *opaque),
                          void *opaque);
/* While it has no requests; NULL: of no group any more. */
void throttle_member_join(ThrottleMember *member, Object *group) CONTROL_ONLY;
/* Returns when a request of @bytes may go. Any reactor. */
void co_throttle_admit(ThrottleMember *member, ThrottleDirection direction,
                       uint64_t bytes) COROUTINE_ONLY;
/* The program ends: from now on no request waits for any limit. */
void throttle_release_all(void) CONTROL_ONLY;
/* It is hurried now: those that wait go. */
void throttle_member_hurry(ThrottleMember *member) CONTROL_ONLY;

#endif
