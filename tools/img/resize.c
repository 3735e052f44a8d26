/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img resize`: makes an image larger or, if told twice, smaller. */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>

#include "block/file/root-resize.h"
#include "tools/img/args.h"
#include "text/size-text.h"

typedef struct Resize {
    ImageOpen open;
    const char *preallocation;
    bool quiet, shrink;
    char sign;          /* '+', '-', or 0 for an absolute size */
    const char *number; /* behind the sign */
    uint64_t bytes;
    Root *root;
} Resize;

/* The last word is the size: taken off before options are looked for, since
 * "-1G" looks like one. */
static bool take_size(Resize *resize, int *argc, char **argv)
{
    const char *word;

    if (*argc < 3) {
        img_usage_error("Not enough arguments");
        return false;
    }
    word = argv[--*argc];
    if (word[0] == '+' || word[0] == '-') {
        resize->sign = *word++;
    }
    resize->number = word;
    return true;
}

static bool parse_number(Resize *resize)
{
    SizeParse parsed = size_text_parse(resize->number, &resize->bytes);
    Error *err = NULL;

    if (parsed == SIZE_TOO_LARGE && !size_text_beyond_64_bits(resize->number)) {
        resize->bytes = UINT64_MAX; /* refused as a size */
        return true;
    }
    if (parsed != SIZE_OK) {
        size_text_refuse(parsed, "size", resize->number, &err);
        error_report_err(err);
        return false;
    }
    return true;
}

COROUTINE_ONLY
static int co_parse_arguments(Resize *resize, int argc, char **argv)
{
    FormatPreallocation ignored;
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&resize->open.image_opts),
        IMG_OPTION_FORMAT(&resize->open.format),
        {0, "preallocation", "MODE",
         "of new space: off, metadata, falloc, "
         "full",
         .word = &resize->preallocation},
        {0, "shrink", NULL, "it may become smaller: what is beyond is lost",
         .flag = &resize->shrink},
        IMG_OPTION_QUIET(&resize->quiet),
        {},
    };
    const ImgUsage usage = {"FILE [+|-]SIZE", "Change the size of an image.",
                            options,
                            "+SIZE makes it larger by so much, -SIZE "
                            "smaller.\n"};
    bool asks =
        argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"));
    int status;

    if (!asks && !take_size(resize, &argc, argv)) {
        return 1;
    }
    status = co_img_args(&usage, argc, argv);
    if (status >= 0) {
        return status;
    }
    if (!preallocation_parse(resize->preallocation, &ignored)) {
        error_report("Invalid preallocation mode '%s'", resize->preallocation);
        return 1;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting image file name and size");
    }
    resize->open.filename = argv[optind];
    return img_check_format(&resize->open) && parse_number(resize) ? -1 : 1;
}

/* The new size, or -1 if it is none. */
static int64_t new_size(const Resize *resize, uint64_t old)
{
    if (resize->bytes > INT64_MAX) {
        return -1;
    }
    switch (resize->sign) {
    case '+':
        return resize->bytes > INT64_MAX - old ? -1
                                               : (int64_t)(old + resize->bytes);
    case '-':
        return resize->bytes > old ? -1 : (int64_t)(old - resize->bytes);
    default:
        return resize->bytes;
    }
}

/* Whether the sizes are in order. */
static bool check(const Resize *resize, int64_t old, int64_t size,
                  FormatPreallocation preallocation)
{
    if (size <= 0) {
        error_report("New image size must be positive");
        return false;
    }
    if (size <= old && preallocation != FORMAT_PREALLOC_OFF) {
        error_report("Preallocation can only be used for growing images");
        return false;
    }
    if (size < old && !resize->shrink) {
        error_report("Use the --shrink option to perform a shrink operation.");
        warn_report("Shrinking an image will delete all data beyond the "
                    "shrunken image's end. Before performing such an "
                    "operation, make sure there is no important data there.");
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static int co_run(const Resize *resize)
{
    int64_t old = root_size_bytes(resize->root);
    int64_t size = new_size(resize, old);
    FormatPreallocation preallocation = FORMAT_PREALLOC_OFF;
    Error *err = NULL;

    preallocation_parse(resize->preallocation, &preallocation);
    if (!check(resize, old, size, preallocation)) {
        return 1;
    }
    if (co_root_resize(resize->root, size, true, preallocation, &err) < 0) {
        error_report_err(err);
        return 1;
    }
    if (!resize->quiet) {
        printf("Image resized.\n");
    }
    return 0;
}

int co_img_resize(int argc, char **argv)
{
    Resize resize = {.open = {.writable = true, .resize = true},
                     .preallocation = "off"};
    int status = co_parse_arguments(&resize, argc, argv);

    if (status >= 0) {
        return status;
    }
    resize.root = co_img_open_or_report(&resize.open);
    if (!resize.root) {
        return 1;
    }
    status = co_run(&resize);
    co_image_close(resize.root);
    return status;
}
