/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a device's properties: types and limits. */
#include "devices/device-int.h"
#include "util/opts.h"
#include "util/json/json-print.h"

#define BLOCK_SIZE_MAX (2 * MiB)

/* What is no property but names the device. */
static bool is_head(const char *name)
{
    return !strcmp(name, "driver") || !strcmp(name, "bus") ||
           !strcmp(name, "id");
}

static bool is_number_type(const char *type)
{
    return g_str_has_prefix(type, "uint") || g_str_has_prefix(type, "int");
}

static bool is_word_of(const char *text, const char *const *words)
{
    return g_strv_contains(words, text);
}

static const char *const *words_of(const char *type)
{
    static const char *const on_off_auto[] = {"auto", "on", "off", NULL};
    static const char *const on_error[] = {"report", "ignore", "enospc",
                                           "stop",   "auto",   NULL};
    static const char *const translations[] = {"auto",  "none",  "lba",
                                               "large", "rechs", NULL};
    static const char *const floppies[] = {"144",  "288",  "120",
                                           "none", "auto", NULL};

    return !strcmp(type, "OnOffAuto")            ? on_off_auto
           : !strcmp(type, "BlockdevOnError")    ? on_error
           : !strcmp(type, "FdcDriveType")       ? floppies
           : !strcmp(type, "BiosAtaTranslation") ? translations
                                                 : NULL;
}

/* The largest number of "uint16" and the like. */
static uint64_t limit_of(const char *type)
{
    unsigned bits = *type == 'u' ? atoi(type + strlen("uint")) : 0;

    return bits && bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
}

static bool number_ok(const DeviceProperty *p, const char *text, Error **errp)
{
    char *end;
    bool negative = *text == '-';
    uint64_t number;

    errno = 0;
    number = g_ascii_strtoull(text + negative, &end, 0);
    if (end == text + negative || *end || errno) {
        error_set(errp, "Parameter '%s' expects integer", p->name);
        return false;
    }
    /* Of the largest kind a negative number is what its bits are. */
    if ((negative && *p->type == 'u' && strcmp(p->type, "uint64") != 0) ||
        number > limit_of(p->type)) {
        error_set(errp, "Parameter '%s' expects %s_t", p->name, p->type);
        return false;
    }
    return true;
}

/* "slot.function", in hex. */
static bool address_ok(const DeviceModel *model, const char *text, Error **errp)
{
    unsigned long slot, function = 0;
    char *end;

    slot = strtoul(text, &end, 16);
    if (end != text && *end == '.' && end[1]) {
        function = strtoul(end + 1, &end, 16);
    }
    if (end == text || *end || slot > 0x1f || function > 7) {
        error_set(errp, "Property '%s.addr' doesn't take value '%s'",
                  model->name, text);
        return false;
    }
    return true;
}

bool device_parse_size(const char *name, const char *text, uint64_t *size)
{
    Opts *opts = opts_parse("", NULL, NULL);
    bool ok;

    opts_add(opts, name, text);
    ok = opts_take_number(opts, name, true, size, NULL);
    opts_free(opts);
    return ok;
}

static bool size_ok(const DeviceProperty *p, const char *text, Error **errp)
{
    uint64_t size;

    if (!device_parse_size(p->name, text, &size)) {
        error_set(errp, "Parameter '%s' expects size", p->name);
        return false;
    }
    if (!size || !g_str_has_suffix(p->name, "_block_size")) {
        return true;
    }
    if (size < DEVICE_BLOCK_MIN || size > BLOCK_SIZE_MAX) {
        error_set(errp,
                  "Property .%s doesn't take value %" PRIu64
                  " (minimum: %d, maximum: %d)",
                  p->name, size, DEVICE_BLOCK_MIN, (int)BLOCK_SIZE_MAX);
        return false;
    }
    if (!is_power_of_2(size)) {
        error_set(errp,
                  "Property .%s doesn't take value '%" PRIu64
                  "', it's not a power of 2",
                  p->name, size);
        return false;
    }
    return true;
}

static bool text_ok(const DeviceProperty *p, const char *text, Error **errp)
{
    const char *const *words = words_of(p->type);

    if (words && !is_word_of(text, words)) {
        error_set(errp, "Parameter '%s' does not accept value '%s'", p->name,
                  text);
        return false;
    }
    if (!strcmp(p->type, "bool") && opts_bool_value(text) < 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", p->name);
        return false;
    }
    if (is_number_type(p->type) && strcmp(p->name, "addr")) {
        return number_ok(p, text, errp);
    }
    return strcmp(p->type, "size") || size_ok(p, text, errp);
}

static bool json_type_ok(const DeviceProperty *p, json_object *value,
                         Error **errp)
{
    enum json_type type = json_object_get_type(value);
    const char *wanted = NULL;

    if (!strcmp(p->type, "bool")) {
        wanted = type == json_type_boolean ? NULL : "boolean";
    } else if (!strcmp(p->type, "str") || words_of(p->type)) {
        wanted = type == json_type_string ? NULL : "string";
    } else if (is_number_type(p->type) && strcmp(p->name, "addr")) {
        wanted = type == json_type_int ? NULL : "integer";
    }
    if (wanted) {
        error_set(errp, "Invalid parameter type for '%s', expected: %s",
                  p->name, wanted);
    }
    return !wanted;
}

const char *device_json_text(json_object *value)
{
    return json_object_is_type(value, json_type_boolean)
               ? (json_object_get_boolean(value) ? "on" : "off")
               : json_object_get_string(value);
}

static bool value_ok(const DeviceModel *model, const char *name,
                     json_object *value, bool strict, Error **errp)
{
    const DeviceProperty *p = device_model_property(model, name);

    if (!p && model->open_sets && strcmp(name, "drive")) {
        return true;
    }
    if (!p) {
        error_set(errp, "Property '%s.%s' not found", model->name, name);
        return false;
    }
    if (!strcmp(name, "addr") && json_object_is_type(value, json_type_string)) {
        return address_ok(model, device_json_text(value), errp);
    }
    return (!strict || json_type_ok(p, value, errp)) &&
           text_ok(p, value ? device_json_text(value) : "", errp);
}

bool device_values_check(const DeviceModel *model, json_object *values,
                         bool strict, Error **errp)
{
    /* The first that is wrong is the first of QEMU's order. */
    g_autoptr(GPtrArray) names = json_ordered_keys(values);

    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        json_object *value = json_object_object_get(values, name);

        if (!is_head(name) && !value_ok(model, name, value, strict, errp)) {
            return false;
        }
    }
    return device_limits_check(model, values, errp);
}

/* --- what was said ------------------------------------------------------- */

const char *device_text(const Device *device, const char *name,
                        const char *otherwise)
{
    json_object *value;

    return json_object_object_get_ex(device->values, name, &value) && value
               ? device_json_text(value)
               : otherwise;
}

bool device_flag(const Device *device, const char *name)
{
    return opts_bool_value(device_text(device, name, "off")) == 1;
}

int64_t device_number(const Device *device, const char *name, int64_t otherwise)
{
    const char *text = device_text(device, name, NULL);

    return text ? g_ascii_strtoll(text, NULL, 0) : otherwise;
}
