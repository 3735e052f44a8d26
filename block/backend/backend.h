/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back ends: what a device of a machine, or a person in its place, sees of the
 * graph. A back end is a root that may have a name ("drive0"), may be without
 * a node (no medium), and knows the device that uses it.
 *
 *     backend_new --> empty --backend_insert--> has a node
 *                       ^                           |
 *     co_backend_unref<-+<------co_backend_eject----+
 *
 * Invariants:
 * 1. Names are distinct, and no node has the name of a back end.
 * 2. A back end has one device at most; while it has one, its root has the
 *    permissions that the device asked for, also after the medium changed.
 * 3. A back end lives while it has references: the one of who made it
 *    (-drive), and one of its device.
 * All: control thread; the root's I/O from any reactor.
 */
#ifndef BLOCK_BACKEND_BACKEND_H
#define BLOCK_BACKEND_BACKEND_H

#include "block/graph/root.h"
#include "qapi/qapi-types.h"

typedef struct Account Account;
typedef struct Backend Backend;
typedef struct BackendDevice BackendDevice;

/* What a back end needs to know of its device. */
typedef struct BackendDeviceOps {
    /* Its id, or the path of the object; the caller frees it. */
    char *(*path)(const BackendDevice *device);
    /* The medium was put in or taken out. May be NULL. */
    void (*medium_changed)(BackendDevice *device, bool loaded);
} BackendDeviceOps;

struct BackendDevice {
    const BackendDeviceOps *ops;
    Backend *backend; /* NULL: none */
    bool removable;   /* media can be changed */
    bool has_tray, tray_open, locked;
    bool counts_status; /* query-block shows how its requests went */
};

/* Once, first: from then on nodes are found by the names of back ends. */
void backends_init(void) CONTROL_ONLY;

/* @name NULL: it has none. NULL with QEMU's text if the name is taken. */
Backend *backend_new(const char *name, Error **errp) CONTROL_ONLY;
void backend_ref(Backend *backend) CONTROL_ONLY;
/* The last one takes the medium out. NULL is fine. */
void co_backend_unref(Backend *backend) COROUTINE_ONLY CONTROL_ONLY;
/* The program ends: all of them, with their nodes. */
void co_backends_shutdown(void) COROUTINE_ONLY CONTROL_ONLY;

Backend *backend_by_name(const char *name) CONTROL_ONLY;
/* By the id of a device or the path of its object; also that of a part of it
 * ("vd0/virtio-backend"). NULL: none. */
Backend *backend_by_device(const char *id_or_path) CONTROL_ONLY;
/* The first whose root's node @node is, or NULL. */
Backend *backend_of_node(const Node *node) CONTROL_ONLY;
/* In the order in which they were made; NULL ends. */
Backend *backend_next(Backend *backend) CONTROL_ONLY;

/* "" if it has none. */
const char *backend_name(const Backend *backend);
Root *backend_root(const Backend *backend);
/* NULL: no medium. */
Node *backend_node(const Backend *backend);
/* NULL: none. */
BackendDevice *backend_device(const Backend *backend);
/* The device's id or path, to be freed; NULL without a device. */
char *backend_device_path(const Backend *backend);

/* Puts @node in (taking a reference); false with QEMU's conflict text. The
 * back end is empty. Under the graph lock. */
bool backend_insert(Backend *backend, Node *node, Error **errp) CONTROL_ONLY;
/* Takes the medium out, if there is one; may close it. Under the graph lock. */
void co_backend_eject(Backend *backend) COROUTINE_ONLY CONTROL_ONLY;
/*
 * @fn is told when a medium is taken out, under the graph lock; it does not
 * yield. What it lets go of is gone when @co_after returns, which commands call
 * by co_backends_ejected when they have given up the graph lock. One only.
 */
void backends_on_eject(void (*fn)(const Backend *backend),
                       void (*co_after)(void)) CONTROL_ONLY;
void co_backends_ejected(void) COROUTINE_ONLY CONTROL_ONLY;
/* Puts @node (NULL: nothing) in the place of what is there, or changes
 * nothing and fails with QEMU's text. Under the graph lock. */
bool co_backend_change(Backend *backend, Node *node,
                       Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* Whether it is read-only by what was said when it was made. */
void backend_set_read_only(Backend *backend, bool read_only);
bool backend_read_only(const Backend *backend);

/* What is to be done about requests of the device that fail: AUTO as QEMU
 * does without a choice. */
void backend_set_errors(Backend *backend, BlockdevOnError on_read,
                        BlockdevOnError on_write);

/* For a device that cannot act upon errors: which of "rerror" and "werror" asks
 * it to, or NULL. */
const char *backend_errors_asked(const Backend *backend);
/* Whether each write is on stable storage when it is done. */
void backend_set_writethrough(Backend *backend, bool on);
bool backend_writethrough(const Backend *backend);

/* The same by a device: what it says AUTO to stays. */
void backend_override_errors(Backend *backend, BlockdevOnError on_read,
                             BlockdevOnError on_write);

/* What its user does with the medium, whether there is one or not. */
bool backend_set_perms(Backend *backend, Perms perm, Perms shared,
                       Error **errp) CONTROL_ONLY;
Perms backend_perm(const Backend *backend);
Perms backend_shared(const Backend *backend);

/* @device gets it and takes a reference; false, with `Drive 'x' is already in
 * use by another device`. */
bool backend_attach_device(Backend *backend, BackendDevice *device,
                           Error **errp) CONTROL_ONLY;
/* Lets it go: permissions, reference, and with it what nobody else keeps. */
void co_backend_detach_device(BackendDevice *device)
    COROUTINE_ONLY CONTROL_ONLY;

/*
 * The back end that a command means by @device (a back end's name) or @id (a
 * device's id or path); one of both is given. NULL with QEMU's texts.
 */
Backend *backend_lookup(const char *device, const char *id,
                        Error **errp) CONTROL_ONLY;

/* The program ends: no request waits for limits any more. */
void backends_release(void) CONTROL_ONLY;

/* A request of the device, or of a person in its place, begins and ends. */
Account *backend_account(Backend *backend);
/* @fn stops the machine when a request fails, and rerror= or werror= asks for
 * that. */
void backends_on_stop(void (*fn)(void)) CONTROL_ONLY;
/* While true, no request waits for limits (somebody waits for them all). */
void backends_hurry(bool hurry) CONTROL_ONLY;

/* What failed is not held against them any more (`cont`). */
void backends_forget_errors(void) CONTROL_ONLY;

#endif
