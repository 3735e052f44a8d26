/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a blkdebug node.
 *
 *   an error: waiting --its event, in its state--> active --once--> gone
 *                ^------another event activates errors---'
 *
 * Invariants:
 * 1. Errors that are active at a time came with the same event.
 * 2. All rules of an event see the state that was before it.
 */
#include "block/filter/blkdebug-rules.h"

#define ANY_SECTOR (-1)

typedef struct Inject {
    BlkdebugEvent event;
    int64_t state;  /* 0: any */
    unsigned types; /* mask of BlkdebugIOType */
    int error;      /* 0: the request goes on; < 0: it does nothing, well */
    int64_t sector; /* of 512 bytes, or ANY_SECTOR */
    bool once, immediately;
    bool active;
} Inject;

typedef struct SetState {
    BlkdebugEvent event;
    int64_t state; /* 0: any */
    int64_t new_state;
} SetState;

struct BlkdebugRules {
    GArray *injects;    /* Inject, in the order given */
    GArray *set_states; /* SetState */
    int64_t state;
};

static void add_inject(BlkdebugRules *rules,
                       const BlkdebugInjectErrorOptions *o)
{
    Inject inject = {
        .event = o->event,
        .state = o->has_state ? o->state : 0,
        .error = o->has_errno ? (int)CLAMP(o->q_errno, -INT_MAX, INT_MAX) : EIO,
        .sector = o->has_sector ? o->sector : ANY_SECTOR,
        .once = o->has_once && o->once,
        .immediately = o->has_immediately && o->immediately,
        /* Where data lies is asked for by the program itself: only on
         * request. */
        .types = o->has_iotype ? 1u << o->iotype
                               : ~(1u << BLKDEBUG_IO_TYPE_BLOCK_STATUS),
    };

    g_array_append_val(rules->injects, inject);
}

static void add_set_state(BlkdebugRules *rules,
                          const BlkdebugSetStateOptions *o)
{
    SetState set = {
        .event = o->event,
        .state = o->has_state ? o->state : 0,
        .new_state = o->new_state,
    };

    g_array_append_val(rules->set_states, set);
}

BlkdebugRules *blkdebug_rules_new(void)
{
    BlkdebugRules *rules = g_new0(BlkdebugRules, 1);

    rules->injects = g_array_new(false, true, sizeof(Inject));
    rules->set_states = g_array_new(false, true, sizeof(SetState));
    rules->state = 1;
    return rules;
}

void blkdebug_rules_add(BlkdebugRules *rules,
                        const BlockdevOptionsBlkdebug *options)
{
    for (size_t i = 0; options->inject_error && i < options->inject_error->n;
         i++) {
        add_inject(rules, options->inject_error->v[i]);
    }
    for (size_t i = 0; options->set_state && i < options->set_state->n; i++) {
        add_set_state(rules, options->set_state->v[i]);
    }
}

void blkdebug_rules_free(BlkdebugRules *rules)
{
    g_array_free(rules->injects, true);
    g_array_free(rules->set_states, true);
    g_free(rules);
}

static bool fits(const BlkdebugRules *rules, BlkdebugEvent event,
                 BlkdebugEvent rule_event, int64_t rule_state)
{
    return rule_event == event && (!rule_state || rule_state == rules->state);
}

static void deactivate_all(BlkdebugRules *rules)
{
    for (guint i = 0; i < rules->injects->len; i++) {
        g_array_index(rules->injects, Inject, i).active = false;
    }
}

void blkdebug_rules_event(BlkdebugRules *rules, BlkdebugEvent event)
{
    int64_t new_state = rules->state;
    bool first = true;

    for (guint i = 0; i < rules->injects->len; i++) {
        Inject *inject = &g_array_index(rules->injects, Inject, i);

        if (fits(rules, event, inject->event, inject->state)) {
            if (first) {
                deactivate_all(rules);
                first = false;
            }
            inject->active = true;
        }
    }
    for (guint i = 0; i < rules->set_states->len; i++) {
        const SetState *set = &g_array_index(rules->set_states, SetState, i);

        if (fits(rules, event, set->event, set->state)) {
            new_state = set->new_state;
        }
    }
    rules->state = new_state;
}

static bool meets(const Inject *inject, BlkdebugIOType type,
                  uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t at;

    if (!inject->active || !(inject->types & (1u << type))) {
        return false;
    }
    if (inject->sector == ANY_SECTOR) {
        return true;
    }
    if (inject->sector < 0 || inject->sector > INT64_MAX / 512) {
        return false;
    }
    at = (uint64_t)inject->sector * 512;
    return at >= offset_bytes && at - offset_bytes < bytes;
}

int blkdebug_rules_check(BlkdebugRules *rules, BlkdebugIOType type,
                         uint64_t offset_bytes, uint64_t bytes,
                         bool *immediately)
{
    for (guint i = 0; i < rules->injects->len; i++) {
        Inject inject = g_array_index(rules->injects, Inject, i);

        if (meets(&inject, type, offset_bytes, bytes)) {
            *immediately = inject.immediately;
            if (inject.once) {
                g_array_remove_index(rules->injects, i);
            }
            return -inject.error;
        }
    }
    return 0;
}
