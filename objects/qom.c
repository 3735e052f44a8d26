/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qom-list, qom-get, qom-set: properties of objects. Values are those of the
 * object's options in JSON; a new one is read with the others, so that the
 * schema checks it.
 */
#include "objects/qom-path.h"
#include "objects/qom-types.h"
#include "qapi/qapi-commands.h"

static void not_found(const char *path, Error **errp)
{
    error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                    path);
}

static void property_error(const QomPlace *place, const char *name,
                           const char *what, Error **errp)
{
    error_set(errp, "Property '%s.%s' %s", qom_place_type(place), name, what);
}

static const ObjectProperty *find_property(const QomPlace *place,
                                           const char *name)
{
    if (place->kind == QOM_OBJECT) {
        const ObjectProperty *p = place->object->class->properties;

        for (; p->name; p++) {
            if (!strcmp(p->name, name)) {
                return p;
            }
        }
    }
    return NULL;
}

/* --- qom-list ------------------------------------------------------------ */

CONTROL_ONLY
static void add_other(ObjectPropertyInfoList *list)
{
    g_autofree char *path = g_strconcat("/", qom_other_child(), NULL);
    g_autofree char *type = NULL;
    QomPlace place;

    if (qom_path_resolve(path, &place)) {
        type = g_strdup_printf("child<%s>", qom_place_type(&place));
        qom_info_add(list, qom_other_child(), type);
    }
}

CONTROL_ONLY
static ObjectPropertyInfoList *list_container(const QomPlace *place)
{
    ObjectPropertyInfoList *list = qom_class_properties(NULL);

    if (place->kind == QOM_ROOT) {
        qom_info_add(list, "objects", "child<container>");
        if (qom_other_child()) {
            add_other(list);
        }
        return list;
    }
    if (place->kind == QOM_NODE) {
        place->ops->list(place->opaque, list);
        return list;
    }
    for (Object *o = object_next(NULL); o; o = object_next(o)) {
        g_autofree char *type =
            g_strdup_printf("child<%s>", ObjectType_str(o->class->type));

        qom_info_add(list, o->id, type);
    }
    return list;
}

ObjectPropertyInfoList *qmp_qom_list(const QmpQomListArgs *args, Error **errp)
{
    QomPlace place;
    unsigned found = qom_path_resolve(args->path, &place);

    if (found > 1) {
        error_set(errp, "Path '%s' is ambiguous", args->path);
        return NULL;
    }
    if (!found) {
        not_found(args->path, errp);
        return NULL;
    }
    return place.kind == QOM_OBJECT ? qom_class_properties(place.object->class)
                                    : list_container(&place);
}

/* --- qom-get ------------------------------------------------------------- */

/* The path of the child of a container called @name; NULL if there is none.
 * The caller frees it. */
CONTROL_ONLY
static char *child_path(const QomPlace *place, const char *name)
{
    if (place->kind == QOM_ROOT && !strcmp(name, "objects")) {
        return g_strdup("/objects");
    }
    if (place->kind == QOM_OBJECTS && object_find(name)) {
        return g_strdup_printf("/objects/%s", name);
    }
    return NULL;
}

static json_object *option_value(const Object *object,
                                 const ObjectProperty *property)
{
    json_object *options = ObjectOptions_to_json(object->options);
    json_object *value = NULL;

    if (property->within) {
        json_object *whole = NULL;

        json_object_object_get_ex(options, property->within, &whole);
        json_object_object_get_ex(whole, property->name + strlen("x-"), &value);
    } else {
        json_object_object_get_ex(options, property->name, &value);
    }
    /* complete() of its class left nothing out. */
    assert(value);
    json_object_get(value);
    json_object_put(options);
    return value;
}

static json_object *node_value(const QomPlace *place, const char *name,
                               Error **errp)
{
    Error *err = NULL;
    json_object *value = place->ops->get(place->opaque, name, &err);

    if (!value && !err) {
        property_error(place, name, "not found", &err);
    }
    error_propagate(errp, err);
    /* cppcheck-suppress returnDanglingLifetime ; it is nothing of err's */
    return value;
}

CONTROL_ONLY
static json_object *value_of(const QomPlace *place, const char *name,
                             Error **errp)
{
    const ObjectProperty *property = find_property(place, name);
    g_autofree char *child = child_path(place, name);

    if (!strcmp(name, "type")) {
        return json_object_new_string(qom_place_type(place));
    }
    if (child) {
        return json_object_new_string(child);
    }
    if (place->kind == QOM_NODE) {
        return node_value(place, name, errp);
    }
    if (!property) {
        property_error(place, name, "not found", errp);
        return NULL;
    }
    switch (property->access) {
    case PROPERTY_SECRET:
        property_error(place, name, "is not readable", errp);
        return NULL;
    case PROPERTY_READ_ONLY:
        return json_object_new_boolean(true);
    case PROPERTY_CHANGES:
    case PROPERTY_FIXED:
        return option_value(place->object, property);
    }
    g_assert_not_reached();
}

json_object *qmp_qom_get(const QmpQomGetArgs *args, Error **errp)
{
    QomPlace place;

    if (qom_path_resolve(args->path, &place) != 1) {
        not_found(args->path, errp);
        return NULL;
    }
    return value_of(&place, args->property, errp);
}

/* --- qom-set ------------------------------------------------------------- */

/* Sets a member of @object; one that is an object itself keeps what @value
 * does not name. */
static void merge(json_object *object, const char *name, json_object *value)
{
    json_object *old = NULL;

    json_object_object_get_ex(object, name, &old);
    if (!json_object_is_type(old, json_type_object) ||
        !json_object_is_type(value, json_type_object)) {
        json_object_object_add(object, name, json_object_get(value));
        return;
    }
    json_object_object_foreach(value, key, part)
    {
        json_object_object_add(old, key, json_object_get(part));
    }
}

CONTROL_ONLY
static bool change(Object *object, const char *name, json_object *value,
                   Error **errp)
{
    json_object *json = ObjectOptions_to_json(object->options);
    ObjectOptions *options;

    merge(json, name, value);
    options = ObjectOptions_from_json(json, errp);
    json_object_put(json);
    if (!options) {
        return false;
    }
    if (!object->class->change(object, options, errp)) {
        ObjectOptions_free(options);
        return false;
    }
    ObjectOptions_free(object->options);
    object->options = options;
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_set_node(const QomPlace *place,
                                                    const char *name,
                                                    json_object *value,
                                                    Error **errp)
{
    const QomNodeOps *ops = place->ops;

    if (ops->has && ops->has(place->opaque, name)) {
        return ops->co_set(place->opaque, name, value, errp);
    }
    property_error(place, name,
                   strcmp(name, "type") ? "not found" : "is not writable",
                   errp);
    return false;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_set_value(const QomPlace *place,
                                                     const char *name,
                                                     json_object *value,
                                                     Error **errp)
{
    const ObjectProperty *property = find_property(place, name);
    g_autofree char *child = child_path(place, name);

    if (place->kind == QOM_NODE) {
        return co_set_node(place, name, value, errp);
    }
    if (!property && !child && strcmp(name, "type")) {
        property_error(place, name, "not found", errp);
        return false;
    }
    if (!property || property->access == PROPERTY_READ_ONLY) {
        property_error(place, name, "is not writable", errp);
        return false;
    }
    if (property->access != PROPERTY_CHANGES) {
        error_set(errp, "Property cannot be set after initialization");
        return false;
    }
    return change(place->object, name, value, errp);
}

bool qmp_qom_set(const QmpQomSetArgs *args, Error **errp)
{
    QomPlace place;

    if (qom_path_resolve(args->path, &place) != 1) {
        not_found(args->path, errp);
        return false;
    }
    return co_set_value(&place, args->property, args->value, errp);
}
