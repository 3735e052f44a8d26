/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types of objects as users see them, and their properties. */
#ifndef OBJECTS_QOM_TYPES_H
#define OBJECTS_QOM_TYPES_H

#include "objects/object.h"

/* Adds a property to @list. */
void qom_info_add(ObjectPropertyInfoList *list, const char *name,
                  const char *type);
/* A new list of @type and what the class has (NULL: nothing more). */
ObjectPropertyInfoList *qom_class_properties(const ObjectClass *class);

/* Types that a room above knows, all of them kinds of "object". @next: the
 * name of the type after @index - 1, with its parent; NULL ends. @properties
 * adds what one of them has. Once. */
void qom_set_more_types(const char *(*next)(unsigned index,
                                            const char **parent),
                        void (*properties)(const char *type,
                                           ObjectPropertyInfoList *list));

#endif
