/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img commit`: writes what an image holds into the image behind it. Then the
 * image is emptied, where its format can, unless told otherwise.
 */
#include <getopt.h>
#include <stdio.h>

#include "block/graph/format.h"
#include "block/io/io.h"
#include "tools/img/args.h"
#include "tools/img/layers.h"
#include "util/ratelimit.h"

#define PIECE_BYTES (1 * MiB)

typedef struct Commit {
    ImageOpen open;
    const char *base_name;
    uint64_t rate;
    bool drop, progress, quiet;
    Layers layers;
    Root *base;
    RateLimit limit;
    ImgProgress shown;
} Commit;

COROUTINE_ONLY
static int co_parse_arguments(Commit *c, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&c->open.image_opts),
        IMG_OPTION_FORMAT(&c->open.format),
        IMG_OPTION_CACHE(&c->open.cache),
        {'b', NULL, "BASE",
         "into that image of the chain; FILE keeps its "
         "content",
         .word = &c->base_name},
        {'d', NULL, NULL, "FILE keeps its content", .flag = &c->drop},
        {'r', NULL, "RATE", "at most that many bytes a second",
         .take = img_take_rate, .opaque = &c->rate},
        IMG_OPTION_PROGRESS(&c->progress),
        IMG_OPTION_QUIET(&c->quiet),
        {},
    };
    const ImgUsage usage = {
        "FILE", "Write what an image holds into the image behind it.", options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    c->open.filename = argv[optind];
    c->open.writable = c->open.resize = true;
    return img_check_cache("cache option", c->open.cache) &&
                   img_check_format(&c->open)
               ? -1
               : 1;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_base(Commit *c)
{
    const Layer *base = layers_base(&c->layers);
    ImageOpen open = {
        .filename = base->filename,
        .format = base->format,
        .cache = c->open.cache,
        .unmap = true,
        .more = base->more,
    };
    Root *looked = co_layers_open_behind(c->open.filename, &open);
    Error *err = NULL;

    if (!looked) {
        return false;
    }
    co_image_close(looked);
    /* It is there: what is wrong now is that it cannot be written to. */
    open.writable = open.resize = true;
    c->base = co_image_open(&open, &err);
    if (err) {
        error_report_err(err);
    }
    return c->base != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_grow_base(Commit *c, uint64_t size)
{
    Error *err = NULL;
    bool ok = true;

    if (root_size_bytes(c->base) < size) {
        co_graph_lock();
        ok = co_root_truncate(c->base, size, false, &err) == 0;
        graph_unlock();
    }
    if (!ok) {
        error_report_err(err);
    }
    return ok;
}

COROUTINE_ONLY
static int co_copy_piece(Commit *c, Root *source, uint64_t at, uint64_t bytes,
                         void *buf)
{
    int ret = co_root_pread(source, at, bytes, buf);

    return ret < 0 ? ret : co_root_pwrite(c->base, at, bytes, buf, 0);
}

COROUTINE_ONLY
static int co_commit_area(Commit *c, uint64_t at, uint64_t *bytes, void *buf)
{
    int64_t delay_ns;
    LayerKind kind;
    Root *source = NULL;
    int ret = co_layers_status(&c->layers, at, bytes, &kind, &source);

    if (ret < 0 || kind == LAYER_BASE) {
        return ret;
    }
    if (kind == LAYER_ZERO) {
        return co_root_pwrite_zeroes(c->base, at, *bytes, REQ_MAY_UNMAP);
    }
    *bytes = MIN(*bytes, PIECE_BYTES);
    ret = co_copy_piece(c, source, at, *bytes, buf);
    delay_ns = ratelimit_delay_ns(&c->limit, reactor_now_ns(), *bytes);
    if (ret == 0 && delay_ns > 0) {
        co_sleep_ns(delay_ns);
    }
    return ret;
}

COROUTINE_ONLY
static bool co_copy(Commit *c, uint64_t size)
{
    void *buf = io_buffer_alloc(root_node(c->base), PIECE_BYTES);
    uint64_t at, bytes;
    int ret = buf ? 0 : -ENOMEM;

    for (at = 0; ret == 0 && at < size; at += bytes) {
        bytes = size - at;
        ret = co_commit_area(c, at, &bytes, buf);
        img_progress(&c->shown, at + bytes, size);
    }
    io_buffer_free(buf);
    /* Only what is safe may be given up above. */
    ret = ret < 0 ? ret : co_root_flush(c->base);
    if (ret < 0) {
        error_report("Could not commit image: %s", strerror(-ret));
    }
    return ret == 0;
}

static bool co_empty(Commit *c)
{
    Node *node = root_node(c->layers.layer[0].root);
    const FormatOps *format = node->driver->format;
    Error *err = NULL;

    if (c->drop || c->base_name || !format || !format->co_make_empty) {
        return true;
    }
    if (format->co_make_empty(node, &err) < 0) {
        error_prepend(&err, "Could not empty %s: ", c->open.filename);
        error_report_err(err);
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static int co_run(Commit *c)
{
    uint64_t size;
    bool ok;

    bool opened = co_layers_open(&c->layers, &c->open, c->base_name);

    /* QEMU shows it as soon as the image itself is open. */
    if (opened || (c->layers.n && c->layers.layer[0].root)) {
        img_progress_begin(&c->shown, c->progress && !c->quiet);
    }
    if (!opened || !co_open_base(c)) {
        return 1;
    }
    size = root_size_bytes(c->layers.layer[0].root);
    ratelimit_set_speed(&c->limit, c->rate);
    ok = co_grow_base(c, size) && co_copy(c, size) && co_empty(c);
    if (ok) {
        img_progress(&c->shown, 1, 1);
    }
    return !ok;
}

int co_img_commit(int argc, char **argv)
{
    Commit commit = {0};
    int status = co_parse_arguments(&commit, argc, argv);

    if (status >= 0) {
        return status;
    }
    status = co_run(&commit);
    img_progress_end(&commit.shown, false);
    if (!status && !commit.quiet) {
        printf("Image committed.\n");
    }
    co_image_close(commit.base);
    co_layers_close(&commit.layers);
    return status;
}
