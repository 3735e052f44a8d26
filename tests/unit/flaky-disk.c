/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flaky-disk.h. */
#include "flaky-disk.h"

#define BLOCK_BYTES (4 * KiB)

FlakyDisk *flaky_disk(Node *node)
{
    return node->state;
}

static void co_delay(FlakyDisk *d)
{
    unsigned turns =
        d->max_delay ? g_rand_int_range(d->rand, 0, d->max_delay + 1) : 0;

    while (turns--) {
        co_reschedule();
    }
}

static int verdict(FlakyArea *area, uint64_t offset, uint64_t bytes)
{
    if (area->times && offset < area->offset_bytes + area->bytes &&
        area->offset_bytes < offset + bytes) {
        area->times--;
        return -EIO;
    }
    return 0;
}

static int co_flaky_preadv(Node *node, uint64_t offset, uint64_t bytes,
                           Iov *iov, size_t iov_offset, ReqFlags flags)
{
    FlakyDisk *d = node->state;
    int ret;

    co_delay(d);
    ret = verdict(&d->bad_reads, offset, bytes);
    if (ret == 0) {
        iov_from_buf(iov, iov_offset, d->bytes + offset, bytes);
        d->reads++;
        d->read_bytes += bytes;
        d->largest_read_bytes = MAX(d->largest_read_bytes, bytes);
    }
    co_delay(d);
    return ret;
}

static int co_flaky_pwritev(Node *node, uint64_t offset, uint64_t bytes,
                            Iov *iov, size_t iov_offset, ReqFlags flags)
{
    FlakyDisk *d = node->state;
    int ret;

    co_delay(d);
    while (d->hold_writes) {
        co_queue_wait(&d->held);
    }
    ret = verdict(&d->bad_writes, offset, bytes);
    if (ret == 0) {
        iov_to_buf(iov, iov_offset, d->bytes + offset, bytes);
        d->writes++;
        d->written_bytes += bytes;
    }
    co_delay(d);
    return ret;
}

static int co_flaky_pwrite_zeroes(Node *node, uint64_t offset, uint64_t bytes,
                                  ReqFlags flags)
{
    FlakyDisk *d = node->state;
    int ret;

    co_delay(d);
    ret = verdict(&d->bad_writes, offset, bytes);
    if (ret == 0) {
        memset(d->bytes + offset, 0, bytes);
        d->zeroes++;
        d->zeroed_bytes += bytes;
    }
    co_delay(d);
    return ret;
}

static int co_flaky_flush(Node *node)
{
    FlakyDisk *d = node->state;

    d->flushes++;
    return d->bad_flush ? -EIO : 0;
}

static bool is_hole(const FlakyDisk *d, uint64_t offset, uint64_t end)
{
    return buffer_is_zero(d->bytes + offset, MIN(BLOCK_BYTES, end - offset));
}

static int co_flaky_block_status(Node *node, bool want_zero, uint64_t offset,
                                 uint64_t bytes, BlockStatus *status)
{
    FlakyDisk *d = node->state;
    uint64_t end = offset + bytes, at = ROUND_DOWN(offset, BLOCK_BYTES);
    bool hole;

    if (!d->knows_holes) {
        return -ENOTSUP;
    }
    co_delay(d);
    hole = is_hole(d, at, node->size_bytes);
    while (at < end && is_hole(d, at, node->size_bytes) == hole) {
        at += BLOCK_BYTES;
    }
    status->flags = hole ? STATUS_ZERO : STATUS_DATA;
    status->bytes = MIN(at, end) - offset;
    return 0;
}

static uint32_t flaky_cluster_bytes(const Node *node)
{
    return ((const FlakyDisk *)node->state)->cluster_bytes;
}

static void co_flaky_close(Node *node)
{
    FlakyDisk *d = node->state;

    g_free(d->bytes);
}

static const NodeDriver flaky_driver = {
    .name = "flaky",
    .state_bytes = sizeof(FlakyDisk),
    .co_close = co_flaky_close,
    .co_preadv = co_flaky_preadv,
    .co_pwritev = co_flaky_pwritev,
    .co_pwrite_zeroes = co_flaky_pwrite_zeroes,
    .co_flush = co_flaky_flush,
    .co_block_status = co_flaky_block_status,
    .cluster_bytes = flaky_cluster_bytes,
};

Node *flaky_disk_new(const char *name, uint64_t size_bytes,
                     uint32_t cluster_bytes)
{
    Node *node = node_new(&flaky_driver, name, NULL);
    FlakyDisk *d;

    g_assert_nonnull(node);
    d = node->state;
    d->bytes = g_malloc0(size_bytes);
    d->cluster_bytes = cluster_bytes;
    d->knows_holes = true;
    coqueue_init(&d->held);
    node->size_bytes = size_bytes;
    node_refresh_limits(node);
    return node;
}

void flaky_disk_fill(Node *node, GRand *rand, uint64_t offset_bytes,
                     uint64_t bytes)
{
    FlakyDisk *d = node->state;

    for (uint64_t i = 0; i < bytes; i++) {
        d->bytes[offset_bytes + i] = g_rand_int_range(rand, 1, 256);
    }
}

void flaky_disk_release(Node *node)
{
    FlakyDisk *d = node->state;

    d->hold_writes = false;
    coqueue_wake_all(&d->held);
}
