/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stream and commit share: see chain.h. */
#include "block/job/chain.h"

#include "block/graph/format.h"

#define RETRY_NS (100 * INT64_C(1000000))

/* --- the end ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_change_writable_header(const ChainCut *cut, Error **errp)
{
    const FormatOps *format = cut->overlay->driver->format;
    Node *backing = cut->backing ? node_skip_filters(cut->backing) : NULL;
    const char *filename = !backing            ? NULL
                           : cut->backing_file ? cut->backing_file
                                               : backing->filename;
    int ret;

    if (!format || !format->co_change_backing_file) {
        error_set(errp, "Block format '%s' cannot change its backing file",
                  cut->overlay->driver->name);
        return false;
    }
    ret = format->co_change_backing_file(
        cut->overlay, filename, backing ? backing->driver->name : NULL, errp);
    return ret == 0;
}

/* An image in the middle of the chain is read-only but for this. */
COROUTINE_ONLY CONTROL_ONLY static bool co_change_header(const ChainCut *cut,
                                                         Error **errp)
{
    bool was_read_only = cut->overlay->read_only, ok;

    if (!co_node_set_read_only(cut->overlay, false, errp)) {
        return false;
    }
    ok = co_change_writable_header(cut, errp);
    node_refresh_filenames_above(cut->overlay);
    co_node_set_read_only(cut->overlay, was_read_only, NULL);
    return ok;
}

bool co_chain_cut(const ChainCut *cut, Error **errp)
{
    Node *overlay = cut->overlay;
    Quiesce *section = co_quiesce_begin(&overlay, 1);
    Txn *txn = txn_new();
    bool ok = node_set_backing(overlay, cut->backing, txn, errp) &&
              co_change_header(cut, errp);

    txn_end(txn, ok);
    quiesce_end(section);
    return ok;
}

/* An image right above @top; with a reference. */
static Node *overlay_of(const Node *top)
{
    LIST_FOREACH(edge, &top->parents, Edge, in_child) {
        if (edge->role & EDGE_COW) {
            node_ref(edge->parent);
            return edge->parent;
        }
    }
    return NULL;
}

static bool has_filters(const Node *top)
{
    LIST_FOREACH(edge, &top->parents, Edge, in_child) {
        if (edge->role & EDGE_FILTERED) {
            return true;
        }
    }
    return false;
}

bool co_chain_drop(Node *top, const ChainCut *cut, Error **errp)
{
    ChainCut each = *cut;
    bool ok = true;

    while (ok && (each.overlay = overlay_of(top))) {
        ok = co_chain_cut(&each, errp);
        co_node_unref(each.overlay);
    }
    if (ok && has_filters(top)) {
        Quiesce *section = co_quiesce_begin(&top, 1);

        ok = co_change_header(cut, errp) &&
             node_replace(top, cut->backing, NULL, errp);
        quiesce_end(section);
    }
    return ok;
}

/* --- the beginning ------------------------------------------------------- */

Node *chain_link_to_base(const Node *last, bool filter_named)
{
    Node *node = node_backing_child(last)->child;

    while (!filter_named && node->driver->co_open &&
           node != node_skip_filters(node)) {
        node = node_below(node);
    }
    return node;
}

bool chain_contains(const Node *top, const Node *node)
{
    for (const Node *n = node_below(top); n; n = node_below(n)) {
        if (n == node) {
            return true;
        }
    }
    return false;
}

static Node *find_by_filename(Node *top, const char *filename)
{
    Node *node = node_backing_node(top);

    while (node && strcmp(node->filename ? node->filename : "", filename)) {
        node = node_backing_node(node);
    }
    return node;
}

bool chain_find(Node *top, const char *name, const char *filename,
                const char *what, Node **found, Error **errp)
{
    *found = NULL;
    if (name && filename) {
        error_set(errp, "'%s-node' and '%s' are mutually exclusive", what,
                  what);
        return false;
    }
    if (name) {
        *found = node_lookup(NULL, name, errp);
        return *found != NULL;
    }
    if (filename) {
        *found = find_by_filename(top, filename);
        if (!*found) {
            error_set(errp, "Can't find '%s' in the backing chain", filename);
        }
        return *found != NULL;
    }
    return true;
}

bool chain_hold(Job *job, Node *top, const Node *base, Perms shared,
                unsigned *layers, Error **errp)
{
    *layers = 0;
    for (Node *node = node_backing_node(top); node && node != base;
         node = node_backing_node(node)) {
        if (!block_job_add_node(job, "intermediate node", node, 0, shared,
                                errp)) {
            return false;
        }
        (*layers)++;
    }
    return true;
}

/* --- the way ------------------------------------------------------------- */

COROUTINE_ONLY
static int co_one_run(Job *job, Root *root, unsigned first, unsigned last,
                      uint64_t at, uint64_t size,
                      int (*co_copy)(Job *job, uint64_t offset_bytes,
                                     uint64_t bytes, bool *error_is_read),
                      uint64_t *run, bool *copied, bool *error_is_read)
{
    unsigned depth;
    uint64_t found;
    int ret = co_root_allocation_depth(root, at, size - at, &found, &depth);

    *error_is_read = true;
    *copied = false;
    if (ret < 0) {
        return ret;
    }
    *run = found;
    if (!*run) {
        *run = size - at;
    } else if (depth >= first && depth <= last) {
        *run = MIN(*run, CHAIN_PIECE_BYTES);
        *copied = true;
        ret = co_copy(job, at, *run, error_is_read);
    }
    return ret;
}

typedef enum AfterError { FAIL, TRY_AGAIN, LEAVE_OUT } AfterError;

COROUTINE_ONLY
static AfterError co_after_error(Job *job, BlockdevOnError on_error,
                                 bool ignored_is_left_out, bool is_read,
                                 int os_errno)
{
    switch (block_job_error_action(job, on_error, is_read, os_errno)) {
    case BLOCK_ERROR_ACTION_REPORT:
        return FAIL;
    case BLOCK_ERROR_ACTION_IGNORE:
        if (ignored_is_left_out) {
            return LEAVE_OUT;
        }
        co_job_sleep_ns(job, RETRY_NS);
        return TRY_AGAIN;
    default:
        return TRY_AGAIN;
    }
}

int co_chain_walk(Job *job, Root *root, unsigned first, unsigned last,
                  uint64_t end_bytes, BlockdevOnError on_error,
                  bool ignored_is_left_out,
                  int (*co_copy)(Job *job, uint64_t offset_bytes,
                                 uint64_t bytes, bool *error_is_read))
{
    uint64_t size = root_size_bytes(root), end = MIN(size, end_bytes);
    uint64_t at = 0, run;
    int error = 0;

    job_progress_set_total(job, size);
    if (size) {
        co_reschedule(); /* the command's reply goes first */
    }
    while (at < end) {
        bool copied, error_is_read;
        int ret;

        co_job_pause_point(job);
        if (job_cancelled(job)) {
            return 0;
        }
        run = MIN(end - at, CHAIN_PIECE_BYTES);
        ret = co_one_run(job, root, first, last, at, end, co_copy, &run,
                         &copied, &error_is_read);
        if (ret < 0) {
            AfterError then = co_after_error(job, on_error, ignored_is_left_out,
                                             error_is_read, -ret);

            error = error || then == TRY_AGAIN ? error : ret;
            if (then == FAIL) {
                return ret;
            }
            if (then == TRY_AGAIN) {
                continue;
            }
        }
        at += run;
        job_progress_add(job, run);
        if (copied && at < end) {
            co_block_job_throttle(job, run);
        }
    }
    job_progress_add(job, size - at);
    return error;
}
