/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of the machine: one of each disk, and on one of them its state.
 *
 * Invariants:
 * 1. What can be refused is refused before anything is changed.
 * 2. The machine stands still, and the disks' users are held, while disks
 *    change.
 * 3. A state that is not ours is never loaded: it is that of a guest.
 * All: control thread. Source of the texts: QEMU 7.2.
 */
#ifndef MIGRATION_VM_SNAPSHOT_H
#define MIGRATION_VM_SNAPSHOT_H

#include "block/graph/node.h"
#include "qapi/qapi-types.h"

/* A disk that takes part. */
typedef struct SnapshotDisk {
    Node *top;          /* what its user sees */
    Node *node;         /* the image, below filters; NULL: it keeps none */
    const char *device; /* "": it has no name */
} SnapshotDisk;

/* Which snapshot is meant. */
typedef struct VmSnapshot {
    const char *tag;
    const char *state_node; /* of @nodes, for the state; NULL: the first */
    const StrList *nodes;   /* by name; NULL: all that may be written to */
} VmSnapshot;

/* All of them, or those called @names, in that order: SnapshotDisk, valid as
 * long as the graph lock is held. NULL with QEMU's text. */
GPtrArray *snapshot_disks(const StrList *names, Error **errp) CONTROL_ONLY;
/* Whether all of them keep snapshots. */
bool snapshot_disks_able(const GPtrArray *disks, Error **errp) CONTROL_ONLY;
/* The first that keeps snapshots, or the one called @name; NULL with QEMU's
 * text. */
SnapshotDisk *snapshot_disks_keeper(const GPtrArray *disks, const char *name,
                                    Error **errp) CONTROL_ONLY;
/* The snapshots of @disk, or NULL. The caller frees it. Under the graph lock.
 */
SnapshotInfoList *
co_snapshot_disk_list(const SnapshotDisk *disk) COROUTINE_ONLY CONTROL_ONLY;
/* The one with that name, or NULL. */
const SnapshotInfo *snapshot_named(const SnapshotInfoList *list,
                                   const char *name);

/* @replace: one with the same name goes first; else that is an error. The
 * machine goes on if it ran. Not under the graph lock, like the others. */
bool co_vm_snapshot_save(const VmSnapshot *which, bool replace,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* The machine goes on if it ran and this succeeds. */
bool co_vm_snapshot_load(const VmSnapshot *which,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Those that have it lose it. */
bool co_vm_snapshot_delete(const VmSnapshot *which,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
