/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bound on what a copy-before-write filter fills of its target: its
 * options, the event when little is left, and what queries tell. What happens
 * at the bound is the copy engine's (block/copy/space.c): a copy fails with
 * ENOSPC, or waits for room as long as copies may take.
 */
#include "block/filter/cbw-int.h"
#include "qapi/qapi-events.h"
#include "qapi/qapi-types.h"

/* Of the cap, where no low-water mark is given. */
#define LOW_WATER_PART 8

static bool waits(const BlockdevOptionsCbw *o)
{
    return o->has_on_space_full && o->on_space_full == ON_CBW_SPACE_FULL_WAIT;
}

bool cbw_check_space(const CbwState *s, const BlockdevOptionsCbw *o,
                     Error **errp)
{
    const char *lone = o->has_space_low_water ? "space-low-water"
                       : o->has_on_space_full ? "on-space-full"
                                              : NULL;

    if (!o->has_space_cap && lone) {
        error_set(errp, "Option '%s' needs 'space-cap'", lone);
        return false;
    }
    if (o->has_space_low_water && o->space_low_water >= o->space_cap) {
        error_set(errp, "space-low-water must be less than space-cap");
        return false;
    }
    if (waits(o) && !s->timeout_ns) {
        error_set(errp, "on-space-full 'wait' needs a cbw-timeout");
        return false;
    }
    return true;
}

CONTROL_ONLY
static void tell_low(void *opaque, uint64_t used_bytes)
{
    const Node *filter = opaque;
    const CbwState *s = filter->state;
    QapiEventBlockSnapshotSpaceLow event = {
        .node_name = (char *)node_name(filter),
        .used = used_bytes,
        .space_cap = s->space_cap_bytes,
    };

    qapi_event_block_snapshot_space_low(&event);
}

bool cbw_set_space(Node *filter, const BlockdevOptionsCbw *o, Error **errp)
{
    CbwState *s = filter->state;
    BlockCopySpaceOptions options = {
        .cap_bytes = o->space_cap,
        .low_water_bytes = o->has_space_low_water
                               ? o->space_low_water
                               : o->space_cap / LOW_WATER_PART,
        .wait = waits(o),
        .low = tell_low,
        .opaque = filter,
    };

    if (!o->has_space_cap) {
        return true;
    }
    if (o->space_cap < block_copy_cluster_bytes(s->copy)) {
        error_set(errp,
                  "space-cap must be at least one cluster (%" PRIu64 " bytes)",
                  block_copy_cluster_bytes(s->copy));
        return false;
    }
    s->space_cap_bytes = o->space_cap;
    block_copy_set_space(s->copy, &options);
    return true;
}

bool cbw_space_is_cause(const CbwState *s, int error)
{
    return error == -ENOSPC && block_copy_space_is_full(s->copy);
}

bool cbw_snapshot_space(const Node *node, uint64_t *used_bytes)
{
    const CbwState *s = node->state;

    *used_bytes = block_copy_space_used(s->copy);
    return s->space_cap_bytes != 0;
}
