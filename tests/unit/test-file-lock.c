/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks on image files: two users of one file, changes that nest. */
#include "block/file/file-lock.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define RW (PERM_CONSISTENT_READ | PERM_WRITE)

typedef struct Two {
    char *path;
    FileLocks a, b;
} Two;

static void two_init(Two *two, const void *data)
{
    int fd = g_file_open_tmp("test-file-lock-XXXXXX", &two->path, NULL);

    g_assert_cmpint(fd, >=, 0);
    two->a = (FileLocks){.enabled = true, .fd = fd, .path = two->path};
    two->b = two->a;
    two->b.fd = open(two->path, O_RDONLY);
}

static void two_free(Two *two, const void *data)
{
    close(two->a.fd);
    close(two->b.fd);
    g_unlink(two->path);
    g_free(two->path);
}

static void take(FileLocks *l, Perms perm, Perms shared)
{
    g_assert_true(file_locks_prepare(l, perm, shared, NULL));
    file_locks_commit(l, perm, shared);
}

static void refused(FileLocks *l, Perms perm, Perms shared, const char *text)
{
    FileLocks before = *l;
    Error *err = NULL;

    g_assert_false(file_locks_prepare(l, perm, shared, &err));
    g_assert_cmpstr(error_text(err), ==, text);
    g_assert_nonnull(strstr(error_hint(err), l->path));
    error_free(err);
    g_assert_cmpmem(&before, sizeof(before), l, sizeof(*l));
}

static void conflicts(Two *two, const void *data)
{
    take(&two->a, RW, PERM_ALL & ~PERM_RESIZE);
    take(&two->b, RW, PERM_ALL & ~PERM_RESIZE);
    refused(&two->b, RW | PERM_RESIZE, PERM_ALL & ~PERM_RESIZE,
            "Failed to get \"resize\" lock");
    refused(&two->b, PERM_CONSISTENT_READ, PERM_ALL & ~PERM_WRITE,
            "Failed to get shared \"write\" lock");
    take(&two->a, 0, PERM_ALL);
    take(&two->b, RW | PERM_RESIZE, PERM_ALL & ~PERM_WRITE);
    refused(&two->a, PERM_WRITE_UNCHANGED | PERM_WRITE, PERM_ALL,
            "Failed to get \"write\" lock");
    take(&two->a, PERM_CONSISTENT_READ, PERM_ALL);
}

static void disabled(Two *two, const void *data)
{
    take(&two->a, RW, 0);
    two->b.enabled = false;
    take(&two->b, RW, 0);
    g_assert_cmpuint(two->b.held_perm, ==, 0);
}

/* An undone change leaves the others able to do what they could before. */
static void undone(Two *two, const void *data)
{
    take(&two->a, PERM_CONSISTENT_READ, PERM_ALL);
    g_assert_true(
        file_locks_prepare(&two->a, RW, PERM_ALL & ~PERM_WRITE, NULL));
    refused(&two->b, PERM_WRITE, PERM_ALL, "Failed to get \"write\" lock");
    file_locks_abort(&two->a);
    take(&two->b, PERM_WRITE, PERM_ALL & ~PERM_WRITE);
    g_assert_cmpuint(two->a.held_perm, ==, PERM_CONSISTENT_READ);
    g_assert_cmpuint(two->a.held_unshared, ==, 0);
}

/* Two steps of one transaction: nothing that the second needs is let go when
 * the first is done. */
static void nested(Two *two, const void *data)
{
    FileLocks *a = &two->a;

    g_assert_true(file_locks_prepare(a, RW, PERM_ALL, NULL));
    g_assert_true(
        file_locks_prepare(a, PERM_WRITE, PERM_ALL & ~PERM_WRITE, NULL));
    file_locks_commit(a, RW, PERM_ALL);
    refused(&two->b, PERM_WRITE, PERM_ALL, "Failed to get \"write\" lock");
    file_locks_commit(a, PERM_WRITE, PERM_ALL & ~PERM_WRITE);
    g_assert_cmpuint(a->held_perm, ==, PERM_WRITE);
    g_assert_cmpuint(a->held_unshared, ==, PERM_WRITE);

    g_assert_true(file_locks_prepare(a, RW, PERM_ALL, NULL));
    g_assert_true(file_locks_prepare(a, 0, PERM_ALL, NULL));
    file_locks_abort(a);
    file_locks_abort(a);
    g_assert_cmpuint(a->held_perm, ==, PERM_WRITE);
    g_assert_cmpuint(a->held_unshared, ==, PERM_WRITE);
}

static void create(Two *two, const void *data)
{
    Error *err = NULL;

    take(&two->b, PERM_CONSISTENT_READ, PERM_ALL);
    g_assert_true(file_lock_for_create(two->a.fd, two->path, NULL));
    take(&two->b, 0, PERM_ALL);
    close(two->a.fd);
    two->a.fd = open(two->path, O_RDWR);
    take(&two->b, PERM_CONSISTENT_READ, PERM_ALL & ~PERM_RESIZE);
    g_assert_false(file_lock_for_create(two->a.fd, two->path, &err));
    g_assert_cmpstr(error_text(err), ==, "Failed to get \"resize\" lock");
    error_free(err);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(Two *, const void *);
    } tests[] = {
        {"/file-lock/conflicts", conflicts}, {"/file-lock/disabled", disabled},
        {"/file-lock/undone", undone},       {"/file-lock/nested", nested},
        {"/file-lock/create", create},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        g_test_add(tests[i].name, Two, NULL, two_init, tests[i].fn, two_free);
    }
    return g_test_run();
}
