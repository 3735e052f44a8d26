/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Roots: the only way into the graph. What a guest device, an export or a job
 * holds on a node.
 *
 * Invariants:
 * 1. Every request enters through one root's gate and leaves it when it is
 *    done. A request admitted once never passes a second gate.
 * 2. A gate is a plain counter per reactor (lane). Closing it: later
 *    requests wait in their lane; the closer waits until all lanes are zero.
 *    So a reactor that a root was used from must run until that root is
 *    freed.
 * 3. A root made while a quiesced section is open joins that section: it is
 *    closed until the section ends.
 */
#ifndef BLOCK_GRAPH_ROOT_H
#define BLOCK_GRAPH_ROOT_H

#include "block/graph/driver.h"

typedef struct RootOps {
    /* A guest's: what it does counts once the images are ours (activity.h),
     * and it stands still when they are handed over. */
    bool of_guest;
    /* "block device 'NAME'", "an unnamed block device", "backup job 'j'":
     * who uses the node, for permission texts. Owned by the caller. */
    char *(*describe)(const Root *root);
    /* "export 'e'": what a person calls it, for whom the text above says too
     * little. Owned by the caller. May be NULL. */
    char *(*label)(const Root *root);
    /* The id of the job that it belongs to; NULL: not one of a job. */
    const char *(*job_id)(const Root *root);
    /* The name of the device that it is; NULL: it has none. May be NULL. */
    const char *(*device)(const Root *root);
    /* What pictures of the graph call it: its name or its place among the
     * devices; owned by the caller. May be NULL. */
    char *(*path)(const Root *root);
    /* A request of the root's begins: waits until it may. Outside the gate;
     * any reactor. May be NULL. */
    void (*co_admit)(Root *root, bool is_write, uint64_t bytes);
    /* A read or write of the root's failed. On the reactor that asked. May be
     * NULL. */
    void (*request_failed)(Root *root, bool is_write, int os_errno);
    /* A section begins or has ended; jobs tell it in their state. On
     * control; must not yield. May be NULL. */
    void (*quiesce_begin)(Root *root);
    void (*quiesce_end)(Root *root);
    /* The node's size changed. On control. May be NULL. */
    void (*resized)(Root *root);
} RootOps;

/* CONTROL_ONLY: not attached, no permissions. @name is the edge's name
 * ("root", "main node"). */
Root *root_new(const char *name, const RootOps *ops, void *opaque);
void *root_opaque(const Root *root);
/* Attaches to @node (taking a reference) with these permissions; false with
 * QEMU's conflict text. */
bool root_attach(Root *root, Node *node, Perms perm, Perms shared,
                 Error **errp) CONTROL_ONLY;
/* Those it has; attached. */
Perms root_perms(const Root *root) CONTROL_ONLY;
bool root_set_perms(Root *root, Perms perm, Perms shared,
                    Error **errp) CONTROL_ONLY;
/* Lets it lead to @node (taking a reference) with the permissions that it has,
 * and drops the reference of the node that it leaves; false with QEMU's
 * conflict text and nothing changed. Attached; under the graph lock. */
bool co_root_move(Root *root, Node *node,
                  Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* It ends soon: from now on drivers let its requests go that they hold back
 * because they are told to (throttled ones), until it is detached. */
void root_hurry(Root *root) CONTROL_ONLY;
/* Hurries its requests in flight, waits for them, detaches, drops the
 * reference. */
void co_root_detach(Root *root) COROUTINE_ONLY CONTROL_ONLY;
/* Detached only. */
void root_free(Root *root);
/* The node it is attached to, or NULL. */
Node *root_node(const Root *root);
uint64_t root_size_bytes(const Root *root);

/* The gate: every co_root_ I/O call passes it by itself. A job that works on
 * edges (the copy engine) passes it around that work. The admitted work must
 * not enter a gate again. */
void co_root_enter(Root *root) COROUTINE_ONLY;
void root_leave(Root *root);

/*
 * I/O, from any reactor (hops to the node's home). Ranges are checked: -EIO
 * beyond the end or past INT64_MAX, -EPERM to a read-only node,
 * -ENOMEDIUM when detached. Any alignment. 0 or -errno.
 */
int co_root_preadv(Root *root, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                   ReqFlags flags) COROUTINE_ONLY;
int co_root_pwritev(Root *root, uint64_t offset_bytes, uint64_t bytes, Iov *iov,
                    ReqFlags flags) COROUTINE_ONLY;
int co_root_pread(Root *root, uint64_t offset_bytes, uint64_t bytes,
                  void *buf) COROUTINE_ONLY;
int co_root_pwrite(Root *root, uint64_t offset_bytes, uint64_t bytes,
                   const void *buf, ReqFlags flags) COROUTINE_ONLY;
int co_root_pwrite_zeroes(Root *root, uint64_t offset_bytes, uint64_t bytes,
                          ReqFlags flags) COROUTINE_ONLY;
int co_root_pdiscard(Root *root, uint64_t offset_bytes,
                     uint64_t bytes) COROUTINE_ONLY;
int co_root_flush(Root *root) COROUTINE_ONLY;
int co_root_block_status(Root *root, uint64_t offset_bytes, uint64_t bytes,
                         BlockStatus *status) COROUTINE_ONLY;
/* In which layer of the chain of backing images the area at @offset_bytes
 * lies: *@depth counts from 1 for the top, 0 is none; the same holds for
 * *@run_bytes (0 at the end, at most @bytes). */
int co_root_allocation_depth(Root *root, uint64_t offset_bytes, uint64_t bytes,
                             uint64_t *run_bytes,
                             unsigned *depth) COROUTINE_ONLY;
int co_root_truncate(Root *root, uint64_t size_bytes, bool exact,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Makes it longer; what is new is zeroes that have their space, as far as the
 * driver allocates what zeroes are written to. */
int co_root_grow_allocated(Root *root, uint64_t size_bytes,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
