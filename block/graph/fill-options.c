/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loose options leave open and images tell: which format a child is in,
 * how an image is encrypted, and, where only some options of an image behind
 * another one are given ("backing.node-name"), which file that is.
 */
#include "block/graph/fill-options.h"

#include "block/graph/driver.h"
#include "block/graph/filename.h"
#include "block/graph/format.h"
#include "block/graph/loose-options.h"
#include "block/graph/probe.h"
#include "qapi/qapi-types.h"

/* Names of edges from the top to where a look found raw, with '/' between.
 * CONTROL, under the graph lock: of the last options filled in. */
static GPtrArray *guessed_raw;

static json_object *member(json_object *object, const char *name)
{
    json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return value;
}

static bool is_object(json_object *value)
{
    return json_object_is_type(value, json_type_object);
}

static void add(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

/* To look at an image needs no names, which are to be given later. */
static void strip_names(json_object *value)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            strip_names(json_object_array_get_idx(value, i));
        }
    }
    if (is_object(value)) {
        json_object_object_del(value, "node-name");
        json_object_object_foreach(value, key, inner)
        {
            (void)key;
            strip_names(inner);
        }
    }
}

/* The same options with nothing behind the image. */
static BlockdevOptions *without_backing(const BlockdevOptions *options,
                                        Error **errp)
{
    json_object *json = BlockdevOptions_to_json(options);
    BlockdevOptions *copy;

    json_object_object_add(json, "backing", NULL);
    copy = BlockdevOptions_from_json(json, errp);
    json_object_put(json);
    return copy;
}

/* The image of @options for a look at it, without what is behind it. */
COROUTINE_ONLY CONTROL_ONLY static Node *co_look_at(json_object *options,
                                                    Error **errp)
{
    bool look = format_opening_to_look;
    json_object *copy = NULL;
    BlockdevOptions *read, *bare;
    Node *node = NULL;

    json_object_deep_copy(options, &copy, NULL);
    strip_names(copy);
    json_object_object_del(copy, "backing");
    json_object_object_del(copy, "encrypt");
    add(copy, "read-only", "on");
    json_object_object_del(copy, "auto-read-only");
    read = loose_options_read(copy, "raw", errp);
    json_object_put(copy);
    bare = read ? without_backing(read, errp) : NULL;
    if (bare) {
        format_opening_to_look = true;
        node = co_node_open(bare, errp);
        format_opening_to_look = look;
    }
    BlockdevOptions_free(bare);
    BlockdevOptions_free(read);
    return node;
}

/* Puts the file called @name below @backing, beside what is said of it. */
static bool add_backing_file(json_object *backing, const char *name,
                             Error **errp)
{
    bool json_name = g_str_has_prefix(name, "json:");
    json_object *loose = json_name ? loose_options_of_json_name(name, errp)
                                   : loose_options_of_filename(name, errp);
    json_object *found = loose ? loose_options_plain(loose, errp) : NULL;
    json_object *into = backing;

    json_object_put(loose);
    if (!found) {
        return false;
    }
    if (!json_name) {
        into = member(backing, "file");
        if (!is_object(into)) {
            into = json_object_new_object();
            json_object_object_add(backing, "file", into);
        }
    }
    json_object_object_foreach(found, key, value)
    {
        if (!member(into, key)) {
            json_object_object_add(into, key, json_object_get(value));
        }
    }
    json_object_put(found);
    return true;
}

/* The file, if @backing names none. */
CONTROL_ONLY
static bool complete_file(const Node *node, json_object *backing, Error **errp)
{
    const Edge *file = node_child(node, "file");
    const char *name = node->driver->format->backing_file(node);
    g_autofree char *whole =
        name ? filename_beside(node_plain_filename(file ? file->child : node),
                               name, errp)
             : NULL;

    if (!name) {
        error_set(errp, member(backing, "driver")
                            ? "A block device must be specified for \"file\""
                            : "Must specify either driver or file");
    }
    return whole && add_backing_file(backing, whole, errp);
}

/* From the image's own words: which file it is, and of which format. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_complete_backing(json_object *options, json_object *backing, bool file,
                    Error **errp)
{
    Node *node = co_look_at(options, errp);
    const FormatOps *format = node ? node->driver->format : NULL;
    const char *driver;
    bool ok = format && format->backing_file;

    if (ok) {
        ok = !file || complete_file(node, backing, errp);
        driver = format->backing_format(node);
        if (ok && driver && !member(backing, "driver")) {
            add(backing, "driver", driver);
        }
    } else if (node) {
        ok = !file;
        error_set(file ? errp : NULL,
                  "A block device must be specified for \"file\"");
    }
    if (node) {
        co_node_unref(node);
    }
    return ok;
}

static bool co_fill(json_object *options, const char *path,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;

static char *path_below(const char *path, const char *name)
{
    return *path ? g_strdup_printf("%s/%s", path, name) : g_strdup(name);
}

/* An array's children have names with a dot. */
COROUTINE_ONLY CONTROL_ONLY static bool co_fill_child(json_object *child,
                                                      const char *path,
                                                      const char *name,
                                                      Error **errp)
{
    g_autofree char *below = path_below(path, name);

    return !is_object(child) || co_fill(child, below, errp);
}

/* A format alone says how an image is to be read, not which. */
static bool names_format_only(json_object *options)
{
    json_object *name = member(options, "driver");
    const NodeDriver *driver =
        name ? driver_find(json_object_get_string(name)) : NULL;

    return !name || (driver && driver->is_format);
}

/* Whether @options do not say which image they are about. */
static bool names_nothing(json_object *options)
{
    json_object *file = member(options, "file");

    return names_format_only(options) && !member(options, "filename") &&
           (!file || (is_object(file) && names_nothing(file)));
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_fill_backing(json_object *options, const char *path, Error **errp)
{
    json_object *backing = member(options, "backing");
    Error *err = NULL;
    bool file;

    if (!is_object(backing)) {
        return true;
    }
    if (!member(backing, "read-only")) {
        add(backing, "read-only", "on");
    }
    file = names_nothing(backing);
    if (((file || !member(backing, "driver")) &&
         !co_complete_backing(options, backing, file, &err)) ||
        !co_fill_child(backing, path, "backing", &err)) {
        error_prepend(&err, "Could not open backing file: ");
        error_propagate(errp, err);
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_fill_children(json_object *options, const char *path, Error **errp)
{
    static const char *const names[] = {"file", "image", "target", "data-file",
                                        "raw",  "test",  "log"};
    json_object *list = member(options, "children");

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!co_fill_child(member(options, names[i]), path, names[i], errp)) {
            return false;
        }
    }
    for (size_t i = 0; json_object_is_type(list, json_type_array) &&
                       i < json_object_array_length(list);
         i++) {
        g_autofree char *name = g_strdup_printf("children.%zu", i);

        if (!co_fill_child(json_object_array_get_idx(list, i), path, name,
                           errp)) {
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_fill_driver(json_object *options, const char *path, Error **errp)
{
    const char *format = "file";

    if (member(options, "driver")) {
        return true;
    }
    if (is_object(member(options, "file"))) {
        json_object *look = NULL;

        json_object_deep_copy(member(options, "file"), &look, NULL);
        strip_names(look);
        format = co_probe_loose(look, errp);
        json_object_put(look);
        if (*path && !g_strcmp0(format, "raw")) {
            g_ptr_array_add(guessed_raw, g_strdup(path));
        }
    }
    if (format) {
        add(options, "driver", format);
    }
    return format != NULL;
}

/* "encrypt.key-secret" alone: the image says which encryption that is for. Of
 * one that is not encrypted it means nothing. */
COROUTINE_ONLY CONTROL_ONLY static bool co_fill_encryption(json_object *options,
                                                           Error **errp)
{
    json_object *encrypt = member(options, "encrypt");
    json_object *name = member(options, "driver");
    const NodeDriver *driver =
        name ? driver_find(json_object_get_string(name)) : NULL;
    Node *node;

    if (!is_object(encrypt) || member(encrypt, "format") || !driver ||
        !driver->format || !driver->format->encryption) {
        return true;
    }
    node = co_look_at(options, errp);
    if (!node) {
        return false;
    }
    if (node_encryption(node)) {
        add(encrypt, "format", node_encryption(node));
    } else {
        json_object_object_del(options, "encrypt");
    }
    co_node_unref(node);
    return true;
}

static bool co_fill(json_object *options, const char *path, Error **errp)
{
    return co_fill_children(options, path, errp) &&
           co_fill_driver(options, path, errp) &&
           co_fill_encryption(options, errp) &&
           co_fill_backing(options, path, errp);
}

static void forget_guesses(void)
{
    if (guessed_raw) {
        g_ptr_array_unref(guessed_raw);
        guessed_raw = NULL;
    }
}

bool co_fill_options(json_object *plain, Error **errp)
{
    forget_guesses();
    guessed_raw = g_ptr_array_new_with_free_func(g_free);
    return co_fill(plain, "", errp);
}

static Node *node_at(Node *node, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);

    for (char **name = names; node && *name; name++) {
        const Edge *edge = node_child(node, *name);

        node = edge ? edge->child : NULL;
    }
    return node;
}

void fill_options_guard(Node *top, void (*guard)(Node *node))
{
    for (guint i = 0; guessed_raw && i < guessed_raw->len; i++) {
        Node *node = node_at(top, guessed_raw->pdata[i]);

        if (guard && node && !node->read_only) {
            probe_warn_raw(node->filename);
            guard(node);
        }
    }
    forget_guesses();
}
