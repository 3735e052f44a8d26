/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounds, tracking, marking, flush generations, status. */
#include "io-disk.h"

#include "block/bitmap/bitmap.h"

static void bounds(void)
{
    Disk d = disk_new(512);
    Root *empty = root_new("root", NULL, NULL);
    BlockStatus st;
    uint8_t b[2] = {0};

    g_assert_cmpint(co_root_pread(d.root, SIZE - 1, 2, b), ==, -EIO);
    g_assert_cmpint(co_root_pread(d.root, SIZE, 1, b), ==, -EIO);
    g_assert_cmpint(co_root_pread(d.root, UINT64_MAX, 2, b), ==, -EIO);
    g_assert_cmpint(co_root_pwrite(d.root, SIZE - 1, 2, b, 0), ==, -EIO);
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 1, SIZE, 0), ==, -EIO);
    g_assert_cmpint(co_root_pdiscard(d.root, 1, UINT64_MAX), ==, -EIO);
    g_assert_cmpint(co_root_pread(d.root, SIZE, 0, b), ==, 0);
    g_assert_cmpint(co_root_pread(d.root, SIZE - 1, 1, b), ==, 0);
    g_assert_cmpint(co_root_block_status(d.root, SIZE, 1, &st), ==, 0);
    g_assert_cmpuint(st.flags, ==, STATUS_EOF);
    g_assert_cmpuint(st.bytes, ==, 0);

    g_assert_cmpint(co_root_pread(empty, 0, 1, b), ==, -ENOMEDIUM);
    g_assert_cmpint(co_root_flush(empty), ==, -ENOMEDIUM);
    g_assert_cmpuint(root_size_bytes(empty), ==, 0);
    root_free(empty);

    g_assert_true(root_set_perms(d.root, PERM_CONSISTENT_READ, PERM_ALL, NULL));
    d.node->read_only = true;
    g_assert_cmpint(co_root_pwrite(d.root, 0, 1, b, 0), ==, -EPERM);
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 0, 1, 0), ==, -EPERM);
    g_assert_cmpint(co_root_pdiscard(d.root, 0, 1), ==, -EPERM);
    disk_free(&d);
}

/* --- tracking ------------------------------------------------------------ */

typedef struct Req {
    Disk *d;
    uint64_t offset, bytes;
    ReqFlags flags;
    bool read, done;
    int ret;
} Req;

static void req_entry(void *opaque)
{
    Req *r = opaque;
    g_autofree uint8_t *buf = g_malloc0(r->bytes);

    r->ret = r->read ? co_root_pread(r->d->root, r->offset, r->bytes, buf)
                     : co_root_pwrite(r->d->root, r->offset, r->bytes, buf,
                                      r->flags);
    r->done = true;
}

static void turns(unsigned n)
{
    while (n--) {
        co_reschedule();
    }
}

static void tracking(void)
{
    Disk d = disk_new(512);
    Req first = {&d, 0, 4096}, same = {&d, 0, 4096};
    Req serial = {&d, 512, 512, REQ_SERIALISING};
    Req behind = {.d = &d, .bytes = 1024, .read = true};
    Req far = {&d, 8192, 512, REQ_SERIALISING};

    d.s->hold = true;
    coroutine_start(req_entry, &first);
    coroutine_start(req_entry, &same);
    g_assert_cmpuint(d.s->writes, ==, 2); /* ordinary ones do not wait */
    coroutine_start(req_entry, &serial);
    coroutine_start(req_entry, &behind);
    turns(2);
    g_assert_cmpuint(d.s->writes, ==, 2);
    g_assert_cmpuint(d.s->reads, ==, 0);
    coroutine_start(req_entry, &far); /* elsewhere: goes at once */
    g_assert_cmpuint(d.s->writes, ==, 3);
    ram_release(d.node);
    turns(6);
    g_assert_true(first.done && same.done && serial.done && behind.done &&
                  far.done);
    disk_free(&d);
}

/* --- bitmaps ------------------------------------------------------------- */

static void marks(void)
{
    Disk d = disk_new(512);
    DirtyBitmap *b = bitmap_create(d.node, 4096, "b", NULL);
    uint8_t byte = 1;

    g_assert_cmpint(co_root_pwrite(d.root, 4097, 1, &byte, 0), ==, 0);
    g_assert_cmpuint(bitmap_count_bytes(b), ==, 4096);
    g_assert_true(bitmap_get(b, 4096));
    g_assert_cmpint(co_root_pwrite_zeroes(d.root, 16384, 4096, 0), ==, 0);
    g_assert_true(bitmap_get(b, 16384));
    g_assert_cmpint(co_root_pdiscard(d.root, 32768, 4096), ==, 0);
    g_assert_true(bitmap_get(b, 32768));
    g_assert_cmpuint(bitmap_count_bytes(b), ==, 3 * 4096);
    g_assert_cmpint(
        co_root_pwrite(d.root, 65536, 1, &byte, REQ_WRITE_UNCHANGED), ==, 0);
    g_assert_false(bitmap_get(b, 65536));

    /* A failed write may have written something. */
    d.s->error = -EIO;
    g_assert_cmpint(co_root_pwrite(d.root, 131072, 512, &b, 0), ==, -EIO);
    g_assert_true(bitmap_get(b, 131072));
    d.s->error = 0;

    /* A discard that is ignored changes nothing. */
    d.node->discard_unmap = false;
    g_assert_cmpint(co_root_pdiscard(d.root, 262144, 4096), ==, 0);
    g_assert_false(bitmap_get(b, 262144));
    disk_free(&d);
}

/* Marked when the request returns, not when it starts. */
static void marked_after_landing(void)
{
    Disk d = disk_new(512);
    DirtyBitmap *b = bitmap_create(d.node, 4096, "b", NULL);
    Req w = {&d, 0, 512};

    d.s->hold = true;
    coroutine_start(req_entry, &w);
    g_assert_cmpuint(bitmap_count_bytes(b), ==, 0);
    ram_release(d.node);
    while (!w.done) {
        co_reschedule();
    }
    g_assert_cmpuint(bitmap_count_bytes(b), ==, 4096);
    disk_free(&d);
}

/* --- flush --------------------------------------------------------------- */

static void flush_generations(void)
{
    Disk d = disk_new(512);
    uint8_t b[512] = {1};

    g_assert_cmpint(co_root_flush(d.root), ==, 0);
    g_assert_cmpuint(d.s->flushes, ==, 0); /* nothing was written */
    g_assert_cmpint(co_root_pwrite(d.root, 0, 512, b, 0), ==, 0);
    g_assert_cmpint(co_root_flush(d.root), ==, 0);
    g_assert_cmpint(co_root_flush(d.root), ==, 0);
    g_assert_cmpuint(d.s->flushes, ==, 1);

    /* A failed flush does not count. */
    g_assert_cmpint(co_root_pwrite(d.root, 0, 512, b, 0), ==, 0);
    d.s->error = -EIO;
    g_assert_cmpint(co_root_flush(d.root), ==, -EIO);
    d.s->error = 0;
    g_assert_cmpint(co_root_flush(d.root), ==, 0);
    g_assert_cmpuint(d.s->flushes, ==, 3);

    /* cache.no-flush */
    d.node->cache_no_flush = true;
    g_assert_cmpint(co_root_pwrite(d.root, 0, 512, b, 0), ==, 0);
    g_assert_cmpint(co_root_flush(d.root), ==, 0);
    g_assert_cmpuint(d.s->flushes, ==, 3);
    disk_free(&d);
}

static void flush_entry(void *opaque)
{
    Req *r = opaque;

    r->ret = co_root_flush(r->d->root);
    r->done = true;
}

/* A write that lands during a flush is not covered by it. */
static void flush_overtaken(void)
{
    Disk d = disk_new(512);
    Req f1 = {.d = &d}, f2 = {.d = &d}, f3 = {.d = &d};
    uint8_t b[512] = {1};

    g_assert_cmpint(co_root_pwrite(d.root, 0, 512, b, 0), ==, 0);
    d.s->hold = true;
    coroutine_start(flush_entry, &f1);
    g_assert_cmpuint(d.s->flushes, ==, 1);
    d.s->hold = false; /* for the write only */
    g_assert_cmpint(co_root_pwrite(d.root, 0, 512, b, 0), ==, 0);
    d.s->hold = true;
    coroutine_start(flush_entry, &f2);
    coroutine_start(flush_entry, &f3);
    ram_release(d.node);
    while (!f1.done || !f2.done || !f3.done) {
        co_reschedule();
    }
    g_assert_cmpuint(d.s->flushes, ==, 2); /* f3 found f2's work done */
    disk_free(&d);
}

static void fua(void)
{
    Disk d = disk_new(512);
    uint8_t b[512] = {1};

    g_assert_cmpint(co_root_pwrite(d.root, 0, 512, b, REQ_FUA), ==, 0);
    g_assert_cmpuint(d.s->flushes, ==, 1);
    d.node->driver = &ram_fua_driver;
    g_assert_cmpint(co_root_pwrite(d.root, 0, 512, b, REQ_FUA), ==, 0);
    g_assert_true(d.s->last_flags & REQ_FUA);
    g_assert_cmpuint(d.s->flushes, ==, 1);
    disk_free(&d);
}

/* A flush reaches the bottom through a filter. */
static void flush_below(void)
{
    Disk d = disk_new(512);
    Node *f = pass_node_new("f", d.node);
    Root *r = root_new("root", NULL, NULL);
    uint8_t b[512] = {1};

    g_assert_true(root_attach(r, f, RW, PERM_ALL, NULL));
    g_assert_cmpint(co_root_pwrite(r, 0, 512, b, 0), ==, 0);
    g_assert_cmpint(co_root_flush(r), ==, 0);
    g_assert_cmpuint(d.s->flushes, ==, 1);
    co_root_detach(r);
    root_free(r);
    co_node_unref(f);
    disk_free(&d);
}

static unsigned resizes;

static void resized(Root *root)
{
    resizes++;
}

static void truncate_node(void)
{
    static const RootOps ops = {.resized = resized};
    Error *err = NULL;
    Disk d = disk_new(512);
    DirtyBitmap *bm = bitmap_create(d.node, 4096, "b", NULL);
    Root *other = root_new("root", &ops, NULL);
    uint8_t b = 1;

    resizes = 0;
    g_assert_true(root_attach(other, d.node, 0, PERM_ALL, NULL));
    g_assert_cmpint(co_root_truncate(d.root, 2 * MiB, true, &err), ==, 0);
    g_assert_cmpuint(resizes, ==, 1);
    g_assert_cmpuint(root_size_bytes(d.root), ==, 2 * MiB);
    g_assert_cmpuint(bitmap_size_bytes(bm), ==, 2 * MiB);
    g_assert_cmpint(co_root_pwrite(d.root, 2 * MiB - 1, 1, &b, 0), ==, 0);
    g_assert_true(bitmap_get(bm, 2 * MiB - 1));
    g_assert_cmpint(co_root_truncate(d.root, UINT64_MAX, true, &err), ==,
                    -EFBIG);
    error_free(err);
    co_root_detach(other);
    root_free(other);
    disk_free(&d);
}

static void stats(void)
{
    Disk d = disk_new(512);
    uint8_t b[100] = {1};

    co_root_pwrite(d.root, 1, 100, b, 0);
    co_root_pread(d.root, 1, 50, b);
    co_root_pwrite_zeroes(d.root, 0, 512, 0);
    co_root_pdiscard(d.root, 0, 1024);
    co_root_flush(d.root);
    g_assert_cmpuint(d.node->stats.writes, ==, 1);
    g_assert_cmpuint(d.node->stats.written_bytes, ==, 100);
    g_assert_cmpuint(d.node->stats.reads, ==, 1);
    g_assert_cmpuint(d.node->stats.read_bytes, ==, 50);
    g_assert_cmpuint(d.node->stats.zeroes, ==, 1);
    g_assert_cmpuint(d.node->stats.zeroed_bytes, ==, 512);
    g_assert_cmpuint(d.node->stats.discarded_bytes, ==, 1024);
    g_assert_cmpuint(d.node->stats.flushes, ==, 1);
    disk_free(&d);
}

static void status_default(void)
{
    Disk d = disk_new(512);
    BlockStatus st;

    g_assert_cmpint(co_root_block_status(d.root, 100, 1000, &st), ==, 0);
    g_assert_cmpuint(st.flags, ==, STATUS_DATA | STATUS_ALLOCATED);
    g_assert_cmpuint(st.bytes, ==, 1000);
    g_assert_cmpint(co_root_block_status(d.root, 100, UINT64_MAX, &st), ==, 0);
    g_assert_cmpuint(st.bytes, ==, SIZE - 100);
    g_assert_true(st.flags & STATUS_EOF);
    disk_free(&d);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/io/bounds", bounds, run);
    g_test_add_data_func("/io/tracking", tracking, run);
    g_test_add_data_func("/io/marks", marks, run);
    g_test_add_data_func("/io/marked-after", marked_after_landing, run);
    g_test_add_data_func("/io/flush/generations", flush_generations, run);
    g_test_add_data_func("/io/flush/overtaken", flush_overtaken, run);
    g_test_add_data_func("/io/flush/fua", fua, run);
    g_test_add_data_func("/io/flush/below", flush_below, run);
    g_test_add_data_func("/io/truncate", truncate_node, run);
    g_test_add_data_func("/io/stats", stats, run);
    g_test_add_data_func("/io/status", status_default, run);
    return g_test_run();
}
