/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chain of images opened layer by layer: see layers.h. */
#include "tools/img/layers.h"

#include <json-c/json.h>

#include "block/graph/filename.h"
#include "block/graph/format.h"

#define LAYERS_MAX 1024 /* a longer chain is a loop */

const Layer *layers_base(const Layers *layers)
{
    return &layers->layer[layers->n - 1];
}

static Layer *append(Layers *layers, char *filename, const char *format,
                     Root *root)
{
    layers->layer = g_renew(Layer, layers->layer, layers->n + 1);
    layers->layer[layers->n] = (Layer){filename, g_strdup(format), root};
    return &layers->layer[layers->n++];
}

/* The image behind that layer, as the image names it; NULL: none. */
static const char *backing_of(const Layer *layer, const char **format)
{
    Node *node = root_node(layer->root);
    const FormatOps *ops = node->driver->format;

    *format = ops && ops->backing_format ? ops->backing_format(node) : NULL;
    return ops && ops->backing_file ? ops->backing_file(node) : NULL;
}

/* Appends what is behind the last layer, not opened yet; false if nothing. */
static bool append_backing(Layers *layers, bool *named, const char *name)
{
    const Layer *last = layers_base(layers);
    const char *format, *backing = backing_of(last, &format);
    json_object *more = last->behind;
    Layer *layer;
    char *path;

    if (!backing || last->cut) {
        return false;
    }
    path = img_path_behind(last->root, last->filename, backing);
    *named = !name || filename_means(last->filename, backing, name);
    layer = append(layers, path, format, NULL);
    if (more) {
        ImageOpen open = {.filename = path, .more = more};

        layer->more = json_object_get(more);
        layer->behind = image_options_behind(&open);
        layer->cut = image_options_cut(&open);
    }
    return true;
}

Root *co_layers_open_behind(const char *top, const ImageOpen *open)
{
    Error *err = NULL;
    Root *root = co_image_open(open, &err);

    if (!root) {
        error_prepend(
            &err, "Could not open '%s': Could not open backing file: ", top);
        error_report_err(err);
    }
    return root;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_layer(Layer *layer,
                                                      const ImageOpen *top)
{
    ImageOpen open = {
        .filename = layer->filename,
        .format = layer->format,
        .no_backing = true,
        .cache = top->cache,
        .force_share = top->force_share,
        .more = layer->more,
    };

    layer->root = co_layers_open_behind(top->filename, &open);
    return layer->root != NULL;
}

bool co_layers_open(Layers *layers, const ImageOpen *top, const char *base)
{
    ImageOpen open = *top;
    bool found = false;
    Layer *layer;
    Root *root;

    *layers = (Layers){0};
    open.no_backing = true;
    root = co_img_open_or_report(&open);
    if (!root) {
        return false;
    }
    layer = append(layers, g_strdup(top->filename), top->format, root);
    layer->behind = image_options_behind(top);
    layer->cut = image_options_cut(top);
    while (!found) {
        if (layers->n > LAYERS_MAX || !append_backing(layers, &found, base)) {
            if (base) {
                error_report("Did not find '%s' in the backing chain of '%s'",
                             base, top->filename);
            } else {
                error_report("Image does not have a backing file");
            }
            return false;
        }
        if (!found && !co_open_layer(&layers->layer[layers->n - 1], top)) {
            return false;
        }
    }
    return true;
}

void co_layers_close(Layers *layers)
{
    for (unsigned i = 0; i < layers->n; i++) {
        co_image_close(layers->layer[i].root);
        g_free(layers->layer[i].filename);
        g_free(layers->layer[i].format);
        json_object_put(layers->layer[i].more);
        json_object_put(layers->layer[i].behind);
    }
    g_free(layers->layer);
    *layers = (Layers){0};
}

/* The kind of an area that the layer holds. */
COROUTINE_ONLY
static int co_kind_in(Root *root, uint64_t at, uint64_t *bytes, LayerKind *kind)
{
    BlockStatus status;
    int ret = co_root_block_status(root, at, *bytes, &status);

    if (ret >= 0) {
        *bytes = status.bytes;
        *kind = status.flags & STATUS_ZERO ? LAYER_ZERO : LAYER_DATA;
    }
    return ret;
}

int co_layers_status(const Layers *layers, uint64_t at, uint64_t *bytes,
                     LayerKind *kind, Root **source)
{
    unsigned i, depth;
    int ret;

    for (i = 0; i + 1 < layers->n; i++) {
        Root *root = layers->layer[i].root;
        uint64_t size = root_size_bytes(root);

        if (at >= size) {
            /* What a shorter image does not have reads as zeroes. */
            *kind = LAYER_ZERO;
            return 0;
        }
        ret = co_root_allocation_depth(root, at, MIN(*bytes, size - at), bytes,
                                       &depth);
        if (ret < 0) {
            return ret;
        }
        if (depth) {
            *source = root;
            return co_kind_in(root, at, bytes, kind);
        }
    }
    *kind = LAYER_BASE;
    return 0;
}
