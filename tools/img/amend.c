/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img amend`: changes options of an image that is there. */
#include <getopt.h>
#include <stdio.h>

#include "tools/img/args.h"
#include "tools/img/img.h"
#include "tools/img/words.h"

typedef struct Amend {
    ImageOpen open;
    char *options;
    bool progress, quiet, force;
    ImgProgress shown;
    Root *root;
} Amend;

static int take_options(void *opaque, const char *word)
{
    return img_words_append(opaque, word) ? -1 : 1;
}

/* False, reported, if the format has no options that can be changed. */
static bool check_driver(const NodeDriver *driver)
{
    if (!driver->format || !driver->format->co_amend) {
        error_report("Format driver '%s' does not support option amendment",
                     driver->name);
        return false;
    }
    return true;
}

static const FormatOption *amend_options(const FormatOps *format)
{
    return format->amend_options ? format->amend_options
                                 : format->create_options;
}

static int print_options(const NodeDriver *driver)
{
    g_autofree char *title = NULL;

    if (!check_driver(driver)) {
        return 1;
    }
    title = g_strdup_printf("Amend options for '%s':", driver->name);
    img_words_help(amend_options(driver->format), title, true);
    return 0;
}

static int help_of_format(const char *format)
{
    const NodeDriver *driver = driver_find(format);

    if (!driver) {
        error_report("Unknown file format '%s'", format);
        return 1;
    }
    return print_options(driver);
}

COROUTINE_ONLY
static int co_parse_arguments(Amend *amend, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&amend->open.image_opts),
        IMG_OPTION_FORMAT(&amend->open.format),
        IMG_OPTION_CACHE(&amend->open.cache),
        {'o', NULL, "OPTIONS", "name=value,...; `-o help` lists them",
         .take = take_options, .opaque = &amend->options},
        {0, "force", NULL, "even if the data cannot be read afterwards",
         .flag = &amend->force},
        IMG_OPTION_PROGRESS(&amend->progress),
        IMG_OPTION_QUIET(&amend->quiet),
        {},
    };
    const ImgUsage usage = {"-o OPTIONS FILE", "Change options of an image.",
                            options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (!amend->options) {
        return img_usage_error("Must specify options (-o)");
    }
    if (amend->open.format && img_words_ask_help(amend->options)) {
        return help_of_format(amend->open.format);
    }
    if (optind != argc - 1) {
        error_report("Expecting one image file name");
        return 1;
    }
    amend->open.filename = argv[optind];
    amend->open.writable = amend->open.resize = true;
    return img_check_cache("cache option", amend->open.cache) &&
                   img_check_format(&amend->open)
               ? -1
               : 1;
}

/* The words, which may name options that can be changed only. */
static bool parse_words(const char *text, const FormatOps *format,
                        json_object *words, Error **errp)
{
    g_autoptr(GArray) amendable = g_array_new(true, true, sizeof(FormatOption));
    json_object *others;

    for (const FormatOption *option = amend_options(format); option->name;
         option++) {
        if (option->amendable) {
            g_array_append_vals(amendable, option, 1);
        }
    }
    if (img_words_parse(text, (const FormatOption *)(void *)amendable->data,
                        words, errp)) {
        return true;
    }
    others = json_object_new_object();
    if (img_words_parse(text, format->create_options, others, NULL)) {
        error_append_hint(errp,
                          "This option is only supported for image creation\n");
    }
    json_object_put(others);
    return false;
}

static void show_progress(void *opaque, uint64_t done, uint64_t total)
{
    Amend *amend = opaque;

    img_progress_jump(&amend->shown, done, total);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_amend(Amend *amend, json_object *words, Error **errp)
{
    Node *node = root_node(amend->root);
    const FormatOps *format = node->driver->format;
    bool ok;

    if (!parse_words(amend->options, format, words, errp)) {
        return false;
    }
    img_progress_begin(&amend->shown, amend->progress && !amend->quiet);
    co_graph_lock();
    ok =
        format->co_amend(node, words, amend->force, show_progress, amend, errp);
    graph_unlock();
    img_progress_jump(&amend->shown, 1, 1);
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static int co_run(Amend *amend)
{
    const NodeDriver *driver = root_node(amend->root)->driver;
    json_object *words;
    Error *err = NULL;

    if (img_words_ask_help(amend->options)) {
        return print_options(driver);
    }
    if (!check_driver(driver)) {
        return 1;
    }
    words = json_object_new_object();
    co_amend(amend, words, &err);
    json_object_put(words);
    if (err) {
        error_report_err(err);
        return 1;
    }
    return 0;
}

int co_img_amend(int argc, char **argv)
{
    Amend amend = {0};
    int status = co_parse_arguments(&amend, argc, argv);

    if (status < 0) {
        amend.shown.shown = amend.progress && !amend.quiet;
        amend.root = co_img_open_or_report(&amend.open);
        status = amend.root ? co_run(&amend) : 1;
        img_progress_end(&amend.shown, false);
        co_image_close(amend.root);
    }
    g_free(amend.options);
    return status;
}
