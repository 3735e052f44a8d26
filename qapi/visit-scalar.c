/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads one scalar, from JSON or from the text of an option string. The texts
 * of the errors are QEMU's.
 */
#include "qapi/visit-input.h"

#include <math.h>

static bool expects(const VisitInput *in, const VisitPath *path,
                    const char *what)
{
    char *text = visit_path_text(in, path);

    error_set(in->errp, "Parameter '%s' expects %s", text, what);
    g_free(text);
    return false;
}

static void store_int(const QapiType *type, void *dst, uint64_t value)
{
    switch (type->size) {
    case 1:
        *(uint8_t *)dst = value;
        break;
    case 2:
        *(uint16_t *)dst = value;
        break;
    case 4:
        *(uint32_t *)dst = value;
        break;
    default:
        *(uint64_t *)dst = value;
    }
}

/* A value that does not fit: "Parameter 'NAME' expects uint32_t". */
static bool range_error(const VisitInput *in, const VisitPath *path,
                        const QapiType *type)
{
    char *leaf;

    if (type->size == sizeof(uint64_t)) {
        return expects(in, path, "uint64");
    }
    leaf = visit_path_leaf(path);
    error_set(in->errp, "Parameter '%s' expects %s_t", leaf, type->name);
    g_free(leaf);
    return false;
}

static bool store_signed(const VisitInput *in, const VisitPath *path,
                         const QapiType *type, int64_t value, void *dst)
{
    if (value < type->min || (value > 0 && (uint64_t)value > type->max)) {
        return range_error(in, path, type);
    }
    store_int(type, dst, value);
    return true;
}

static bool store_unsigned(const VisitInput *in, const VisitPath *path,
                           const QapiType *type, uint64_t value, void *dst)
{
    if (value > type->max) {
        return range_error(in, path, type);
    }
    store_int(type, dst, value);
    return true;
}

/* From JSON */

/* json-c returns INT64_MAX for an unsigned value beyond it. */
static bool beyond_int64(json_object *json)
{
    return json_object_get_int64(json) == INT64_MAX &&
           json_object_get_uint64(json) > INT64_MAX;
}

static bool json_int(const VisitInput *in, const VisitPath *path,
                     const QapiType *type, json_object *json, void *dst)
{
    bool is_int = json_object_is_type(json, json_type_int);

    if (type->kind == QAPI_KIND_INT) {
        if (!is_int || beyond_int64(json)) {
            return visit_type_error(in, path, "integer");
        }
        return store_signed(in, path, type, json_object_get_int64(json), dst);
    }
    if (!is_int) {
        return expects(in, path, "uint64");
    }
    /* As in QEMU a negative number is a large one where 64 bits hold it, and
     * the member's owner judges it. */
    if (json_object_get_int64(json) < 0 && type->size < sizeof(uint64_t)) {
        return range_error(in, path, type);
    }
    return store_unsigned(in, path, type,
                          json_object_get_int64(json) < 0
                              ? (uint64_t)json_object_get_int64(json)
                              : json_object_get_uint64(json),
                          dst);
}

static const char *text_of(const VisitInput *in, const VisitPath *path,
                           json_object *json)
{
    const char *text;

    if (!json_object_is_type(json, json_type_string)) {
        visit_type_error(in, path, "string");
        return NULL;
    }
    text = json_object_get_string(json);
    if (strlen(text) != (size_t)json_object_get_string_len(json)) {
        visit_type_error(in, path, "string without NUL characters");
        return NULL;
    }
    return text;
}

static bool json_enum(const VisitInput *in, const VisitPath *path,
                      const QapiType *type, json_object *json, void *dst)
{
    const char *text = text_of(in, path, json);
    char *leaf;
    int value;

    if (!text) {
        return false;
    }
    value = qapi_enum_parse(type, text);
    if (value >= 0) {
        *(int *)dst = value;
        return true;
    }
    leaf = visit_path_leaf(path);
    error_set(in->errp, "Parameter '%s' does not accept value '%s'", leaf,
              text);
    g_free(leaf);
    return false;
}

static bool json_scalar(const VisitInput *in, const VisitPath *path,
                        const QapiType *type, json_object *json, void *dst)
{
    switch (type->kind) {
    case QAPI_KIND_BOOL:
        if (!json_object_is_type(json, json_type_boolean)) {
            return visit_type_error(in, path, "boolean");
        }
        *(bool *)dst = json_object_get_boolean(json);
        return true;
    case QAPI_KIND_NUMBER:
        if (!json_object_is_type(json, json_type_int) &&
            !json_object_is_type(json, json_type_double)) {
            return visit_type_error(in, path, "number");
        }
        *(double *)dst = json_object_get_double(json);
        return true;
    case QAPI_KIND_NULL:
        return json_object_is_type(json, json_type_null) ||
               visit_type_error(in, path, "null");
    default:
        return json_int(in, path, type, json, dst);
    }
}

/* From option strings */

static bool keyval_bool(const VisitInput *in, const VisitPath *path,
                        const char *text, void *dst)
{
    static const char *const words[] = {"off",   "on",   "no", "yes",
                                        "false", "true", "n",  "y"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(words[i], text) == 0) {
            *(bool *)dst = i % 2;
            return true;
        }
    }
    return expects(in, path, "'on' or 'off'");
}

static bool keyval_signed(const VisitInput *in, const VisitPath *path,
                          const QapiType *type, const char *text, void *dst)
{
    char *end;
    int64_t value = g_ascii_strtoll(text, &end, 0);

    if (errno || *end) {
        return expects(in, path, "integer");
    }
    if (type->kind == QAPI_KIND_UINT && type->size == sizeof(uint64_t)) {
        store_int(type, dst, value); /* as json_int has it */
        return true;
    }
    if (type->kind == QAPI_KIND_UINT) {
        return range_error(in, path, type);
    }
    return store_signed(in, path, type, value, dst);
}

static bool keyval_unsigned(const VisitInput *in, const VisitPath *path,
                            const QapiType *type, const char *text, void *dst)
{
    char *end;
    uint64_t value = g_ascii_strtoull(text, &end, 0);

    if (errno || *end) {
        return expects(in, path, "integer");
    }
    return store_unsigned(in, path, type, value, dst);
}

static bool keyval_int(const VisitInput *in, const VisitPath *path,
                       const QapiType *type, const char *text, void *dst)
{
    bool negative = text[0] == '-';

    if (!g_ascii_isdigit(text[negative])) {
        return expects(in, path, "integer");
    }
    errno = 0;
    if (type->kind == QAPI_KIND_INT || negative) {
        return keyval_signed(in, path, type, text, dst);
    }
    return keyval_unsigned(in, path, type, text, dst);
}

/* A number, with a fraction if you like, and a suffix of powers of 1024. */
static bool parse_size(const char *text, uint64_t *value)
{
    static const char suffixes[] = "bkmgtpe";
    const char *suffix;
    char *end, *fraction_end;
    uint64_t whole;
    double fraction = 0;
    unsigned shift = 0;

    if (!g_ascii_isdigit(text[0])) {
        return false;
    }
    errno = 0;
    whole = g_ascii_strtoull(text, &end,
                             g_ascii_strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
    if (errno) {
        return false;
    }
    if (*end == '.') {
        fraction = g_ascii_strtod(end, &fraction_end);
        if (fraction_end == end + 1 || !(fraction >= 0 && fraction < 1)) {
            return false;
        }
        end = fraction_end;
    }
    if (*end) {
        suffix = strchr(suffixes, g_ascii_tolower(*end));
        if (!suffix || end[1]) {
            return false;
        }
        shift = 10 * (suffix - suffixes);
    }
    if (whole > UINT64_MAX >> shift || (fraction > 0 && shift == 0)) {
        return false;
    }
    /* The fraction is below one unit, so it cannot carry out of the unit. */
    *value = (whole << shift) + (uint64_t)ldexp(fraction, shift);
    return true;
}

static bool keyval_size(const VisitInput *in, const VisitPath *path,
                        const char *text, void *dst)
{
    return parse_size(text, dst) || expects(in, path, "size");
}

static bool keyval_number(const VisitInput *in, const VisitPath *path,
                          const char *text, void *dst)
{
    char *end;
    double value = g_ascii_strtod(text, &end);

    if (end == text || *end || !isfinite(value)) {
        return expects(in, path, "number");
    }
    *(double *)dst = value;
    return true;
}

static bool keyval_scalar(const VisitInput *in, const VisitPath *path,
                          const QapiType *type, json_object *json, void *dst)
{
    const char *text = text_of(in, path, json);

    if (!text) {
        return false;
    }
    switch (type->kind) {
    case QAPI_KIND_BOOL:
        return keyval_bool(in, path, text, dst);
    case QAPI_KIND_SIZE:
        return keyval_size(in, path, text, dst);
    case QAPI_KIND_NUMBER:
        return keyval_number(in, path, text, dst);
    case QAPI_KIND_NULL:
        return *text == '\0' || visit_type_error(in, path, "null");
    default:
        return keyval_int(in, path, type, text, dst);
    }
}

bool visit_scalar(const VisitInput *in, const VisitPath *path,
                  const QapiType *type, json_object *json, void *dst)
{
    const char *text;

    switch (type->kind) {
    case QAPI_KIND_ANY:
        *(json_object **)dst = json_object_get(json);
        return true;
    case QAPI_KIND_STR:
        text = text_of(in, path, json);
        *(char **)dst = g_strdup(text);
        return text != NULL;
    case QAPI_KIND_ENUM:
        return json_enum(in, path, type, json, dst);
    default:
        return in->keyval ? keyval_scalar(in, path, type, json, dst)
                          : json_scalar(in, path, type, json, dst);
    }
}
