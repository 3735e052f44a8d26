/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command reopen: other options for the open image. What is not said stays
 * as the image was opened.
 */
#include <getopt.h>
#include <stdio.h>

#include "block/graph/cache-mode.h"
#include "block/graph/driver.h"
#include "block/graph/loose-options.h"
#include "block/graph/node.h"
#include "io-commands/io-commands.h"
#include "qapi/qapi-types.h"
#include "util/opts.h"

typedef struct Reopening {
    bool has_mode, read_only; /* -r or -w */
    const CacheMode *cache;   /* -c; NULL: not given */
    json_object *words;       /* -o; NULL: not given */
} Reopening;

static bool take_mode(Reopening *r, bool read_only, Error **errp)
{
    if (r->has_mode) {
        error_set(errp, "Only one -r/-w option may be given");
        return false;
    }
    r->has_mode = true;
    r->read_only = read_only;
    return true;
}

static bool take_cache(Reopening *r, const char *name, Error **errp)
{
    r->cache = cache_mode_find(name);
    if (!r->cache) {
        error_set(errp, "Invalid cache option: %s", name);
    }
    return r->cache;
}

static bool take_words(Reopening *r, const char *text, Error **errp)
{
    Opts *opts = opts_parse(text, NULL, "");
    json_object *flat = json_object_new_object();

    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        json_object_object_add(flat, opt->name,
                               json_object_new_string(opt->value));
    }
    opts_free(opts);
    json_object_put(r->words);
    r->words = loose_options_plain(flat, errp);
    json_object_put(flat);
    return r->words;
}

static bool take_option(Reopening *r, int option, Error **errp)
{
    switch (option) {
    case 'r':
    case 'w':
        return take_mode(r, option == 'r', errp);
    case 'c':
        return take_cache(r, optarg, errp);
    default:
        return take_words(r, optarg, errp);
    }
}

static bool check_words(const Reopening *r, Error **errp)
{
    json_object *cache;

    if (r->has_mode && r->words &&
        json_object_object_get_ex(r->words, "read-only", NULL)) {
        error_set(errp, "Cannot set both -r/-w and 'read-only'");
        return false;
    }
    if (r->cache && r->words &&
        json_object_object_get_ex(r->words, "cache", &cache) &&
        (json_object_object_get_ex(cache, "direct", NULL) ||
         json_object_object_get_ex(cache, "no-flush", NULL))) {
        error_set(errp, "Cannot set both -c and the cache options");
        return false;
    }
    return true;
}

static int parse(Reopening *r, IoShell *shell, int argc, char **argv)
{
    Error *err = NULL;
    int option;

    while (!err && (option = getopt(argc, argv, "c:o:rw")) != -1) {
        if (option == '?') {
            io_print_usage(&io_command_reopen);
            return -1;
        }
        take_option(r, option, &err);
    }
    if (!err && optind != argc) {
        io_print_usage(&io_command_reopen);
        return -1;
    }
    if (err || !check_words(r, &err)) {
        io_say_error(shell, err);
        return -1;
    }
    return 0;
}

/* --- the options --------------------------------------------------------- */

/* Scalars become strings, as in words of a command line, which come in the
 * same object. */
static json_object *as_words(json_object *value)
{
    json_object *copy;

    switch (json_object_get_type(value)) {
    case json_type_object:
        copy = json_object_new_object();
        json_object_object_foreach(value, key, member)
        {
            if (member) {
                json_object_object_add(copy, key, as_words(member));
            }
        }
        return copy;
    case json_type_array:
        copy = json_object_new_array();
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            json_object_array_add(
                copy, as_words(json_object_array_get_idx(value, i)));
        }
        return copy;
    case json_type_boolean:
        return json_object_new_string(json_object_get_boolean(value) ? "on"
                                                                     : "off");
    default:
        return json_object_new_string(json_object_get_string(value));
    }
}

/* Puts @words over what is there, deep. */
static void merge(json_object *options, json_object *words)
{
    json_object_object_foreach(words, key, word)
    {
        json_object *there;

        if (json_object_is_type(word, json_type_object) &&
            json_object_object_get_ex(options, key, &there) &&
            json_object_is_type(there, json_type_object)) {
            merge(there, word);
        } else {
            json_object_object_add(options, key, json_object_get(word));
        }
    }
}

static void set_word(json_object *options, const char *key, const char *word)
{
    json_object_object_add(options, key, json_object_new_string(word));
}

static void set_cache(json_object *options, const CacheMode *mode)
{
    json_object *cache = json_object_new_object();

    set_word(cache, "direct", mode->direct ? "on" : "off");
    set_word(cache, "no-flush", mode->no_flush ? "on" : "off");
    json_object_object_add(options, "cache", cache);
}

/* What the schema does not know, cannot be changed either. */
static void reword(Error **errp)
{
    g_autofree char *name = NULL;
    const char *text = error_text(*errp), *end;

    if (!g_str_has_prefix(text, "Parameter '") ||
        !g_str_has_suffix(text, "' is unexpected")) {
        return;
    }
    text += strlen("Parameter '");
    end = strrchr(text, '\'');
    name = g_strndup(text, end - text);
    error_free(*errp);
    *errp = NULL;
    error_set(errp, "Cannot change the option '%s'", name);
}

/* What the file has in common with the image, it shall have after the change,
 * too: it inherits it. */
static void inherit(json_object *words)
{
    static const char *const keys[] = {"read-only", "cache"};
    json_object *file, *ours, *its;

    if (!json_object_object_get_ex(words, "file", &file) ||
        !json_object_is_type(file, json_type_object)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (json_object_object_get_ex(words, keys[i], &ours) &&
            json_object_object_get_ex(file, keys[i], &its) &&
            json_object_equal(ours, its)) {
            json_object_object_del(file, keys[i]);
        }
    }
}

static json_object *options_now(Node *node, json_object *changes);

/* One that the image names by itself stays, too: as it is, or as it is but for
 * what @changes say of it. */
static void keep_backing(json_object *words, Node *node, json_object *changes)
{
    const Edge *backing = node_child(node, "backing");
    json_object *its = NULL;

    if (!backing) {
        return;
    }
    json_object_object_get_ex(changes, "backing", &its);
    if (json_object_is_type(its, json_type_object)) {
        json_object_object_add(words, "backing",
                               options_now(backing->child, its));
    } else if (!json_object_object_get_ex(words, "backing", NULL)) {
        set_word(words, "backing", node_name(backing->child));
    }
}

/* How @node was opened, in words. */
static json_object *options_now(Node *node, json_object *changes)
{
    json_object *words =
        node->options ? as_words(node->options) : json_object_new_object();

    set_word(words, "driver", node->driver->name);
    set_word(words, "node-name", node_name(node));
    inherit(words);
    keep_backing(words, node, changes);
    return words;
}

static bool keeps_name(const Reopening *r, const Node *node, Error **errp)
{
    json_object *name;

    if (!r->words || !json_object_object_get_ex(r->words, "node-name", &name) ||
        !g_strcmp0(json_object_get_string(name), node_name(node))) {
        return true;
    }
    error_set(errp, "Cannot change the option 'node-name'");
    return false;
}

/* What is said of an image behind is for one that there is. */
static bool has_behind(json_object *words, const Node *node, Error **errp)
{
    g_autoptr(GString) name = g_string_new("backing");
    json_object *value;

    if (!words || !json_object_object_get_ex(words, "backing", &value)) {
        return true;
    }
    if (!json_object_is_type(value, json_type_object)) {
        return true;
    }
    if (node_child(node, "backing")) {
        return has_behind(value, node_child(node, "backing")->child, errp);
    }
    while (json_object_is_type(value, json_type_object) &&
           json_object_object_length(value)) {
        struct json_object_iterator first = json_object_iter_begin(value);

        g_string_append_printf(name, ".%s", json_object_iter_peek_name(&first));
        value = json_object_iter_peek_value(&first);
    }
    error_set(errp, "Cannot change the option '%s'", name->str);
    return false;
}

static BlockdevOptions *make_options(const Reopening *r, Node *node,
                                     Error **errp)
{
    BlockdevOptions *options = NULL;
    json_object *words;
    Error *err = NULL;

    if (!keeps_name(r, node, errp) || !has_behind(r->words, node, errp)) {
        return NULL;
    }
    words = options_now(node, r->words);
    if (r->has_mode) {
        set_word(words, "read-only", r->read_only ? "on" : "off");
    }
    if (r->cache) {
        set_cache(words, r->cache);
    }
    if (r->words) {
        merge(words, r->words);
    }
    if (!node->driver->format ||
        loose_options_values_ok(words, node->driver->name, errp)) {
        options = BlockdevOptions_from_keyval(words, &err);
    }
    if (err) {
        reword(&err);
        error_propagate(errp, err);
    }
    json_object_put(words);
    return options;
}

/* --- the command --------------------------------------------------------- */

/* Who wrote to the image does so no more. */
CONTROL_ONLY
static bool drop_writing(IoShell *shell, Error **errp)
{
    Backend *backend = shell->backend;

    return backend ? backend_set_perms(
                         backend,
                         backend_perm(backend) &
                             ~(PERM_WRITE | PERM_RESIZE | PERM_WRITE_UNCHANGED),
                         backend_shared(backend), errp)
                   : root_set_perms(shell->root, PERM_CONSISTENT_READ, PERM_ALL,
                                    errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply(IoShell *shell, const Reopening *r, Error **errp)
{
    Node *node = root_node(shell->root);
    BlockdevOptions *options = make_options(r, node, errp);
    BlockdevOptionsList list = {.v = &options, .n = 1};
    bool ok = true;

    if (!options) {
        return false;
    }
    if (r->has_mode && r->read_only) {
        co_graph_lock();
        ok = drop_writing(shell, errp);
        graph_unlock();
    }
    ok = ok && co_graph_reopen(&list, errp);
    BlockdevOptions_free(options);
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static int co_reopen(IoShell *shell, int argc,
                                                 char **argv)
{
    Reopening r = {0};
    Error *err = NULL;
    int ret = parse(&r, shell, argc, argv);

    if (ret == 0 && !root_node(shell->root)) {
        printf("reopen: %s\n", strerror(ENOMEDIUM));
        ret = -1;
    }
    if (ret == 0 && r.cache && shell->backend &&
        r.cache->writethrough != backend_writethrough(shell->backend) &&
        backend_device(shell->backend)) {
        error_set(&err, "Cannot change cache.writeback: Device attached");
        io_say_error(shell, err);
        ret = -1;
    }
    if (ret == 0 && !co_apply(shell, &r, &err)) {
        io_say_error(shell, err);
        ret = -1;
    }
    if (ret == 0 && r.cache) {
        shell->writethrough = r.cache->writethrough;
        if (shell->backend) {
            backend_set_writethrough(shell->backend, r.cache->writethrough);
        }
    }
    json_object_put(r.words);
    return ret;
}

const IoCommand io_command_reopen = {
    .name = "reopen",
    .max_args = -1,
    .needs_image = true,
    .arguments = "[(-r|-w)] [-c cache] [-o options]",
    .purpose = "reopens an image with new options",
    .help = " -r, -- read-only from now on\n"
            " -w, -- to be written to\n"
            " -c, -- with this cache mode\n"
            " -o, -- options of the image's driver, as for a block device\n",
    .co_run = co_reopen,
};
