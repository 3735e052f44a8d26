/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads as objects: see iothread.h. */
#include "objects/iothread.h"

#include "objects/main-loop.h"
#include "qapi/qapi-commands.h"

/* What queries show of a thread that was made without options, as QEMU's. */
#define DEFAULT_POLL_MAX_NS 32768

typedef struct Iothread {
    /* CONST */
    ReactorThread *thread;
    /* CONTROL */
    int64_t poll_max_ns, poll_grow, poll_shrink;
    /* Told back, nothing more: a reactor hands over in one call all that a
     * turn has come up with. */
    int64_t aio_max_batch;
} Iothread;

static bool check_numbers(const IothreadProperties *o, Error **errp)
{
    int64_t min = o->has_thread_pool_min ? o->thread_pool_min : 0;
    int64_t max =
        o->has_thread_pool_max ? o->thread_pool_max : MAIN_LOOP_POOL_MAX;

    return main_loop_check_number("poll-max-ns", o->poll_max_ns, errp) &&
           main_loop_check_number("poll-grow", o->poll_grow, errp) &&
           main_loop_check_number("poll-shrink", o->poll_shrink, errp) &&
           main_loop_check_pool(o->aio_max_batch, min, max, errp);
}

static void take_numbers(Iothread *t, const IothreadProperties *o)
{
    t->poll_max_ns = o->has_poll_max_ns ? o->poll_max_ns : DEFAULT_POLL_MAX_NS;
    t->poll_grow = o->poll_grow;
    t->poll_shrink = o->poll_shrink;
    t->aio_max_batch = o->aio_max_batch;
    reactor_set_polling(reactor_thread_reactor(t->thread),
                        &(ReactorPolling){.max_ns = t->poll_max_ns,
                                          .grow = t->poll_grow,
                                          .shrink = t->poll_shrink});
}

static void *create_iothread(const ObjectOptions *options, Error **errp)
{
    const IothreadProperties *o = &options->u.iothread;
    g_autofree char *name = g_strdup_printf("IO %s", options->id);
    ReactorThread *thread;
    Iothread *t;

    if (!check_numbers(o, errp)) {
        return NULL;
    }
    thread = reactor_thread_start(name, REACTOR_AUTO, errp);
    if (!thread) {
        return NULL;
    }
    t = g_new0(Iothread, 1);
    t->thread = thread;
    take_numbers(t, o);
    return t;
}

static void complete_iothread(ObjectOptions *options)
{
    IothreadProperties *o = &options->u.iothread;

    if (!o->has_poll_max_ns) {
        o->poll_max_ns = DEFAULT_POLL_MAX_NS;
    }
    if (!o->has_thread_pool_max) {
        o->thread_pool_max = MAIN_LOOP_POOL_MAX;
    }
    o->has_poll_max_ns = o->has_poll_grow = o->has_poll_shrink = true;
    o->has_aio_max_batch = true;
    o->has_thread_pool_min = o->has_thread_pool_max = true;
}

static bool change_iothread(Object *object, const ObjectOptions *options,
                            Error **errp)
{
    if (!check_numbers(&options->u.iothread, errp)) {
        return false;
    }
    take_numbers(object->state, &options->u.iothread);
    return true;
}

static void free_iothread(void *state)
{
    Iothread *t = state;

    reactor_thread_stop(t->thread);
    g_free(t);
}

static const ObjectProperty properties[] = {
    {"thread-pool-min", "int", PROPERTY_CHANGES},
    {"aio-max-batch", "int", PROPERTY_CHANGES},
    {"thread-pool-max", "int", PROPERTY_CHANGES},
    {"poll-max-ns", "int", PROPERTY_CHANGES},
    {"poll-grow", "int", PROPERTY_CHANGES},
    {"poll-shrink", "int", PROPERTY_CHANGES},
    {}};

const ObjectClass object_iothread = {
    .type = OBJECT_TYPE_IOTHREAD,
    .co_create = create_iothread,
    .co_free = free_iothread,
    .properties = properties,
    .complete = complete_iothread,
    .change = change_iothread,
};

Object *iothread_find(const char *id, Error **errp)
{
    Object *object = object_find(id);

    if (!object || object->class != &object_iothread) {
        error_set(errp, "iothread \"%s\" not found", id);
        return NULL;
    }
    return object;
}

Reactor *iothread_reactor(const Object *iothread)
{
    return reactor_thread_reactor(((const Iothread *)iothread->state)->thread);
}

static IOThreadInfo *iothread_info(const Object *object)
{
    const Iothread *t = object->state;
    IOThreadInfo *info = g_new0(IOThreadInfo, 1);

    info->id = g_strdup(object->id);
    info->thread_id = reactor_thread_id(t->thread);
    info->poll_max_ns = t->poll_max_ns;
    info->poll_grow = t->poll_grow;
    info->poll_shrink = t->poll_shrink;
    info->aio_max_batch = t->aio_max_batch;
    return info;
}

IOThreadInfoList *qmp_query_iothreads(Error **errp)
{
    IOThreadInfoList *list = IOThreadInfoList_new();

    for (Object *o = object_next(NULL); o; o = object_next(o)) {
        if (o->class == &object_iothread) {
            IOThreadInfoList_append(list, iothread_info(o));
        }
    }
    return list;
}
