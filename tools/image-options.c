/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the command line that name an image, as blockdev options. */
#include "tools/image-options.h"

#include <glib/gstdio.h>

#include "block/graph/cache-mode.h"
#include "block/graph/filename.h"
#include "block/graph/fill-options.h"
#include "block/graph/loose-options.h"
#include "block/net/nbd-uri.h"
#include "util/json/json-parse.h"
#include "util/opts.h"

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
    if (open->probing) {
        return file; /* looking is no event for rules of blkdebug */
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

json_object *image_options_of_text(const char *text, const char *implied,
                                   const char *where)
{
    Opts *opts = opts_parse(text, implied, where);
    json_object *options = json_object_new_object();

    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        json_object_object_add(options, opt->name,
                               json_object_new_string(opt->value));
    }
    opts_free(opts);
    return options;
}

/* Who only asks, without @errp, is not warned of flags. */
static json_object *parse_given(const ImageOpen *open, Error **errp)
{
    const char *implied = open->no_implied ? NULL : "file";

    return open->image_opts ? image_options_of_text(open->filename, implied,
                                                    errp ? "" : NULL)
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

/* The name of one option that @value, at @name, consists of; the caller's. */
static char *first_option(const char *name, json_object *value)
{
    json_object *driver;

    if (!json_object_is_type(value, json_type_object)) {
        return g_strdup(name);
    }
    if (json_object_object_get_ex(value, "driver", &driver)) {
        return g_strconcat(name, ".driver", NULL);
    }
    json_object_object_foreach(value, key, member)
    {
        g_autofree char *inner = g_strconcat(name, ".", key, NULL);

        return first_option(inner, member);
    }
    return g_strdup(name);
}

/* Who only looks at an image has no use for what is behind it. */
static bool check_no_backing(const ImageOpen *open, json_object *plain,
                             Error **errp)
{
    json_object *backing, *driver = NULL;
    g_autofree char *name = NULL;

    if (!open->look_only || !open->no_backing || open->probing ||
        !json_object_object_get_ex(plain, "backing", &backing) ||
        (json_object_is_type(backing, json_type_string) &&
         !json_object_get_string_len(backing))) {
        return true;
    }
    name = first_option("backing", backing);
    json_object_object_get_ex(plain, "driver", &driver);
    error_set(errp, "Block format '%s' does not support the option '%s'",
              driver ? json_object_get_string(driver) : open->format, name);
    return false;
}

/* An option string, or `json:{...}`; the images say what they leave open. */
COROUTINE_ONLY CONTROL_ONLY static BlockdevOptions *
co_options_given(const ImageOpen *open, Error **errp)
{
    json_object *json = parse_given(open, errp), *plain = NULL;
    BlockdevOptions *options = NULL;

    if (json) {
        if (!open->probing) {
            loose_options_warn(json);
        }
        add_words(json, open);
        plain = loose_options_plain(json, errp);
    }
    if (plain && open->probing) {
        keep_file_only(plain);
    }
    if (plain && open->format && !open->image_opts) {
        add_string(plain, "driver", open->format); /* it counts more */
    }
    if (plain && !check_no_backing(open, plain, errp)) {
        json_object_put(plain);
        plain = NULL;
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
/* What is said of a mode of the cache goes beside what the mode is by
 * default. */
static void add_more(json_object *json, const char *name, json_object *value)
{
    json_object *cache;

    if (g_str_has_prefix(name, "cache.") &&
        json_object_object_get_ex(json, "cache", &cache)) {
        json = cache;
        name += strlen("cache.");
    }
    json_object_object_add(json, name, json_object_get(value));
}

COROUTINE_ONLY CONTROL_ONLY static BlockdevOptions *
co_options_with_more(const ImageOpen *open, json_object *json, Error **errp)
{
    BlockdevOptions *options = NULL;
    json_object *plain;

    if (open->more) {
        json_object_object_foreach(open->more, name, value)
        {
            if (!open->no_backing || strcmp(name, "backing")) {
                add_more(json, name, value);
            }
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
    if (open->more || g_str_has_prefix(open->filename, "blkverify:")) {
        options = co_options_with_more(open, json, errp);
        json_object_put(json);
        return options;
    }
    options = BlockdevOptions_from_json(json, errp);
    json_object_put(json);
    return options;
}

static bool says_unshared(json_object *options)
{
    json_object *value;

    return options &&
           json_object_object_get_ex(options, "force-share", &value) &&
           strcmp(json_object_get_string(value), "on");
}

bool image_sharing_conflicts(const ImageOpen *open)
{
    json_object *json =
        open->force_share && open->image_opts ? parse_given(open, NULL) : NULL;
    bool conflict =
        open->force_share && (says_unshared(json) || says_unshared(open->more));

    json_object_put(json);
    return conflict;
}

void image_options_spell(const ImageOpen *open, Node *node)
{
    json_object *json = image_options_given(open) ? parse_given(open, NULL)
                                                  : json_object_get(open->more);

    if (json) {
        node_spell_options(node, json);
        json_object_put(json);
    }
}

bool image_options_given(const ImageOpen *open)
{
    return open->image_opts || is_json_name(open);
}

BlockdevOptions *co_image_options(const ImageOpen *open, Error **errp)
{
    return image_options_given(open) ? co_options_given(open, errp)
                                     : co_options_of_words(open, errp);
}

/* Options may leave open what the image is, where they say what file. */
bool image_options_name_driver(const ImageOpen *open)
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
