/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From paths to objects: see qom-path.h. */
#include "objects/qom-path.h"

/* No object is deeper, nor has a longer name: longer paths lead nowhere. */
#define DEPTH_MAX 2
#define LENGTH_MAX 4096

/* CONTROL */
static unsigned (*other_resolve)(const char *path, QomPlace *place);
static const char *other_child;

typedef struct Parts {
    const char *v[DEPTH_MAX];
    unsigned n;
} Parts;

/* Empty parts do not count. False: there are too many. */
static bool split(char *text, Parts *parts)
{
    char *rest = NULL;

    parts->n = 0;
    for (char *p = strtok_r(text, "/", &rest); p;
         p = strtok_r(NULL, "/", &rest)) {
        if (parts->n == DEPTH_MAX) {
            return false;
        }
        parts->v[parts->n++] = p;
    }
    return true;
}

CONTROL_ONLY
static bool below_objects(const char *const *v, unsigned n, QomPlace *place)
{
    Object *object;

    if (!n) {
        *place = (QomPlace){QOM_OBJECTS, NULL};
        return true;
    }
    object = n == 1 ? object_find(v[0]) : NULL;
    if (object) {
        *place = (QomPlace){QOM_OBJECT, object};
    }
    return object != NULL;
}

CONTROL_ONLY
static bool below_root(const Parts *parts, QomPlace *place)
{
    if (!parts->n) {
        *place = (QomPlace){QOM_ROOT, NULL};
        return true;
    }
    return !strcmp(parts->v[0], "objects") &&
           below_objects(parts->v + 1, parts->n - 1, place);
}

void qom_set_resolver(unsigned (*resolve)(const char *path, QomPlace *place),
                      const char *child)
{
    other_resolve = resolve;
    other_child = child;
}

const char *qom_other_child(void)
{
    return other_child;
}

CONTROL_ONLY
static unsigned resolve_own(const char *path, QomPlace *place)
{
    g_autofree char *text = NULL;
    Parts parts;
    unsigned found;

    if (strlen(path) > LENGTH_MAX) {
        return 0;
    }
    text = g_strdup(path);
    if (!split(text, &parts)) {
        return 0;
    }
    found = below_root(&parts, place);
    if (*path != '/') {
        found += below_objects(parts.v, parts.n, place);
    }
    return found;
}

unsigned qom_path_resolve(const char *path, QomPlace *place)
{
    unsigned found = resolve_own(path, place);

    return other_resolve && strlen(path) <= LENGTH_MAX
               ? found + other_resolve(path, place)
               : found;
}

const char *qom_place_type(const QomPlace *place)
{
    if (place->kind == QOM_NODE) {
        return place->ops->type(place->opaque);
    }
    return place->kind == QOM_OBJECT
               ? ObjectType_str(place->object->class->type)
               : "container";
}
