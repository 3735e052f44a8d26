/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be done to a value without JSON text: making, copying, freeing,
 * lists and enums; and turning it into JSON. Reading is in visit-input.c.
 */
#include "qapi/visit.h"

#define INT_TYPE(bits)                      \
    const QapiType qapi_type_int##bits = {  \
        .name = "int" #bits,                \
        .kind = QAPI_KIND_INT,              \
        .size = sizeof(int##bits##_t),      \
        .min = INT##bits##_MIN,             \
        .max = INT##bits##_MAX,             \
    };                                      \
    const QapiType qapi_type_uint##bits = { \
        .name = "uint" #bits,               \
        .kind = QAPI_KIND_UINT,             \
        .size = sizeof(uint##bits##_t),     \
        .max = UINT##bits##_MAX,            \
    }

INT_TYPE(8);
INT_TYPE(16);
INT_TYPE(32);

const QapiType qapi_type_int = {.name = "int",
                                .kind = QAPI_KIND_INT,
                                .size = sizeof(int64_t),
                                .min = INT64_MIN,
                                .max = INT64_MAX};
const QapiType qapi_type_uint64 = {.name = "uint64",
                                   .kind = QAPI_KIND_UINT,
                                   .size = sizeof(uint64_t),
                                   .max = UINT64_MAX};
const QapiType qapi_type_size = {.name = "size",
                                 .kind = QAPI_KIND_SIZE,
                                 .size = sizeof(uint64_t),
                                 .max = UINT64_MAX};
const QapiType qapi_type_str = {
    .name = "str", .kind = QAPI_KIND_STR, .size = sizeof(char *)};
const QapiType qapi_type_number = {
    .name = "number", .kind = QAPI_KIND_NUMBER, .size = sizeof(double)};
const QapiType qapi_type_bool = {
    .name = "bool", .kind = QAPI_KIND_BOOL, .size = sizeof(bool)};
const QapiType qapi_type_any = {
    .name = "any", .kind = QAPI_KIND_ANY, .size = sizeof(json_object *)};
const QapiType qapi_type_null = {.name = "null", .kind = QAPI_KIND_NULL};

static bool is_composite(const QapiType *type)
{
    return type->kind >= QAPI_KIND_OBJECT;
}

/* True if a value of @type is a pointer in its struct (string, struct, list,
 * any). */
static bool is_pointer(const QapiType *type)
{
    return is_composite(type) || type->kind == QAPI_KIND_STR ||
           type->kind == QAPI_KIND_ANY;
}

static size_t slot_size(const QapiType *type)
{
    return is_composite(type) ? sizeof(void *) : type->size;
}

static const void *at(const void *value, size_t offset)
{
    return (const char *)value + offset;
}

static bool member_present(const QapiMember *member, const void *value)
{
    if (member->has_flag) {
        return *(const bool *)at(value, member->has_offset);
    }
    return !is_pointer(member->type) ||
           *(void *const *)at(value, member->offset) != NULL;
}

static const QapiType *union_arm(const QapiType *type, const void *value)
{
    if (!type->arms) {
        return NULL;
    }
    return type->arms[*(const int *)at(value, type->tag_offset)];
}

void *qapi_new(const QapiType *type)
{
    assert(is_composite(type));
    return g_malloc0(type->size);
}

/* Enums */

const char *qapi_enum_str(const QapiType *type, int value)
{
    assert(value >= 0 && value < type->n_names);
    return type->names[value];
}

int qapi_enum_parse(const QapiType *type, const char *text)
{
    for (int i = 0; i < type->n_names; i++) {
        if (strcmp(type->names[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

/* Freeing. A slot is where a value lies in its struct or array: a pointer for
 * composites and strings, the value itself for other scalars. */

static void free_slot(const QapiType *type, void *slot)
{
    if (is_composite(type)) {
        qapi_free(type, *(void **)slot);
    } else if (type->kind == QAPI_KIND_STR) {
        g_free(*(char **)slot);
    } else if (type->kind == QAPI_KIND_ANY) {
        json_object_put(*(json_object **)slot);
    }
}

static void free_object(const QapiType *type, char *value)
{
    const QapiType *arm = union_arm(type, value);

    for (size_t i = 0; i < type->n_members; i++) {
        free_slot(type->members[i].type, value + type->members[i].offset);
    }
    if (arm) {
        free_object(arm, value + type->u_offset);
    }
}

void qapi_free(const QapiType *type, void *value)
{
    QapiList *list = value;

    if (!value) {
        return;
    }
    switch (type->kind) {
    case QAPI_KIND_OBJECT:
        free_object(type, value);
        break;
    case QAPI_KIND_ALTERNATE:
        free_slot(type->arms[*(const int *)at(value, type->tag_offset)],
                  (char *)value + type->u_offset);
        break;
    default:
        assert(type->kind == QAPI_KIND_LIST);
        for (size_t i = 0; i < list->n; i++) {
            free_slot(type->element,
                      (char *)list->v + i * slot_size(type->element));
        }
        g_free(list->v);
    }
    g_free(value);
}

/* Copying */

static void clone_slot(const QapiType *type, void *dst, const void *src)
{
    if (is_composite(type)) {
        *(void **)dst = qapi_clone(type, *(void *const *)src);
    } else if (type->kind == QAPI_KIND_STR) {
        *(char **)dst = g_strdup(*(char *const *)src);
    } else if (type->kind == QAPI_KIND_ANY) {
        *(json_object **)dst = json_object_get(*(json_object *const *)src);
    } else {
        memcpy(dst, src, type->size);
    }
}

static void clone_object(const QapiType *type, char *dst, const char *src)
{
    const QapiType *arm = union_arm(type, src);

    for (size_t i = 0; i < type->n_members; i++) {
        const QapiMember *member = &type->members[i];

        clone_slot(member->type, dst + member->offset, src + member->offset);
        if (member->has_flag) {
            *(bool *)(dst + member->has_offset) =
                *(const bool *)(src + member->has_offset);
        }
    }
    if (arm) {
        clone_object(arm, dst + type->u_offset, src + type->u_offset);
    }
}

static void clone_alternate(const QapiType *type, char *dst, const char *src)
{
    int kind = *(const int *)(src + type->tag_offset);

    *(int *)(dst + type->tag_offset) = kind;
    clone_slot(type->arms[kind], dst + type->u_offset, src + type->u_offset);
}

static void clone_list(const QapiType *type, QapiList *dst, const QapiList *src)
{
    size_t size = slot_size(type->element);
    void *element = g_malloc0(size);

    for (size_t i = 0; i < src->n; i++) {
        clone_slot(type->element, element, (const char *)src->v + i * size);
        qapi_list_append(type, dst, element);
    }
    g_free(element);
}

void *qapi_clone(const QapiType *type, const void *value)
{
    void *copy;

    if (!value) {
        return NULL;
    }
    copy = qapi_new(type);
    if (type->kind == QAPI_KIND_OBJECT) {
        clone_object(type, copy, value);
    } else if (type->kind == QAPI_KIND_ALTERNATE) {
        clone_alternate(type, copy, value);
    } else {
        clone_list(type, copy, value);
    }
    return copy;
}

/* Lists */

void qapi_list_append(const QapiType *type, void *list, const void *element)
{
    QapiList *l = list;
    size_t size = slot_size(type->element);

    /* Grown by doubling: the capacity is n rounded up to a power of two. */
    if (l->n == 0 || is_power_of_2(l->n)) {
        l->v = g_realloc_n(l->v, l->n ? l->n * 2 : 1, size);
    }
    memcpy((char *)l->v + l->n * size, element, size);
    l->n++;
}

/* To JSON */

static int64_t read_int(const QapiType *type, const void *slot)
{
    switch (type->size) {
    case 1:
        return *(const int8_t *)slot;
    case 2:
        return *(const int16_t *)slot;
    case 4:
        return *(const int32_t *)slot;
    default:
        return *(const int64_t *)slot;
    }
}

static uint64_t read_uint(const QapiType *type, const void *slot)
{
    /* All members of the family have a size below 64 bits or 64 bits, so
     * masking the sign-extended value gives the unsigned one. */
    return (uint64_t)read_int(type, slot) & type->max;
}

static json_object *uint_to_json(uint64_t value)
{
    return value <= INT64_MAX ? json_object_new_int64(value)
                              : json_object_new_uint64(value);
}

static json_object *slot_to_json(const QapiType *type, const void *slot)
{
    switch (type->kind) {
    case QAPI_KIND_BOOL:
        return json_object_new_boolean(*(const bool *)slot);
    case QAPI_KIND_INT:
        return json_object_new_int64(read_int(type, slot));
    case QAPI_KIND_UINT:
    case QAPI_KIND_SIZE:
        return uint_to_json(read_uint(type, slot));
    case QAPI_KIND_NUMBER:
        return json_object_new_double(*(const double *)slot);
    case QAPI_KIND_STR:
        return json_object_new_string(*(char *const *)slot);
    case QAPI_KIND_ANY:
        return json_object_get(*(json_object *const *)slot);
    case QAPI_KIND_NULL:
        return NULL;
    case QAPI_KIND_ENUM:
        return json_object_new_string(qapi_enum_str(type, *(const int *)slot));
    default:
        return qapi_to_json(type, *(void *const *)slot);
    }
}

static void object_to_json(const QapiType *type, const char *value,
                           json_object *json)
{
    const QapiType *arm = union_arm(type, value);

    for (size_t i = 0; i < type->n_members; i++) {
        const QapiMember *member = &type->members[i];

        if (member->optional && !member_present(member, value)) {
            continue;
        }
        /* A mandatory pointer that is NULL is a bug of the caller, except
         * that JSON's null is a value of `any`. */
        assert(member_present(member, value) ||
               member->type->kind == QAPI_KIND_ANY);
        json_object_object_add(
            json, member->name,
            slot_to_json(member->type, value + member->offset));
    }
    if (arm) {
        object_to_json(arm, value + type->u_offset, json);
    }
}

static json_object *list_to_json(const QapiType *type, const QapiList *list)
{
    json_object *json = json_object_new_array();

    for (size_t i = 0; i < list->n; i++) {
        json_object_array_add(
            json,
            slot_to_json(type->element,
                         (const char *)list->v + i * slot_size(type->element)));
    }
    return json;
}

json_object *qapi_to_json(const QapiType *type, const void *value)
{
    json_object *json;

    assert(is_composite(type) && value);
    if (type->kind == QAPI_KIND_LIST) {
        return list_to_json(type, value);
    }
    if (type->kind == QAPI_KIND_ALTERNATE) {
        return slot_to_json(
            type->arms[*(const int *)at(value, type->tag_offset)],
            at(value, type->u_offset));
    }
    json = json_object_new_object();
    object_to_json(type, value, json);
    return json;
}
