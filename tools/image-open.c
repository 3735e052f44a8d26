/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening one image for a tool: the words of the command line become
 * blockdev options, a format that is not given is probed.
 */
#include "tools/image-open.h"

#include <fcntl.h>
#include <stdio.h>
#include <glib/gstdio.h>

#include "block/file/raw.h"
#include "block/graph/cache-mode.h"
#include "block/graph/fill-options.h"
#include "block/graph/format.h"
#include "block/graph/loose-options.h"
#include "block/graph/probe.h"
#include "block/net/nbd-uri.h"
#include "qapi/qapi-types.h"
#include "util/json/json-keyval.h"
#include "util/json/json-parse.h"

bool image_cache_writethrough(const char *mode)
{
    return mode && cache_mode_find(mode)->writethrough;
}

bool image_format_known(const char *name)
{
    const NodeDriver *driver = driver_find(name);

    return driver && (driver->is_format || driver->co_open);
}

/* --- probing -------------------------------------------------------------- */

/* What @root, opened as raw, looks like; NULL if it cannot be used. */
COROUTINE_ONLY
static const char *co_probe(Root *root, const char *filename, Error **errp)
{
    char head[FORMAT_PROBE_BYTES];
    size_t bytes = MIN(sizeof(head), root_size_bytes(root));
    int ret = bytes ? co_root_pread(root, 0, bytes, head) : 0;
    const char *format;

    if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Could not open '%s': Could not read the "
                        "image to determine its format",
                        filename);
        return NULL;
    }
    format = format_probe(head, bytes);
    if (!image_format_known(format)) {
        error_set(errp,
                  "Could not open '%s': the image looks like '%s', "
                  "which is not supported",
                  filename, format);
        error_append_hint(errp, "Use -f raw to work on its bytes as they "
                                "are.\n");
        return NULL;
    }
    return format;
}

/* --- options ----------------------------------------------------------------
 */

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static void add_bool(json_object *object, const char *key, bool value)
{
    json_object_object_add(object, key, json_object_new_boolean(value));
}

/* Members that go to the node that is opened, wherever they are not given. */
static void add_common(json_object *options, const ImageOpen *open)
{
    const CacheMode *mode =
        cache_mode_find(open->cache ? open->cache : "writeback");
    json_object *cache = json_object_new_object();

    add_bool(cache, "direct", mode->direct);
    add_bool(cache, "no-flush", mode->no_flush);
    json_object_object_add(options, "cache", cache);
    add_bool(options, "read-only", !open->writable);
    add_string(options, "discard", open->unmap ? "unmap" : "ignore");
    if (open->force_share) {
        add_bool(options, "force-share", true);
    }
}

/* That of the node on top only. */
static json_object *with_detect_zeroes(json_object *options,
                                       const ImageOpen *open)
{
    if (open->detect_zeroes) {
        add_string(options, "detect-zeroes", open->detect_zeroes);
    }
    return options;
}

static bool is_device(const char *path)
{
    GStatBuf st;

    return g_stat(path, &st) == 0 &&
           (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode));
}

static json_object *options_of_path(const ImageOpen *open, Error **errp)
{
    json_object *file = loose_options_of_filename(open->filename, errp);
    json_object *path, *image, *inner = file;

    /* blkdebug:RULES:PATH */
    while (inner && json_object_object_get_ex(inner, "image", &image)) {
        inner = image;
    }
    if (inner && json_object_object_get_ex(inner, "filename", &path)) {
        if (is_device(json_object_get_string(path))) {
            add_string(inner, "driver", "host_device");
        }
        if (open->aio) {
            add_string(inner, "aio", open->aio);
        }
    }
    return file;
}

/* Whether the file name is that of a server's export. */
static bool is_nbd_name(const char *filename)
{
    const char *colon = strchr(filename, ':');
    g_autofree char *protocol =
        colon ? g_strndup(filename, colon - filename) : NULL;

    return protocol && nbd_uri_protocol(protocol);
}

/* null-co and null-aio know one name, and need none. Takes @file. */
static json_object *options_of_null(json_object *file, const ImageOpen *open,
                                    Error **errp)
{
    g_autofree char *only = g_strdup_printf("%s://", open->format);

    if (strcmp(open->filename, only)) {
        error_set(errp, "The only allowed filename for this driver is '%s'",
                  only);
        json_object_put(file);
        return NULL;
    }
    json_object_object_del(file, "filename");
    add_string(file, "driver", open->format);
    return with_detect_zeroes(file, open);
}

static json_object *options_of_file(const ImageOpen *open, Error **errp)
{
    const char *format = open->format ? open->format : "raw";
    const NodeDriver *driver = driver_find(format);
    bool protocol = driver && !driver->is_format && !driver->is_filter;
    bool nbd = !strcmp(format, "nbd");
    json_object *options, *file;

    file = nbd || is_nbd_name(open->filename)
               ? nbd_uri_options(open->filename, errp)
               : options_of_path(open, errp);
    if (!file) {
        return NULL;
    }
    add_common(file, open);
    if (protocol && !strncmp(format, "null-", 5)) {
        return options_of_null(file, open, errp);
    }
    if (protocol) {
        if (!nbd && !is_nbd_name(open->filename)) {
            add_string(file, "driver", format);
        }
        return with_detect_zeroes(file, open);
    }
    options = json_object_new_object();
    add_string(options, "driver", format);
    json_object_object_add(options, "file", file);
    add_common(options, open);
    /* What the format lets go of may always be given back. */
    add_string(file, "discard", "unmap");
    if (open->no_backing && driver && driver->supports_backing) {
        json_object_object_add(options, "backing", NULL);
    }
    return with_detect_zeroes(options, open);
}

static bool is_json_name(const ImageOpen *open)
{
    return !open->image_opts && g_str_has_prefix(open->filename, "json:");
}

static void add_missing(json_object *options, const char *name,
                        const char *value)
{
    if (!json_object_object_get_ex(options, name, NULL)) {
        add_string(options, name, value);
    }
}

/* The words of the command line hold where the options are silent. */
static void add_words(json_object *options, const ImageOpen *open)
{
    const CacheMode *mode = open->cache ? cache_mode_find(open->cache) : NULL;

    add_missing(options, "read-only", open->writable ? "off" : "on");
    if (mode && !json_object_object_get_ex(options, "cache", NULL)) {
        add_missing(options, "cache.direct", mode->direct ? "on" : "off");
        add_missing(options, "cache.no-flush", mode->no_flush ? "on" : "off");
    }
    if (open->unmap) {
        add_missing(options, "discard", "unmap");
    }
    if (open->detect_zeroes) {
        add_missing(options, "detect-zeroes", open->detect_zeroes);
    }
    if (open->force_share) {
        add_missing(options, "force-share", "on");
    }
}

static json_object *parse_given(const ImageOpen *open, Error **errp)
{
    return open->image_opts
               ? json_keyval_parse(open->filename, "file", NULL, errp)
               : loose_options_of_json_name(open->filename, errp);
}

/* Which format it is is asked of the file; the rest is for that format. */
static void keep_file_only(json_object *plain)
{
    static const char *const others[] = {"read-only", "force-share", "cache",
                                         "file"};
    GPtrArray *rest = g_ptr_array_new_with_free_func(g_free);

    json_object_object_foreach(plain, name, value)
    {
        bool keep = false;

        (void)value;
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
            keep |= !strcmp(name, others[i]);
        }
        if (!keep) {
            g_ptr_array_add(rest, g_strdup(name));
        }
    }
    for (guint i = 0; i < rest->len; i++) {
        json_object_object_del(plain, rest->pdata[i]);
    }
    g_ptr_array_unref(rest);
}

static bool supports_backing(json_object *plain, const ImageOpen *open)
{
    const char *format = open->format;
    const NodeDriver *driver;
    json_object *name;

    if (json_object_object_get_ex(plain, "driver", &name)) {
        format = json_object_get_string(name);
    }
    driver = format ? driver_find(format) : NULL;
    return driver && driver->supports_backing;
}

json_object *image_options_behind(const ImageOpen *open)
{
    json_object *json = NULL, *plain = NULL, *behind = NULL;

    if (open->image_opts || is_json_name(open)) {
        json = parse_given(open, NULL);
        plain = json ? loose_options_plain(json, NULL) : NULL;
    } else if (open->more) {
        plain = json_object_get(open->more);
    }
    if (plain && json_object_object_get_ex(plain, "backing", &behind)) {
        behind = json_object_is_type(behind, json_type_object)
                     ? json_object_get(behind)
                     : NULL;
    }
    json_object_put(plain);
    json_object_put(json);
    return behind;
}

/* An option string, or `json:{...}`; the images say what they leave open. */
COROUTINE_ONLY CONTROL_ONLY static BlockdevOptions *
co_options_given(const ImageOpen *open, Error **errp)
{
    json_object *json = parse_given(open, errp), *plain = NULL;
    BlockdevOptions *options = NULL;

    if (json) {
        add_words(json, open);
        plain = loose_options_plain(json, errp);
    }
    if (plain && open->probing) {
        keep_file_only(plain);
    }
    if (plain && open->no_backing && supports_backing(plain, open)) {
        add_string(plain, "backing", ""); /* none */
    }
    if (plain && json_object_object_get_ex(plain, "file", NULL)) {
        add_missing(plain, "driver", open->format ? open->format : "raw");
    }
    if (plain && (!json_object_object_get_ex(plain, "driver", NULL) ||
                  co_fill_options(plain, errp))) {
        options = loose_options_read(plain, "raw", errp);
    }
    json_object_put(plain);
    json_object_put(json);
    return options;
}

/* Those of the file's name with @open->more beside them. */
COROUTINE_ONLY CONTROL_ONLY static BlockdevOptions *
co_options_with_more(const ImageOpen *open, json_object *json, Error **errp)
{
    BlockdevOptions *options = NULL;
    json_object *plain;

    json_object_object_foreach(open->more, name, value)
    {
        if (!open->no_backing || strcmp(name, "backing")) {
            json_object_object_add(json, name, json_object_get(value));
        }
    }
    plain = loose_options_plain(json, errp);
    if (plain && co_fill_options(plain, errp)) {
        options = loose_options_read(plain, "raw", errp);
    }
    json_object_put(plain);
    return options;
}

COROUTINE_ONLY CONTROL_ONLY static BlockdevOptions *
co_options_of_words(const ImageOpen *open, Error **errp)
{
    json_object *json = options_of_file(open, errp);
    BlockdevOptions *options;

    if (!json) {
        return NULL;
    }
    if (open->more) {
        options = co_options_with_more(open, json, errp);
        json_object_put(json);
        return options;
    }
    options = BlockdevOptions_from_json(json, errp);
    json_object_put(json);
    return options;
}

/* --- opening
 * ------------------------------------------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static Node *co_open_node(const ImageOpen *open,
                                                      Error **errp)
{
    BlockdevOptions *options;
    Node *node = NULL;

    co_graph_lock();
    options = open->image_opts || is_json_name(open)
                  ? co_options_given(open, errp)
                  : co_options_of_words(open, errp);
    if (options) {
        format_opening_to_look = open->look_only;
        node = co_node_open(options, errp);
        format_opening_to_look = false;
    }
    graph_unlock();
    BlockdevOptions_free(options);
    return node;
}

/* Gives up the reference to @node; NULL with @errp on a conflict. */
COROUTINE_ONLY CONTROL_ONLY static Root *
co_root_of(Node *node, const ImageOpen *open, Error **errp)
{
    Root *root = root_new("root", NULL, NULL);
    Perms perm = open->look_only ? 0 : PERM_CONSISTENT_READ;
    Perms shared = PERM_ALL;
    bool ok;

    perm |= open->writable ? PERM_WRITE : 0;
    perm |= open->resize ? PERM_RESIZE : 0;
    if (open->keep_still && !open->force_share) {
        shared = PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED;
    }
    co_graph_lock();
    ok = root_attach(root, node, perm, shared, errp);
    co_node_unref(node);
    graph_unlock();
    if (!ok) {
        root_free(root);
        return NULL;
    }
    return root;
}

/* As the format that @open names, or as raw. */
COROUTINE_ONLY CONTROL_ONLY static Root *co_open_root(const ImageOpen *open,
                                                      Error **errp)
{
    Node *node = co_open_node(open, errp);

    return node ? co_root_of(node, open, errp) : NULL;
}

/* Finds the format; a format's own driver then opens it again. */
COROUTINE_ONLY CONTROL_ONLY static Root *co_open_probed(const ImageOpen *open,
                                                        bool *raw, Error **errp)
{
    ImageOpen known = *open;
    Root *root;

    /* To look at it is not to write to it: an image that is no raw one is not
     * locked as if it were. */
    known.format = "raw";
    known.writable = known.resize = false;
    known.probing = true;
    known.more = NULL;
    root = co_open_root(&known, errp);
    if (!root) {
        return NULL;
    }
    known = *open;
    known.format = co_probe(root, open->filename, errp);
    *raw = known.format && !strcmp(known.format, "raw");
    if (*raw && !open->writable && !open->image_opts && !is_json_name(open)) {
        return root;
    }
    co_image_close(root);
    root = known.format ? co_open_root(&known, errp) : NULL;
    if (root && *raw) {
        raw_guard(root_node(root));
    }
    return root;
}

/* Options may leave open what the image is, where they say what file. */
static bool names_driver(const ImageOpen *open)
{
    json_object *json = parse_given(open, NULL);
    bool named = !json || json_object_object_get_ex(json, "driver", NULL);
    bool file = false;

    if (json && !named) {
        json_object_object_foreach(json, name, value)
        {
            (void)value;
            file |= !strcmp(name, "file") || g_str_has_prefix(name, "file.");
        }
    }
    json_object_put(json);
    return named || !file;
}

static bool check_sharing(const ImageOpen *open, Error **errp)
{
    if (open->writable && open->force_share) {
        error_set(errp, "force-share=on can only be used with read-only "
                        "images");
        return false;
    }
    return true;
}

Root *co_image_open(const ImageOpen *open, bool *probed_raw, Error **errp)
{
    bool raw = false;
    Root *root;
    bool given = open->image_opts || is_json_name(open);
    bool probe =
        !open->format && !(given && names_driver(open)) &&
        !(open->more && json_object_object_get_ex(open->more, "driver", NULL));

    if (open->format && !image_format_known(open->format)) {
        error_set(errp, "Unknown driver '%s'", open->format);
        return NULL;
    }
    if (!check_sharing(open, errp)) {
        return NULL;
    }
    root = probe ? co_open_probed(open, &raw, errp) : co_open_root(open, errp);
    if (probed_raw) {
        *probed_raw = raw;
    }
    return root;
}

void co_image_close(Root *root)
{
    if (root) {
        co_graph_lock();
        co_root_detach(root);
        graph_unlock();
        root_free(root);
    }
}

void image_warn_of_raw(const ImageOpen *open, const Root *root)
{
    const char *name = root_node(root)->filename;

    if (open->writable) {
        fprintf(stderr,
                "WARNING: Image format was not specified for '%s' and probing "
                "guessed raw.\n"
                "         Automatically detecting the format is dangerous for "
                "raw images, write operations on block 0 will be restricted.\n"
                "         Specify the 'raw' format explicitly to remove the "
                "restrictions.\n",
                name && *name ? name : open->filename);
    }
}
