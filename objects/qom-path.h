/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of objects: "/", "/objects", "/objects/ID". One that does not begin
 * with a slash is the end of such a path.
 */
#ifndef OBJECTS_QOM_PATH_H
#define OBJECTS_QOM_PATH_H

#include "objects/object.h"

typedef enum QomPlaceKind {
    QOM_ROOT,
    QOM_OBJECTS, /* the container of all objects */
    QOM_OBJECT,
} QomPlaceKind;

typedef struct QomPlace {
    QomPlaceKind kind;
    Object *object; /* of an OBJECT */
} QomPlace;

/* How many places @path may mean; the last of them in *@place. */
unsigned qom_path_resolve(const char *path, QomPlace *place) CONTROL_ONLY;
/* The name of the type of what is there. */
const char *qom_place_type(const QomPlace *place);

#endif
