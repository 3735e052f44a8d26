/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The copy engine's I/O: one claimed piece from the source to the target,
 * within the bound on memory. */
#include "block/copy/copy-int.h"
#include "block/io/io.h"
#include "util/sim.h"

/* The most that one read takes: clusters of live copies may be larger. */
#define PIECE_BYTES (16 * MiB)

/* Waits until @bytes more fit. */
COROUTINE_ONLY
static void co_memory_take(BlockCopy *copy, uint64_t bytes)
{
    while (copy->memory_bytes &&
           (copy->memory_bytes + bytes > BLOCK_COPY_MEMORY_BYTES ||
            CHANCE("copy-memory-out"))) {
        co_queue_wait(&copy->memory_freed);
    }
    copy->memory_bytes += bytes;
}

static void memory_give(BlockCopy *copy, uint64_t bytes)
{
    copy->memory_bytes -= bytes;
    coqueue_wake_all(&copy->memory_freed);
}

static bool watch_given_up(const BlockCopyRun *run)
{
    return run->watch && run->watch->given_up;
}

static void watch_set(const BlockCopyRun *run, bool reading, bool writing)
{
    if (run->watch) {
        run->watch->reading = reading;
        run->watch->writing = writing;
    }
}

/* First byte at or after @start that the target does not know to be zero. It
 * is asked for all of the run: nobody else writes there, and what is written
 * of it lies behind. */
COROUTINE_ONLY
static int co_skip_known_zeroes(BlockCopyRun *run, uint64_t *start,
                                uint64_t end)
{
    uint64_t run_end = run->offset_bytes + run->bytes;
    BlockStatus status;

    while (*start < end) {
        if (*start >= run->target_zero_end) {
            int ret = co_edge_block_status(run->copy->target, true, *start,
                                           run_end - *start, &status);

            if (ret < 0) {
                return ret;
            }
            if (!(status.flags & STATUS_ZERO) || status.bytes == 0) {
                break;
            }
            run->target_zero_end = *start + status.bytes;
        }
        *start = MIN(run->target_zero_end, end);
    }
    return 0;
}

COROUTINE_ONLY
static int co_zero_target(BlockCopyRun *run, uint64_t start, uint64_t end)
{
    int ret;

    if (run->copy->diff) {
        /* What is given up would show the image behind, once there is one: an
         * entry has to say that it is zero. */
        return co_edge_pwrite_zeroes(run->copy->target, start, end - start,
                                     REQ_ZERO_HERE | run->copy->zero_flags);
    }
    ret = co_skip_known_zeroes(run, &start, end);
    if (ret < 0 || start == end) {
        return ret;
    }
    if (watch_given_up(run)) {
        return -ECANCELED;
    }
    return co_edge_pwrite_zeroes(run->copy->target, start, end - start,
                                 run->copy->zero_flags);
}

int co_block_copy_zero_target(BlockCopy *copy, uint64_t start_bytes,
                              uint64_t end_bytes)
{
    BlockCopyRun run = {
        .copy = copy,
        .offset_bytes = start_bytes,
        .bytes = end_bytes - start_bytes,
    };

    return co_zero_target(&run, start_bytes, end_bytes);
}

/* How many of the @bytes in @buf, in whole clusters, are like its first one:
 * all zeroes or not. */
static uint64_t alike(const BlockCopyRun *run, const uint8_t *buf,
                      uint64_t bytes, bool *zero)
{
    uint64_t cluster = run->copy->cluster_bytes;
    uint64_t end = MIN(cluster, bytes);

    *zero = run->may_be_hole && buffer_is_zero(buf, end);
    while (end < bytes && run->may_be_hole &&
           buffer_is_zero(buf + end, MIN(cluster, bytes - end)) == *zero) {
        end += MIN(cluster, bytes - end);
    }
    return run->may_be_hole ? end : bytes;
}

/* Of the @bytes at @at, which read as zeroes, how many are alike to the source,
 * and whether they are a hole: whole clusters of it are. */
COROUTINE_ONLY
static int co_zero_is_hole(BlockCopyRun *run, uint64_t at, uint64_t *bytes,
                           bool *hole)
{
    uint64_t cluster = run->copy->cluster_bytes;
    BlockStatus status;
    int ret = co_copy_ask_source(run, at, &status);

    if (ret == 0) {
        *hole = (status.flags & STATUS_ZERO) &&
                status.bytes >= MIN(cluster, *bytes);
        if (status.bytes < *bytes) {
            *bytes =
                MAX(ROUND_DOWN(status.bytes, cluster), MIN(cluster, *bytes));
        }
    }
    return ret;
}

/* Writes what was read to @buf: holes that turn out to be some stay holes. */
COROUTINE_ONLY
static int co_write_piece(BlockCopyRun *run, uint64_t at, uint64_t bytes,
                          Iov *iov, const uint8_t *buf, bool *error_is_read)
{
    uint64_t n;
    bool zero;
    int ret = 0;

    for (uint64_t done = 0; ret == 0 && done < bytes; done += n) {
        n = alike(run, buf + done, bytes - done, &zero);
        if (zero && run->zero_may_be_data) {
            ret = co_zero_is_hole(run, at + done, &n, &zero);
            if (ret < 0) {
                *error_is_read = true;
                break;
            }
        }
        ret = zero ? co_zero_target(run, at + done, at + done + n)
                   : co_edge_pwritev(run->copy->target, at + done, n, iov, done,
                                     run->copy->write_flags);
    }
    return ret;
}

/* What lies in [@at, +@bytes), through @buf. */
COROUTINE_ONLY
static int co_move_piece(BlockCopyRun *run, uint64_t at, uint64_t bytes,
                         void *buf, bool *error_is_read)
{
    BlockCopy *copy = run->copy;
    Iov iov;
    int ret;

    iov_init_buf(&iov, buf, bytes);
    *error_is_read = true;
    if (watch_given_up(run)) {
        iov_free(&iov);
        return -ECANCELED;
    }
    watch_set(run, true, false);
    ret = co_edge_preadv(copy->source, at, bytes, &iov, 0, 0);
    watch_set(run, false, false);
    if (ret == 0 && watch_given_up(run)) {
        ret = -ECANCELED;
    }
    if (ret == 0) {
        *error_is_read = false;
        watch_set(run, false, true);
        ret = co_write_piece(run, at, bytes, &iov, buf, error_is_read);
        watch_set(run, false, false);
    }
    iov_free(&iov);
    return ret;
}

COROUTINE_ONLY
static int co_move_pieces(BlockCopyRun *run, void *buf, uint64_t buf_bytes,
                          bool *error_is_read)
{
    int ret = 0;

    for (uint64_t at = 0; ret == 0 && at < run->bytes; at += buf_bytes) {
        ret =
            co_move_piece(run, run->offset_bytes + at,
                          MIN(buf_bytes, run->bytes - at), buf, error_is_read);
    }
    return ret;
}

COROUTINE_ONLY
static int co_move_data(BlockCopyRun *run, bool *error_is_read)
{
    BlockCopy *copy = run->copy;
    uint64_t buf_bytes = MIN(run->bytes, PIECE_BYTES);
    void *buf;
    int ret = -ENOMEM;

    co_memory_take(copy, buf_bytes);
    buf = io_buffer_alloc(copy->source->child, buf_bytes);
    *error_is_read = true;
    if (buf) {
        ret = co_move_pieces(run, buf, buf_bytes, error_is_read);
        io_buffer_free(buf);
    }
    memory_give(copy, buf_bytes);
    return ret;
}

COROUTINE_ONLY
static int co_move_hole(BlockCopyRun *run, bool *error_is_read)
{
    int ret;

    *error_is_read = false;
    if (watch_given_up(run)) {
        return -ECANCELED;
    }
    watch_set(run, false, true);
    ret =
        co_zero_target(run, run->offset_bytes, run->offset_bytes + run->bytes);
    watch_set(run, false, false);
    return ret;
}

int co_move_run(BlockCopyRun *run, bool *error_is_read)
{
    return run->is_hole ? co_move_hole(run, error_is_read)
                        : co_move_data(run, error_is_read);
}
