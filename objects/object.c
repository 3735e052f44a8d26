/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry of objects. Invariants: see object.h.
 */
#include "objects/object.h"

#include "qapi/qapi-commands.h"
#include "util/id.h"

static ListLink objects = LIST_INIT(objects);

Object *object_find(const char *id)
{
    LIST_FOREACH(obj, &objects, Object, link) {
        if (!strcmp(obj->id, id)) {
            return obj;
        }
    }
    return NULL;
}

Object *object_next(const Object *object)
{
    ListLink *next = object ? object->link.prev : objects.prev;

    return next == &objects ? NULL : LIST_ENTRY(next, Object, link);
}

static bool check_free(const char *id, Error **errp)
{
    if (object_find(id) || !strcmp(id, "type")) {
        error_set(errp,
                  "attempt to add duplicate property '%s' to object (type "
                  "'container')",
                  id);
        return false;
    }
    return true;
}

void object_complete_text(char **text)
{
    if (!*text) {
        *text = g_strdup("");
    }
}

bool co_object_add(const ObjectOptions *options, Error **errp)
{
    const ObjectClass *class = object_class_find(options->qom_type);
    Object *obj;
    void *state;

    if (!id_check(options->id, errp) || !check_free(options->id, errp)) {
        return false;
    }
    state = class->co_create(options, errp);
    if (!state) {
        return false;
    }
    /* Another may have come while this one was made. */
    if (!check_free(options->id, errp)) {
        class->co_free(state);
        return false;
    }
    obj = g_new0(Object, 1);
    obj->class = class;
    obj->id = g_strdup(options->id);
    obj->state = state;
    obj->options = ObjectOptions_clone(options);
    if (class->complete) {
        class->complete(obj->options);
    }
    list_prepend(&objects, &obj->link);
    return true;
}

/* Takes it out of the list; its last holder frees it. */
static void co_remove(Object *obj)
{
    if (list_linked(&obj->link)) {
        list_remove(&obj->link);
    }
    if (obj->holders) {
        return;
    }
    obj->class->co_free(obj->state);
    ObjectOptions_free(obj->options);
    g_free(obj->id);
    g_free(obj);
}

void object_hold(Object *object)
{
    object->holders++;
}

void co_object_release(Object *object)
{
    if (!--object->holders && !list_linked(&object->link)) {
        co_remove(object);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool co_object_del(const char *id,
                                                      Error **errp)
{
    Object *obj = object_find(id);

    if (!obj) {
        error_set(errp, "object '%s' not found", id);
        return false;
    }
    if (obj->users || obj->class->stays) {
        error_set(errp, "object '%s' is in use, can not be deleted", id);
        return false;
    }
    co_remove(obj);
    return true;
}

static Object *first_unused(void)
{
    LIST_FOREACH(obj, &objects, Object, link) {
        if (!obj->users) {
            return obj;
        }
    }
    return NULL;
}

void co_objects_free(void)
{
    Object *obj;

    while ((obj = first_unused())) {
        co_remove(obj);
    }
}

/* --- QMP ----------------------------------------------------------------- */

bool qmp_object_add(const ObjectOptions *args, Error **errp)
{
    return co_object_add(args, errp);
}

bool qmp_object_del(const QmpObjectDelArgs *args, Error **errp)
{
    return co_object_del(args->id, errp);
}
