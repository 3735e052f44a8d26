/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of types. Invariant: a type stands behind its parent. */
#include "objects/qom-types.h"

#include "qapi/qapi-commands.h"

typedef struct TypeRow {
    const char *name, *parent;
    bool abstract, interface;
    /* The class whose properties it has: the first @n, or all if 0. */
    int like; /* ObjectType, or -1 */
    unsigned n;
} TypeRow;

static const TypeRow types[] = {
    {"interface", NULL, true, true, -1},
    {"user-creatable", "interface", true, true, -1},
    {"object", NULL, true, false, -1},
    {"authz", "object", true, false, -1},
    {"authz-list", "authz", .like = OBJECT_TYPE_AUTHZ_LIST},
    {"authz-simple", "authz", .like = OBJECT_TYPE_AUTHZ_SIMPLE},
    {"container", "object", .like = -1},
    {"event-loop-base", "object", true, false, OBJECT_TYPE_IOTHREAD, 3},
    {"iothread", "event-loop-base", .like = OBJECT_TYPE_IOTHREAD},
    {"main-loop", "event-loop-base", .like = OBJECT_TYPE_MAIN_LOOP},
    {"memory-backend", "object", true, false, OBJECT_TYPE_MEMORY_BACKEND_RAM},
    {"memory-backend-file", "memory-backend",
     .like = OBJECT_TYPE_MEMORY_BACKEND_FILE},
    {"memory-backend-memfd", "memory-backend",
     .like = OBJECT_TYPE_MEMORY_BACKEND_MEMFD},
    {"memory-backend-ram", "memory-backend",
     .like = OBJECT_TYPE_MEMORY_BACKEND_RAM},
    {"rng-backend", "object", true, false, OBJECT_TYPE_RNG_BUILTIN},
    {"rng-builtin", "rng-backend", .like = OBJECT_TYPE_RNG_BUILTIN},
    {"rng-random", "rng-backend", .like = OBJECT_TYPE_RNG_RANDOM},
    {"secret_common", "object", true, false, OBJECT_TYPE_SECRET, 4},
    {"secret", "secret_common", .like = OBJECT_TYPE_SECRET},
    {"secret_keyring", "secret_common", .like = OBJECT_TYPE_SECRET_KEYRING},
    {"throttle-group", "object", .like = OBJECT_TYPE_THROTTLE_GROUP},
    {"tls-creds", "object", true, false, OBJECT_TYPE_TLS_CREDS_PSK, 4},
    {"tls-creds-anon", "tls-creds", .like = OBJECT_TYPE_TLS_CREDS_ANON},
    {"tls-creds-psk", "tls-creds", .like = OBJECT_TYPE_TLS_CREDS_PSK},
    {"tls-creds-x509", "tls-creds", .like = OBJECT_TYPE_TLS_CREDS_X509},
};

static const char *(*more_types)(unsigned index, const char **parent);
static void (*more_properties)(const char *type, ObjectPropertyInfoList *list);

void qom_set_more_types(const char *(*next)(unsigned index,
                                            const char **parent),
                        void (*properties)(const char *type,
                                           ObjectPropertyInfoList *list))
{
    more_types = next;
    more_properties = properties;
}

static bool is_more_type(const char *name)
{
    const char *type, *parent;

    for (unsigned i = 0; more_types && (type = more_types(i, &parent)); i++) {
        if (!strcmp(type, name)) {
            return true;
        }
    }
    return false;
}

static const TypeRow *find(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(types); i++) {
        if (!strcmp(types[i].name, name)) {
            return &types[i];
        }
    }
    return NULL;
}

static bool is_a(const TypeRow *type, const char *name)
{
    /* What object-add makes. */
    if (!type->abstract && type->like >= 0 &&
        (!strcmp(name, "user-creatable") || !strcmp(name, "interface"))) {
        return true;
    }
    for (; type; type = find(type->parent)) {
        if (!strcmp(type->name, name)) {
            return true;
        }
    }
    return false;
}

static ObjectTypeInfo *type_info(const TypeRow *type)
{
    ObjectTypeInfo *info = g_new0(ObjectTypeInfo, 1);

    info->name = g_strdup(type->name);
    info->has_abstract = info->abstract = type->abstract;
    info->parent = g_strdup(type->parent);
    return info;
}

static void add_more(ObjectTypeInfoList *list, const char *implements)
{
    const char *type, *parent;

    for (unsigned i = 0; more_types && (type = more_types(i, &parent)); i++) {
        if (!implements || !strcmp(implements, type) ||
            !strcmp(implements, parent) || !strcmp(implements, "object")) {
            TypeRow row = {.name = type, .parent = parent};

            ObjectTypeInfoList_append(list, type_info(&row));
        }
    }
}

ObjectTypeInfoList *qmp_qom_list_types(const QmpQomListTypesArgs *args,
                                       Error **errp)
{
    ObjectTypeInfoList *list = ObjectTypeInfoList_new();

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if ((args->abstract || !types[i].abstract) &&
            (!args->implements || is_a(&types[i], args->implements))) {
            ObjectTypeInfoList_append(list, type_info(&types[i]));
        }
    }
    add_more(list, args->implements);
    return list;
}

void qom_info_add(ObjectPropertyInfoList *list, const char *name,
                  const char *type)
{
    ObjectPropertyInfo *info = g_new0(ObjectPropertyInfo, 1);

    info->name = g_strdup(name);
    info->type = g_strdup(type);
    ObjectPropertyInfoList_append(list, info);
}

static ObjectPropertyInfoList *some_properties(const ObjectClass *class,
                                               unsigned n)
{
    ObjectPropertyInfoList *list = ObjectPropertyInfoList_new();

    qom_info_add(list, "type", "string");
    for (unsigned i = 0; class && class->properties[i].name && i < n; i++) {
        qom_info_add(list, class->properties[i].name,
                     class->properties[i].type);
    }
    return list;
}

ObjectPropertyInfoList *qom_class_properties(const ObjectClass *class)
{
    return some_properties(class, UINT_MAX);
}

ObjectPropertyInfoList *
qmp_qom_list_properties(const QmpQomListPropertiesArgs *args, Error **errp)
{
    const TypeRow *type = find(args->typename);
    ObjectPropertyInfoList *list;

    if (!type && is_more_type(args->typename)) {
        list = qom_class_properties(NULL);
        more_properties(args->typename, list);
        return list;
    }
    if (!type) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Class '%s' not found", args->typename);
        return NULL;
    }
    if (type->interface) {
        error_set(errp, "Parameter 'typename' expects a QOM type");
        return NULL;
    }
    return some_properties(
        type->like < 0 ? NULL : object_class_find((ObjectType)type->like),
        type->n ? type->n : UINT_MAX);
}
