/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads structs, unions, alternates and lists from JSON; scalars are in
 * visit-scalar.c. A value under construction is always in a state that
 * qapi_free() can free.
 */
#include "qapi/visit-input.h"

static bool read_slot(const VisitInput *in, const VisitPath *path,
                      const QapiType *type, json_object *json, void *slot);

char *visit_path_text(const VisitInput *in, const VisitPath *path)
{
    GString *text = g_string_new(NULL);

    for (; path; path = path->parent) {
        char *step;

        if (!path->name) {
            step = g_strdup_printf(in->keyval ? ".%zu" : "[%zu]", path->index);
        } else {
            step = g_strconcat(path->parent ? "." : "", path->name, NULL);
        }
        g_string_prepend(text, step);
        g_free(step);
    }
    return g_string_free(text, FALSE);
}

char *visit_path_leaf(const VisitPath *path)
{
    return g_strdup(path && path->name ? path->name : "null");
}

bool visit_type_error(const VisitInput *in, const VisitPath *path,
                      const char *what)
{
    char *text = visit_path_text(in, path);

    error_set(in->errp, "Invalid parameter type for '%s', expected: %s",
              path ? text : "null", what);
    g_free(text);
    return false;
}

static bool read_member(const VisitInput *in, const VisitPath *parent,
                        const QapiMember *member, json_object *json,
                        char *value)
{
    VisitPath path = {.parent = parent,
                      .name = member->name,
                      .depth = parent ? parent->depth + 1 : 1};
    json_object *child;

    if (!json_object_object_get_ex(json, member->name, &child)) {
        char *text;

        if (member->optional) {
            return true;
        }
        text = visit_path_text(in, &path);
        error_set(in->errp, "Parameter '%s' is missing", text);
        g_free(text);
        return false;
    }
    if (!read_slot(in, &path, member->type, child, value + member->offset)) {
        return false;
    }
    if (member->has_flag) {
        *(bool *)(value + member->has_offset) = true;
    }
    return true;
}

static const QapiType *arm_of(const QapiType *type, const char *value)
{
    return type->arms ? type->arms[*(const int *)(value + type->tag_offset)]
                      : NULL;
}

static bool knows_member(const QapiType *type, const char *name)
{
    for (size_t i = 0; i < type->n_members; i++) {
        if (strcmp(type->members[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Refuses what neither the struct nor the chosen arm knows. */
static bool check_unexpected(const VisitInput *in, const VisitPath *parent,
                             const QapiType *type, const QapiType *arm,
                             json_object *json)
{
    json_object_object_foreach(json, key, child)
    {
        VisitPath path = {.parent = parent, .name = key};
        char *text;

        (void)child;
        if (knows_member(type, key) || (arm && knows_member(arm, key))) {
            continue;
        }
        text = visit_path_text(in, &path);
        error_set(in->errp, "Parameter '%s' is unexpected", text);
        g_free(text);
        return false;
    }
    return true;
}

static bool read_object(const VisitInput *in, const VisitPath *path,
                        const QapiType *type, json_object *json, char *value)
{
    const QapiType *arm;

    if (!json_object_is_type(json, json_type_object)) {
        return visit_type_error(in, path, "object");
    }
    for (size_t i = 0; i < type->n_members; i++) {
        if (!read_member(in, path, &type->members[i], json, value)) {
            return false;
        }
    }
    arm = arm_of(type, value);
    for (size_t i = 0; arm && i < arm->n_members; i++) {
        if (!read_member(in, path, &arm->members[i], json,
                         value + type->u_offset)) {
            return false;
        }
    }
    return check_unexpected(in, path, type, arm, json);
}

/* Whether JSON of this type can be a value of @type. */
static bool accepts(const QapiType *type, enum json_type json)
{
    switch (type->kind) {
    case QAPI_KIND_OBJECT:
        return json == json_type_object;
    case QAPI_KIND_STR:
    case QAPI_KIND_ENUM:
        return json == json_type_string;
    case QAPI_KIND_BOOL:
        return json == json_type_boolean;
    case QAPI_KIND_INT:
    case QAPI_KIND_UINT:
    case QAPI_KIND_SIZE:
        return json == json_type_int;
    case QAPI_KIND_NUMBER:
        return json == json_type_int || json == json_type_double;
    case QAPI_KIND_NULL:
        return json == json_type_null;
    case QAPI_KIND_LIST:
        return json == json_type_array;
    default:
        return false;
    }
}

static bool read_alternate(const VisitInput *in, const VisitPath *path,
                           const QapiType *type, json_object *json, char *value)
{
    char *text;

    for (size_t i = 0; i < type->n_arms; i++) {
        if (accepts(type->arms[i], json_object_get_type(json))) {
            *(int *)(value + type->tag_offset) = i;
            return read_slot(in, path, type->arms[i], json,
                             value + type->u_offset);
        }
    }
    text = visit_path_leaf(path);
    error_set(in->errp, "Invalid parameter type for '%s', expected: %s", text,
              type->name);
    g_free(text);
    return false;
}

static bool read_list(const VisitInput *in, const VisitPath *parent,
                      const QapiType *type, json_object *json, void *list)
{
    if (!json_object_is_type(json, json_type_array)) {
        return visit_type_error(in, parent, "array");
    }
    for (size_t i = 0; i < json_object_array_length(json); i++) {
        VisitPath path = {.parent = parent,
                          .index = i,
                          .depth = parent ? parent->depth + 1 : 1};
        /* Large and aligned enough for any scalar or pointer. */
        uint64_t element = 0;

        if (!read_slot(in, &path, type->element,
                       json_object_array_get_idx(json, i), &element)) {
            return false;
        }
        qapi_list_append(type, list, &element);
    }
    return true;
}

static void *read_composite(const VisitInput *in, const VisitPath *path,
                            const QapiType *type, json_object *json)
{
    void *value = qapi_new(type);
    bool ok;

    if (type->kind == QAPI_KIND_OBJECT) {
        ok = read_object(in, path, type, json, value);
    } else if (type->kind == QAPI_KIND_ALTERNATE) {
        ok = read_alternate(in, path, type, json, value);
    } else {
        ok = read_list(in, path, type, json, value);
    }
    if (!ok) {
        qapi_free(type, value);
        return NULL;
    }
    return value;
}

static bool read_slot(const VisitInput *in, const VisitPath *path,
                      const QapiType *type, json_object *json, void *slot)
{
    if (type->kind < QAPI_KIND_OBJECT) {
        return visit_scalar(in, path, type, json, slot);
    }
    if (path && path->depth > VISIT_MAX_DEPTH) {
        error_set(in->errp, "Parameters are nested deeper than %d levels",
                  VISIT_MAX_DEPTH);
        return false;
    }
    *(void **)slot = read_composite(in, path, type, json);
    return *(void **)slot != NULL;
}

void *qapi_from_json(const QapiType *type, json_object *json, Error **errp)
{
    VisitInput in = {.errp = errp};

    return read_composite(&in, NULL, type, json);
}

void *qapi_from_keyval(const QapiType *type, json_object *json, Error **errp)
{
    VisitInput in = {.keyval = true, .errp = errp};

    return read_composite(&in, NULL, type, json);
}

bool qapi_check_no_args(json_object *args, Error **errp)
{
    static const QapiType no_members = {
        .name = "q_empty", .kind = QAPI_KIND_OBJECT, .size = 1};
    void *value;

    if (!args) {
        return true;
    }
    value = qapi_from_json(&no_members, args, errp);
    qapi_free(&no_members, value);
    return value != NULL;
}
