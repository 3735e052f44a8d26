/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user's resize of a node: by a root that lives as long as it takes, so that
 * everybody who does not bear a resize is asked.
 */
#include "block/graph/root.h"

bool co_node_resize(Node *node, uint64_t size_bytes, Error **errp)
{
    Root *root;
    bool ok;

    root = root_new("root", NULL, NULL);
    ok = root_attach(root, node, PERM_RESIZE, PERM_ALL, errp);
    if (ok) {
        ok = co_root_truncate(root, size_bytes, false, errp) == 0;
        co_root_detach(root);
    }
    root_free(root);
    return ok;
}
