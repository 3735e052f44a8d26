/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of back ends at work. A group is an object of the kind throttle-group:
 * one that a user made, or one that is made here for a name that has none and
 * goes with its last member.
 */
#include "block/backend/io-limits.h"

#include "block/backend/backend-int.h"
#include "objects/object.h"
#include "qapi/qapi-commands.h"

/* CONTROL */
static GPtrArray *own_groups; /* Object *, made here */

static bool any_limit(const ThrottleLimits *l)
{
    return l->iops_total || l->iops_read || l->iops_write || l->bps_total ||
           l->bps_read || l->bps_write;
}

CONTROL_ONLY
static Object *find_group(const char *name)
{
    Object *object = object_find(name);

    if (object && object->class == &object_throttle_group) {
        return object;
    }
    for (guint i = 0; own_groups && i < own_groups->len; i++) {
        object = own_groups->pdata[i];
        if (!strcmp(object->id, name)) {
            return object;
        }
    }
    return NULL;
}

static ObjectOptions *group_options(const char *name,
                                    const ThrottleLimits *limits)
{
    ObjectOptions *options = g_new0(ObjectOptions, 1);

    options->qom_type = OBJECT_TYPE_THROTTLE_GROUP;
    options->id = g_strdup(name);
    options->u.throttle_group.limits = ThrottleLimits_clone(limits);
    return options;
}

CONTROL_ONLY
static Object *make_group(const char *name)
{
    Object *object = g_new0(Object, 1);

    object->class = &object_throttle_group;
    object->id = g_strdup(name);
    object->options = g_new0(ObjectOptions, 1);
    object->options->qom_type = OBJECT_TYPE_THROTTLE_GROUP;
    object->options->id = g_strdup(name);
    object->state = object->class->co_create(object->options, NULL);
    if (!own_groups) {
        own_groups = g_ptr_array_new();
    }
    g_ptr_array_add(own_groups, object);
    return object;
}

CONTROL_ONLY
static void drop_group(Object *object)
{
    if (object->users || !own_groups ||
        !g_ptr_array_remove(own_groups, object)) {
        return;
    }
    object->class->co_free(object->state);
    ObjectOptions_free(object->options);
    g_free(object->id);
    g_free(object);
    if (!own_groups->len) {
        g_ptr_array_unref(own_groups);
        own_groups = NULL;
    }
}

CONTROL_ONLY
static bool set_limits(Object *object, const ThrottleLimits *limits,
                       Error **errp)
{
    ObjectOptions *options = group_options(object->id, limits);

    if (!object->class->change(object, options, errp)) {
        ObjectOptions_free(options);
        return false;
    }
    ObjectOptions_free(object->options);
    object->options = options;
    return true;
}

CONTROL_ONLY
static void leave_group(Backend *backend)
{
    Object *object = backend->limits.object;

    if (object) {
        throttle_member_join(&backend->limits, NULL);
        drop_group(object);
    }
}

void backend_limits_drop(Backend *backend)
{
    throttle_member_hurry(&backend->limits);
    leave_group(backend);
}

bool backend_limits_set(Backend *backend, const ThrottleLimits *limits,
                        const char *group, Error **errp)
{
    Object *object = backend->limits.object;
    ThrottleBuckets buckets;

    if (!throttle_buckets_init(&buckets, limits, errp)) {
        return false;
    }
    if (!any_limit(limits)) {
        throttle_member_hurry(&backend->limits);
        leave_group(backend);
        return true;
    }
    if (!object || (group && strcmp(object->id, group))) {
        g_autofree char *path = backend_device_path(backend);
        const char *name = group ? group : backend->name ? backend->name : path;

        object = find_group(name);
        object = object ? object : make_group(name);
        object->users++;
        leave_group(backend);
        object->users--;
        throttle_member_join(&backend->limits, object);
    }
    return set_limits(object, limits, errp);
}

/* --- what is shown ------------------------------------------------------- */

#define SHOW(from, to)                                             \
    do {                                                           \
        info->to = l->from;                                        \
        info->has_##to##_max = l->from##_max != 0;                 \
        info->to##_max = l->from##_max;                            \
        info->has_##to##_max_length = l->from##_max != 0;          \
        info->to##_max_length =                                    \
            l->has_##from##_max_length ? l->from##_max_length : 1; \
    } while (0)

void backend_limits_show(const Backend *backend, BlockDeviceInfo *info)
{
    const Object *object = backend->limits.object;
    const ThrottleLimits *l =
        object ? object->options->u.throttle_group.limits : NULL;

    if (!l) {
        return;
    }
    SHOW(bps_total, bps);
    SHOW(bps_read, bps_rd);
    SHOW(bps_write, bps_wr);
    SHOW(iops_total, iops);
    SHOW(iops_read, iops_rd);
    SHOW(iops_write, iops_wr);
    info->has_iops_size = l->iops_size != 0;
    info->iops_size = l->iops_size;
    info->group = g_strdup(object->id);
}

/* --- the command --------------------------------------------------------- */

#define TAKE(from, to)                                             \
    do {                                                           \
        limits.has_##to = true;                                    \
        limits.to = a->from;                                       \
        limits.has_##to##_max = a->has_##from##_max;               \
        limits.to##_max = a->has_##from##_max ? a->from##_max : 0; \
        limits.has_##to##_max_length = a->has_##from##_max_length; \
        limits.to##_max_length =                                   \
            a->has_##from##_max_length ? a->from##_max_length : 1; \
    } while (0)

bool qmp_block_set_io_throttle(const BlockIOThrottle *a, Error **errp)
{
    Backend *backend = backend_lookup(a->device, a->id, errp);
    ThrottleLimits limits = {0};

    if (!backend) {
        return false;
    }
    if (!backend_node(backend)) {
        error_set(errp, "Device has no medium");
        return false;
    }
    TAKE(bps, bps_total);
    TAKE(bps_rd, bps_read);
    TAKE(bps_wr, bps_write);
    TAKE(iops, iops_total);
    TAKE(iops_rd, iops_read);
    TAKE(iops_wr, iops_write);
    limits.has_iops_size = a->has_iops_size;
    limits.iops_size = a->has_iops_size ? a->iops_size : 0;
    return backend_limits_set(backend, &limits, a->group, errp);
}
