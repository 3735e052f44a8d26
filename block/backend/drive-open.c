/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the options of a drive's medium to its nodes. */
#include "block/backend/drive-int.h"
#include "block/backend/temporary.h"
#include "block/graph/driver.h"
#include "block/graph/filename.h"
#include "block/graph/fill-options.h"
#include "block/graph/loose-options.h"
#include "block/file/raw.h"
#include "block/graph/probe.h"

static void add(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static void add_missing(json_object *object, const char *key, const char *value)
{
    if (value && !json_object_object_get_ex(object, key, NULL)) {
        add(object, key, value);
    }
}

bool drive_medium_given(const DriveMedium *medium)
{
    return (medium->file && *medium->file) || medium->format ||
           medium->rest->list->len;
}

static bool is_protocol(const char *format)
{
    const NodeDriver *driver = format ? driver_find(format) : NULL;

    return driver && !driver->is_format && !driver->is_filter;
}

/* The options of nodes as they were given. */
static json_object *rest_options(const DriveMedium *medium)
{
    json_object *options = json_object_new_object();

    for (guint i = 0; i < medium->rest->list->len; i++) {
        const Opt *opt = medium->rest->list->pdata[i];

        add(options, opt->name, opt->value);
    }
    return options;
}

/* Only what is not there yet. */
static void merge(json_object *to, json_object *from)
{
    json_object_object_foreach(from, key, value)
    {
        if (!json_object_object_get_ex(to, key, NULL)) {
            json_object_object_add(to, key, json_object_get(value));
        }
    }
}

static bool add_json_name(json_object *options, const DriveMedium *medium,
                          Error **errp)
{
    json_object *given = loose_options_of_json_name(medium->file, errp);

    if (given) {
        merge(options, given);
        json_object_put(given);
    }
    return given != NULL;
}

/* The driver that the file is said to have, or NULL. */
static const char *driver_of_file(json_object *options,
                                  const DriveMedium *medium)
{
    json_object *driver = NULL;

    if (is_protocol(medium->format)) {
        return medium->format;
    }
    json_object_object_get_ex(options, "file.driver", &driver);
    return driver ? json_object_get_string(driver) : NULL;
}

/* A file has one name: "file" with "file.filename" beside it are two. */
static bool named_once(json_object *options, const DriveMedium *medium,
                       Error **errp)
{
    const char *key =
        is_protocol(medium->format) ? "filename" : "file.filename";

    if (!json_object_object_get_ex(options, key, NULL)) {
        return true;
    }
    error_set(errp, "Can't specify 'file' and 'filename' options at the same "
                    "time");
    return false;
}

/* Adds the file that is called @medium->file. */
static bool add_file(json_object *options, const DriveMedium *medium,
                     Error **errp)
{
    const char *driver;
    json_object *file;

    if (g_str_has_prefix(medium->file, "json:")) {
        return add_json_name(options, medium, errp);
    }
    if (!named_once(options, medium, errp)) {
        return false;
    }
    driver = driver_of_file(options, medium);
    if (driver && !driver_find(driver)) {
        error_set(errp, "Unknown driver '%s'", driver);
        return false;
    }
    file = loose_options_of_name_for(driver, medium->file, errp);
    if (!file) {
        return false;
    }
    if (is_protocol(medium->format)) {
        json_object_object_del(file, "driver");
        merge(options, file);
        json_object_put(file);
        return true;
    }
    json_object_object_del(options, "file.driver");
    json_object_object_add(options, "file", file);
    return true;
}

/* The object that stands for the file in @options, which is made if there are
 * dotted options only; NULL if there is none. */
static json_object *file_of(json_object *options)
{
    json_object *file = NULL;

    json_object_object_get_ex(options, "file", &file);
    return json_object_is_type(file, json_type_object) ? file : NULL;
}

static bool has_file(json_object *options)
{
    json_object_object_foreach(options, key, value)
    {
        (void)value;
        if (!strcmp(key, "file") || g_str_has_prefix(key, "file.")) {
            return true;
        }
    }
    return false;
}

/* "file", and what stands as "file.x" beside it, as one object. */
static json_object *whole_file(json_object *options)
{
    json_object *file = json_object_new_object(), *there = file_of(options);

    if (there) {
        merge(file, there);
    }
    json_object_object_foreach(options, key, value)
    {
        if (g_str_has_prefix(key, "file.")) {
            json_object_object_add(file, key + strlen("file."),
                                   json_object_get(value));
        }
    }
    add_missing(file, "driver", "file");
    return file;
}

/* NULL: only the open node has one. */
static const char *name_to_warn_of(const DriveMedium *medium, json_object *file)
{
    json_object *name;

    if (medium->file) {
        return medium->file;
    }
    return json_object_object_get_ex(file, "filename", &name)
               ? json_object_get_string(name)
               : NULL;
}

/* Who writes to an image that is raw only because it looks so. */
static bool is_to_be_warned(const DriveMedium *medium)
{
    return !medium->read_only && !medium->snapshot;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_add_driver(json_object *options,
                                                      const DriveMedium *medium,
                                                      bool *guessed_raw,
                                                      Error **errp)
{
    json_object *file;
    const char *format, *name;

    if (medium->format) {
        add(options, "driver", medium->format);
    }
    if (json_object_object_get_ex(options, "driver", NULL)) {
        return true;
    }
    if (!has_file(options)) {
        error_set(errp, "Must specify either driver or file");
        return false;
    }
    file = whole_file(options);
    format = co_probe_loose(file, errp);
    *guessed_raw = format && !strcmp(format, "raw");
    name = name_to_warn_of(medium, file);
    if (*guessed_raw && is_to_be_warned(medium) && name) {
        probe_warn_raw(name);
    }
    json_object_put(file);
    if (format) {
        add(options, "driver", format);
    }
    return format != NULL;
}

/* What holds for the whole chain of nodes, where nothing else is said. */
static void add_common(json_object *options, const DriveMedium *medium)
{
    json_object *file = file_of(options), *name;

    add_missing(options, "read-only", medium->read_only ? "on" : "off");
    add_missing(options, "auto-read-only", "on");
    add_missing(options, "cache.direct", medium->direct ? "on" : "off");
    add_missing(options, "cache.no-flush", medium->no_flush ? "on" : "off");
    add_missing(options, "discard", medium->discard);
    /* "unmap" comes later: here it goes without discard, too. */
    add_missing(options, "detect-zeroes",
                detects_to_unmap(medium) ? "on" : medium->detect_zeroes);
    if (!file) {
        if (is_protocol(medium->format) &&
            json_object_object_get_ex(options, "filename", NULL)) {
            add_missing(options, "aio", medium->aio);
        }
        return;
    }
    if (!json_object_object_get_ex(options, "file.discard", NULL)) {
        add_missing(file, "discard", "unmap");
    }
    if (json_object_object_get_ex(file, "driver", &name) &&
        !strcmp(json_object_get_string(name), "file")) {
        add_missing(file, "aio", medium->aio);
    }
}

COROUTINE_ONLY CONTROL_ONLY static BlockdevOptions *
co_options(const DriveMedium *medium, json_object *options, bool *guessed_raw,
           Error **errp)
{
    json_object *plain = NULL;
    BlockdevOptions *read = NULL;

    if ((!medium->file || !*medium->file || add_file(options, medium, errp)) &&
        co_add_driver(options, medium, guessed_raw, errp)) {
        loose_options_warn(options);
        add_common(options, medium);
        plain = loose_options_plain(options, errp);
    }
    if (plain && co_fill_options(plain, errp)) {
        read = loose_options_read(plain, "raw", errp);
    }
    json_object_put(plain);
    return read;
}

Node *co_drive_open(const DriveMedium *medium, Error **errp)
{
    bool guessed_raw = false;
    json_object *loose = rest_options(medium);
    bool named =
        medium->file || json_object_object_get_ex(loose, "file.filename", NULL);
    BlockdevOptions *options = co_options(medium, loose, &guessed_raw, errp);
    Node *node = NULL;

    if (options && medium->snapshot) {
        node = co_temporary_overlay(options, errp);
    } else if (options) {
        node = co_node_open(options, errp);
        if (node) {
            fill_options_guard(node, raw_guard);
            node_spell_options(node, loose);
        }
    }
    json_object_put(loose);
    BlockdevOptions_free(options);
    if (node && guessed_raw) {
        if (is_to_be_warned(medium) && !named) {
            probe_warn_raw(node->filename);
        }
        raw_guard(node);
    }
    return node;
}
