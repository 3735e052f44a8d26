/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img check`: whether an image's own tables are in order, and their repair.
 * Exit status: 0 in order, 1 it could not be checked, 2 errors, 3 leaks only,
 * 63 the format knows no checks.
 */
#include <getopt.h>
#include <stdio.h>

#include "block/graph/format.h"
#include "tools/img/args.h"
#include "tools/img/img.h"
#include "util/json/json-print.h"

enum {
    IN_ORDER = 0,
    FAILED = 1,
    CORRUPT = 2,
    LEAKS = 3,
    NOT_SUPPORTED = 63,
};

typedef struct Check {
    ImageOpen open;
    const char *output;
    bool json, quiet;
    unsigned fix;
    Root *root;
} Check;

static int take_repair(void *opaque, const char *word)
{
    unsigned *fix = opaque;

    if (!strcmp(word, "leaks")) {
        *fix = CHECK_FIX_LEAKS;
    } else if (!strcmp(word, "all")) {
        *fix = CHECK_FIX_LEAKS | CHECK_FIX_ERRORS;
    } else {
        return img_usage_error("Unknown option value for -r "
                               "(expecting 'leaks' or 'all'): %s",
                               word);
    }
    return -1;
}

COROUTINE_ONLY
static int co_parse_arguments(Check *check, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&check->open.image_opts),
        IMG_OPTION_FORMAT(&check->open.format),
        IMG_OPTION_SOURCE_CACHE(&check->open.cache),
        {'r', "repair", "leaks|all", "repair what is wrong",
         .take = take_repair, .opaque = &check->fix},
        IMG_OPTION_OUTPUT(&check->output),
        IMG_OPTION_QUIET(&check->quiet),
        IMG_OPTION_FORCE_SHARE(&check->open.force_share),
        {},
    };
    const ImgUsage usage = {
        "FILE", "Check whether an image is in order.", options,
        "Exit status: 0 in order, 1 the check failed, 2 errors, 3 leaks only, "
        "63 the\nformat knows no checks.\n"};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    check->open.filename = argv[optind];
    check->open.writable = check->open.resize = check->fix;
    return img_parse_output(check->output, &check->json) &&
                   img_check_cache("source cache option", check->open.cache) &&
                   img_check_format(&check->open)
               ? -1
               : FAILED;
}

/* --- what is printed ----------------------------------------------------- */

static void add_count(json_object *object, const char *name, uint64_t count)
{
    if (count) {
        json_object_object_add(object, name, json_object_new_int64(count));
    }
}

static void print_json(const Check *check, const FormatCheck *result)
{
    json_object *object = json_object_new_object();
    GString *text;

    json_object_object_add(object, "filename",
                           json_object_new_string(check->open.filename));
    json_object_object_add(
        object, "format",
        json_object_new_string(root_node(check->root)->driver->name));
    json_object_object_add(object, "check-errors",
                           json_object_new_int64(result->check_errors));
    add_count(object, "image-end-offset", result->image_end_bytes);
    add_count(object, "corruptions", result->corruptions);
    add_count(object, "leaks", result->leaks);
    add_count(object, "corruptions-fixed", result->corruptions_fixed);
    add_count(object, "leaks-fixed", result->leaks_fixed);
    add_count(object, "total-clusters", result->total_clusters);
    add_count(object, "allocated-clusters", result->allocated_clusters);
    add_count(object, "fragmented-clusters", result->fragmented_clusters);
    add_count(object, "compressed-clusters", result->compressed_clusters);
    text = json_print(object, true);
    puts(text->str);
    g_string_free(text, true);
    json_object_put(object);
}

static void print_findings(const FormatCheck *r)
{
    if (!r->corruptions && !r->leaks && !r->check_errors) {
        printf("No errors were found on the image.\n");
        return;
    }
    if (r->corruptions) {
        printf("\n%" PRIu64 " errors were found on the image.\n"
               "Data may be corrupted, or further writes to the image may "
               "corrupt it.\n",
               r->corruptions);
    }
    if (r->leaks) {
        printf("\n%" PRIu64 " leaked clusters were found on the image.\n"
               "This means waste of disk space, but no harm to data.\n",
               r->leaks);
    }
    if (r->check_errors) {
        printf("\n%" PRIu64 " internal errors have occurred during the "
               "check.\n",
               r->check_errors);
    }
}

static double per_cent(uint64_t part, uint64_t of)
{
    return of ? part * 100.0 / of : 0;
}

static void print_human(const FormatCheck *r)
{
    print_findings(r);
    if (r->total_clusters && r->allocated_clusters) {
        printf("%" PRIu64 "/%" PRIu64 " = %0.2f%% allocated, %0.2f%% "
               "fragmented, %0.2f%% compressed clusters\n",
               r->allocated_clusters, r->total_clusters,
               per_cent(r->allocated_clusters, r->total_clusters),
               per_cent(r->fragmented_clusters, r->allocated_clusters),
               per_cent(r->compressed_clusters, r->allocated_clusters));
    }
    if (r->image_end_bytes) {
        printf("Image end offset: %" PRIu64 "\n", r->image_end_bytes);
    }
}

/* --- the check ----------------------------------------------------------- */

/* Findings are told with -q, too; in a pipe they come before the rest. */
static void print_message(void *opaque, const char *text)
{
    fprintf(stderr, "%s\n", text);
}

static int co_check_once(Check *check, unsigned fix, FormatCheck *result)
{
    Node *node = root_node(check->root);
    Error *err = NULL;
    int ret;

    *result = (FormatCheck){.message = print_message, .fix = fix};
    ret = node->driver->format->co_check(node, result, &err);
    if (ret < 0) {
        if (err) {
            error_prepend(&err, "Check failed: ");
            error_report_err(err);
        } else {
            error_report("Check failed: %s", strerror(-ret));
        }
    }
    return ret;
}

/* After a repair another look tells what is left. */
static int co_check_again(Check *check, FormatCheck *result)
{
    uint64_t leaks = result->leaks_fixed;
    uint64_t corruptions = result->corruptions_fixed;
    int ret;

    if (!check->json && !check->quiet) {
        printf("%s\n\n"
               "    %" PRIu64 " leaked clusters\n    %" PRIu64
               " corruptions\n\n"
               "Double checking the fixed image now...\n",
               "The following inconsistencies were found and repaired:", leaks,
               corruptions);
    }
    ret = co_check_once(check, 0, result);
    result->leaks_fixed = leaks;
    result->corruptions_fixed = corruptions;
    return ret;
}

static int co_run(Check *check)
{
    Node *node = root_node(check->root);
    FormatCheck result;

    if (!node->driver->format || !node->driver->format->co_check) {
        error_report("This image format does not support checks");
        return NOT_SUPPORTED;
    }
    if (co_check_once(check, check->fix, &result) < 0) {
        return FAILED;
    }
    if ((result.leaks_fixed || result.corruptions_fixed) &&
        co_check_again(check, &result) < 0) {
        return FAILED;
    }
    if (result.check_errors) {
        error_report("Check failed");
    }
    if (check->json && !check->quiet) {
        print_json(check, &result);
    } else if (!check->quiet) {
        print_human(&result);
    }
    return result.check_errors  ? FAILED
           : result.corruptions ? CORRUPT
           : result.leaks       ? LEAKS
                                : IN_ORDER;
}

int co_img_check(int argc, char **argv)
{
    Check check = {0};
    int status = co_parse_arguments(&check, argc, argv);

    if (status >= 0) {
        return status;
    }
    format_opening_for_repair = true;
    check.root = co_img_open_or_report(&check.open);
    if (!check.root) {
        return FAILED;
    }
    status = co_run(&check);
    co_image_close(check.root);
    return status;
}
