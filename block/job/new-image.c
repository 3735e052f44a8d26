/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images that commands name: see new-image.h. */
#include "block/job/new-image.h"

#include "block/file/file-create.h"
#include "block/file/raw.h"
#include "block/graph/filename.h"
#include "block/graph/format.h"
#include "block/graph/probe.h"
#include "block/graph/loose-options.h"
#include "block/graph/root.h"
#include "block/io/io.h"
#include "block/net/nbd-uri.h"
#include "qapi/qapi-types.h"
#include "util/log.h"
#include "util/stdout.h"

static void add(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static void add_bool(json_object *object, const char *key, bool value)
{
    add(object, key, value ? "on" : "off");
}

/* --- making -------------------------------------------------------------- */

static bool knows(const FormatOption *table, const char *name)
{
    for (; table->name; table++) {
        if (!strcmp(table->name, name)) {
            return true;
        }
    }
    return false;
}

static const NodeDriver *find_format(const char *format, Error **errp)
{
    const NodeDriver *driver = driver_find(format);

    if (!driver || !driver->co_open) {
        error_set(errp, "Unknown file format '%s'", format);
        return NULL;
    }
    if (!format_create_options(driver)) {
        error_set(errp, "Format driver '%s' does not support image creation",
                  format);
        return NULL;
    }
    return driver;
}

/* NULL if the format cannot be what is asked for. */
static json_object *creation_words(const NewImage *image,
                                   const FormatOption *table, Error **errp)
{
    g_autofree char *size = g_strdup_printf("%" PRIu64, image->size_bytes);
    json_object *words;

    if (image->behind && !knows(table, "backing_file")) {
        error_set(errp, "Backing file not supported for file format '%s'",
                  image->format);
        return NULL;
    }
    if (image->behind && !g_strcmp0(image->behind->filename, image->filename)) {
        error_set(errp, "Error: Trying to create an image with the same "
                        "filename as the backing file");
        return NULL;
    }
    words = json_object_new_object();
    add(words, "size", size);
    if (image->behind) {
        add(words, "backing_file", image->behind->filename);
        add(words, "backing_fmt", image->behind->driver->name);
    }
    return words;
}

bool co_new_image_make(const NewImage *image, Error **errp)
{
    const NodeDriver *driver = find_format(image->format, errp);
    const FormatOption *table;
    json_object *words;
    bool ok;

    if (!driver) {
        return false;
    }
    table = format_create_options(driver);
    words = creation_words(image, table, errp);
    if (!words) {
        return false;
    }
    co_stdout_settle();
    format_announce(words, table, image->filename, image->format);
    ok = co_file_create(image->filename, driver->format ? 0 : image->size_bytes,
                        FILE_PREALLOC_OFF, errp) == 0 &&
         (!driver->format ||
          driver->format->co_create_file(image->filename, words, errp));
    json_object_put(words);
    return ok;
}

/* --- names --------------------------------------------------------------- */

/* Loose options of the file, or of the export of a server. */
static json_object *file_options(const char *filename, Error **errp)
{
    const char *colon = strchr(filename, ':');
    g_autofree char *protocol =
        colon ? g_strndup(filename, colon - filename) : NULL;

    return protocol && nbd_uri_protocol(protocol)
               ? nbd_uri_options(filename, errp)
               : loose_options_of_filename(filename, errp);
}

static bool is_json(const char *filename)
{
    return g_str_has_prefix(filename, "json:");
}

/* --- probing ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Node *
co_open_loose(json_object *loose, const char *format, Error **errp)
{
    BlockdevOptions *options = loose_options_read(loose, format, errp);
    Node *node = options ? co_node_open(options, errp) : NULL;

    BlockdevOptions_free(options);
    return node;
}

/* Its first bytes; their number, or -1. */
COROUTINE_ONLY CONTROL_ONLY static int co_read_head(Node *node, char *head,
                                                    Error **errp)
{
    Root *root = root_new("probe", NULL, NULL);
    int bytes = MIN(PROBE_BYTES, node->size_bytes), ret = 0;

    if (!root_attach(root, node, PERM_CONSISTENT_READ, PERM_ALL, errp)) {
        root_free(root);
        return -1;
    }
    if (bytes) {
        ret = co_root_pread(root, 0, bytes, head);
    }
    if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Could not read image for determining its format");
    }
    co_root_detach(root);
    root_free(root);
    return ret < 0 ? -1 : bytes;
}

/* The format of what @file, loose options, shows; NULL with @errp. */
COROUTINE_ONLY CONTROL_ONLY static const char *co_probe(json_object *file,
                                                        Error **errp)
{
    json_object *loose = json_object_new_object();
    char head[PROBE_BYTES];
    const char *format = NULL;
    Node *node;
    int bytes;

    add(loose, "driver", "raw");
    add(loose, "read-only", "on");
    json_object_object_add(loose, "file", json_object_get(file));
    node = co_open_loose(loose, "raw", errp);
    json_object_put(loose);
    if (!node) {
        return NULL;
    }
    bytes = co_read_head(node, head, errp);
    if (bytes >= 0) {
        format = probe_format(head, bytes);
        if (!strcmp(format, "raw")) {
            probe_warn_raw(node->filename);
        }
    }
    co_node_unref(node);
    return format;
}

/* --- opening ------------------------------------------------------------- */

static void add_how(json_object *loose, const NewImage *image)
{
    if (image->like) {
        json_object *cache = json_object_new_object();

        add_bool(cache, "direct", image->like->cache_direct);
        add_bool(cache, "no-flush", image->like->cache_no_flush);
        json_object_object_add(loose, "cache", cache);
    }
}

static const char *driver_of(json_object *file)
{
    json_object *driver;

    return json_object_object_get_ex(file, "driver", &driver)
               ? json_object_get_string(driver)
               : "";
}

/* What it is opened with, but for what is behind it; NULL with @errp. */
COROUTINE_ONLY CONTROL_ONLY static json_object *
co_open_options(const NewImage *image, Error **errp)
{
    const char *format = image->format;
    json_object *file, *loose;

    if (is_json(image->filename)) {
        loose = loose_options_of_json_name(image->filename, errp);
        if (loose && format) {
            add(loose, "driver", format);
        }
        return loose;
    }
    file = file_options(image->filename, errp);
    if (file && !format) {
        format = co_probe(file, errp);
    }
    if (!file || !format) {
        json_object_put(file);
        return NULL;
    }
    add(file, "discard", "unmap");
    add_how(file, image);
    if (!strcmp(driver_of(file), format)) {
        return file; /* nothing on top of it, such as `nbd` */
    }
    if (!strcmp(format, "nbd")) {
        error_set(errp, "File name string for NBD must start with 'nbd:'");
        json_object_put(file);
        return NULL;
    }
    loose = json_object_new_object();
    add(loose, "driver", format);
    json_object_object_add(loose, "file", file);
    return loose;
}

/* Nothing but what the caller says is behind it, whatever it says itself. */
static void set_backing(BlockdevOptions **options, const Node *backing)
{
    const NodeDriver *driver =
        driver_find(BlockdevDriver_str((*options)->driver));
    json_object *json;

    if (!driver || !driver->supports_backing) {
        return;
    }
    json = BlockdevOptions_to_json(*options);
    json_object_object_add(json, "backing",
                           backing ? json_object_new_string(node_name(backing))
                                   : NULL);
    BlockdevOptions_free(*options);
    *options = BlockdevOptions_from_json(json, NULL);
    json_object_put(json);
}

Node *co_new_image_open(const NewImage *image, Error **errp)
{
    json_object *loose = co_open_options(image, errp);
    BlockdevOptions *options;
    Node *node;

    if (!loose) {
        return NULL;
    }
    if (image->node_name) {
        add(loose, "node-name", image->node_name);
    }
    if (image->unmap) {
        add(loose, "discard", "unmap");
    }
    if (image->detect_zeroes) {
        add(loose, "detect-zeroes", "unmap");
    }
    add_how(loose, image);
    options = loose_options_read(loose, "raw", errp);
    json_object_put(loose);
    if (!options) {
        return NULL;
    }
    set_backing(&options, image->backing);
    node = co_node_open(options, errp);
    BlockdevOptions_free(options);
    if (node && !image->format) {
        raw_guard(node);
    }
    return node;
}

/* --- what is behind ------------------------------------------------------ */

/* Loose options of what is called @name; NULL with @errp. */
COROUTINE_ONLY CONTROL_ONLY static json_object *
co_backing_options(const char *name, const char *format, Error **errp)
{
    json_object *file, *loose;

    if (is_json(name)) {
        return loose_options_of_json_name(name, errp);
    }
    file = file_options(name, errp);
    if (file && !format) {
        format = co_probe(file, errp);
    }
    if (!file || !format) {
        json_object_put(file);
        return NULL;
    }
    loose = json_object_new_object();
    add(loose, "driver", format);
    json_object_object_add(loose, "file", file);
    return loose;
}

bool co_open_named_backing(Node *image, Node **backing, Error **errp)
{
    const FormatOps *ops = image->driver->format;
    const char *name =
        ops && ops->backing_file ? ops->backing_file(image) : NULL;
    const Edge *file = node_child(image, "file");
    g_autofree char *full = NULL;
    json_object *loose;

    *backing = NULL;
    if (!name) {
        return true;
    }
    full = filename_beside(file ? node_plain_filename(file->child) : NULL, name,
                           errp);
    loose = full ? co_backing_options(
                       full,
                       ops->backing_format ? ops->backing_format(image) : NULL,
                       errp)
                 : NULL;
    if (loose) {
        add(loose, "read-only", "on");
        *backing = co_open_loose(loose, "raw", errp);
        json_object_put(loose);
    }
    return *backing != NULL;
}
