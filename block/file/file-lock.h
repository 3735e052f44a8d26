/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks that keep programs from each other's images, understood by QEMU's
 * programs. All: control thread; none yields. How they work: file-lock.c.
 */
#ifndef BLOCK_FILE_FILE_LOCK_H
#define BLOCK_FILE_FILE_LOCK_H

#include "block/graph/node.h"

typedef struct FileLocks {
    bool enabled;
    int fd;                         /* borrowed; open for reading */
    const char *path;               /* borrowed; for texts */
    Perms held_perm, held_unshared; /* locked now */
    Perms perm, unshared;           /* in force */
    unsigned preparing;             /* prepared, neither done nor undone */
} FileLocks;

/* Locks what @perm and @shared need beyond what is held, and sees whether
 * other programs are in the way; false, with QEMU's text and nothing changed,
 * if so. Each success is followed by one commit or abort. */
bool file_locks_prepare(FileLocks *locks, Perms perm, Perms shared,
                        Error **errp);
void file_locks_commit(FileLocks *locks, Perms perm, Perms shared);
void file_locks_abort(FileLocks *locks);

/* For who is about to empty and fill the file @fd, which is open for reading
 * and writing: false, with QEMU's text, if another program uses it in a way
 * that does not bear this. The locks go when @fd is closed. */
bool file_lock_for_create(int fd, const char *path, Error **errp);

#endif
