/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `--snapshot`: a qcow2 layer in a file that nobody finds, on top of an image
 * that stays as it is.
 */
#include "tools/nbd/temporary.h"

#include <fcntl.h>
#include <unistd.h>

#include "block/graph/format.h"
#include "qapi/qapi-types.h"
#include "tools/img/words.h"
#include "util/reactor/reactor.h"

static char *make_file(Error **errp)
{
    const char *folder = g_getenv("TMPDIR");
    char *path =
        g_build_filename(folder ? folder : "/var/tmp", "vl.XXXXXX", NULL);
    int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0) {
        error_set_errno(errp, errno, "Could not open temporary file '%s'",
                        path);
        g_free(path);
        return NULL;
    }
    close(fd);
    return path;
}

COROUTINE_ONLY
static bool co_make_image(const NodeDriver *driver, const char *path,
                          uint64_t size_bytes, Error **errp)
{
    json_object *words = json_object_new_object();
    bool ok;

    img_word_set_size(words, "size", size_bytes);
    ok = driver->format->co_create_file(path, words, errp);
    json_object_put(words);
    return ok;
}

/* The options of the layer, as blockdev-add would have them. */
static BlockdevOptions *layer_options(const NodeDriver *driver,
                                      const char *path, const Node *below,
                                      const ImageOpen *open, bool read_only,
                                      Error **errp)
{
    json_object *json = json_object_new_object();
    json_object *file = json_object_new_object();
    BlockdevOptions *options;

    json_object_object_add(file, "driver", json_object_new_string("file"));
    json_object_object_add(file, "filename", json_object_new_string(path));
    json_object_object_add(file, "discard", json_object_new_string("unmap"));
    json_object_object_add(json, "driver",
                           json_object_new_string(driver->name));
    json_object_object_add(json, "file", file);
    json_object_object_add(json, "backing",
                           json_object_new_string(below->name));
    json_object_object_add(
        json, "discard",
        json_object_new_string(open->unmap ? "unmap" : "ignore"));
    json_object_object_add(json, "read-only",
                           json_object_new_boolean(read_only));
    if (open->detect_zeroes) {
        json_object_object_add(json, "detect-zeroes",
                               json_object_new_string(open->detect_zeroes));
    }
    options = BlockdevOptions_from_json(json, errp);
    json_object_put(json);
    return options;
}

COROUTINE_ONLY CONTROL_ONLY static Node *
co_open_layer(const char *path, const Node *below, const ImageOpen *open,
              bool read_only, Error **errp)
{
    const NodeDriver *driver = driver_find("qcow2");
    BlockdevOptions *options;
    Node *node;

    if (!co_make_image(driver, path, below->size_bytes, errp)) {
        return NULL;
    }
    options = layer_options(driver, path, below, open, read_only, errp);
    if (!options) {
        return NULL;
    }
    co_graph_lock();
    node = co_node_open(options, errp);
    graph_unlock();
    BlockdevOptions_free(options);
    return node;
}

Node *co_temporary_layer(const Node *below, const ImageOpen *open,
                         bool read_only, Error **errp)
{
    g_autofree char *path = make_file(errp);
    Node *node;

    if (!path) {
        return NULL;
    }
    node = co_open_layer(path, below, open, read_only, errp);
    /* From now on it lives as long as we have it open. */
    io_unlink(path);
    return node;
}
