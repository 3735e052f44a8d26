/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes that several reactors use at once. Most of what these tests find is
 * found by ThreadSanitizer.
 */
#include "block/bitmap/bitmap.h"
#include "block/graph/quiesce.h"
#include "qapi/qapi-types.h"

#include <unistd.h>

#define N_REACTORS 3
#define N_REQUESTS 400
#define DISK_BYTES (256 * KiB)

static ReactorThread *threads[N_REACTORS];

/* --- all threads do the same, in coroutines ------------------------------ */

typedef struct Work {
    void (*co_fn)(unsigned index, void *arg);
    void *arg;
    unsigned index;
    unsigned *left; /* control's */
    Coroutine *waiter;
} Work;

static void work_done(void *opaque)
{
    Work *work = opaque;

    --*work->left;
}

static void work_entry(void *opaque)
{
    Work *work = opaque;

    work->co_fn(work->index, work->arg);
    reactor_post(reactor_control(), work_done, work);
}

static void work_start(void *opaque)
{
    coroutine_start(work_entry, opaque);
}

/* Runs @co_fn on each thread and @co_meanwhile here until all are done. */
static void co_on_all(void (*co_fn)(unsigned index, void *arg), void *arg,
                      void (*co_meanwhile)(void *arg))
{
    Work work[N_REACTORS];
    unsigned left = N_REACTORS;

    for (unsigned i = 0; i < N_REACTORS; i++) {
        work[i] = (Work){co_fn, arg, i, &left, NULL};
        reactor_post(reactor_thread_reactor(threads[i]), work_start, &work[i]);
    }
    while (left) {
        if (co_meanwhile) {
            co_meanwhile(arg);
        }
        co_reschedule();
    }
}

/* --- locks on ranges ----------------------------------------------------- */

typedef struct Shared {
    RangeLocks *locks;
    unsigned counts[4]; /* each guarded by a range */
} Shared;

static void co_count(unsigned index, void *arg)
{
    Shared *shared = arg;

    for (unsigned i = 0; i < N_REQUESTS; i++) {
        unsigned first = (i + index) % 3;
        RangeLock lock;

        co_range_lock(shared->locks, &lock, first, 2, RANGE_EXCLUSIVE);
        shared->counts[first]++;
        if (i % 8 == 0) {
            co_reschedule();
        }
        range_lock_shrink(shared->locks, &lock, 1);
        shared->counts[first]++;
        range_unlock(shared->locks, &lock);
    }
}

static void co_test_ranges(void *opaque)
{
    Shared shared = {.locks = range_locks_new(true)};

    co_on_all(co_count, &shared, NULL);
    g_assert_cmpuint(shared.counts[0] + shared.counts[1] + shared.counts[2], ==,
                     2 * N_REACTORS * N_REQUESTS);
    g_assert_true(range_locks_idle(shared.locks));
    range_locks_free(shared.locks);
}

/* --- a disk -------------------------------------------------------------- */

typedef struct Disk {
    Root *root;
    Node *node;
    DirtyBitmap *bitmap;
    unsigned sections;
} Disk;

static char *describe(const Root *root)
{
    return g_strdup("a test");
}

static const RootOps root_ops = {.describe = describe};

static Node *co_open(const char *json)
{
    json_object *object = json_tokener_parse(json);
    BlockdevOptions *options = BlockdevOptions_from_json(object, NULL);
    Node *node = co_node_open(options, NULL);

    g_assert_nonnull(node);
    BlockdevOptions_free(options);
    json_object_put(object);
    return node;
}

static Disk co_disk_open(const char *json)
{
    Disk disk = {.node = co_open(json)};

    disk.bitmap = bitmap_create(disk.node, 512, "b", NULL);
    disk.root = root_new("root", &root_ops, NULL);
    g_assert_true(root_attach(disk.root, disk.node,
                              PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL,
                              NULL));
    return disk;
}

static void co_disk_close(Disk *disk)
{
    co_root_detach(disk->root);
    root_free(disk->root);
    co_node_unref(disk->node);
}

/* Each its own 512 bytes of each 4 KiB: with blocks of 4 KiB all are
 * read-modify-writes of the same. */
static uint64_t place(unsigned index, unsigned i)
{
    return i * 4 * KiB % DISK_BYTES + index * 512;
}

static void co_write_and_read(unsigned index, void *arg)
{
    Disk *disk = arg;
    uint8_t buf[512];

    for (unsigned i = 0; i < N_REQUESTS; i++) {
        uint64_t at = place(index, i);
        BlockStatus status;

        memset(buf, index + 1, sizeof(buf));
        g_assert_cmpint(co_root_pwrite(disk->root, at, 512, buf, 0), ==, 0);
        g_assert_true(bitmap_get(disk->bitmap, at));
        g_assert_cmpint(co_root_pread(disk->root, at, 512, buf), ==, 0);
        if (i % 16 == 0) {
            g_assert_cmpint(co_root_flush(disk->root), ==, 0);
            g_assert_cmpint(co_root_block_status(disk->root, at, 512, &status),
                            ==, 0);
        }
        if (i % 16 == 8) {
            g_assert_cmpint(
                co_root_pwrite_zeroes(disk->root, at, 512, REQ_MAY_UNMAP), ==,
                0);
            g_assert_cmpint(co_root_pdiscard(disk->root, at, 512), ==, 0);
        }
    }
}

/* Sections and bitmap work in the middle of it. */
static void co_disturb(void *arg)
{
    Disk *disk = arg;
    Quiesce *section = co_quiesce_begin(&disk->node, 1);
    DirtyBitmap *copy = bitmap_create(disk->node, 4096, "copy", NULL);

    bitmap_merge(copy, disk->bitmap);
    quiesce_end(section);
    bitmap_count_bytes(disk->bitmap);
    g_free(bitmap_sha256(copy));
    bitmap_release(copy);
    disk->sections++;
}

static void co_check_marks(const Disk *disk)
{
    for (unsigned index = 0; index < N_REACTORS; index++) {
        for (unsigned i = 0; i < 64; i++) {
            g_assert_true(bitmap_get(disk->bitmap, place(index, i)));
        }
    }
    g_assert_cmpuint(bitmap_count_bytes(disk->bitmap), ==,
                     64 * N_REACTORS * 512);
}

static void co_check_data(const Disk *disk)
{
    uint8_t buf[512];

    for (unsigned index = 0; index < N_REACTORS; index++) {
        /* i = 1 was the last but zeroed by none: its number is 1 mod 16. */
        g_assert_cmpint(co_root_pread(disk->root, place(index, 1), 512, buf),
                        ==, 0);
        for (unsigned i = 0; i < sizeof(buf); i++) {
            g_assert_cmpuint(buf[i], ==, index + 1);
        }
    }
}

static void co_test_disk(const char *json, bool keeps)
{
    Disk disk = co_disk_open(json);

    co_on_all(co_write_and_read, &disk, co_disturb);
    co_check_marks(&disk);
    if (keeps) {
        co_check_data(&disk);
    }
    co_disk_close(&disk);
}

static void co_test_null(void *opaque)
{
    co_test_disk("{'driver': 'null-co', 'size': 262144, 'node-name': 'n',"
                 " 'latency-ns': 1000}",
                 false);
}

static void co_test_file_of(const char *format)
{
    g_autofree char *path = NULL;
    g_autofree char *json = NULL;
    int fd = g_file_open_tmp("io-reactors-XXXXXX", &path, NULL);

    g_assert_cmpint(ftruncate(fd, DISK_BYTES), ==, 0);
    close(fd);
    json = g_strdup_printf(format, path);
    co_test_disk(json, true);
    unlink(path);
}

static void co_test_file(void *opaque)
{
    co_test_file_of("{'driver': 'file', 'node-name': 'n', 'discard': 'unmap',"
                    " 'filename': '%s'}");
}

static void co_test_raw(void *opaque)
{
    co_test_file_of("{'driver': 'raw', 'node-name': 'n', 'discard': 'unmap',"
                    " 'file': {'driver': 'file', 'discard': 'unmap',"
                    " 'filename': '%s'}}");
}

/* A HOMED node below: requests hop, and its blocks are shared by all. */
static void co_test_homed(void *opaque)
{
    co_test_file_of("{'driver': 'raw', 'node-name': 'n', 'file':"
                    " {'driver': 'blkdebug', 'align': 4096, 'image':"
                    " {'driver': 'file', 'filename': '%s'}}}");
}

/* --- */

static void run(gconstpointer co_fn)
{
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    for (unsigned i = 0; i < N_REACTORS; i++) {
        threads[i] = reactor_thread_start("test", REACTOR_AUTO, NULL);
    }
    reactor_run_coroutine((CoroutineEntry *)co_fn, NULL);
    for (unsigned i = 0; i < N_REACTORS; i++) {
        reactor_thread_stop(threads[i]);
    }
    reactor_free(r);
    g_assert_cmpuint(coroutine_count(), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/io-reactors/ranges", co_test_ranges, run);
    g_test_add_data_func("/io-reactors/null", co_test_null, run);
    g_test_add_data_func("/io-reactors/file", co_test_file, run);
    g_test_add_data_func("/io-reactors/raw", co_test_raw, run);
    g_test_add_data_func("/io-reactors/homed", co_test_homed, run);
    return g_test_run();
}
