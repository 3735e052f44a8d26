/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of exports, whatever their kind. Invariants: see export.h.
 */
#include "block/export/export.h"
#include "block/export/fuse-export.h"
#include "block/export/lease.h"
#include "block/export/nbd-export.h"
#include "block/graph/activity.h"
#include "block/graph/home.h"
#include "block/job/block-job.h"
#include "qapi/qapi-events.h"
#include "util/id.h"

static ListLink exports = LIST_INIT(exports);
/* Those who wait for an export to go away. */
static CoQueue gone = {LIST_INIT(gone.waiters)};

static const ExportDriver *const drivers[] = {&nbd_export_driver,
                                              &fuse_export_driver};

static const ExportDriver *driver_of_type(BlockExportType type)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        if (drivers[i]->type == type) {
            return drivers[i];
        }
    }
    return NULL;
}

BlockExport *export_find(const char *id)
{
    LIST_FOREACH(exp, &exports, BlockExport, link) {
        if (!strcmp(exp->id, id)) {
            return exp;
        }
    }
    return NULL;
}

BlockExport *export_next(const BlockExport *exp)
{
    ListLink *next = exp ? exp->link.next : exports.next;

    return next == &exports ? NULL : LIST_ENTRY(next, BlockExport, link);
}

/* --- adding -------------------------------------------------------------- */

static bool check_options(const BlockExportOptions *options, Error **errp)
{
    if (!id_well_formed(options->id)) {
        error_set(errp, "Invalid block export id");
        return false;
    }
    if (export_find(options->id)) {
        error_set(errp, "Block export id '%s' is already in use", options->id);
        return false;
    }
    return true;
}

/* --- iothreads ----------------------------------------------------------- */

static void iothread_let_go(gpointer object)
{
    ((Object *)object)->users--;
}

static bool add_iothread(GPtrArray *iothreads, const char *id, Error **errp)
{
    Object *iothread = iothread_find(id, errp);

    if (!iothread) {
        return false;
    }
    iothread->users++;
    g_ptr_array_add(iothreads, iothread);
    return true;
}

static bool add_iothreads(GPtrArray *iothreads,
                          const BlockExportIothreads *names, Error **errp)
{
    if (!names) {
        return true;
    }
    if (names->kind == BLOCK_EXPORT_IOTHREADS_KIND_SINGLE) {
        return add_iothread(iothreads, names->u.single, errp);
    }
    for (size_t i = 0; i < names->u.multi->n; i++) {
        if (!add_iothread(iothreads, names->u.multi->v[i], errp)) {
            return false;
        }
    }
    return true;
}

/* Brings the HOMED nodes of the disk to the first thread if they can move. */
COROUTINE_ONLY CONTROL_ONLY static bool co_move_nodes(BlockExport *exp,
                                                      bool fixed, Error **errp)
{
    if (exp->iothreads->len &&
        !co_nodes_move(root_node(exp->root),
                       iothread_reactor(exp->iothreads->pdata[0])) &&
        fixed) {
        error_set(errp, "Cannot change iothread of active block backend");
        return false;
    }
    return true;
}

/* The last user of a thread brings home the nodes that live on it. */
COROUTINE_ONLY CONTROL_ONLY static void co_leave_iothreads(BlockExport *exp)
{
    while (exp->iothreads->len) {
        guint last = exp->iothreads->len - 1;
        const Object *iothread = exp->iothreads->pdata[last];

        if (iothread->users == 1) {
            co_nodes_leave(iothread_reactor(iothread));
        }
        g_ptr_array_remove_index(exp->iothreads, last);
    }
}

Reactor *export_next_reactor(BlockExport *exp)
{
    unsigned turn = exp->turn++;

    return exp->iothreads->len
               ? iothread_reactor(
                     exp->iothreads->pdata[turn % exp->iothreads->len])
               : reactor_control();
}

/* --- the root ------------------------------------------------------------ */

static char *describe_root(const Root *root)
{
    return g_strdup("an unnamed block device");
}

static char *label_root(const Root *root)
{
    const BlockExport *exp = root_opaque(root);

    return g_strdup_printf("export '%s'", exp->id);
}

static void root_resized(Root *root)
{
    BlockExport *exp = root_opaque(root);

    __atomic_store_n(&exp->size_bytes, root_size_bytes(root), __ATOMIC_RELAXED);
}

static const RootOps root_ops = {
    .describe = describe_root,
    .label = label_root,
    .resized = root_resized,
};

COROUTINE_ONLY CONTROL_ONLY static bool co_attach_root(BlockExport *exp,
                                                       Node *node, Error **errp)
{
    Perms perm = PERM_CONSISTENT_READ | (exp->writable ? PERM_WRITE : 0);
    Perms shared = exp->driver->resizable ? PERM_ALL : PERM_ALL & ~PERM_RESIZE;

    if (exp->writable && node->read_only && !node->inactive) {
        error_set(errp, "Cannot export read-only node as writable");
        return false;
    }
    exp->root = root_new("root", &root_ops, exp);
    if (!root_attach(exp->root, node, perm, PERM_ALL, errp)) {
        root_free(exp->root);
        return false;
    }
    /* Where clients are told the size once it must not change under them.
     * Others' conflicts come first, and then that it cannot be served. */
    if ((exp->driver->ready && !exp->driver->ready(errp)) ||
        !root_set_perms(exp->root, perm, shared, errp)) {
        co_root_detach(exp->root);
        root_free(exp->root);
        return false;
    }
    root_resized(exp->root);
    return true;
}

static void free_export(BlockExport *exp)
{
    g_ptr_array_unref(exp->iothreads);
    g_free(exp->id);
    g_free(exp);
}

COROUTINE_ONLY CONTROL_ONLY static void co_drop_root(BlockExport *exp)
{
    if (root_node(exp->root)) {
        jobs_show_detach(root_node(exp->root));
    }
    co_root_detach(exp->root);
    root_free(exp->root);
    co_leave_iothreads(exp);
}

static BlockExport *export_new(const BlockExportOptions *options)
{
    BlockExport *exp = g_new0(BlockExport, 1);

    exp->driver = driver_of_type(options->type);
    exp->id = g_strdup(options->id);
    exp->writable = options->writable;
    exp->writethrough = options->writethrough;
    exp->refs = 1;
    exp->iothreads = g_ptr_array_new_with_free_func(iothread_let_go);
    return exp;
}

/* Under the graph lock. */
COROUTINE_ONLY CONTROL_ONLY static BlockExport *
co_add_locked(const BlockExportOptions *options, Error **errp)
{
    BlockExport *exp;
    Node *node;

    if (!check_options(options, errp)) {
        return NULL;
    }
    node = node_lookup(NULL, options->node_name, errp);
    if (!node) {
        return NULL;
    }
    /* Also before a migration is over: disks come by NBD meanwhile. What is
     * another process's can be read as it was, and not be written to. */
    co_node_activate(node, NULL);
    exp = export_new(options);
    if (!add_iothreads(exp->iothreads, options->iothread, errp) ||
        !co_attach_root(exp, node, errp)) {
        free_export(exp);
        return NULL;
    }
    if (!co_move_nodes(exp, options->fixed_iothread, errp) ||
        !exp->driver->co_create(exp, options, errp)) {
        co_drop_root(exp);
        free_export(exp);
        return NULL;
    }
    list_prepend(&exports, &exp->link);
    return exp;
}

BlockExport *co_export_add(const BlockExportOptions *options, Error **errp)
{
    BlockExport *exp;

    co_graph_lock();
    exp = co_add_locked(options, errp);
    graph_unlock();
    return exp;
}

/* --- by a transaction ---------------------------------------------------- */

BlockExport *co_export_prepare(const BlockExportOptions *options, Error **errp)
{
    BlockExport *exp;

    if (!driver_of_type(options->type)->retract) {
        error_set(errp, "A transaction cannot add an export of type '%s'",
                  BlockExportType_str(options->type));
        return NULL;
    }
    exp = co_add_locked(options, errp);
    if (exp) {
        exp->tentative = true;
    }
    return exp;
}

void export_commit(BlockExport *exp)
{
    exp->tentative = false;
}

void export_retract(BlockExport *exp)
{
    exp->driver->retract(exp);
    list_remove(&exp->link);
}

void co_export_free(BlockExport *exp)
{
    exp->driver->co_free_state(exp);
    co_drop_root(exp);
    free_export(exp);
}

/* --- going away ---------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_delete_entry(void *opaque)
{
    BlockExport *exp = opaque;
    QapiEventBlockExportDeleted event = {.id = exp->id};

    co_graph_lock();
    exp->driver->co_free_state(exp);
    co_drop_root(exp);
    graph_unlock();
    list_remove(&exp->link);
    qapi_event_block_export_deleted(&event);
    free_export(exp);
    coqueue_wake_all(&gone);
}

void export_ref(BlockExport *exp)
{
    assert(exp->refs > 0);
    exp->refs++;
    leases_reader_seen(root_node(exp->root));
}

void export_unref(BlockExport *exp)
{
    assert(exp->refs > 0);
    leases_reader_seen(root_node(exp->root));
    if (!--exp->refs) {
        assert(exp->shutting_down);
        coroutine_start(co_delete_entry, exp);
    }
}

void export_request_shutdown(BlockExport *exp)
{
    if (!exp->shutting_down) {
        exp->shutting_down = true;
        exp->driver->request_shutdown(exp);
        root_hurry(exp->root);
        export_unref(exp);
    }
}

void co_export_wait_gone(const char *id)
{
    while (export_find(id)) {
        co_queue_wait(&gone);
    }
}

/* --- all of them --------------------------------------------------------- */

/* Oldest first, the order in which their events come. NULL if there is none
 * that still serves. */
static BlockExport *next_to_shut_down(BlockExportType type)
{
    BlockExport *oldest = NULL;

    LIST_FOREACH(exp, &exports, BlockExport, link) {
        if (exp->driver->type == type && !exp->shutting_down &&
            !exp->tentative) {
            oldest = exp;
        }
    }
    return oldest;
}

static bool any_of_type(BlockExportType type)
{
    LIST_FOREACH(exp, &exports, BlockExport, link) {
        if (exp->driver->type == type) {
            return true;
        }
    }
    return false;
}

void co_exports_shutdown_type(BlockExportType type)
{
    BlockExport *exp;

    while ((exp = next_to_shut_down(type))) {
        export_request_shutdown(exp);
    }
    while (any_of_type(type)) {
        co_queue_wait(&gone);
    }
}

void co_exports_shutdown(void)
{
    co_leases_forget();
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        co_exports_shutdown_type(drivers[i]->type);
    }
}
