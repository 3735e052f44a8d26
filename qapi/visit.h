/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves values between JSON and the C structs that scripts/qapi-gen.py
 * generates. Each schema type has a constant table (QapiType) that says where
 * its members lie; the functions here walk that table, and the generated
 * functions (T_from_json, T_to_json, T_clone, T_free) are thin typed wrappers.
 *
 * Invariants:
 * 1. A value read from JSON is complete: every mandatory member is set, an
 *    enum is one of its values, an integer is in the range of its type, and
 *    no member of the JSON was left unused.
 * 2. A failed read leaves nothing behind and sets the error; its text names
 *    the member by its path, `actions[0].data.node`.
 * 3. Strings contain no NUL.
 *
 * All functions: any thread, they do not yield.
 */
#ifndef QAPI_VISIT_H
#define QAPI_VISIT_H

#include <json-c/json.h>

#include "util/common.h"
#include "util/error.h"

typedef enum QapiKind {
    QAPI_KIND_BOOL,
    QAPI_KIND_INT,
    QAPI_KIND_UINT,
    QAPI_KIND_SIZE, /* as UINT; in option strings with a suffix k, M, G... */
    QAPI_KIND_NUMBER,
    QAPI_KIND_STR,
    QAPI_KIND_ANY,
    QAPI_KIND_NULL,
    QAPI_KIND_ENUM,
    QAPI_KIND_OBJECT,
    QAPI_KIND_ALTERNATE,
    QAPI_KIND_LIST,
} QapiKind;

typedef struct QapiType QapiType;

typedef struct QapiMember {
    const char *name;
    const QapiType *type;
    size_t offset;     /* of the value in the struct, in bytes */
    size_t has_offset; /* of has_NAME, where has_flag */
    bool has_flag;     /* optional, and not a pointer */
    bool optional;
} QapiMember;

struct QapiType {
    const char *name;
    QapiKind kind;
    size_t size; /* of the struct, or of the scalar, in bytes */

    /* INT, UINT: the values allowed. */
    int64_t min;
    uint64_t max;

    /* ENUM */
    const char *const *names;
    int n_names;

    /* OBJECT */
    const QapiMember *members;
    size_t n_members;

    /* OBJECT that is a union, ALTERNATE: where the tag and the union lie, and
     * the type of each arm by tag value. In a union an arm without members is
     * NULL and the others lie in the struct itself. */
    const QapiType *tag_type;
    size_t tag_offset;
    size_t u_offset;
    const QapiType *const *arms;
    size_t n_arms; /* of an ALTERNATE */

    /* LIST */
    const QapiType *element;
};

/* Schema types that every generated table may refer to. */
extern const QapiType qapi_type_str, qapi_type_number, qapi_type_int,
    qapi_type_int8, qapi_type_int16, qapi_type_int32, qapi_type_uint8,
    qapi_type_uint16, qapi_type_uint32, qapi_type_uint64, qapi_type_size,
    qapi_type_bool, qapi_type_any, qapi_type_null;

/* In memory every list has this form; the type of *v is the element's. */
typedef struct QapiList {
    size_t n;
    void *v;
} QapiList;

/* A new value of an OBJECT, ALTERNATE or LIST, all zero. The caller owns it. */
void *qapi_new(const QapiType *type);

/* Reads @json (borrowed; NULL is JSON's null). Returns a new value of an
 * OBJECT, ALTERNATE or LIST, or NULL with *@errp set to QEMU's text. */
void *qapi_from_json(const QapiType *type, json_object *json, Error **errp);

/* The same for what json_keyval_parse() made: all scalars are strings, "on"
 * and "off" for booleans, k/M/G/T/P/E suffixes for sizes. */
void *qapi_from_keyval(const QapiType *type, json_object *json, Error **errp);

/* Makes JSON of @value; members in the order of the schema. The caller owns
 * the result. */
json_object *qapi_to_json(const QapiType *type, const void *value);

/* A deep copy; NULL for NULL. `any` values are shared by reference. */
void *qapi_clone(const QapiType *type, const void *value);

/* Frees a value with all it owns; NULL is fine. */
void qapi_free(const QapiType *type, void *value);

/* Adds the element at @element (a T *, char * or scalar) to @list, which takes
 * ownership. */
void qapi_list_append(const QapiType *type, void *list, const void *element);

/* The name of an enum value; it must be one. */
const char *qapi_enum_str(const QapiType *type, int value);
/* The value that @text names, or -1. */
int qapi_enum_parse(const QapiType *type, const char *text);

/* True if @args (may be NULL: none given) is an object without members. */
bool qapi_check_no_args(json_object *args, Error **errp);

#endif
