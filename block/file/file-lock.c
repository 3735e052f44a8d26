/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks that keep programs from each other's images: read locks on single
 * bytes of the file, the same that QEMU's programs take. Byte 100 + n says
 * "I do n", byte 200 + n says "I do not share n", n being the number of the
 * permission (0 consistent read, 1 write, 2 write unchanged, 3 resize).
 * The locks belong to the open file (OFD locks), so two nodes on one file in
 * one process refuse each other like two processes do.
 *
 * Invariants:
 * 1. Locks are taken first and the opposite bytes looked at then: of two who
 *    come at the same time both may be refused, never both let in.
 * 2. Between prepare and the end of the last change under way, the bytes of
 *    the old and of the new permissions are held; else exactly those of the
 *    permissions in force.
 * 3. All of them belong to one open file, and go with it at the latest.
 */
#include "block/file/file-lock.h"

#include <fcntl.h>

#define DO_BASE 100
#define REFUSE_BASE 200
#define N_PERMS 4

G_STATIC_ASSERT(PERM_ALL == (1u << N_PERMS) - 1);

/* F_RDLCK or F_UNLCK on one byte. 0 or -errno. */
static int set_byte(int fd, unsigned byte, short type)
{
    struct flock lock = {
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = byte,
        .l_len = 1,
    };

    return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* 1 if somebody else holds it, 0 if not, -errno. */
static int byte_is_taken(int fd, unsigned byte)
{
    struct flock lock = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = byte,
        .l_len = 1,
    };

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0) {
        return -errno;
    }
    return lock.l_type != F_UNLCK;
}

static void unlock_bytes(int fd, unsigned base, Perms bits)
{
    for (unsigned i = 0; i < N_PERMS; i++) {
        if (bits & (1u << i)) {
            set_byte(fd, base + i, F_UNLCK);
        }
    }
}

/* Goes down to these. */
static void hold_only(FileLocks *l, Perms perm, Perms unshared)
{
    unlock_bytes(l->fd, DO_BASE, l->held_perm & ~perm);
    unlock_bytes(l->fd, REFUSE_BASE, l->held_unshared & ~unshared);
    l->held_perm &= perm;
    l->held_unshared &= unshared;
}

static bool lock_bytes(int fd, unsigned base, Perms bits, Perms *held,
                       Error **errp)
{
    for (unsigned i = 0; i < N_PERMS; i++) {
        int ret = 0;

        if (bits & ~*held & (1u << i)) {
            ret = set_byte(fd, base + i, F_RDLCK);
        }
        if (ret == -EAGAIN || ret == -EACCES) {
            error_set(errp, "Failed to lock byte %u", base + i);
            return false;
        }
        if (ret < 0) {
            error_set_errno(errp, -ret, "Failed to lock byte %u", base + i);
            return false;
        }
        *held |= bits & (1u << i);
    }
    return true;
}

static bool check_bytes(int fd, unsigned base, Perms bits, Error **errp)
{
    for (unsigned i = 0; i < N_PERMS; i++) {
        g_autofree char *name = perms_to_string(1u << i);
        int ret = bits & (1u << i) ? byte_is_taken(fd, base + i) : 0;

        if (ret) {
            error_set(errp, "Failed to get %s\"%s\" lock",
                      base == DO_BASE ? "shared " : "", name);
            return false;
        }
    }
    return true;
}

bool file_locks_prepare(FileLocks *l, Perms perm, Perms shared, Error **errp)
{
    Perms unshared = PERM_ALL & ~shared;
    Perms old_perm = l->held_perm, old_unshared = l->held_unshared;

    if (!l->enabled) {
        return true;
    }
    /* What is held already was looked at when it was taken; who came since
     * looked at ours. */
    if (!lock_bytes(l->fd, DO_BASE, perm, &l->held_perm, errp) ||
        !lock_bytes(l->fd, REFUSE_BASE, unshared, &l->held_unshared, errp) ||
        !check_bytes(l->fd, REFUSE_BASE, perm & ~old_perm, errp) ||
        !check_bytes(l->fd, DO_BASE, unshared & ~old_unshared, errp)) {
        error_append_hint(errp, "Is another process using the image [%s]?\n",
                          l->path);
        hold_only(l, old_perm, old_unshared);
        return false;
    }
    l->preparing++;
    return true;
}

static void settle(FileLocks *l)
{
    assert(l->preparing > 0);
    if (--l->preparing == 0) {
        hold_only(l, l->perm, l->unshared);
    }
}

void file_locks_commit(FileLocks *l, Perms perm, Perms shared)
{
    if (l->enabled) {
        l->perm = perm;
        l->unshared = PERM_ALL & ~shared;
        settle(l);
    }
}

void file_locks_abort(FileLocks *l)
{
    if (l->enabled) {
        settle(l);
    }
}

bool file_lock_for_create(int fd, const char *path, Error **errp)
{
    FileLocks locks = {.enabled = true, .fd = fd, .path = path};

    return file_locks_prepare(&locks, PERM_WRITE | PERM_RESIZE,
                              PERM_ALL & ~PERM_RESIZE, errp);
}
