/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening nodes from QAPI options: the options that every driver has, what an
 * inline child takes over from its parent, and undoing an open that failed.
 * Changing them later is reopen.c.
 */
#include "block/graph/activity.h"
#include "block/graph/format.h"
#include "block/graph/graph-int.h"
#include "qapi/qapi-types.h"

/* How deep nodes may lie below each other: a stack has room for some more. */
#define NESTING_MAX 256u

bool format_opening_for_repair;
bool format_opening_to_look;
bool format_for_machine;

/* CONTROL, under the graph lock: nodes that are being opened, each by the one
 * above it */
static unsigned nesting;

COROUTINE_ONLY CONTROL_ONLY static Node *
co_open_below(const BlockdevOptions *options, const Node *parent, unsigned role,
              Error **errp);

/* What an inline child takes over where its own options are silent. A named
 * child keeps what it was opened with. */
static GenericOptions inherit(const GenericOptions *parent)
{
    GenericOptions g = *parent;

    /* A discard that a format lets through may always go on: who does not
     * want it says so at the top. */
    g.discard_unmap = true;
    g.detect_zeroes = DETECT_ZEROES_OFF;
    return g;
}

static void apply_cache(GenericOptions *g, const BlockdevCacheOptions *cache)
{
    if (cache && cache->has_direct) {
        g->cache_direct = cache->direct;
    }
    if (cache && cache->has_no_flush) {
        g->cache_no_flush = cache->no_flush;
    }
}

static DetectZeroes detect_zeroes(const BlockdevOptions *o)
{
    if (!o->has_detect_zeroes) {
        return DETECT_ZEROES_OFF;
    }
    switch (o->detect_zeroes) {
    case BLOCKDEV_DETECT_ZEROES_OPTIONS_ON:
        return DETECT_ZEROES_ON;
    case BLOCKDEV_DETECT_ZEROES_OPTIONS_UNMAP:
        return DETECT_ZEROES_UNMAP;
    default:
        return DETECT_ZEROES_OFF;
    }
}

static bool generic_options_check(const GenericOptions *g, Error **errp)
{
    if (g->detect_zeroes == DETECT_ZEROES_UNMAP && !g->discard_unmap) {
        error_set(errp, "setting detect-zeroes to unmap is not allowed "
                        "without setting discard operation to unmap");
        return false;
    }
    if (g->force_share && !g->read_only) {
        error_set(errp,
                  "force-share=on can only be used with read-only images");
        return false;
    }
    return true;
}

bool generic_options_parse(const BlockdevOptions *o,
                           const GenericOptions *parent, GenericOptions *g,
                           Error **errp)
{
    *g = parent ? inherit(parent) : (GenericOptions){.read_only = false};
    apply_cache(g, o->cache);
    if (o->has_read_only) {
        g->read_only = o->read_only;
    }
    if (o->has_auto_read_only) {
        g->auto_read_only = o->auto_read_only;
    }
    if (o->has_force_share) {
        g->force_share = o->force_share;
    }
    if (o->has_discard) {
        g->discard_unmap = o->discard == BLOCKDEV_DISCARD_OPTIONS_UNMAP;
    }
    g->detect_zeroes = detect_zeroes(o);
    return generic_options_check(g, errp);
}

GenericOptions node_generic(const Node *node)
{
    return (GenericOptions){
        .read_only = node_is_read_only(node),
        .auto_read_only = node->auto_read_only,
        .force_share = node->force_share,
        .discard_unmap = node->discard_unmap,
        .cache_direct = node->cache_direct,
        .cache_no_flush = node->cache_no_flush,
        .detect_zeroes = node->detect_zeroes,
    };
}

void node_set_generic(Node *node, const GenericOptions *g)
{
    *(node->inactive ? &node->inactive_read_only : &node->read_only) =
        g->read_only;
    node->auto_read_only = g->auto_read_only;
    node->force_share = g->force_share;
    node->discard_unmap = g->discard_unmap;
    node->cache_direct = g->cache_direct;
    node->cache_no_flush = g->cache_no_flush;
    node->detect_zeroes = g->detect_zeroes;
}

GenericOptions node_generic_for_child(const Node *parent, unsigned role)
{
    GenericOptions g = node_generic(parent);

    if (role & EDGE_COW) {
        g.read_only = true;
        g.auto_read_only = false;
    }
    return g;
}

static bool apply_generic(Node *node, const BlockdevOptions *o,
                          const Node *parent, unsigned role, Error **errp)
{
    GenericOptions above, g;

    if (parent) {
        above = node_generic_for_child(parent, role);
    }
    if (!generic_options_parse(o, parent ? &above : NULL, &g, errp)) {
        return false;
    }
    node_set_generic(node, &g);
    node_set_inactive(node, graph_incoming());
    return true;
}

static bool co_open_driver(Node *node, const BlockdevOptions *options,
                           Error **errp)
{
    if (!node->driver->co_open(node, options, errp)) {
        return false;
    }
    if (node->size_bytes > BLOCK_MAX_BYTES) {
        error_set_errno(errp, EFBIG, "Could not refresh total sector count");
        if (node->driver->co_close) {
            node->driver->co_close(node);
        }
        return false;
    }
    return true;
}

static Node *co_open_below(const BlockdevOptions *options, const Node *parent,
                           unsigned role, Error **errp)
{
    const char *driver_name = BlockdevDriver_str(options->driver);
    const NodeDriver *driver = driver_find(driver_name);
    Node *node;
    bool ok;

    if (!driver || !driver->co_open) {
        error_set(errp, "Unknown driver '%s'", driver_name);
        return NULL;
    }
    if (nesting >= NESTING_MAX) {
        error_set(errp,
                  "More than %u nodes below each other: a chain of "
                  "images is too long, or ends in itself",
                  NESTING_MAX);
        return NULL;
    }
    node = node_new(driver, options->node_name, errp);
    if (!node) {
        return NULL;
    }
    node->options = BlockdevOptions_to_json(options);
    nesting++;
    ok = apply_generic(node, options, parent, role, errp) &&
         co_open_driver(node, options, errp);
    nesting--;
    if (!ok) {
        co_node_discard(node);
        return NULL;
    }
    node_refresh_limits(node);
    node_refresh_filename(node);
    return node;
}

Node *co_node_open(const BlockdevOptions *options, Error **errp)
{
    return co_open_below(options, NULL, 0, errp);
}

COROUTINE_ONLY CONTROL_ONLY static Node *
co_child_open(Node *parent, const BlockdevRef *ref, unsigned role, Error **errp)
{
    Node *child;

    if (ref->kind == BLOCKDEV_REF_KIND_DEFINITION) {
        child = co_open_below(ref->u.definition, parent, role, errp);
        if (child) {
            child->inherits_from = parent;
        }
        return child;
    }
    child = node_lookup(ref->u.reference, ref->u.reference, errp);
    if (child && child->opens_file) {
        error_set(errp, "Cannot find device='%s' nor node-name='%s'",
                  ref->u.reference, ref->u.reference);
        return NULL;
    }
    if (child) {
        node_ref(child);
    }
    return child;
}

Edge *co_node_open_child(Node *parent, const BlockdevRef *ref, const char *name,
                         unsigned role, Error **errp)
{
    Node *child;
    Edge *edge;

    /* QEMU opens this one before the node has its name. */
    parent->opens_file = !strcmp(name, "file");
    child = co_child_open(parent, ref, role, errp);
    parent->opens_file = false;
    if (!child) {
        return NULL;
    }
    if (child->inherits_from == parent && !strcmp(name, "file")) {
        /* As QEMU lists them, which opens this one before the node itself,
         * and all other children after it. */
        node_list_last(parent);
    }
    edge = edge_attach(parent, child, name, role, errp);
    /* The edge has its own reference now, or the child goes. */
    co_node_unref(child);
    return edge;
}
