/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that users make by name (object-add, --object) and that others
 * refer to: TLS credentials, rules on clients.
 *
 * Invariants:
 * 1. Names are distinct.
 * 2. Whoever refers to an object looks it up by name when it needs it, and
 *    keeps a reference of the state's own kind beyond that; an object that
 *    must not go away meanwhile counts its users in @users, one that only has
 *    to live counts them in @holders.
 * All functions: control thread.
 */
#ifndef OBJECTS_OBJECT_H
#define OBJECTS_OBJECT_H

#include "qapi/qapi-types.h"
#include "util/annotations.h"
#include "util/error.h"
#include "util/list.h"

typedef struct Object Object;

typedef enum ObjectPropertyAccess {
    PROPERTY_CHANGES,   /* by qom-set */
    PROPERTY_FIXED,     /* by who made the object */
    PROPERTY_READ_ONLY, /* by nobody: true */
    PROPERTY_SECRET,    /* as FIXED, and not told */
} ObjectPropertyAccess;

/* What qom-list, qom-get and qom-set know of a property. */
typedef struct ObjectProperty {
    const char *name, *type;
    ObjectPropertyAccess access;
    /* The option that has it as a member, called as it is without "x-". NULL:
     * it is an option itself. */
    const char *within;
} ObjectProperty;

/* One kind of object. */
typedef struct ObjectClass {
    ObjectType type;
    /* object-del finds it in use. */
    bool stays;
    /* Makes the state from options of this type; NULL with @errp. May
     * yield. */
    void *(*co_create)(const ObjectOptions *options, Error **errp);
    /* May yield. */
    void (*co_free)(void *state);
    /* In QEMU's order; one without a name ends them. */
    const ObjectProperty *properties;
    /* Adds to the options, which are kept for qom-get, what holds where
     * nothing was given, and removes what is not to be told. NULL: nothing. */
    void (*complete)(ObjectOptions *options);
    /* Takes over options of which a PROPERTY_CHANGES is another now; they stay
     * the caller's. False with @errp: nothing changed. */
    bool (*change)(Object *object, const ObjectOptions *options, Error **errp);
} ObjectClass;

struct Object {
    /* CONST */
    const ObjectClass *class;
    char *id;
    void *state; /* of the class */
    /* CONTROL */
    ObjectOptions *options; /* as they are now, complete */
    unsigned users;         /* while not 0 it cannot be removed */
    unsigned holders;       /* while not 0 it lives, also when removed */
    ListLink link;          /* all objects, newest first */
};

/* The class of a type: a table of all classes, which the program links. */
const ObjectClass *object_class_find(ObjectType type);

/* "" where there is none. */
void object_complete_text(char **text);

bool co_object_add(const ObjectOptions *options,
                   Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* For who needs it to live and does not mind that it is removed, when nobody
 * finds it any more. */
void object_hold(Object *object) CONTROL_ONLY;
void co_object_release(Object *object) COROUTINE_ONLY CONTROL_ONLY;
/* Removes all that nobody uses: for the end of the program. */
void co_objects_free(void) COROUTINE_ONLY CONTROL_ONLY;

/* NULL if there is none. */
Object *object_find(const char *id);
/* Walks all objects, oldest first; NULL begins and ends. */
Object *object_next(const Object *object);

#endif
