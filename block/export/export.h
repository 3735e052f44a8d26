/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exports: nodes that are served to somebody outside this process. The core
 * owns what all kinds have in common: the id, the root, the life.
 *
 *     co_export_add --> serving --export_request_shutdown--> shutting down
 *                                                                |
 *              gone + BLOCK_EXPORT_DELETED <--last reference gone-+
 *
 * Invariants:
 * 1. An id is taken from co_export_add until the export is gone.
 * 2. An export lives while it has references: one of the user until a shutdown
 *    is requested, one of each client.
 * 3. The event BLOCK_EXPORT_DELETED comes once, after the root was detached:
 *    then the node, its bitmaps and the id are free.
 * 4. Its iothreads run until its root is gone.
 * All functions: control thread.
 */
#ifndef BLOCK_EXPORT_EXPORT_H
#define BLOCK_EXPORT_EXPORT_H

#include "block/graph/root.h"
#include "objects/iothread.h"
#include "qapi/qapi-types.h"

typedef struct BlockExport BlockExport;

/* One kind of export. */
typedef struct ExportDriver {
    BlockExportType type;
    /* Its clients ask for the size again and again: it may change. */
    bool resizable;
    /* Whether one can be made at all, before its size is held; NULL:
     * always. */
    bool (*ready)(Error **errp);
    /* Checks the options of its kind and makes exp->state; exp->root is
     * attached already. Under the graph lock; may yield. */
    bool (*co_create)(BlockExport *exp, const BlockExportOptions *options,
                      Error **errp);
    /* Takes no new clients and makes the present ones drop their references,
     * however unwilling they are. Must not yield. */
    void (*request_shutdown)(BlockExport *exp);
    /* The transaction that makes it fails: gives up what others must find as it
     * was before (names, bitmaps). No client has it. Must not yield;
     * co_free_state follows. NULL: no transaction can make one, since clients
     * find it at once. */
    void (*retract)(BlockExport *exp);
    /* Frees exp->state. Nobody has a reference any more. Under the graph
     * lock. */
    void (*co_free_state)(BlockExport *exp) COROUTINE_ONLY;
    /* Whether requests are in flight of clients that hold no reference. May be
     * NULL. */
    bool (*busy)(const BlockExport *exp);
} ExportDriver;

struct BlockExport {
    /* CONST */
    const ExportDriver *driver;
    char *id;
    Root *root;
    bool writable;
    bool writethrough;    /* each write is on stable storage when it is done */
    void *state;          /* the driver's */
    GPtrArray *iothreads; /* Object: who serves it; none: control does */
    /* Of the medium in it: it goes when that is taken out. NULL: of a node. */
    const struct Backend *medium_of;

    /* ATOMIC */
    uint64_t size_bytes;

    /* CONTROL */
    unsigned turn; /* the next of @iothreads */
    unsigned refs;
    bool shutting_down;
    bool tentative; /* by a transaction that goes on: no client finds it */
    ListLink link;  /* all exports, newest first */
};

/*
 * Adds an export. Takes the graph lock. The result belongs to the core: it
 * stays valid until a shutdown is requested. Texts: QEMU 7.2's.
 */
BlockExport *co_export_add(const BlockExportOptions *options,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/*
 * The same as a part of a transaction, under the graph lock: it is tentative
 * until export_commit, or is taken back by export_retract, which does not
 * yield, and then co_export_free.
 */
BlockExport *co_export_prepare(const BlockExportOptions *options,
                               Error **errp) COROUTINE_ONLY CONTROL_ONLY;
void export_commit(BlockExport *exp) CONTROL_ONLY;
void export_retract(BlockExport *exp) CONTROL_ONLY;
void co_export_free(BlockExport *exp) COROUTINE_ONLY CONTROL_ONLY;

/* NULL if there is none. */
BlockExport *export_find(const char *id);

/* Where to serve one more client: its iothreads take turns. */
Reactor *export_next_reactor(BlockExport *exp) CONTROL_ONLY;

void export_ref(BlockExport *exp) CONTROL_ONLY;
/* The last one starts the removal, which goes on by itself. */
void export_unref(BlockExport *exp) CONTROL_ONLY;

/* Begins to remove it; disconnects its clients. Again does nothing. */
void export_request_shutdown(BlockExport *exp) CONTROL_ONLY;

/* Waits until the export called @id is gone. What it waits for is requests in
 * flight on the disk, never a client. */
void co_export_wait_gone(const char *id) COROUTINE_ONLY CONTROL_ONLY;

/* Removes all exports of @type and waits until they are gone. */
void co_exports_shutdown_type(BlockExportType type) COROUTINE_ONLY CONTROL_ONLY;

/* The same for all types: for the end of the program. */
void co_exports_shutdown(void) COROUTINE_ONLY CONTROL_ONLY;

/* Walks all exports, newest first; NULL begins and ends. */
BlockExport *export_next(const BlockExport *exp);

#endif
