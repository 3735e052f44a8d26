/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of objects: "/", "/objects", "/objects/ID", and what rooms above add.
 * One that does not begin with a slash is the end of such a path.
 */
#ifndef OBJECTS_QOM_PATH_H
#define OBJECTS_QOM_PATH_H

#include <json-c/json.h>

#include "objects/object.h"

typedef enum QomPlaceKind {
    QOM_ROOT,
    QOM_OBJECTS, /* the container of all objects */
    QOM_OBJECT,
    QOM_NODE, /* of a room above this one */
} QomPlaceKind;

/* What a room above says of its objects. */
typedef struct QomNodeOps {
    const char *(*type)(const void *opaque);
    /* Adds what it has beside "type". */
    void (*list)(const void *opaque, ObjectPropertyInfoList *list);
    /* A new value; NULL without @errp: there is no such property. */
    json_object *(*get)(const void *opaque, const char *name, Error **errp);
    /* Whether there is a property that may be set now and then; NULL: none
     * ever. */
    bool (*has)(const void *opaque, const char *name);
    bool (*co_set)(void *opaque, const char *name, json_object *value,
                   Error **errp);
} QomNodeOps;

typedef struct QomPlace {
    QomPlaceKind kind;
    Object *object;        /* of an OBJECT */
    const QomNodeOps *ops; /* of a NODE */
    void *opaque;
} QomPlace;

/* @resolve finds objects that are not below /objects, which begin at @child
 * of the root. It says as qom_path_resolve how many there are. Once. */
void qom_set_resolver(unsigned (*resolve)(const char *path, QomPlace *place),
                      const char *child) CONTROL_ONLY;
/* The child of the root that qom_set_resolver named, or NULL. */
const char *qom_other_child(void) CONTROL_ONLY;

/* How many places @path may mean; the last of them in *@place. */
unsigned qom_path_resolve(const char *path, QomPlace *place) CONTROL_ONLY;
/* The name of the type of what is there. */
const char *qom_place_type(const QomPlace *place);

#endif
