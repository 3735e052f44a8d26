/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overlays that are forgotten: see temporary.h. */
#include "block/backend/temporary.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "block/graph/format.h"
#include "qapi/qapi-types.h"
#include "util/reactor/reactor.h"

#define TEMPLATE "vl.XXXXXX"

/* An empty file; the caller frees its name. NULL with @errp. */
static char *make_file(Error **errp)
{
    const char *folder = g_getenv("TMPDIR");
    char *name = g_build_filename(folder ? folder : "/var/tmp", TEMPLATE, NULL);
    int fd = g_mkstemp(name);

    if (fd < 0) {
        error_set_errno(errp, errno, "Could not create temporary file '%s'",
                        name);
        g_free(name);
        return NULL;
    }
    close(fd);
    return name;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_format_file(const char *name, uint64_t size_bytes, Error **errp)
{
    json_object *words = json_object_new_object();
    g_autofree char *size = g_strdup_printf("%" PRIu64, size_bytes);
    bool ok;

    json_object_object_add(words, "size", json_object_new_string(size));
    ok = driver_find("qcow2")->format->co_create_file(name, words, errp);
    json_object_put(words);
    return ok;
}

static void add(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

/* The overlay's options: @o's, below which @o itself is. It takes over what
 * users see of @o: name and what is done with their requests. */
static json_object *overlay_options(const BlockdevOptions *o, const char *name)
{
    json_object *backing = BlockdevOptions_to_json(o), *file, *cache, *moved;
    json_object *overlay = json_object_new_object();
    static const char *const to_move[] = {"node-name", "detect-zeroes",
                                          "discard", "read-only"};

    for (size_t i = 0; i < ARRAY_SIZE(to_move); i++) {
        if (json_object_object_get_ex(backing, to_move[i], &moved)) {
            json_object_object_add(overlay, to_move[i], json_object_get(moved));
            json_object_object_del(backing, to_move[i]);
        }
    }
    json_object_object_add(backing, "read-only", json_object_new_boolean(true));
    file = json_object_new_object();
    add(file, "driver", "file");
    add(file, "filename", name);
    cache = json_object_new_object();
    json_object_object_add(cache, "no-flush", json_object_new_boolean(true));
    add(overlay, "driver", "qcow2");
    json_object_object_add(overlay, "file", file);
    json_object_object_add(overlay, "cache", cache);
    json_object_object_add(overlay, "backing", backing);
    return overlay;
}

/* How large the image is, which is opened for that. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_size(const BlockdevOptions *o, uint64_t *size_bytes, Error **errp)
{
    BlockdevOptions *copy = BlockdevOptions_clone(o);
    Node *node;

    g_free(copy->node_name);
    copy->node_name = NULL;
    copy->has_read_only = copy->read_only = true;
    node = co_node_open(copy, errp);
    BlockdevOptions_free(copy);
    if (!node) {
        return false;
    }
    *size_bytes = node->size_bytes;
    co_node_unref(node);
    return true;
}

Node *co_temporary_overlay(const BlockdevOptions *options, Error **errp)
{
    g_autofree char *name = NULL;
    BlockdevOptions *overlay = NULL;
    json_object *json;
    uint64_t size_bytes;
    Node *node = NULL;

    if (!co_size(options, &size_bytes, errp) || !(name = make_file(errp))) {
        return NULL;
    }
    if (co_format_file(name, size_bytes, errp)) {
        json = overlay_options(options, name);
        overlay = BlockdevOptions_from_json(json, errp);
        json_object_put(json);
    }
    if (overlay) {
        node = co_node_open(overlay, errp);
        BlockdevOptions_free(overlay);
    }
    if (node) {
        node_list_last(node_child(node, "file")->child);
        node_list_last(node);
    }
    /* It is gone when the node is. */
    io_unlink(name);
    return node;
}
