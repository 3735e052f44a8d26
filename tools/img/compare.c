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

#include "tools/img/args.h"

enum {
    SAME = 0,
    DIFFERENT = 1,
    BAD_USAGE = 1,
    CANNOT_OPEN = 2,
    CANNOT_MAP = 3,
    CANNOT_READ = 4,
};

#define CHUNK_BYTES (2 * MiB)
#define SECTOR_BYTES 512u

typedef struct Side {
    ImageOpen open;
    Root *root;
    uint64_t size_bytes;
    uint8_t *buf;
    BlockStatus status; /* of the area looked at */
} Side;

typedef struct Compare {
    Side side[2];
    bool strict, quiet, progress;
    uint64_t total_bytes;
} Compare;

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

static void show_progress(const Compare *compare, uint64_t done_bytes)
{
    if (compare->progress && !compare->quiet) {
        printf("    (%3.2f/100%%)\r",
               compare->total_bytes ? 100.0 * done_bytes / compare->total_bytes
                                    : 100.0);
        fflush(stdout);
    }
}

COROUTINE_ONLY
static int co_map(Side *side, uint64_t at, uint64_t bytes)
{
    int ret = co_root_block_status(side->root, at, bytes, &side->status);

    if (ret < 0) {
        error_report("Sector allocation test failed for %s",
                     side->open.filename);
        return CANNOT_MAP;
    }
    return SAME;
}

COROUTINE_ONLY
static int co_read(Side *side, uint64_t at, uint64_t bytes)
{
    int ret;

    if (side->status.flags & STATUS_ZERO) {
        memset(side->buf, 0, bytes);
        return SAME;
    }
    ret = co_root_pread(side->root, at, bytes, side->buf);
    if (ret < 0) {
        error_report("Error while reading offset %" PRIu64 " of %s: %s", at,
                     side->open.filename, strerror(-ret));
        return CANNOT_READ;
    }
    return SAME;
}

/* The first sector in which both buffers differ, or @bytes. */
static uint64_t first_difference(const uint8_t *a, const uint8_t *b,
                                 uint64_t bytes)
{
    uint64_t at;

    if (!memcmp(a, b, bytes)) {
        return bytes;
    }
    for (at = 0; at < bytes; at += SECTOR_BYTES) {
        if (memcmp(a + at, b + at, MIN(SECTOR_BYTES, bytes - at))) {
            return at;
        }
    }
    return bytes;
}

static int mismatch(const Compare *compare, uint64_t offset)
{
    say(compare, "Content mismatch at offset %" PRIu64 "!\n", offset);
    return DIFFERENT;
}

/* Compares [@at, +*@bytes) of both, or a shorter part: *@bytes tells. */
COROUTINE_ONLY
static int co_compare_chunk(Compare *compare, uint64_t at, uint64_t *bytes)
{
    Side *a = &compare->side[0], *b = &compare->side[1];
    uint64_t differs;
    int ret;

    if ((ret = co_map(a, at, *bytes)) || (ret = co_map(b, at, *bytes))) {
        return ret;
    }
    *bytes = MIN(*bytes, MIN(a->status.bytes, b->status.bytes));
    if (compare->strict &&
        (a->status.flags ^ b->status.flags) & (STATUS_DATA | STATUS_ZERO)) {
        say(compare, "Strict mode: Offset %" PRIu64 " block status mismatch!\n",
            at);
        return DIFFERENT;
    }
    if (a->status.flags & b->status.flags & STATUS_ZERO) {
        return SAME;
    }
    *bytes = MIN(*bytes, CHUNK_BYTES);
    if ((ret = co_read(a, at, *bytes)) || (ret = co_read(b, at, *bytes))) {
        return ret;
    }
    differs = first_difference(a->buf, b->buf, *bytes);
    return differs < *bytes ? mismatch(compare, at + differs) : SAME;
}

COROUTINE_ONLY
static int co_compare_common(Compare *compare, uint64_t end)
{
    uint64_t at, bytes;
    int ret;

    for (at = 0; at < end; at += bytes) {
        bytes = end - at;
        ret = co_compare_chunk(compare, at, &bytes);
        if (ret) {
            return ret;
        }
        show_progress(compare, at + bytes);
    }
    return SAME;
}

/* Whether the rest of the longer image is zeroes. */
COROUTINE_ONLY
static int co_check_rest(Compare *compare, Side *longer, uint64_t at)
{
    uint64_t bytes, zero;
    int ret;

    for (; at < longer->size_bytes; at += bytes) {
        bytes = longer->size_bytes - at;
        if ((ret = co_map(longer, at, bytes))) {
            return ret;
        }
        bytes = MIN(bytes, longer->status.bytes);
        if (longer->status.flags & STATUS_ZERO) {
            continue;
        }
        bytes = MIN(bytes, CHUNK_BYTES);
        if ((ret = co_read(longer, at, bytes))) {
            return ret;
        }
        for (zero = 0; zero < bytes; zero += SECTOR_BYTES) {
            if (!buffer_is_zero(longer->buf + zero,
                                MIN(SECTOR_BYTES, bytes - zero))) {
                return mismatch(compare, at + zero);
            }
        }
        show_progress(compare, at + bytes);
    }
    return SAME;
}

COROUTINE_ONLY
static int co_compare(Compare *compare)
{
    Side *a = &compare->side[0], *b = &compare->side[1];
    uint64_t common = MIN(a->size_bytes, b->size_bytes);
    int ret;

    compare->total_bytes = MAX(a->size_bytes, b->size_bytes);
    if (compare->strict && a->size_bytes != b->size_bytes) {
        say(compare, "Strict mode: Image size mismatch!\n");
        return DIFFERENT;
    }
    show_progress(compare, 0);
    ret = co_compare_common(compare, common);
    if (ret) {
        return ret;
    }
    if (a->size_bytes != b->size_bytes) {
        say(compare, "Warning: Image size mismatch!\n");
        ret = co_check_rest(compare, a->size_bytes > b->size_bytes ? a : b,
                            common);
        if (ret) {
            return ret;
        }
    }
    show_progress(compare, compare->total_bytes);
    say(compare, "Images are identical.\n");
    return SAME;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_side(Side *side)
{
    Error *err = NULL;

    side->root = co_img_open(&side->open, &err);
    if (!side->root) {
        error_report_err(err);
        return false;
    }
    side->size_bytes = root_size_bytes(side->root);
    side->buf = g_try_malloc(CHUNK_BYTES);
    if (!side->buf) {
        error_report("Could not allocate a buffer: %s", strerror(ENOMEM));
        return false;
    }
    return true;
}

COROUTINE_ONLY
static int co_parse_arguments(Compare *compare, int argc, char **argv)
{
    Side *a = &compare->side[0], *b = &compare->side[1];
    const char *cache = NULL;
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
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
        options,
        "Exit status: 0 the same, 1 different, 2 or more an error.\n"};
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
    return img_check_format(&a->open) && img_check_format(&b->open) &&
                   img_check_cache("source cache option", cache)
               ? -1
               : BAD_USAGE;
}

int co_img_compare(int argc, char **argv)
{
    Compare compare = {0};
    int status = co_parse_arguments(&compare, argc, argv);
    int i;

    if (status >= 0) {
        return status;
    }
    status = CANNOT_OPEN;
    if (co_open_side(&compare.side[0]) && co_open_side(&compare.side[1])) {
        status = co_compare(&compare);
        if (compare.progress && !compare.quiet) {
            printf("\n");
        }
    }
    for (i = 0; i < 2; i++) {
        co_image_close(compare.side[i].root);
        g_free(compare.side[i].buf);
    }
    return status;
}
