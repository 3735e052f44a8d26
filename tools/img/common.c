/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sub-commands share: complaints, words, images, progress. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "block/graph/cache-mode.h"
#include "block/graph/filename.h"
#include "tools/img/img.h"
#include "text/size-text.h"

/* --- complaints ---------------------------------------------------------- */

int img_usage_error(const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_report("%s", text);
    fprintf(stderr, "Try '%s --help' for more information\n",
            error_program_name());
    return 1;
}

int img_option_error(int answer, char **argv)
{
    if (answer == ':') {
        return img_usage_error("missing argument for option '%s'",
                               argv[optind - 1]);
    }
    return img_usage_error("unrecognized option '%s'", argv[optind - 1]);
}

/* A size that could not be read; @what: "image size". */
static int img_size_error(const char *what)
{
    error_report("Invalid %s specified. You may use k, M, G, T, P or E "
                 "suffixes for",
                 what);
    error_report("kilobytes, megabytes, gigabytes, terabytes, petabytes and "
                 "exabytes.");
    return 1;
}

/* --- words of the command line ------------------------------------------- */

bool img_parse_output(const char *word, bool *json)
{
    *json = word && !strcmp(word, "json");
    if (word && !*json && strcmp(word, "human")) {
        error_report("--output must be used with human or json as argument.");
        return false;
    }
    return true;
}

bool img_check_format(const ImageOpen *open)
{
    if (open->format && open->image_opts) {
        error_report("--image-opts and --format are mutually exclusive");
        return false;
    }
    return true;
}

static bool out_of_range(const char *what, uint64_t min, uint64_t max)
{
    error_report("Invalid %s specified. Must be between %" PRIu64
                 " and %" PRIu64 ".",
                 what, min, max);
    return false;
}

bool img_parse_between(const char *what, const char *word, uint64_t min,
                       uint64_t max, uint64_t *value)
{
    switch (size_text_parse(word, value)) {
    case SIZE_OK:
        return (*value >= min && *value <= max) || out_of_range(what, min, max);
    case SIZE_TOO_LARGE:
        return out_of_range(what, min, max);
    case SIZE_INVALID:
        break;
    }
    return !img_size_error(what);
}

bool img_parse_size(const char *what, const char *word, uint64_t *bytes)
{
    return img_parse_between(what, word, 0, INT64_MAX, bytes);
}

bool img_parse_image_size(const char *word, uint64_t *bytes)
{
    return img_parse_size("image size", word, bytes);
}

bool img_check_cache(const char *what, const char *mode)
{
    if (mode && !cache_mode_find(mode)) {
        error_report("Invalid %s: %s", what, mode);
        return false;
    }
    return true;
}

/* --- images -------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Root *co_open(const ImageOpen *open,
                                                 Error **errp)
{
    Root *root = co_image_open(open, errp);

    if (!root) {
        error_prepend(errp, "Could not open '%s': ", open->filename);
    }
    return root;
}

Root *co_img_open_or_report(const ImageOpen *open)
{
    Error *err = NULL;
    Root *root;

    if (image_sharing_conflicts(open)) {
        error_report("--force-share/-U conflicts with image options");
        return NULL;
    }
    root = co_open(open, &err);
    if (!root) {
        error_report_err(err);
    }
    return root;
}

char *img_backing_path(const char *image, const char *backing)
{
    const char *colon = strchr(backing, ':'), *slash = strchr(backing, '/');
    g_autofree char *folder = NULL;

    if (backing[0] == '/' || (colon && (!slash || colon < slash)) ||
        !strchr(image, '/')) {
        return g_strdup(backing);
    }
    folder = g_strndup(image, strrchr(image, '/') + 1 - image);
    return g_strconcat(folder, backing, NULL);
}

char *img_path_behind(const Root *root, const char *image, const char *backing)
{
    const Edge *file = node_child(root_node(root), "file");
    const char *own = file ? node_plain_filename(file->child) : NULL;

    return img_backing_path(
        own && !g_str_has_prefix(own, "json:") ? own : image, backing);
}

/* --- progress ------------------------------------------------------------ */

#define PROGRESS_STEP 1.0 /* per cent */

static void print_progress(ImgProgress *progress, double percent)
{
    progress->last = percent;
    printf("    (%3.2f/100%%)\r", percent);
    fflush(stdout);
}

void img_progress_begin(ImgProgress *progress, bool shown)
{
    progress->shown = shown;
    if (shown) {
        print_progress(progress, 0);
    }
}

void img_progress(ImgProgress *progress, uint64_t done, uint64_t total)
{
    double percent = total ? 100.0 * done / total : 100.0;

    /* The end is always worth a line. */
    if (progress->shown &&
        (percent > progress->last + PROGRESS_STEP || percent >= 100)) {
        print_progress(progress, percent);
    }
}

void img_progress_jump(ImgProgress *progress, uint64_t done, uint64_t total)
{
    double percent = total ? 100.0 * done / total : 100.0;

    if (progress->shown && (done == 0 || done == total ||
                            percent > progress->last + PROGRESS_STEP ||
                            percent < progress->last - PROGRESS_STEP)) {
        print_progress(progress, percent);
    }
}

void img_progress_end(ImgProgress *progress, bool complete)
{
    if (progress->shown) {
        if (complete) {
            print_progress(progress, 100);
        }
        printf("\n");
        fflush(stdout);
    }
}
