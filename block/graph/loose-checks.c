/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of loose options: sizes with suffixes, words with two spellings. */
#include "block/graph/loose-checks.h"

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

const QapiMember *loose_member_of(const QapiType *type, const char *name)
{
    for (size_t i = 0; type && i < type->n_members; i++) {
        if (!strcmp(type->members[i].name, name)) {
            return &type->members[i];
        }
    }
    return NULL;
}

/* Sizes may have a suffix here, though the schema has them as integers. */
static void expand_size(json_object *options, const QapiType *own,
                        const char *name)
{
    static const char suffixes[] = "bkmgtpe";
    const QapiMember *member = loose_member_of(own, name);
    g_autofree char *text = NULL;
    json_object *value;
    const char *suffix;
    uint64_t number;
    char *end;

    if (!member || member->type->kind != QAPI_KIND_INT ||
        !json_object_object_get_ex(options, name, &value) ||
        !json_object_is_type(value, json_type_string) ||
        !g_ascii_isdigit(*json_object_get_string(value))) {
        return;
    }
    errno = 0;
    number = g_ascii_strtoull(json_object_get_string(value), &end, 10);
    suffix = *end ? strchr(suffixes, g_ascii_tolower(*end)) : NULL;
    if (errno || !suffix || end[1] ||
        number > (uint64_t)INT64_MAX >> (10 * (suffix - suffixes))) {
        return; /* told by the schema's reader */
    }
    text = g_strdup_printf("%" PRIu64, number << (10 * (suffix - suffixes)));
    add_string(options, name, text);
}

/* Sizes that are none are told of as such, not as integers. */
static bool check_size(json_object *options, const QapiType *own,
                       const char *name, Error **errp)
{
    const QapiMember *member = loose_member_of(own, name);
    json_object *value;
    char *end;

    if (!member || member->type->kind != QAPI_KIND_INT ||
        !json_object_object_get_ex(options, name, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return true;
    }
    g_ascii_strtoull(json_object_get_string(value), &end, 10);
    if (*json_object_get_string(value) && !*end) {
        return true;
    }
    error_set(errp, "Parameter '%s' expects a non-negative number below 2^64",
              name);
    error_append_hint(errp, "Optional suffix k, M, G, T, P or E means kilo-, "
                            "mega-, giga-, tera-, peta-\n"
                            "and exabytes, respectively.\n");
    return false;
}

/* on and off are other words for what the schema knows. */
static bool check_discard(json_object *options, Error **errp)
{
    json_object *value;
    const char *word;

    if (!json_object_object_get_ex(options, "discard", &value) ||
        !json_object_is_type(value, json_type_string)) {
        return true;
    }
    word = json_object_get_string(value);
    if (!strcmp(word, "on") || !strcmp(word, "unmap")) {
        add_string(options, "discard", "unmap");
    } else if (!strcmp(word, "off") || !strcmp(word, "ignore")) {
        add_string(options, "discard", "ignore");
    } else {
        error_set(errp, "Invalid discard option");
        return false;
    }
    return true;
}

static bool check_zeroes(json_object *options, Error **errp)
{
    json_object *value;

    if (!json_object_object_get_ex(options, "detect-zeroes", &value) ||
        !json_object_is_type(value, json_type_string) ||
        qapi_enum_parse(&qapi_type_BlockdevDetectZeroesOptions,
                        json_object_get_string(value)) >= 0) {
        return true;
    }
    error_set(errp, "invalid parameter value: %s",
              json_object_get_string(value));
    return false;
}

bool loose_check_values(json_object *options, const QapiType *own, Error **errp)
{
    for (size_t i = 0; own && i < own->n_members; i++) {
        expand_size(options, own, own->members[i].name);
    }
    return check_discard(options, errp) && check_zeroes(options, errp) &&
           check_size(options, own, "size", errp) &&
           check_size(options, own, "offset", errp);
}
