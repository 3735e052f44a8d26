/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image of the shell, and what its options put on it. */
#include "block/graph/cache-mode.h"
#include "block/io/io.h"
#include "tools/io/io.h"
#include "tools/nbd/temporary.h"

const char *io_cache_mode(const char *word)
{
    const char *name = strcmp(word, "off") ? word : "none";

    return cache_mode_find(name) ? name : NULL;
}

bool io_take_aio(ImageOpen *open, const char *mode)
{
    if (strcmp(mode, "threads") && strcmp(mode, "native") &&
        strcmp(mode, "io_uring")) {
        error_report("Invalid aio option: %s", mode);
        return false;
    }
    open->aio = mode;
    return true;
}

/* Puts @node, whose reference it takes, in the place of *@root. */
COROUTINE_ONLY CONTROL_ONLY static bool co_put_on(Root **root, Node *node,
                                                  Perms perm, Error **errp)
{
    Root *top = root_new("root", NULL, NULL);
    bool ok;

    co_graph_lock();
    ok = root_attach(top, node, perm, PERM_ALL, errp);
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

COROUTINE_ONLY CONTROL_ONLY static bool
co_put_layer(Root **root, const IoImage *image, Error **errp)
{
    bool writable = image->open.writable;
    Node *node =
        co_temporary_layer(root_node(*root), &image->open, !writable, errp);

    return node &&
           co_put_on(root, node,
                     PERM_CONSISTENT_READ | (writable ? PERM_WRITE : 0), errp);
}

COROUTINE_ONLY CONTROL_ONLY static Root *co_open(const IoImage *image,
                                                 Error **errp)
{
    ImageOpen open = image->open;
    Root *root;

    open.writable &= !image->snapshot;
    root = co_image_open(&open, errp);
    if (root && image->copy_on_read && !open.writable && !image->snapshot) {
        error_set(errp, "Can't use copy-on-read on read-only device");
    } else if (root && image->snapshot && !co_put_layer(&root, image, errp)) {
        /* told */
    } else {
        if (root && image->copy_on_read) {
            node_copy_on_read(root_node(root), true); /* as long as it lives */
        }
        return root;
    }
    co_image_close(root);
    return NULL;
}

int co_io_open_image(IoTool *tool, const IoImage *image)
{
    const ImageOpen *open = &image->open;
    IoShell *shell = &tool->shell;
    Error *err = NULL;

    if (image_sharing_conflicts(open)) {
        error_report("-U conflicts with image options");
        return -1;
    }
    shell->root = co_open(image, &err);
    if (!shell->root) {
        error_prepend(&err,
                      "can't open%s%s: ", open->image_opts ? "" : " device ",
                      open->image_opts ? "" : open->filename);
        error_report_err(err);
        return -1;
    }
    /* Where nothing is said each write is on the disk when it returns. */
    shell->writethrough = !open->cache || image_cache_writethrough(open->cache);
    return 0;
}

void co_io_close_image(IoTool *tool)
{
    IoShell *shell = &tool->shell;

    /* Its gates close first, so that what a break holds goes on. */
    co_image_close(shell->root);
    shell->root = NULL;
    co_count_wait_zero(&shell->aio);
}
