/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img create`: makes an image. Nothing is written before all options are
 * understood.
 */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/img/args.h"
#include "tools/img/make.h"

typedef struct Create {
    const char *format, *filename, *size_word;
    const char *backing, *backing_format;
    char *options; /* all -o, joined */
    bool quiet, unchecked;
    const NodeDriver *driver;
    ImgTarget target;
    const FormatOption *table;
    json_object *words;
} Create;

static int take_options(void *opaque, const char *word)
{
    return img_words_append(opaque, word) ? -1 : 1;
}

/* The command line into @create; -1 to go on, else the exit status. */
COROUTINE_ONLY
static int co_parse_arguments(Create *create, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        {'f', NULL, "FMT", "format to make; raw if not given",
         .word = &create->format},
        {'b', NULL, "FILE", "the backing image", .word = &create->backing},
        {'F', NULL, "FMT", "format of the backing image",
         .word = &create->backing_format},
        {'u', NULL, NULL, "do not open the backing image; SIZE is needed then",
         .flag = &create->unchecked},
        {'o', NULL, "OPTIONS", "name=value,...; `-o help` lists them",
         .take = take_options, .opaque = &create->options},
        IMG_OPTION_QUIET(&create->quiet),
        {},
    };
    const ImgUsage usage = {
        "FILE [SIZE]", "Make an image.", options,
        "SIZE is in bytes, or with a suffix k, M, G, T, P or E. Without it the "
        "image is\nas large as its backing image.\n"};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    create->filename = optind < argc ? argv[optind++] : NULL;
    if (!create->filename && !img_words_ask_help(create->options)) {
        return img_usage_error("Expecting image file name");
    }
    create->size_word = optind < argc ? argv[optind++] : NULL;
    if (optind < argc) {
        return img_usage_error("Unexpected argument: %s", argv[optind]);
    }
    return -1;
}

static int print_options(Create *create)
{
    Error *err = NULL;
    const NodeDriver *driver = img_make_driver(create->format, &err);
    g_autofree char *title = NULL;

    if (!driver ||
        (create->filename &&
         !img_target_find(&create->target, create->filename, &err))) {
        error_report_err(err);
        return 1;
    }
    if (create->filename) {
        img_words_help(img_make_table(driver, &create->target),
                       "Supported options:", false);
        return 0;
    }
    title = g_strdup_printf("Supported %s options:", create->format);
    img_words_help(img_format_table(driver), title, false);
    printf("\nThe protocol level may support further options.\n"
           "Specify the target filename to include those options.\n");
    return 0;
}

/* --- the backing image --------------------------------------------------- */

/* Opens it, to see that it is there and how large it is. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_look_at_backing(Create *create, const char *backing, Error **errp)
{
    g_autofree char *path = img_backing_path(create->filename, backing);
    const char *format = img_word(create->words, "backing_fmt");
    ImageOpen open = {.filename = path, .format = format};
    const char *found;
    uint64_t size_bytes;

    if (!co_image_look(&open, &found, &size_bytes, errp)) {
        error_append_hint(errp, "Could not open backing image.\n");
        return false;
    }
    if (!format) {
        error_set(errp, "Backing file specified without backing format");
        error_append_hint(errp, "Detected format of %s.", found);
    } else if (!img_word(create->words, "size")) {
        img_word_set_size(create->words, "size", size_bytes);
    }
    return format != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_check_backing(Create *create,
                                                         Error **errp)
{
    const char *backing = img_word(create->words, "backing_file");

    if (!backing) {
        return true;
    }
    if (!backing[0]) {
        error_set(errp, "Expected backing file name, got empty string");
        return false;
    }
    assert(create->filename); /* without one there is help, and no image */
    if (!strcmp(backing, create->filename)) {
        error_set(errp, "Error: Trying to create an image with the same "
                        "filename as the backing file");
        return false;
    }
    if (!create->unchecked) {
        return co_look_at_backing(create, backing, errp);
    }
    if (!img_word(create->words, "backing_fmt")) {
        error_set(errp, "Backing file specified without backing format");
        return false;
    }
    return true;
}

/* --- the rest ------------------------------------------------------------ */

/* Everything the words say, checked. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_understand(Create *create, const uint64_t *size_bytes, Error **errp)
{
    create->driver = img_make_driver(create->format, errp);
    if (!create->driver ||
        !img_target_find(&create->target, create->filename, errp)) {
        return false;
    }
    create->table = img_make_table(create->driver, &create->target);
    if (create->options &&
        !img_words_parse(create->options, create->table, create->words, errp)) {
        return false;
    }
    if (size_bytes) {
        if (img_word(create->words, "size")) {
            error_set(errp, "The image size must be specified only once");
            return false;
        }
        img_word_set_size(create->words, "size", *size_bytes);
    }
    if (!img_words_add_backing(create->words, create->table, create->backing,
                               create->backing_format, create->format, errp) ||
        !co_check_backing(create, errp)) {
        return false;
    }
    if (!img_word(create->words, "size")) {
        error_set(errp, "Image creation needs a size parameter");
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_create(Create *create, const uint64_t *size_bytes, Error **errp)
{
    if (!co_understand(create, size_bytes, errp)) {
        return false;
    }
    if (!create->quiet) {
        format_announce(create->words, create->table, create->filename,
                        create->format);
    }
    return co_img_make(create->driver, &create->target, create->filename,
                       create->words, errp);
}

int co_img_create(int argc, char **argv)
{
    Create create = {.format = "raw"};
    int status = co_parse_arguments(&create, argc, argv);
    Error *err = NULL;
    uint64_t size_bytes;

    if (status < 0 && img_words_ask_help(create.options)) {
        status = print_options(&create);
    } else if (status < 0 && create.size_word &&
               !img_parse_image_size(create.size_word, &size_bytes)) {
        status = 1;
    } else if (status < 0) {
        create.words = json_object_new_object();
        status =
            !co_create(&create, create.size_word ? &size_bytes : NULL, &err);
        json_object_put(create.words);
    }
    if (err) {
        error_prepend(&err, "%s: ", create.filename);
        error_report_err(err);
    }
    img_target_clear(&create.target);
    g_free(create.options);
    return status;
}
