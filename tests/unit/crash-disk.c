/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See crash-disk.h. */
#include "crash-disk.h"

GArray *crash_records;
bool crash_recording;
GRand *crash_chance;

uint32_t crash_below(uint32_t n)
{
    return g_rand_int_range(crash_chance, 0, n);
}

void crash_record(RecordKind kind, uint64_t offset, uint64_t bytes,
                  uint8_t *data, uint32_t value)
{
    Record r = {kind, offset, bytes, data, value};

    if (crash_recording) {
        g_array_append_val(crash_records, r);
    } else {
        g_free(data);
    }
}

static int co_log_preadv(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                         size_t iov_offset, ReqFlags flags)
{
    LogDisk *d = node->state;

    co_reschedule();
    iov_from_buf(iov, iov_offset, d->bytes + offset, bytes);
    return 0;
}

static int co_log_pwritev(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                          size_t iov_offset, ReqFlags flags)
{
    LogDisk *d = node->state;
    uint8_t *data = g_malloc(bytes);

    iov_to_buf(iov, iov_offset, data, bytes);
    for (unsigned i = crash_below(4); i; i--) {
        co_reschedule();
    }
    memcpy(d->bytes + offset, data, bytes);
    crash_record(REC_WRITE, offset, bytes, data, 0);
    return 0;
}

static int co_log_zeroes(Node *node, uint64_t offset, uint64_t bytes,
                         ReqFlags flags)
{
    LogDisk *d = node->state;

    co_reschedule();
    memset(d->bytes + offset, 0, bytes);
    crash_record(REC_WRITE, offset, bytes, NULL, 0);
    return 0;
}

static int co_log_discard(Node *node, uint64_t offset, uint64_t bytes)
{
    return co_log_zeroes(node, offset, bytes, 0);
}

static int co_log_flush(Node *node)
{
    co_reschedule();
    crash_record(REC_FLUSH, 0, 0, NULL, 0);
    return 0;
}

static int co_log_truncate(Node *node, uint64_t size_bytes, bool exact,
                           Error **errp)
{
    LogDisk *d = node->state;

    g_assert_cmpuint(size_bytes, <=, FILE_MAX);
    if (size_bytes < node->size_bytes) {
        memset(d->bytes + size_bytes, 0, node->size_bytes - size_bytes);
    }
    return 0;
}

static void co_log_close(Node *node)
{
    g_free(((LogDisk *)node->state)->bytes);
}

static const NodeDriver log_driver = {
    .name = "file",
    .state_bytes = sizeof(LogDisk),
    .co_preadv = co_log_preadv,
    .co_pwritev = co_log_pwritev,
    .co_pwrite_zeroes = co_log_zeroes,
    .co_pdiscard = co_log_discard,
    .co_flush = co_log_flush,
    .co_truncate = co_log_truncate,
    .co_close = co_log_close,
};

Node *crash_disk_new(const char *name, uint64_t size_bytes)
{
    Node *node = node_new(&log_driver, name, NULL);

    node->size_bytes = size_bytes;
    node->discard_unmap = true;
    ((LogDisk *)node->state)->bytes = g_malloc0(FILE_MAX);
    node_refresh_limits(node);
    return node;
}

void crash_records_free(void)
{
    for (unsigned i = 0; i < crash_records->len; i++) {
        g_free(g_array_index(crash_records, Record, i).data);
    }
    g_array_free(crash_records, TRUE);
}
