/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of an image that is open, and what the command reopen changes. */
#include "io-commands/reopen-int.h"

#include "block/graph/driver.h"
#include "block/graph/loose-options.h"

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

BlockdevOptions *io_reopen_options(const Reopening *r, Node *node, Error **errp)
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
