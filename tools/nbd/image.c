/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `tidemark nbd` serves: an image, and what the options put on it. */
#include <stdio.h>

#include "qapi/qapi-types.h"
#include "tools/img/img.h"
#include "tools/nbd/nbd.h"
#include "tools/nbd/temporary.h"

static const char size_hint[] =
    "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, "
    "peta-\nand exabytes, respectively.\n";

/* Puts @node, whose reference it takes, in the place of *@root. */
COROUTINE_ONLY CONTROL_ONLY static bool co_put_on(Root **root, Node *node,
                                                  bool writable, Error **errp)
{
    Root *top = root_new("root", NULL, NULL);
    bool ok;

    co_graph_lock();
    ok = root_attach(top, node,
                     PERM_CONSISTENT_READ | (writable ? PERM_WRITE : 0),
                     PERM_ALL, errp);
    co_node_unref(node);
    graph_unlock();
    if (!ok) {
        root_free(top);
        return false;
    }
    co_image_close(*root);
    *root = top;
    return true;
}

/* --- a part -------------------------------------------------------------- */

static BlockdevOptions *part_options(const NbdTool *tool, const Node *below,
                                     Error **errp)
{
    json_object *json = json_object_new_object();
    BlockdevOptions *options;

    json_object_object_add(json, "driver", json_object_new_string("raw"));
    json_object_object_add(json, "file", json_object_new_string(below->name));
    json_object_object_add(json, "offset",
                           json_object_new_int64(tool->offset_bytes));
    json_object_object_add(json, "read-only",
                           json_object_new_boolean(below->read_only));
    options = BlockdevOptions_from_json(json, errp);
    json_object_put(json);
    return options;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_cut(const NbdTool *tool, Root **root,
                                               Error **errp)
{
    const Node *below = root_node(*root);
    BlockdevOptions *options;
    Node *node;

    if (!tool->offset_bytes) {
        return true;
    }
    if (tool->offset_bytes > INT64_MAX) {
        error_set(errp, "Parameter 'offset' expects a non-negative number "
                        "below 2^64");
        error_append_hint(errp, "%s", size_hint);
        return false;
    }
    options = part_options(tool, below, errp);
    if (!options) {
        return false;
    }
    co_graph_lock();
    node = co_node_open(options, errp);
    graph_unlock();
    BlockdevOptions_free(options);
    return node && co_put_on(root, node, !node->read_only, errp);
}

/* --- a layer ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_put_temporary(const NbdTool *tool, Root **root, Error **errp)
{
    Node *node;

    if (!tool->temporary) {
        return true;
    }
    node = co_temporary_layer(root_node(*root), &tool->image, tool->read_only,
                              errp);
    return node && co_put_on(root, node, !tool->read_only, errp);
}

/* --- all ----------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Root *co_open_image(const NbdTool *tool,
                                                       Error **errp)
{
    Root *root = co_image_open(&tool->image, errp);

    if (root && !co_put_temporary(tool, &root, errp)) {
        co_image_close(root);
        root = NULL;
    }
    if (!root) {
        error_prepend(errp,
                      "Failed to blk_new_open '%s': ", tool->image.filename);
    }
    return root;
}

Root *co_nbd_tool_open(const NbdTool *tool)
{
    Error *err = NULL;
    Root *root = co_open_image(tool, &err);

    if (!root || !co_cut(tool, &root, &err)) {
        error_report_err(err);
        co_image_close(root);
        return NULL;
    }
    if (tool->snapshot_inside &&
        !co_img_load_snapshot(root, tool->snapshot_inside)) {
        co_image_close(root);
        return NULL;
    }
    return root;
}
