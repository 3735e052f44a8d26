/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a claimed piece is: data or a hole, as the source says; and how much of
 * it is moved at once.
 */
#include "block/copy/copy-int.h"
#include "block/io/io.h"
#include "util/sim.h"

/* How far one question for the status looks. */
#define STATUS_MAX_BYTES (16 * GiB)

static bool known_data(const BlockCopy *copy, uint64_t offset, uint64_t *bytes)
{
    if (offset < copy->data_start || offset >= copy->data_end) {
        return false;
    }
    *bytes = copy->data_end - offset;
    return true;
}

/* Small pieces are not asked about: where data ends may take long to find out
 * (of 4 GiB on tmpfs, 20 ms), and their reading tells as much. But for where
 * holes have to be told beforehand. Of a live copy what reads as zeroes is
 * asked about then: users' zeroes that are data stay data in a mirror. */
static bool classify_later(BlockCopyRun *run, bool waited_for)
{
    const BlockCopy *copy = run->copy;
    bool small = waited_for ? run->bytes <= copy->chunk_bytes
                            : run->bytes < copy->chunk_bytes;

    run->may_be_hole =
        small && !copy->exact && !copy->space && !CHANCE("copy-asks-first");
    run->zero_may_be_data = run->may_be_hole && copy->live;
    return run->may_be_hole;
}

/* What the source, with all that is behind it, says of the area from @at on:
 * what none of its images has is a hole. More is asked about than is to be
 * copied now: finding where data ends takes time in proportion to its length
 * on some file systems. */
int co_copy_ask_source(BlockCopyRun *run, uint64_t at, BlockStatus *status)
{
    BlockCopy *copy = run->copy;
    unsigned depth;
    int ret;

    if (run->watch) {
        run->watch->reading = true;
    }
    ret = co_node_block_status_above(
        copy->source->child, NULL, true, at,
        MIN(copy->size_bytes - at, STATUS_MAX_BYTES), status, &depth);
    if (run->watch) {
        run->watch->reading = false;
    }
    if (ret == 0 && !(status->flags & STATUS_ZERO)) {
        copy->data_start = at;
        copy->data_end = at + MAX(status->bytes, 1);
    }
    return ret;
}

/* Whether more than one border between data and holes, the first of which is
 * after @bytes, lies in what is moved at once. */
COROUTINE_ONLY
static int co_is_patchwork(BlockCopyRun *run, uint64_t bytes, bool *result)
{
    uint64_t piece = MIN(run->bytes, run->copy->chunk_bytes);
    BlockStatus status;
    int ret = 0;

    *result = false;
    if (bytes < piece && !run->copy->space && !run->copy->exact) {
        ret = co_copy_ask_source(run, run->offset_bytes + bytes, &status);
        *result = ret == 0 && status.bytes < piece - bytes;
    }
    return ret;
}

/* Keeps so much as is moved at once; it is of one kind for @bytes. Short data
 * and holes in turns are read together: then the data tells, and one request
 * does it. */
COROUTINE_ONLY
static int co_cut_to_piece(BlockCopyRun *run, uint64_t bytes)
{
    uint64_t cluster = run->copy->cluster_bytes;
    int ret = co_is_patchwork(run, bytes, &run->may_be_hole);

    if (ret < 0) {
        return ret;
    }
    if (run->may_be_hole) {
        run->is_hole = false;
        copy_run_cut(run, MIN(run->bytes, run->copy->chunk_bytes));
    } else if (run->is_hole) {
        copy_run_cut(run,
                     bytes == run->bytes ? bytes : ROUND_DOWN(bytes, cluster));
    } else {
        bytes = MIN(ROUND_UP(bytes, cluster), run->copy->chunk_bytes);
        copy_run_cut(run, MIN(bytes, run->bytes));
    }
    return 0;
}

int co_copy_classify(BlockCopyRun *run, bool waited_for)
{
    BlockCopy *copy = run->copy;
    BlockStatus status;
    uint64_t bytes;
    int ret;

    if (!known_data(copy, run->offset_bytes, &bytes)) {
        if (classify_later(run, waited_for)) {
            return 0;
        }
        ret = co_copy_ask_source(run, run->offset_bytes, &status);
        if (ret < 0) {
            return ret;
        }
        bytes = MIN(MAX(status.bytes, 1), run->bytes);
        run->is_hole = (status.flags & STATUS_ZERO) &&
                       (bytes == run->bytes || bytes >= copy->cluster_bytes);
    }
    return co_cut_to_piece(run, bytes);
}
