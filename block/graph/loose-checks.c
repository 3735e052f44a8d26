/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of loose options: sizes with suffixes, words with two spellings. */
#include "block/graph/loose-checks.h"

#include "util/opts.h"

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

static bool is_one_of(const char *name, const char *const *list)
{
    return g_strv_contains(list, name);
}

/* What is counted in bytes, and may have a suffix here. */
static const char *const sizes[] = {
    "size",
    "offset",
    "align",
    "max-transfer",
    "opt-write-zero",
    "max-write-zero",
    "opt-discard",
    "max-discard",
    "cache-size",
    "l2-cache-size",
    "prealloc-size",
    "l2-cache-entry-size",
    "prealloc-align",
    "refcount-cache-size",
    "log-sector-size",
    NULL,
};

/* Other numbers; what is in neither table, the schema's reader tells of. */
static const char *const numbers[] = {
    "latency-ns",      "cache-clean-interval",
    "reconnect-delay", "open-timeout",
    "vote-threshold",  "log-super-update-interval",
    "aio-max-batch",   "errno",
    "sector",          "state",
    "new_state",       NULL,
};

static bool no_size(const char *name, Error **errp)
{
    error_set(errp, "Parameter '%s' expects a non-negative number below 2^64",
              name);
    error_append_hint(errp, "Optional suffix k, M, G, T, P or E means kilo-, "
                            "mega-, giga-, tera-, peta-\n"
                            "and exabytes, respectively.\n");
    return false;
}

static bool out_of_range(const char *name, const char *text, Error **errp)
{
    error_set(errp, "Value '%s' is out of range for parameter '%s'", text,
              name);
    return false;
}

/* Sizes may have a suffix here, though the schema has them as integers. */
static bool check_size(json_object *options, const char *name, const char *text,
                       Error **errp)
{
    static const char suffixes[] = "bkmgtpe";
    g_autofree char *plain = NULL;
    const char *suffix;
    uint64_t number;
    char *end;

    errno = 0;
    number = g_ascii_strtoull(text, &end, 10);
    suffix = *end ? strchr(suffixes, g_ascii_tolower(*end)) : suffixes;
    if (end == text || !suffix || (*end && end[1])) {
        return no_size(name, errp);
    }
    if (errno || number > (uint64_t)INT64_MAX >> (10 * (suffix - suffixes))) {
        return *text == '-' ? no_size(name, errp)
                            : out_of_range(name, text, errp);
    }
    if (*end) {
        plain =
            g_strdup_printf("%" PRIu64, number << (10 * (suffix - suffixes)));
        add_string(options, name, plain);
    }
    return true;
}

static bool check_number(const char *name, const char *text, Error **errp)
{
    char *end;

    g_ascii_strtoll(text, &end, 0);
    if (end == text || *end) {
        error_set(errp, "Parameter '%s' expects a number", name);
        return false;
    }
    return true;
}

static bool check_bool(const char *name, const char *text, Error **errp)
{
    if (opts_bool_value(text) < 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", name);
        return false;
    }
    return true;
}

static bool check_word(const QapiType *type, const char *text, Error **errp)
{
    if (qapi_enum_parse(type, text) < 0) {
        error_set(errp, "invalid parameter value: %s", text);
        return false;
    }
    return true;
}

static bool check_value(json_object *options, const QapiMember *member,
                        Error **errp)
{
    json_object *value;
    const char *text;

    if (!json_object_object_get_ex(options, member->name, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return true;
    }
    text = json_object_get_string(value);
    switch (member->type->kind) {
    case QAPI_KIND_INT:
    case QAPI_KIND_UINT:
        if (is_one_of(member->name, sizes)) {
            return check_size(options, member->name, text, errp);
        }
        return !is_one_of(member->name, numbers) ||
               check_number(member->name, text, errp);
    case QAPI_KIND_BOOL:
        return check_bool(member->name, text, errp);
    case QAPI_KIND_ENUM:
        return check_word(member->type, text, errp);
    default:
        return true;
    }
}

static bool check_values(json_object *options, const QapiType *type,
                         Error **errp)
{
    for (size_t i = 0; type && i < type->n_members; i++) {
        if (!check_value(options, &type->members[i], errp)) {
            return false;
        }
    }
    return true;
}

/* --- rules of blkdebug --------------------------------------------------- */

static bool check_rule(json_object *rule, const QapiType *type,
                       const char *section, Error **errp)
{
    if (!json_object_is_type(rule, json_type_object)) {
        return true;
    }
    json_object_object_foreach(rule, name, value)
    {
        (void)value;
        if (!loose_member_of(type, name)) {
            error_set(errp, "[%s] section doesn't support the option '%s'",
                      section, name);
            return false;
        }
    }
    if (!json_object_object_get_ex(rule, "event", NULL)) {
        error_set(errp, "Missing event name for rule");
        return false;
    }
    return check_values(rule, type, errp);
}

static bool check_rules(json_object *options, const QapiType *own,
                        const char *section, Error **errp)
{
    const QapiMember *member = loose_member_of(own, section);
    json_object *rules;

    if (!member || !json_object_object_get_ex(options, section, &rules) ||
        !json_object_is_type(rules, json_type_array)) {
        return true;
    }
    for (size_t i = 0; i < json_object_array_length(rules); i++) {
        if (!check_rule(json_object_array_get_idx(rules, i),
                        member->type->element, section, errp)) {
            return false;
        }
    }
    return true;
}

/* --- words --------------------------------------------------------------- */

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

/* A template alone, or in an object with what differs from it. */
static bool check_overlap(json_object *options, Error **errp)
{
    static const char *const templates[] = {"none", "constant", "cached", "all",
                                            NULL};
    json_object *value;

    if (json_object_object_get_ex(options, "overlap-check", &value) &&
        json_object_is_type(value, json_type_object)) {
        json_object_object_get_ex(value, "template", &value);
    }
    if (json_object_is_type(value, json_type_string) &&
        !is_one_of(json_object_get_string(value), templates)) {
        error_set(errp,
                  "Unsupported value '%s' for qcow2 option 'overlap-check'. "
                  "Allowed are any of the following: none, constant, cached, "
                  "all",
                  json_object_get_string(value));
        return false;
    }
    return true;
}

static bool check_pattern(json_object *options, Error **errp)
{
    json_object *value;

    if (json_object_object_get_ex(options, "read-pattern", &value) &&
        json_object_is_type(value, json_type_string) &&
        qapi_enum_parse(&qapi_type_QuorumReadPattern,
                        json_object_get_string(value)) < 0) {
        error_set(errp, "Please set read-pattern as fifo or quorum");
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
    /* That one's options are read by the schema in QEMU, too. */
    bool by_schema = own == &qapi_type_BlockdevOptionsCbw;

    return check_discard(options, errp) && check_zeroes(options, errp) &&
           check_pattern(options, errp) && check_overlap(options, errp) &&
           (by_schema || check_values(options, own, errp)) &&
           check_rules(options, own, "inject-error", errp) &&
           check_rules(options, own, "set-state", errp);
}
