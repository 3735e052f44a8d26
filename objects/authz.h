/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may connect: authz-simple and authz-list. */
#ifndef OBJECTS_AUTHZ_H
#define OBJECTS_AUTHZ_H

#include "objects/object.h"

extern const ObjectClass object_authz_list, object_authz_simple;

/* Asks the object called @id whether @identity may connect; it is looked up
 * anew each time. False with @errp: no, or there is no such object. Control
 * thread. */
bool authz_allows(const char *id, const char *identity, Error **errp);

#endif
