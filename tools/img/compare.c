/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img compare`: whether two images show the same content. Areas that both
 * report as zeroes are not read. A longer image is the same if its rest is
 * zeroes, unless --strict.
 */
#include "tools/img/compare.h"

#include <stdio.h>

/* Large enough that handing a read to another thread costs little: with a
 * quarter of it `make bench` shows half the rate. */
#define CHUNK_BYTES (1 * MiB)
#define WORKERS 4
#define WATCHED_BYTES (64 * MiB)
#define STRICT_FLAGS \
    (STATUS_DATA | STATUS_ZERO | STATUS_OFFSET | STATUS_ALLOCATED | STATUS_EOF)
#define SECTOR_BYTES 512u

/* [@at, +@bytes) of both images, with what is there. */
typedef struct Piece {
    uint64_t at, bytes;
    bool zero[2];
} Piece;

typedef struct Worker {
    Compare *compare;
    uint8_t *buf[2];
} Worker;

typedef struct ReadCall {
    Worker *worker;
    const Piece *piece;
    int side, ret;
    CoCount *running;
} ReadCall;

static void say(const Compare *compare, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

static void say(const Compare *compare, const char *fmt, ...)
{
    va_list ap;

    if (!compare->quiet) {
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
    }
}

/* Keeps it if it lies before what was found. */
static void found(Compare *compare, uint64_t at, int status, bool is_error,
                  const char *fmt, ...) G_GNUC_PRINTF(5, 6);

static void found(Compare *compare, uint64_t at, int status, bool is_error,
                  const char *fmt, ...)
{
    va_list ap;

    if (compare->found != SAME && compare->found_at <= at) {
        return;
    }
    g_free(compare->text);
    va_start(ap, fmt);
    compare->text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    compare->found = status;
    compare->found_at = at;
    compare->is_error = is_error;
}

static void mismatch(Compare *compare, uint64_t at)
{
    found(compare, at, DIFFERENT, false,
          "Content mismatch at offset %" PRIu64 "!\n", at);
}

/* --- handing out --------------------------------------------------------- */

/* What is at @at on that side: zeroes behind its end. */
COROUTINE_ONLY
static bool co_map(Compare *compare, Side *side, uint64_t at)
{
    int ret;

    if (at < side->known_end) {
        return true;
    }
    if (at >= side->size_bytes) {
        side->status = (BlockStatus){.flags = STATUS_ZERO};
        side->known_end = compare->total_bytes;
        return true;
    }
    ret = co_root_block_status(side->root, at, side->size_bytes - at,
                               &side->status);
    side->known_end = at + side->status.bytes;
    if (ret < 0) {
        found(compare, at, CANNOT_MAP, true,
              "Sector allocation test failed for %s", side->open.filename);
    }
    return ret >= 0;
}

/* In strict mode areas must be alike, too. */
static bool check_strict(Compare *compare, uint64_t at)
{
    const Side *a = &compare->side[0], *b = &compare->side[1];

    if (compare->strict && (a->status.flags ^ b->status.flags) & STRICT_FLAGS) {
        found(compare, at, DIFFERENT, false,
              "Strict mode: Offset %" PRIu64 " block status mismatch!\n", at);
        return false;
    }
    return true;
}

/* That the sizes differ is told when it counts. */
static void warn_longer(Compare *compare)
{
    if (compare->longer && !compare->warned) {
        say(compare, "Warning: Image size mismatch!\n");
        compare->warned = true;
    }
}

/* One for what is short and watched, so that it is told in order. */
static unsigned workers_needed(const Compare *compare)
{
    return compare->progress && compare->total_bytes < WATCHED_BYTES ? 1
                                                                     : WORKERS;
}

/* The next piece that must be read; false at the end or after a finding. */
COROUTINE_ONLY
static bool co_find_piece(Compare *compare, Piece *piece)
{
    Side *a = &compare->side[0], *b = &compare->side[1];

    while (compare->found == SAME && compare->next < compare->total_bytes) {
        uint64_t at = compare->next, end;

        if (at >= compare->common_bytes && workers_needed(compare) == 1) {
            warn_longer(compare); /* all before it was the same */
        }
        if (!co_map(compare, a, at) || !co_map(compare, b, at) ||
            !check_strict(compare, at)) {
            return false;
        }
        end = MIN(a->known_end, b->known_end);
        piece->at = at;
        piece->zero[0] = a->status.flags & STATUS_ZERO;
        piece->zero[1] = b->status.flags & STATUS_ZERO;
        if (piece->zero[0] && piece->zero[1]) {
            compare->next = end;
            img_progress(&compare->shown, end, compare->total_bytes);
            continue;
        }
        piece->bytes = MIN(end - at, CHUNK_BYTES);
        compare->next = at + piece->bytes;
        return true;
    }
    return false;
}

COROUTINE_ONLY
static bool co_next_piece(Compare *compare, Piece *piece)
{
    bool there;

    co_mutex_lock(&compare->next_lock);
    there = co_find_piece(compare, piece);
    comutex_unlock(&compare->next_lock);
    return there;
}

/* --- comparing ----------------------------------------------------------- */

COROUTINE_ONLY
static void co_read_side(void *opaque)
{
    ReadCall *call = opaque;
    Compare *compare = call->worker->compare;
    const Piece *piece = call->piece;
    const Side *side = &compare->side[call->side];

    call->ret = co_root_pread(side->root, piece->at, piece->bytes,
                              call->worker->buf[call->side]);
    if (call->ret < 0) {
        found(compare, piece->at, CANNOT_READ, true,
              "Error while reading offset %" PRIu64 " of %s: %s", piece->at,
              side->open.filename, strerror(-call->ret));
    }
    cocount_dec(call->running);
}

/* Both sides at once. */
COROUTINE_ONLY
static bool co_read_both(Worker *worker, const Piece *piece)
{
    CoCount running;
    ReadCall calls[2];
    int i;

    cocount_init(&running);
    for (i = 0; i < 2; i++) {
        calls[i] = (ReadCall){worker, piece, i, 0, &running};
        if (!piece->zero[i]) {
            cocount_inc(&running);
            coroutine_start(co_read_side, &calls[i]);
        }
    }
    co_count_wait_zero(&running);
    return calls[0].ret >= 0 && calls[1].ret >= 0;
}

static bool differs(const Worker *worker, const Piece *piece, uint64_t at,
                    uint64_t bytes)
{
    if (piece->zero[0] || piece->zero[1]) {
        return !buffer_is_zero(worker->buf[piece->zero[0]] + at, bytes);
    }
    return memcmp(worker->buf[0] + at, worker->buf[1] + at, bytes) != 0;
}

static bool compare_piece(Worker *worker, const Piece *piece)
{
    uint64_t at, n;

    if (!differs(worker, piece, 0, piece->bytes)) {
        return true;
    }
    for (at = 0; at < piece->bytes; at += n) {
        n = MIN(SECTOR_BYTES, piece->bytes - at);
        if (differs(worker, piece, at, n)) {
            mismatch(worker->compare, piece->at + at);
            break;
        }
    }
    return false;
}

COROUTINE_ONLY
static void co_worker(void *opaque)
{
    Worker *worker = opaque;
    Compare *compare = worker->compare;
    Piece piece;

    while (co_next_piece(compare, &piece)) {
        if (!co_read_both(worker, &piece) || !compare_piece(worker, &piece)) {
            break;
        }
        img_progress(&compare->shown, piece.at + piece.bytes,
                     compare->total_bytes);
    }
    cocount_dec(&compare->running);
}

COROUTINE_ONLY
static bool co_scan(Compare *compare)
{
    Worker workers[WORKERS];
    bool enough = true;
    unsigned i, side;

    comutex_init(&compare->next_lock);
    cocount_init(&compare->running);
    for (i = 0; i < WORKERS; i++) {
        workers[i].compare = compare;
        for (side = 0; side < 2; side++) {
            workers[i].buf[side] = io_buffer_alloc(
                root_node(compare->side[side].root), CHUNK_BYTES);
            enough = enough && workers[i].buf[side];
        }
    }
    for (i = 0; enough && i < workers_needed(compare); i++) {
        cocount_inc(&compare->running);
        coroutine_start(co_worker, &workers[i]);
    }
    co_count_wait_zero(&compare->running);
    for (i = 0; i < WORKERS; i++) {
        io_buffer_free(workers[i].buf[0]);
        io_buffer_free(workers[i].buf[1]);
    }
    if (!enough) {
        error_report("Could not allocate a buffer: %s", strerror(ENOMEM));
    }
    return enough;
}

/* --- the whole ----------------------------------------------------------- */

static int report_found(const Compare *compare)
{
    if (compare->found == SAME) {
        if (compare->shown.last < 100) {
            img_progress((ImgProgress *)&compare->shown, 1, 1);
        }
        say(compare, "Images are identical.\n");
    } else if (compare->is_error) {
        error_report("%s", compare->text);
    } else {
        say(compare, "%s", compare->text);
    }
    return compare->found;
}

int co_compare(Compare *compare)
{
    Side *a = &compare->side[0], *b = &compare->side[1];

    compare->longer = a->size_bytes != b->size_bytes;
    compare->common_bytes = MIN(a->size_bytes, b->size_bytes);
    compare->total_bytes = MAX(a->size_bytes, b->size_bytes);
    if (compare->strict && compare->longer) {
        say(compare, "Strict mode: Image size mismatch!\n");
        return DIFFERENT;
    }
    if (!co_scan(compare)) {
        return CANNOT_READ;
    }
    if (compare->found == SAME || compare->found_at >= compare->common_bytes) {
        warn_longer(compare);
    }
    return report_found(compare);
}
