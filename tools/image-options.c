/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the command line that name an image, as blockdev options. */
#include "tools/image-options.h"

#include "block/graph/cache-mode.h"
#include "block/graph/filename.h"
#include "block/graph/fill-options.h"
#include "block/graph/loose-options.h"
#include "util/json/json-parse.h"
#include "util/opts.h"

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
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

/* What is said to be behind the image: *@behind, the caller's, is NULL for
 * nothing. False if nothing is said. */
static bool find_behind(const ImageOpen *open, json_object **behind)
{
    json_object *json = NULL, *plain = NULL;
    bool found;

    if (open->image_opts || is_json_name(open)) {
        json = parse_given(open, NULL);
        plain = json ? loose_options_plain(json, NULL) : NULL;
    } else if (open->more) {
        plain = json_object_get(open->more);
    }
    *behind = NULL;
    found = plain && json_object_object_get_ex(plain, "backing", behind);
    json_object_get(*behind);
    json_object_put(plain);
    json_object_put(json);
    return found;
}

json_object *image_options_behind(const ImageOpen *open)
{
    json_object *behind;

    find_behind(open, &behind);
    if (behind && !json_object_is_type(behind, json_type_object)) {
        json_object_put(behind);
        return NULL;
    }
    return behind;
}

bool image_options_cut(const ImageOpen *open)
{
    json_object *behind;
    bool cut = find_behind(open, &behind) &&
               (!behind || (json_object_is_type(behind, json_type_string) &&
                            !json_object_get_string_len(behind)));

    json_object_put(behind);
    return cut;
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

/* What is said of the cache or the file goes beside what is known of them, or
 * in its place. */
static void add_more(json_object *json, const char *name, json_object *value)
{
    static const char *const objects[] = {"cache", "file"};
    json_object *inner;

    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        size_t length = strlen(objects[i]);

        if (g_str_has_prefix(name, objects[i]) && name[length] == '.' &&
            json_object_object_get_ex(json, objects[i], &inner)) {
            add_more(inner, name + length + 1, value);
            return;
        }
    }
    json_object_object_add(json, name, json_object_get(value));
}

/* A file has one name. */
static bool check_one_name(const ImageOpen *open, Error **errp)
{
    if (open->more &&
        json_object_object_get_ex(open->more, "file.filename", NULL)) {
        error_set(errp, "Can't specify 'file' and 'filename' options at the "
                        "same time");
        return false;
    }
    return true;
}

/* Those of the file's name with @open->more beside them. */
COROUTINE_ONLY CONTROL_ONLY static BlockdevOptions *
co_options_with_more(const ImageOpen *open, json_object *json, Error **errp)
{
    BlockdevOptions *options = NULL;
    json_object *plain;

    if (!check_one_name(open, errp)) {
        return NULL;
    }
    if (open->more) {
        /* Of one layer: who opened the top was warned of them all. */
        if (!open->probing && !open->no_backing) {
            loose_options_warn(open->more);
        }
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
    json_object *json = image_file_options(open, errp);
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
