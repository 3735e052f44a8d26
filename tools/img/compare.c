/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img compare`: whether two images show the same content. Areas that both
 * report as zeroes are not read. A longer image is the same if its rest is
 * zeroes, unless --strict.
 * Exit status: 0 same, 1 different or bad usage, 2 could not open, 3 could not
 * ask for the allocation, 4 could not read.
 */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>

#include "block/file/file-bulk.h"
#include "block/io/io.h"
#include "tools/img/args.h"

enum {
    SAME = 0,
    DIFFERENT = 1,
    BAD_USAGE = 1,
    CANNOT_OPEN = 2,
    CANNOT_MAP = 3,
    CANNOT_READ = 4,
};

/* Large enough that handing a read to another thread costs little: with a
 * quarter of it `make bench` shows half the rate. */
#define CHUNK_BYTES (1 * MiB)
#define WORKERS 4
#define WATCHED_BYTES (64 * MiB)
#define STRICT_FLAGS \
    (STATUS_DATA | STATUS_ZERO | STATUS_OFFSET | STATUS_ALLOCATED | STATUS_EOF)
#define SECTOR_BYTES 512u

typedef struct Side {
    ImageOpen open;
    Root *root;
    uint64_t size_bytes;
    BlockStatus status; /* of the area that is handed out */
    uint64_t known_end; /* @status holds up to there */
} Side;

typedef struct Compare {
    Side side[2];
    bool strict, quiet, progress;
    uint64_t total_bytes, common_bytes;
    /* while it goes on: pieces are handed out in order; the first finding, by
     * its place, counts */
    uint64_t next;
    CoMutex next_lock;
    CoCount running;
    uint64_t found_at;
    int found;  /* exit status, or SAME */
    char *text; /* what is said of it */
    bool is_error;
    ImgProgress shown;
} Compare;

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

/* --- handing out ------------------------------------------------------------
 */

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

/* The next piece that must be read; false at the end or after a finding. */
COROUTINE_ONLY
static bool co_find_piece(Compare *compare, Piece *piece)
{
    Side *a = &compare->side[0], *b = &compare->side[1];

    while (compare->found == SAME && compare->next < compare->total_bytes) {
        uint64_t at = compare->next, end;

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

/* --- comparing --------------------------------------------------------------
 */

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

/* One for what is short and watched, so that it is told in order. */
static unsigned workers_needed(const Compare *compare)
{
    return compare->progress && compare->total_bytes < WATCHED_BYTES ? 1
                                                                     : WORKERS;
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

/* --- the whole --------------------------------------------------------------
 */

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

COROUTINE_ONLY
static int co_compare(Compare *compare)
{
    Side *a = &compare->side[0], *b = &compare->side[1];
    bool longer = a->size_bytes != b->size_bytes;

    compare->common_bytes = MIN(a->size_bytes, b->size_bytes);
    compare->total_bytes = MAX(a->size_bytes, b->size_bytes);
    if (compare->strict && longer) {
        say(compare, "Strict mode: Image size mismatch!\n");
        return DIFFERENT;
    }
    if (!co_scan(compare)) {
        return CANNOT_READ;
    }
    if (longer && (compare->found == SAME ||
                   compare->found_at >= compare->common_bytes)) {
        say(compare, "Warning: Image size mismatch!\n");
    }
    return report_found(compare);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_side(Side *side)
{
    side->root = co_img_open_or_report(&side->open);
    if (!side->root) {
        return false;
    }
    side->size_bytes = root_size_bytes(side->root);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static int co_take_object(void *opaque,
                                                      const char *word)
{
    int status = co_img_take_object(NULL, word);

    return status > 0 ? CANNOT_OPEN : status;
}

COROUTINE_ONLY
static int co_parse_arguments(Compare *compare, int argc, char **argv)
{
    Side *a = &compare->side[0], *b = &compare->side[1];
    const char *cache = NULL;
    const ImgOption options[] = {
        {0, "object", "OBJECT", "make an object that options refer to",
         .take = co_take_object},
        IMG_OPTION_IMAGE_OPTS(&a->open.image_opts),
        {'f', NULL, "FMT", "format of FILE1; probed if not given",
         .word = &a->open.format},
        {'F', NULL, "FMT", "format of FILE2; probed if not given",
         .word = &b->open.format},
        IMG_OPTION_SOURCE_CACHE(&cache),
        IMG_OPTION_PROGRESS(&compare->progress),
        IMG_OPTION_QUIET(&compare->quiet),
        {'s', NULL, NULL, "strict: sizes and allocation count, too",
         .flag = &compare->strict},
        IMG_OPTION_FORCE_SHARE(&a->open.force_share),
        {},
    };
    const ImgUsage usage = {
        "FILE1 FILE2", "Tell whether two images show the same content.",
        options, "Exit status: 0 the same, 1 different, 2 or more an error.\n"};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (optind != argc - 2) {
        img_usage_error("Expecting two image file names");
        return BAD_USAGE;
    }
    a->open.filename = argv[optind];
    b->open.filename = argv[optind + 1];
    a->open.cache = b->open.cache = cache;
    b->open.image_opts = a->open.image_opts;
    b->open.force_share = a->open.force_share;
    if (!img_check_format(&a->open) || !img_check_format(&b->open)) {
        return CANNOT_OPEN;
    }
    return img_check_cache("source cache option", cache) ? -1 : CANNOT_OPEN;
}

int co_img_compare(int argc, char **argv)
{
    Compare compare = {0};
    int status = co_parse_arguments(&compare, argc, argv);
    int i;

    if (status >= 0) {
        return status;
    }
    file_bulk_in_workers = true;
    compare.shown.shown = compare.progress && !compare.quiet;
    status = CANNOT_OPEN;
    if (co_open_side(&compare.side[0]) && co_open_side(&compare.side[1])) {
        img_progress_begin(&compare.shown, compare.progress && !compare.quiet);
        status = co_compare(&compare);
    }
    img_progress_end(&compare.shown, false);
    for (i = 0; i < 2; i++) {
        co_image_close(compare.side[i].root);
    }
    g_free(compare.text);
    return status;
}
