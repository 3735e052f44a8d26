/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Invariant: there is at most one main-loop, from when it was made to the end
 * of the program.
 */
#include "objects/main-loop.h"

static bool made;

bool main_loop_check_number(const char *name, int64_t value, Error **errp)
{
    if (value < 0) {
        error_set(errp, "%s value must be in range [0, %" PRId64 "]", name,
                  INT64_MAX);
        return false;
    }
    return true;
}

bool main_loop_check_pool(int64_t batch, int64_t min, int64_t max, Error **errp)
{
    if (!main_loop_check_number("aio-max-batch", batch, errp) ||
        !main_loop_check_number("thread-pool-min", min, errp) ||
        !main_loop_check_number("thread-pool-max", max, errp)) {
        return false;
    }
    if (min > max || !max || max > INT_MAX) {
        error_set(errp, "bad thread-pool-min/thread-pool-max values");
        return false;
    }
    return true;
}

static bool check(const MainLoopProperties *o, Error **errp)
{
    return main_loop_check_pool(
        o->has_aio_max_batch ? o->aio_max_batch : 0,
        o->has_thread_pool_min ? o->thread_pool_min : 0,
        o->has_thread_pool_max ? o->thread_pool_max : MAIN_LOOP_POOL_MAX, errp);
}

static void *create_main_loop(const ObjectOptions *options, Error **errp)
{
    if (!check(&options->u.main_loop, errp)) {
        return NULL;
    }
    if (made) {
        error_set(errp, "only one main-loop instance allowed");
        return NULL;
    }
    made = true;
    return &made;
}

static void free_main_loop(void *state)
{
    made = false;
}

static void complete_main_loop(ObjectOptions *options)
{
    MainLoopProperties *o = &options->u.main_loop;

    if (!o->has_thread_pool_max) {
        o->thread_pool_max = MAIN_LOOP_POOL_MAX;
    }
    o->has_aio_max_batch = true;
    o->has_thread_pool_min = o->has_thread_pool_max = true;
}

static bool change_main_loop(Object *object, const ObjectOptions *options,
                             Error **errp)
{
    return check(&options->u.main_loop, errp);
}

static const ObjectProperty properties[] = {
    {"thread-pool-min", "int", PROPERTY_CHANGES},
    {"aio-max-batch", "int", PROPERTY_CHANGES},
    {"thread-pool-max", "int", PROPERTY_CHANGES},
    {}};

const ObjectClass object_main_loop = {
    .type = OBJECT_TYPE_MAIN_LOOP,
    .stays = true,
    .co_create = create_main_loop,
    .co_free = free_main_loop,
    .properties = properties,
    .complete = complete_main_loop,
    .change = change_main_loop,
};
