/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules on who may connect. Invariant: what no rule allows is denied, unless
 * the user said otherwise.
 */
#include "objects/authz.h"

#include <fnmatch.h>

/* --- authz-simple: the state is the identity ----------------------------- */

static void *create_simple(const ObjectOptions *options, Error **errp)
{
    return g_strdup(options->u.authz_simple.identity);
}

static bool change_simple(Object *object, const ObjectOptions *options,
                          Error **errp)
{
    g_free(object->state);
    object->state = g_strdup(options->u.authz_simple.identity);
    return true;
}

static const ObjectProperty simple_properties[] = {
    {"identity", "string", PROPERTY_CHANGES}, {}};

const ObjectClass object_authz_simple = {
    .type = OBJECT_TYPE_AUTHZ_SIMPLE,
    .co_create = create_simple,
    .co_free = g_free,
    .properties = simple_properties,
    .change = change_simple,
};

/* --- authz-list: the state is a copy of the options ---------------------- */

static void *create_list(const ObjectOptions *options, Error **errp)
{
    return ObjectOptions_clone(options);
}

static void free_list(void *state)
{
    ObjectOptions_free(state);
}

static void complete_list(ObjectOptions *options)
{
    AuthzListProperties *o = &options->u.authz_list;

    if (!o->has_policy) {
        o->has_policy = true;
        o->policy = AUTHZ_LIST_POLICY_DENY;
    }
    if (!o->rules) {
        o->rules = AuthzListRuleList_new();
    }
}

static bool change_list(Object *object, const ObjectOptions *options,
                        Error **errp)
{
    ObjectOptions_free(object->state);
    object->state = ObjectOptions_clone(options);
    return true;
}

static const ObjectProperty list_properties[] = {
    {"policy", "QAuthZListPolicy", PROPERTY_CHANGES},
    {"rules", "QAuthZListRule", PROPERTY_CHANGES},
    {}};

const ObjectClass object_authz_list = {
    .type = OBJECT_TYPE_AUTHZ_LIST,
    .co_create = create_list,
    .co_free = free_list,
    .properties = list_properties,
    .complete = complete_list,
    .change = change_list,
};

static bool rule_fits(const AuthzListRule *rule, const char *identity)
{
    if (rule->has_format && rule->format == AUTHZ_LIST_FORMAT_GLOB) {
        return fnmatch(rule->match, identity, 0) == 0;
    }
    return !strcmp(rule->match, identity);
}

static bool list_allows(const AuthzListProperties *list, const char *identity)
{
    for (size_t i = 0; list->rules && i < list->rules->n; i++) {
        if (rule_fits(list->rules->v[i], identity)) {
            return list->rules->v[i]->policy == AUTHZ_LIST_POLICY_ALLOW;
        }
    }
    return list->has_policy && list->policy == AUTHZ_LIST_POLICY_ALLOW;
}

/* --- asking -------------------------------------------------------------- */

bool authz_allows(const char *id, const char *identity, Error **errp)
{
    const Object *obj = object_find(id);
    bool allowed;

    if (!obj) {
        error_set(errp, "Cannot find QAuthZ object ID %s", id);
        return false;
    }
    if (obj->class == &object_authz_simple) {
        allowed = !strcmp(obj->state, identity);
    } else if (obj->class == &object_authz_list) {
        const ObjectOptions *options = obj->state;

        allowed = list_allows(&options->u.authz_list, identity);
    } else {
        error_set(errp, "Object '%s' is not a QAuthZ subclass", id);
        return false;
    }
    if (!allowed) {
        error_set(errp, "TLS x509 authz check for %s is denied", identity);
    }
    return allowed;
}
