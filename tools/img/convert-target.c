/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The target of `img convert`: what it shall be, made and opened. */
#include "block/bitmap/bitmap.h"
#include "tools/img/convert.h"
#include "util/opts.h"

static bool report(Error *err)
{
    error_report_err(err);
    return false;
}

/* --- what the words ask for ---------------------------------------------- */

static bool is_preallocated(const Convert *c)
{
    const char *preallocation = img_word(c->words, "preallocation");

    return preallocation && strcmp(preallocation, "off");
}

static bool is_encrypted(const Convert *c)
{
    const char *old = img_word(c->words, "encryption");

    return (old && opts_bool_value(old) > 0) ||
           img_word(c->words, "encrypt.format");
}

static bool check_compression(const Convert *c, const NodeDriver *driver)
{
    if (!c->compress) {
        return true;
    }
    if (!driver->format || !driver->format->co_pwritev_compressed) {
        error_report("Compression not supported for this file format");
        return false;
    }
    if (is_encrypted(c)) {
        error_report("Compression and encryption not supported at the same "
                     "time");
        return false;
    }
    if (is_preallocated(c)) {
        error_report("Compression and preallocation not supported at the same "
                     "time");
        return false;
    }
    return true;
}

static bool check_backing(Convert *c, const FormatOption *table)
{
    Error *err = NULL;

    if (!img_words_add_backing(c->words, table, c->backing, c->backing_format,
                               c->format, &err)) {
        return report(err);
    }
    if (!img_word(c->words, "backing_file")) {
        return true;
    }
    if (c->n_sources > 1) {
        error_report("Having a backing file for the target makes no sense when "
                     "concatenating multiple input images");
        return false;
    }
    if (!img_word(c->words, "backing_fmt")) {
        error_report("Use of backing file requires explicit backing format");
        return false;
    }
    c->target_has_backing = true;
    return true;
}

static bool can_keep_bitmaps(const Node *node)
{
    const BitmapStore *store = node->driver->bitmap_store;

    return store && (!store->supported || store->supported(node));
}

static bool check_bitmaps(const Convert *c)
{
    if (!c->bitmaps) {
        return true;
    }
    if (c->n_sources > 1) {
        error_report("Copying bitmaps only possible with single source");
        return false;
    }
    if (!can_keep_bitmaps(root_node(c->sources[0]))) {
        error_report("Source lacks bitmap support");
        return false;
    }
    return img_convert_check_bitmaps(c);
}

/* Seen when the target is there. */
static bool check_target_bitmaps(const Convert *c)
{
    const Node *node = root_node(c->root);

    if (c->bitmaps && !can_keep_bitmaps(node)) {
        error_report("Format driver '%s' does not support bitmaps",
                     node->driver->name);
        return false;
    }
    return true;
}

/* --- making and opening it ----------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool co_make_at(Convert *c,
                                                   const ImgTarget *target)
{
    Error *err = NULL;
    const NodeDriver *driver = img_make_driver(c->format, &err);
    const FormatOption *table = img_make_table(driver, target);

    if (c->options && !img_words_parse(c->options, table, c->words, &err)) {
        return report(err);
    }
    img_word_set_size(c->words, "size", c->total_bytes);
    if (!check_backing(c, table) || !check_compression(c, driver) ||
        !check_bitmaps(c)) {
        return false;
    }
    if (!co_img_make(driver, target, c->target.filename, c->words, &err)) {
        error_prepend(&err,
                      "%s: error while converting %s: ", c->target.filename,
                      c->format);
        return report(err);
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_make(Convert *c)
{
    Error *err = NULL;
    ImgTarget target;
    bool ok;

    if (!img_make_driver(c->format, &err) ||
        !img_target_find(&target, c->target.filename, &err)) {
        return report(err);
    }
    ok = co_make_at(c, &target);
    img_target_clear(&target);
    return ok;
}

/* Where passwords are: the target is opened with those that it was made with.
 * The caller's; NULL if there are none. */
static json_object *secrets_of(json_object *words)
{
    json_object *secrets = NULL;

    json_object_object_foreach(words, name, value)
    {
        if (g_str_has_suffix(name, "key-secret")) {
            secrets = secrets ? secrets : json_object_new_object();
            json_object_object_add(secrets, name, json_object_get(value));
        }
    }
    return secrets;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_target(Convert *c)
{
    json_object *secrets = NULL;

    if (!c->target.image_opts) {
        c->target.format = c->format;
    }
    c->target.writable = true;
    c->target.unmap = true;
    c->target.cache = c->target.cache ? c->target.cache : "unsafe";
    if (!img_check_cache("cache option", c->target.cache)) {
        return false;
    }
    if (!c->keep_target) {
        secrets = secrets_of(c->words);
    }
    c->target.more = secrets;
    c->root = co_img_open_or_report(&c->target);
    c->target.more = NULL;
    json_object_put(secrets);
    return c->root != NULL;
}

/* A place in an encrypted image where nothing was written yet; in LUKS all
 * are. */
static bool reads_as_anything(const Convert *c)
{
    const Node *node = root_node(c->root);

    return node_encryption(node) &&
           (is_preallocated(c) || !node->driver->supports_backing);
}

static void look_at_backing(Convert *c)
{
    Edge *backing = node_backing_child(node_skip_filters(root_node(c->root)));

    c->target_backing_bytes = backing ? backing->child->size_bytes : 0;
}

static bool check_old(const Convert *c)
{
    const NodeDriver *driver = root_node(c->root)->driver;

    if (root_size_bytes(c->root) < c->total_bytes) {
        error_report("output file is smaller than input file");
        return false;
    }
    return check_compression(c, driver) && check_bitmaps(c) &&
           check_target_bitmaps(c);
}

bool co_img_convert_target(Convert *c)
{
    if (c->keep_target) {
        c->target_has_backing = c->backing != NULL;
        if (!co_open_target(c) || !check_old(c)) {
            return false;
        }
    } else {
        if (!co_make(c) || !co_open_target(c) || !check_target_bitmaps(c)) {
            return false;
        }
        c->target_is_zero = !c->target_has_backing && !reads_as_anything(c);
    }
    look_at_backing(c);
    return true;
}
