/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of `img compare`.
 * Exit status: 0 same, 1 different or bad usage, 2 could not open, 3 could not
 * ask for the allocation, 4 could not read.
 */
#include <getopt.h>

#include "block/file/file-bulk.h"
#include "tools/img/args.h"
#include "tools/img/compare.h"

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
