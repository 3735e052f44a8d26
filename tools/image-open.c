/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening one image for a tool: the words of the command line become
 * blockdev options, a format that is not given is probed.
 */
#include "tools/image-open.h"

#include <stdio.h>

#include "block/file/raw.h"
#include "block/graph/cache-mode.h"
#include "block/graph/fill-options.h"
#include "block/graph/format.h"
#include "block/graph/probe.h"
#include "qapi/qapi-types.h"
#include "tools/image-options.h"

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
    char head[PROBE_BYTES];
    size_t bytes = MIN(sizeof(head), root_size_bytes(root));
    int ret = bytes ? co_root_pread(root, 0, bytes, head) : 0;
    const char *format;

    if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Could not read image for determining its format");
        return NULL;
    }
    format = probe_format(head, bytes);
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

/* --- opening ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Node *co_open_node(const ImageOpen *open,
                                                      Error **errp)
{
    BlockdevOptions *options;
    Node *node = NULL;

    co_graph_lock();
    options = co_image_options(open, errp);
    if (options) {
        format_opening_to_look = open->look_only;
        node = co_node_open(options, errp);
        if (node && open->no_backing) {
            /* That nothing is behind it was our wish, and is not shown. */
            json_object_object_del(node->options, "backing");
            node_refresh_filenames_above(node);
        }
        if (node) {
            fill_options_guard(node, open->probing ? NULL : raw_guard);
            image_options_spell(open, node);
        }
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

    if (!open->probing) {
        perm |= open->writable ? PERM_WRITE : 0;
        perm |= open->resize ? PERM_RESIZE : 0;
    }
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

/* What who opens such an image for writing is told. */
static void warn_of_raw(const ImageOpen *open, const Node *node)
{
    const char *name = node->filename;

    fprintf(stderr,
            "WARNING: Image format was not specified for '%s' and probing "
            "guessed raw.\n"
            "         Automatically detecting the format is dangerous for "
            "raw images, write operations on block 0 will be restricted.\n"
            "         Specify the 'raw' format explicitly to remove the "
            "restrictions.\n",
            name && *name ? name : open->filename);
}

/* As the format that @open names, or as raw. With @warn that this was found
 * by looking. */
COROUTINE_ONLY CONTROL_ONLY static Root *co_open_root(const ImageOpen *open,
                                                      bool warn, Error **errp)
{
    Node *node = co_open_node(open, errp);

    if (!node) {
        return NULL;
    }
    if (warn && !node->read_only) {
        warn_of_raw(open, node);
        raw_guard(node);
    }
    return co_root_of(node, open, errp);
}

/* Finds the format; a format's own driver then opens it again. */
COROUTINE_ONLY CONTROL_ONLY static Root *co_open_probed(const ImageOpen *open,
                                                        Error **errp)
{
    ImageOpen known = *open;
    Root *root;
    bool raw;

    /* To look at it is not to write to it: an image that is no raw one is not
     * locked as if it were. */
    known.format = "raw";
    known.probing = true;
    known.more = NULL;
    root = co_open_root(&known, false, errp);
    if (!root) {
        return NULL;
    }
    known = *open;
    known.format = co_probe(root, open->filename, errp);
    raw = known.format && !strcmp(known.format, "raw");
    co_image_close(root);
    return known.format ? co_open_root(&known, raw && open->writable, errp)
                        : NULL;
}

/* The format of what @open names, by looking; NULL with @errp. */
COROUTINE_ONLY CONTROL_ONLY static const char *
co_find_format(const ImageOpen *open, Error **errp)
{
    ImageOpen raw = *open;
    const char *format;
    Root *root;

    raw.format = "raw";
    raw.probing = true;
    raw.more = NULL;
    root = co_open_root(&raw, false, errp);
    format = root ? co_probe(root, open->filename, errp) : NULL;
    co_image_close(root);
    return format;
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

bool co_image_look(const ImageOpen *open, const char **format,
                   uint64_t *size_bytes, Error **errp)
{
    ImageOpen known = *open;
    Node *node;

    if (open->format && !image_format_known(open->format)) {
        error_set(errp, "Unknown driver '%s'", open->format);
        return false;
    }
    known.look_only = known.force_share = true;
    if (!open->format && !image_options_given(open)) {
        known.format = co_find_format(open, errp);
        if (!known.format) {
            return false;
        }
    }
    node = co_open_node(&known, errp);
    if (!node) {
        return false;
    }
    *format = node->driver->name;
    *size_bytes = node->size_bytes;
    co_graph_lock();
    co_node_unref(node);
    graph_unlock();
    return true;
}

Root *co_image_open(const ImageOpen *open, Error **errp)
{
    bool probe =
        !open->format &&
        !(image_options_given(open) && image_options_name_driver(open)) &&
        !(open->more && json_object_object_get_ex(open->more, "driver", NULL));

    if (open->format && !image_format_known(open->format)) {
        error_set(errp, "Unknown driver '%s'", open->format);
        return NULL;
    }
    if (!check_sharing(open, errp)) {
        return NULL;
    }
    return probe ? co_open_probed(open, errp) : co_open_root(open, false, errp);
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
