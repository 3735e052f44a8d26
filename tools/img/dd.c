/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img dd`: a part of an image as a new image, in the words of dd. */
#include <getopt.h>
#include <stdio.h>

#include "block/io/io.h"
#include "tools/img/args.h"
#include "tools/img/img.h"
#include "tools/img/make.h"

#define CHUNK_BYTES (1 * MiB)

typedef struct Dd {
    ImageOpen open, target;
    const char *format;
    uint64_t block_bytes, count, skip; /* the latter in blocks */
    Root *in, *out;
} Dd;

static bool take_operand(Dd *dd, const char *word)
{
    const char *equals = strchr(word, '=');
    g_autofree char *name =
        equals ? g_strndup(word, equals - word) : g_strdup(word);
    const char *value = equals ? equals + 1 : NULL;

    if (value && !strcmp(name, "if")) {
        dd->open.filename = value;
    } else if (value && !strcmp(name, "of")) {
        dd->target.filename = value;
    } else if (value && !strcmp(name, "bs")) {
        return img_parse_between("bs", value, 1, INT32_MAX, &dd->block_bytes);
    } else if (value && !strcmp(name, "count")) {
        return img_parse_size("count", value, &dd->count);
    } else if (value && !strcmp(name, "skip")) {
        return img_parse_size("skip", value, &dd->skip);
    } else {
        error_report("unrecognized operand %s", name);
        return false;
    }
    return true;
}

COROUTINE_ONLY
static int co_parse_arguments(Dd *dd, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&dd->open.image_opts),
        IMG_OPTION_FORMAT(&dd->open.format),
        {'O', NULL, "FMT", "format of the new image; raw if not given",
         .word = &dd->format},
        IMG_OPTION_FORCE_SHARE(&dd->open.force_share),
        {},
    };
    const ImgUsage usage = {"if=FILE of=FILE [bs=BYTES] [count=N] [skip=N]",
                            "Copy a part of an image to a new one.", options,
                            "  bs=BYTES      size of a block (512)\n"
                            "  count=N       copy so many blocks only\n"
                            "  skip=N        leave out the first N blocks\n"};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    for (int i = optind; i < argc; i++) {
        if (!take_operand(dd, argv[i])) {
            return 1;
        }
    }
    if (!dd->open.filename || !dd->target.filename) {
        error_report("Must specify both input and output files");
        return 1;
    }
    return img_check_format(&dd->open) ? -1 : 1;
}

/* What is copied: [*@from, *@end) of the input. QEMU counts from the beginning
 * of the image, not from what is skipped; false: that is more than there is,
 * or than is counted. */
static bool find_range(const Dd *dd, uint64_t *from, uint64_t *end)
{
    *end = root_size_bytes(dd->in);
    if (dd->count <= *end / dd->block_bytes) {
        *end = dd->count * dd->block_bytes;
    }
    if (dd->skip > *end / dd->block_bytes) {
        *from = *end;
        return false;
    }
    *from = dd->skip * dd->block_bytes;
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_make_target(Dd *dd, uint64_t size)
{
    Error *err = NULL;
    const NodeDriver *driver = img_make_driver(dd->format, &err);
    ImgTarget target;
    json_object *words;

    if (!driver || !img_target_find(&target, dd->target.filename, &err)) {
        error_report_err(err);
        return false;
    }
    words = json_object_new_object();
    img_word_set_size(words, "size", size);
    if (!co_img_make(driver, &target, dd->target.filename, words, &err)) {
        error_prepend(&err, "%s: error while creating output image: ",
                      dd->target.filename);
        error_report_err(err);
    } else {
        dd->target.format = dd->format;
        dd->target.writable = true;
        dd->out = co_img_open_or_report(&dd->target);
    }
    img_target_clear(&target);
    json_object_put(words);
    return dd->out != NULL;
}

COROUTINE_ONLY
static int co_copy(const Dd *dd, uint64_t from, uint64_t end)
{
    void *buf = io_buffer_alloc(root_node(dd->out), CHUNK_BYTES);
    uint64_t at, bytes;
    int ret = buf ? 0 : -ENOMEM;

    for (at = from; ret == 0 && at < end; at += bytes) {
        bytes = MIN(CHUNK_BYTES, end - at);
        ret = co_root_pread(dd->in, at, bytes, buf);
        if (ret < 0) {
            error_report("error while reading from input image file: %s",
                         strerror(-ret));
            break;
        }
        ret = co_root_pwrite(dd->out, at - from, bytes, buf, 0);
        if (ret < 0) {
            error_report("error while writing to output image file: %s",
                         strerror(-ret));
        }
    }
    io_buffer_free(buf);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int co_run(Dd *dd)
{
    Error *err = NULL;
    uint64_t from, end;
    bool found;

    if (!driver_find(dd->format)) {
        error_report("Unknown file format");
        return 1;
    }
    if (!img_make_driver(dd->format, &err)) {
        error_report_err(err);
        return 1;
    }
    found = find_range(dd, &from, &end);
    if (!co_make_target(dd, end - from)) {
        return 1;
    }
    if (!found) {
        error_report("%s: cannot skip to specified offset", dd->open.filename);
    }
    return co_copy(dd, from, end) < 0;
}

int co_img_dd(int argc, char **argv)
{
    Dd dd = {.format = "raw", .block_bytes = 512, .count = UINT64_MAX};
    int status = co_parse_arguments(&dd, argc, argv);

    if (status >= 0) {
        return status;
    }
    dd.in = co_img_open_or_report(&dd.open);
    status = dd.in ? co_run(&dd) : 1;
    co_image_close(dd.out);
    co_image_close(dd.in);
    return status;
}
