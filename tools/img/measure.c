/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img measure`: what an image would take on its storage. */
#include <getopt.h>
#include <stdio.h>

#include "tools/img/args.h"
#include "tools/img/img.h"
#include "tools/img/make.h"
#include "util/json/json-print.h"

#define NO_MEASURE "Block driver '%s' does not support size measurement"

typedef struct Measure {
    ImageOpen open;
    const char *format, *snapshot;
    char *options;
    const char *size_word, *output;
    bool json;
    uint64_t size_bytes;
} Measure;

static int take_options(void *opaque, const char *word)
{
    return img_words_append(opaque, word) ? -1 : 1;
}

static bool check_words(Measure *m, int names)
{
    if (!img_parse_output(m->output, &m->json)) {
        return false;
    }
    if (names > 1) {
        error_report("At most one filename argument is allowed.");
    } else if (!names &&
               (m->open.image_opts || m->open.format || m->snapshot)) {
        error_report("--image-opts, -f, and -l require a filename argument.");
    } else if (!names && !m->size_word) {
        error_report("Either --size N or one filename must be specified.");
    } else if (names && m->size_word) {
        error_report("--size N cannot be used together with a filename.");
    } else {
        return true;
    }
    return false;
}

static int take_size(void *opaque, const char *word)
{
    Measure *m = opaque;

    m->size_word = word;
    return img_parse_image_size(word, &m->size_bytes) ? -1 : 1;
}

COROUTINE_ONLY
static int co_parse_arguments(Measure *m, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&m->open.image_opts),
        IMG_OPTION_FORMAT(&m->open.format),
        IMG_OPTION_FORCE_SHARE(&m->open.force_share),
        {'l', NULL, "SNAPSHOT", "of that snapshot of the image",
         .word = &m->snapshot},
        {0, "size", "SIZE", "of an empty image that is as large",
         .take = take_size, .opaque = m},
        {'O', NULL, "FMT", "format it would have; raw if not given",
         .word = &m->format},
        {'o', NULL, "OPTIONS", "name=value,...: options it would have",
         .take = take_options, .opaque = &m->options},
        IMG_OPTION_OUTPUT(&m->output),
        {},
    };
    const ImgUsage usage = {
        "[FILE]", "Tell what an image would take on its storage.", options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (!check_words(m, argc - optind)) {
        return 1;
    }
    m->open.filename = argv[optind]; /* or NULL */
    return img_check_format(&m->open) ? -1 : 1;
}

static void print(const Measure *m, const FormatMeasure *measure)
{
    json_object *object;
    GString *text;

    if (!m->json) {
        printf("required size: %" PRIu64 "\nfully allocated size: %" PRIu64
               "\n",
               measure->required_bytes, measure->fully_allocated_bytes);
        if (measure->has_bitmaps) {
            printf("bitmaps size: %" PRIu64 "\n", measure->bitmaps_bytes);
        }
        return;
    }
    object = json_object_new_object();
    json_object_object_add(object, "required",
                           json_object_new_int64(measure->required_bytes));
    json_object_object_add(
        object, "fully-allocated",
        json_object_new_int64(measure->fully_allocated_bytes));
    if (measure->has_bitmaps) {
        json_object_object_add(object, "bitmaps",
                               json_object_new_int64(measure->bitmaps_bytes));
    }
    text = json_print(object, true);
    puts(text->str);
    g_string_free(text, true);
    json_object_put(object);
}

static bool co_measure(const Measure *m, Root *root, json_object *words)
{
    Error *err = NULL;
    const NodeDriver *driver = img_make_driver(m->format, &err);
    FormatMeasure measure = {0};
    uint64_t size = root ? root_size_bytes(root) : m->size_bytes;

    if (driver && m->options &&
        !img_words_parse(m->options, img_create_table(driver, false), words,
                         &err)) {
        error_report_err(err);
        error_report("Invalid options for file format '%s'", m->format);
        return false;
    }
    if (driver) {
        img_word_set_size(words, "size", size);
    }
    if (driver && !driver->format && strcmp(driver->name, "raw")) {
        error_set(&err, NO_MEASURE, m->format);
    } else if (driver && !driver->format) {
        size = ROUND_UP(size, 512);
        measure = (FormatMeasure){size, size};
    } else if (driver && !driver->format->co_measure) {
        error_set(&err, NO_MEASURE, m->format);
    } else if (driver) {
        driver->format->co_measure(words, root ? root_node(root) : NULL,
                                   &measure, &err);
    }
    if (err) {
        error_report_err(err);
        return false;
    }
    print(m, &measure);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_source(const Measure *m,
                                                       Root **root)
{
    *root = NULL;
    if (!m->open.filename) {
        return true;
    }
    *root = co_img_open_or_report(&m->open);
    if (*root && m->snapshot && !co_img_load_snapshot(*root, m->snapshot)) {
        co_image_close(*root);
        *root = NULL;
    }
    return *root != NULL;
}

int co_img_measure(int argc, char **argv)
{
    Measure measure = {.format = "raw"};
    int status = co_parse_arguments(&measure, argc, argv);
    json_object *words = json_object_new_object();
    Root *root;

    if (status < 0) {
        status = 1;
        if (co_open_source(&measure, &root)) {
            status = !co_measure(&measure, root, words);
            co_image_close(root);
        }
    }
    json_object_put(words);
    g_free(measure.options);
    return status;
}
