/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img convert`: the content of one or several images as a new image. The
 * order of the checks is QEMU's.
 */
#include "tools/img/convert.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "block/file/file-bulk.h"

#define SPARSE_BYTES_MAX (16 * MiB)

static int take_options(void *opaque, const char *word)
{
    return img_words_append(opaque, word) ? -1 : 1;
}

static int take_sparse(void *opaque, const char *word)
{
    Convert *convert = opaque;
    uint64_t bytes;

    if (!img_parse_size("buffer size for sparse output", word, &bytes)) {
        return 1;
    }
    if (bytes % 512 || bytes > SPARSE_BYTES_MAX) {
        error_report("Invalid buffer size for sparse output specified. Valid "
                     "sizes are multiples of 512 up to %" PRIu64 ". Select 0 "
                     "to disable sparse detection (fully allocates output).",
                     SPARSE_BYTES_MAX);
        return 1;
    }
    convert->sparse_given = true;
    convert->min_sparse_bytes = bytes;
    return -1;
}

static int take_workers(void *opaque, const char *word)
{
    unsigned *workers = opaque;
    char *end;
    guint64 n = g_ascii_strtoull(word, &end, 10);

    if (end == word || *end || n < 1 || n > IMG_COPY_WORKERS_MAX) {
        error_report("Invalid number of coroutines. Allowed number of "
                     "coroutines is between 1 and %d",
                     IMG_COPY_WORKERS_MAX);
        return 1;
    }
    *workers = n;
    return -1;
}

int img_take_rate(void *opaque, const char *word)
{
    return img_parse_size("rate limit", word, opaque) ? -1 : 1;
}

COROUTINE_ONLY
static int co_parse_options(Convert *c, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&c->open.image_opts),
        IMG_OPTION_FORMAT(&c->open.format),
        IMG_OPTION_FORCE_SHARE(&c->open.force_share),
        IMG_OPTION_SOURCE_CACHE(&c->open.cache),
        {'l', NULL, "SNAPSHOT", "copy that snapshot of the image",
         .word = &c->snapshot},
        {'O', NULL, "FMT", "format of the target; raw if not given",
         .word = &c->format},
        {'o', NULL, "OPTIONS", "name=value,... of the target; or help",
         .take = take_options, .opaque = &c->options},
        {'B', "backing", "FILE",
         "backing image of the target: what FILE's own "
         "layer holds is copied",
         .word = &c->backing},
        {'F', NULL, "FMT", "format of the backing image",
         .word = &c->backing_format},
        IMG_OPTION_CACHE(&c->target.cache),
        {'n', NULL, NULL, "the target is there: do not make it",
         .flag = &c->keep_target},
        {0, "target-image-opts", NULL, "TARGET is an option string",
         .flag = &c->target.image_opts},
        {0, "target-is-zero", NULL, "the target reads as zeroes",
         .flag = &c->target_is_zero},
        {'c', NULL, NULL, "compress", .flag = &c->compress},
        {'S', NULL, "BYTES",
         "zeroes become holes from that length on (4k); "
         "0: never",
         .take = take_sparse, .opaque = c},
        {'m', NULL, "N", "requests at a time, 1 to 16 (8)",
         .take = take_workers, .opaque = &c->workers},
        {'W', NULL, NULL, "write in any order", .flag = &c->any_order},
        {'C', NULL, NULL, "let the storage copy where it can",
         .flag = &c->offload},
        {'r', NULL, "RATE", "at most that many bytes a second",
         .take = img_take_rate, .opaque = &c->rate},
        {0, "salvage", NULL, "what cannot be read becomes zeroes",
         .flag = &c->salvage},
        {0, "bitmaps", NULL, "copy persistent bitmaps, too",
         .flag = &c->bitmaps},
        {0, "skip-broken-bitmaps", NULL, "but not inconsistent ones",
         .flag = &c->skip_broken},
        IMG_OPTION_PROGRESS(&c->progress),
        IMG_OPTION_QUIET(&c->quiet),
        {},
    };
    const ImgUsage usage = {
        "FILE... TARGET",
        "Copy the content of images, one behind the other, to a new image.",
        options};

    return co_img_args(&usage, argc, argv);
}

/* Whether the words go together. */
static bool check_words(const Convert *c)
{
    if (!c->keep_target && c->target.image_opts) {
        error_report("--target-image-opts requires use of -n flag");
    } else if (c->skip_broken && !c->bitmaps) {
        error_report("Use of --skip-broken-bitmaps requires --bitmaps");
    } else if (c->salvage && c->offload) {
        error_report("Cannot use copy offloading in salvaging mode");
    } else if (c->compress && c->offload) {
        error_report("Cannot enable copy offloading when -c is used");
    } else if (c->sparse_given && c->offload) {
        error_report("Cannot enable copy offloading when -S is used");
    } else if (c->target_is_zero && !c->keep_target) {
        error_report("--target-is-zero requires use of -n flag");
    } else if (c->target_is_zero && c->backing) {
        error_report("Cannot use --target-is-zero when the destination image "
                     "has a backing file");
    } else if (c->target.image_opts && c->format_given) {
        error_report("--image-opts and --format are mutually exclusive");
    } else if (c->keep_target && c->options) {
        error_report("-o has no effect when skipping image creation");
    } else {
        return img_check_format(&c->open);
    }
    return false;
}

COROUTINE_ONLY CONTROL_ONLY static int print_options(const Convert *c,
                                                     const char *target)
{
    g_autofree char *options = g_strdup("help");
    /* As create does, with a file name or without. */
    char *argv[] = {(char *)"create",
                    (char *)"-f",
                    (char *)c->format,
                    (char *)"-o",
                    options,
                    (char *)target,
                    NULL};

    return co_img_create(target ? 6 : 5, argv);
}

COROUTINE_ONLY CONTROL_ONLY static int co_parse_arguments(Convert *c, int argc,
                                                          char **argv)
{
    int status = co_parse_options(c, argc, argv);

    if (status >= 0) {
        return status;
    }
    c->format_given = c->format != NULL;
    c->format = c->format ? c->format : "raw";
    if (img_words_ask_help(c->options)) {
        const char *target = optind < argc - 1 ? argv[argc - 1] : NULL;

        optind = 0;
        return print_options(c, target);
    }
    if (!check_words(c)) {
        return 1;
    }
    if (argc - optind < 2) {
        error_report("Must specify image file name");
        return 1;
    }
    c->n_sources = argc - optind - 1;
    c->names = argv + optind;
    c->target.filename = argv[argc - 1];
    return img_check_cache("source cache option", c->open.cache) ? -1 : 1;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_sources(Convert *c)
{
    unsigned i;

    c->sources = g_new0(Root *, c->n_sources);
    for (i = 0; i < c->n_sources; i++) {
        c->open.filename = c->names[i];
        c->open.keep_still = true;
        c->sources[i] = co_img_open_or_report(&c->open);
        if (!c->sources[i]) {
            return false;
        }
        c->total_bytes += root_size_bytes(c->sources[i]);
    }
    return true;
}

COROUTINE_ONLY
static bool co_load_snapshot(const Convert *c)
{
    if (!c->snapshot) {
        return true;
    }
    if (c->n_sources > 1) {
        error_report("No support for concatenating multiple snapshot");
        return false;
    }
    return co_img_load_snapshot(c->sources[0], c->snapshot);
}

#define WORKERS_DEFAULT 8
/* Between files, of which only one write at a time gets through, and which are
 * read faster than they are written. */
#define WORKERS_FILES 3

/* Whether its data lies in a file that goes by way of the page cache. */
static bool is_file(const Root *root)
{
    const Node *node = root_node(root);
    const Edge *file;

    while ((file = node_child(node, "file"))) {
        node = file->child;
    }
    return !strcmp(node->driver->name, "file") && !node->cache_direct;
}

static bool all_files(const Convert *c)
{
    bool all = is_file(c->root);

    for (unsigned i = 0; i < c->n_sources; i++) {
        all = all && is_file(c->sources[i]);
    }
    return all;
}

COROUTINE_ONLY
static bool co_copy(Convert *c)
{
    bool files = all_files(c) && !c->compress;
    ImgCopy copy;

    img_copy_init(&copy, c->sources, c->n_sources, c->root);
    copy.workers = c->workers ? c->workers
                   : files    ? WORKERS_FILES
                              : WORKERS_DEFAULT;
    /* What is not a format is the same in whatever order it was written; but
     * writers of a file would only wait for each other. */
    copy.in_order =
        !c->any_order && (files || root_node(c->root)->driver->format);
    copy.compressed = c->compress;
    copy.offload = c->offload;
    copy.salvage = c->salvage;
    copy.quiet = c->quiet;
    copy.target_is_zero = c->target_is_zero;
    copy.target_has_backing = c->target_has_backing;
    copy.target_backing_bytes = c->target_backing_bytes;
    copy.min_sparse_bytes = c->min_sparse_bytes;
    copy.write_flags = image_cache_writethrough(c->target.cache) ? REQ_FUA : 0;
    copy.progress = &c->shown;
    ratelimit_set_speed(&copy.rate, c->rate);
    return co_img_copy(&copy) == 0;
}

COROUTINE_ONLY CONTROL_ONLY static int co_convert(Convert *c)
{
    if (!co_open_sources(c) || !co_load_snapshot(c) ||
        !co_img_convert_target(c) || !co_copy(c)) {
        return 1;
    }
    return !img_convert_bitmaps(c);
}

int co_img_convert(int argc, char **argv)
{
    Convert convert = {.min_sparse_bytes = 4096};
    int status = co_parse_arguments(&convert, argc, argv);
    unsigned i;

    file_bulk_in_workers = true;
    convert.words = json_object_new_object();
    if (status < 0) {
        img_progress_begin(&convert.shown, convert.progress && !convert.quiet);
        status = co_convert(&convert);
        img_progress_end(&convert.shown, status == 0);
    }
    co_image_close(convert.root);
    for (i = 0; convert.sources && i < convert.n_sources; i++) {
        co_image_close(convert.sources[i]);
    }
    g_free(convert.sources);
    g_free(convert.options);
    json_object_put(convert.words);
    return status;
}
