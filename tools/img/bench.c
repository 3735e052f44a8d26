/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img bench`: sends many requests of one kind and tells how long it took. */
#include <getopt.h>
#include <stdio.h>

#include "block/io/io.h"
#include "block/graph/cache-mode.h"
#include "tools/img/args.h"
#include "tools/img/img.h"

#define DEPTH_MAX 4096

typedef struct Bench {
    ImageOpen open;
    uint64_t count, depth, pattern, flush_interval;
    uint64_t request_bytes, step_bytes, offset;
    bool has_step, quiet, write, native, no_drain;
    Root *root;
    void *buf;
    /* while it runs */
    uint64_t sent, at;
    unsigned in_flight; /* without flushes */
    bool flushing;
    CoQueue changed;
    CoCount running;
    int ret;
} Bench;

static bool parse_count(const char *what, const char *word, uint64_t max,
                        uint64_t *value)
{
    char *end;

    errno = 0;
    *value = g_ascii_strtoull(word, &end, 0);
    if (errno || end == word || *end || word[0] == '-' || *value > max) {
        error_report("Invalid %s specified", what);
        return false;
    }
    return true;
}

static int take_count(void *opaque, const char *word)
{
    Bench *b = opaque;

    return parse_count("request count", word, INT32_MAX, &b->count) ? -1 : 1;
}

static int take_depth(void *opaque, const char *word)
{
    Bench *b = opaque;

    return parse_count("queue depth", word, DEPTH_MAX, &b->depth) ? -1 : 1;
}

static int take_pattern(void *opaque, const char *word)
{
    Bench *b = opaque;

    return parse_count("pattern byte", word, 255, &b->pattern) ? -1 : 1;
}

static int take_flush(void *opaque, const char *word)
{
    Bench *b = opaque;

    return parse_count("flush interval", word, INT32_MAX, &b->flush_interval)
               ? -1
               : 1;
}

static int take_offset(void *opaque, const char *word)
{
    Bench *b = opaque;

    return img_parse_size("offset", word, &b->offset) ? -1 : 1;
}

static int take_size(void *opaque, const char *word)
{
    Bench *b = opaque;

    return img_parse_between("buffer size", word, 0, INT32_MAX,
                             &b->request_bytes)
               ? -1
               : 1;
}

static int take_step(void *opaque, const char *word)
{
    Bench *b = opaque;

    b->has_step = true;
    return img_parse_between("step_size", word, 0, INT32_MAX, &b->step_bytes)
               ? -1
               : 1;
}

static bool check(const Bench *b)
{
    static const char *const modes[] = {"native", "threads", "io_uring"};
    size_t i;

    if (!b->write && b->flush_interval) {
        error_report("--flush-interval is only available in write tests");
        return false;
    }
    if (b->flush_interval && b->flush_interval < b->depth) {
        error_report("Flush interval can't be smaller than depth");
        return false;
    }
    if (b->open.cache && !cache_mode_find(b->open.cache)) {
        error_report("Invalid cache mode");
        return false;
    }
    for (i = 0; b->open.aio && strcmp(b->open.aio, modes[i]);) {
        if (++i == ARRAY_SIZE(modes)) {
            error_report("Invalid aio option: %s", b->open.aio);
            return false;
        }
    }
    return img_check_format(&b->open);
}

COROUTINE_ONLY
static int co_parse_arguments(Bench *b, int argc, char **argv)
{
    const ImgOption options[] = {
        {'c', NULL, "COUNT", "requests in all (75000)", .take = take_count,
         .opaque = b},
        {'d', NULL, "DEPTH", "requests at a time (64)", .take = take_depth,
         .opaque = b},
        IMG_OPTION_FORMAT(&b->open.format),
        IMG_OPTION_IMAGE_OPTS(&b->open.image_opts),
        {0, "flush-interval", "N", "flush after every N requests",
         .take = take_flush, .opaque = b},
        {0, "no-drain", NULL, "do not wait for requests before a flush",
         .flag = &b->no_drain},
        {'i', "aio", "AIO", "threads, native or io_uring",
         .word = &b->open.aio},
        {'n', "native", NULL, "the same as -i native", .flag = &b->native},
        {'o', NULL, "OFFSET", "where the first request goes (0)",
         .take = take_offset, .opaque = b},
        {0, "pattern", "BYTE", "what is written (0)", .take = take_pattern,
         .opaque = b},
        IMG_OPTION_QUIET(&b->quiet),
        {'s', NULL, "BYTES", "size of a request (4096)", .take = take_size,
         .opaque = b},
        {'S', NULL, "BYTES", "from one request to the next (its size)",
         .take = take_step, .opaque = b},
        IMG_OPTION_CACHE(&b->open.cache),
        {'w', NULL, NULL, "write; else it reads", .flag = &b->write},
        IMG_OPTION_FORCE_SHARE(&b->open.force_share),
        {},
    };
    const ImgUsage usage = {
        "FILE", "Send many requests to an image and tell how long they take.",
        options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    b->open.filename = argv[optind];
    b->open.writable = b->write;
    if (b->native) {
        b->open.aio = "native";
    }
    if (!b->has_step) {
        b->step_bytes = b->request_bytes;
    }
    b->depth = MAX(b->depth, 1);
    return check(b) ? -1 : 1;
}

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_request(Bench *b, uint64_t at)
{
    if (!b->request_bytes) {
        return 0;
    }
    return b->write ? co_root_pwrite(
                          b->root, at, b->request_bytes, b->buf,
                          image_cache_writethrough(b->open.cache) ? REQ_FUA : 0)
                    : co_root_pread(b->root, at, b->request_bytes, b->buf);
}

/* After every so many requests; those that come later wait, unless told that
 * they need not. */
COROUTINE_ONLY
static void co_flush(Bench *b)
{
    int ret;

    b->flushing = !b->no_drain;
    while (!b->no_drain && b->in_flight) {
        co_queue_wait(&b->changed);
    }
    ret = co_root_flush(b->root);
    if (ret < 0 && b->ret == 0) {
        b->ret = ret;
    }
    b->flushing = false;
    coqueue_wake_all(&b->changed);
}

COROUTINE_ONLY
static void co_send(Bench *b)
{
    uint64_t number = ++b->sent;
    uint64_t at = b->at;
    uint64_t size = root_size_bytes(b->root);
    int ret;

    /* At the end it begins anew. */
    b->at += b->step_bytes;
    if (b->at > size - MIN(size, b->request_bytes)) {
        b->at = size ? b->at % size : 0;
        if (b->at > size - MIN(size, b->request_bytes)) {
            b->at = 0;
        }
    }
    b->in_flight++;
    ret = co_request(b, at);
    b->in_flight--;
    coqueue_wake_all(&b->changed);
    if (ret < 0 && b->ret == 0) {
        b->ret = ret;
    }
    if (b->flush_interval && number % b->flush_interval == 0 && b->ret == 0) {
        co_flush(b);
    }
}

COROUTINE_ONLY
static void co_worker(void *opaque)
{
    Bench *b = opaque;

    while (b->sent < b->count && b->ret == 0) {
        if (b->flushing) {
            co_queue_wait(&b->changed);
            continue;
        }
        co_send(b);
    }
    cocount_dec(&b->running);
}

COROUTINE_ONLY
static int co_run(Bench *b)
{
    int64_t start_ns;
    uint64_t i;

    b->at = b->offset;
    b->buf = io_buffer_alloc(root_node(b->root), MAX(b->request_bytes, 512));
    if (!b->buf) {
        error_report("Could not allocate a buffer: %s", strerror(ENOMEM));
        return 1;
    }
    memset(b->buf, b->pattern, MAX(b->request_bytes, 512));
    printf("Sending %" PRIu64 " %s requests, %" PRIu64 " bytes each, %" PRIu64
           " in parallel (starting at offset %" PRIu64 ", step size %" PRIu64
           ")\n",
           b->count, b->write ? "write" : "read", b->request_bytes, b->depth,
           b->offset, b->step_bytes);
    if (b->flush_interval) {
        printf("Sending flush every %" PRIu64 " requests\n", b->flush_interval);
    }
    fflush(stdout);
    start_ns = reactor_now_ns();
    for (i = 0; i < MIN(b->depth, b->count); i++) {
        cocount_inc(&b->running);
        coroutine_start(co_worker, b);
    }
    co_count_wait_zero(&b->running);
    io_buffer_free(b->buf);
    if (b->ret < 0) {
        error_report("Failed request: %s", strerror(-b->ret));
        return 1;
    }
    printf("Run completed in %3.3f seconds.\n",
           (reactor_now_ns() - start_ns) / 1e9);
    return 0;
}

int co_img_bench(int argc, char **argv)
{
    Bench bench = {.count = 75000, .depth = 64, .request_bytes = 4096};
    int status = co_parse_arguments(&bench, argc, argv);

    if (status >= 0) {
        return status;
    }
    coqueue_init(&bench.changed);
    cocount_init(&bench.running);
    bench.root = co_img_open_or_report(&bench.open);
    if (!bench.root) {
        return 1;
    }
    status = co_run(&bench);
    co_image_close(bench.root);
    return status;
}
