/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy-before-write filter that a user makes, by blockdev-add. */
#include "block/filter/cbw-int.h"
#include "qapi/qapi-types.h"

static bool take_options(CbwState *s, const BlockdevOptionsCbw *o, Error **errp)
{
    if (o->has_cbw_timeout && o->has_cbw_timeout_ms) {
        error_set(errp,
                  "Options 'cbw-timeout' and 'cbw-timeout-ms' cannot be used "
                  "together");
        return false;
    }
    if (o->has_min_cluster_size &&
        (!is_power_of_2(o->min_cluster_size) ||
         o->min_cluster_size > BLOCK_COPY_MEMORY_BYTES)) {
        error_set(errp,
                  "min-cluster-size needs to be a power of 2, %llu at "
                  "most",
                  (unsigned long long)BLOCK_COPY_MEMORY_BYTES);
        return false;
    }
    s->is_public = true;
    s->break_snapshot =
        o->has_on_cbw_error && o->on_cbw_error == ON_CBW_ERROR_BREAK_SNAPSHOT;
    s->timeout_ns = o->has_cbw_timeout ? o->cbw_timeout * INT64_C(1000000000)
                    : o->has_cbw_timeout_ms
                        ? o->cbw_timeout_ms * INT64_C(1000000)
                        : 0;
    return cbw_check_space(s, o, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_open_children(Node *node, const BlockdevOptionsCbw *o, Error **errp)
{
    CbwState *s = node->state;

    s->file = co_node_open_child(node, o->file, "file",
                                 EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (!s->file) {
        return false;
    }
    /* No role: it holds nothing of what the filter shows. */
    s->target = co_node_open_child(node, o->target, "target", 0, errp);
    if (!s->target) {
        return false;
    }
    if (s->target->child == s->file->child) {
        error_set(errp, "Source and target cannot be the same");
        return false;
    }
    if (s->target->child->size_bytes < s->file->child->size_bytes) {
        error_set(errp,
                  "Target '%s' (%" PRIu64
                  " bytes) is smaller than '%s' (%" PRIu64 " bytes)",
                  node_name(s->target->child), s->target->child->size_bytes,
                  node_name(s->file->child), s->file->child->size_bytes);
        return false;
    }
    node->size_bytes = s->file->child->size_bytes;
    /* Which users of the target it bears depends on both children. */
    return node_refresh_perms(node, errp);
}

CONTROL_ONLY
static bool find_bitmap(const BlockdevOptionsCbw *o, const Node *node,
                        DirtyBitmap **bitmap, Error **errp)
{
    *bitmap = NULL;
    if (!o->bitmap) {
        return true;
    }
    *bitmap = bitmap_lookup(o->bitmap->node, o->bitmap->name, NULL, errp);
    if (!*bitmap || !bitmap_check(*bitmap, BITMAP_CHECK_INCONSISTENT, errp)) {
        return false;
    }
    if (bitmap_size_bytes(*bitmap) != node->size_bytes) {
        error_set(errp,
                  "Cannot create block-copy-state: Failed to merge bitmap '%s' "
                  "to internal copy-bitmap: Bitmaps are of different sizes "
                  "(destination size is %" PRIu64 ", source size is %" PRIu64
                  ") and can't be merged",
                  o->bitmap->name, node->size_bytes,
                  bitmap_size_bytes(*bitmap));
        return false;
    }
    return true;
}

bool co_cbw_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsCbw *o = &options->u.copy_before_write;
    CbwState *s = node->state;
    DirtyBitmap *bitmap;

    if (!take_options(s, o, errp) || !co_open_children(node, o, errp) ||
        !find_bitmap(o, node, &bitmap, errp)) {
        return false;
    }
    cbw_state_init(s);
    if (!cbw_make_engine(
            node, o->has_min_cluster_size ? o->min_cluster_size : 0, errp) ||
        !cbw_set_space(node, o, errp)) {
        bitmap_release_all(node);
        cbw_state_free(s);
        return false;
    }
    if (node_skip_filters(s->target->child)->driver->supports_backing &&
        block_copy_shines_through(s->target->child, true)) {
        /* Put above the disk later, the target is the point in time. */
        block_copy_set_diff(s->copy);
    }
    if (bitmap) {
        bitmap_merge(block_copy_todo(s->copy), bitmap);
    } else {
        bitmap_set_all(block_copy_todo(s->copy));
    }
    bitmap_merge(s->access, block_copy_todo(s->copy));
    return true;
}
