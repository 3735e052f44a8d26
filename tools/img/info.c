/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img info`: what an image is, for people or as JSON. */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>

#include "block/graph/query.h"
#include "qapi/qapi-types.h"
#include "text/image-text.h"
#include "tools/img/args.h"
#include "util/json/json-print.h"

typedef struct Info {
    ImageOpen open;
    bool json, chain;
} Info;

/* --- collecting ---------------------------------------------------------- */

#define CHAIN_MAX 1024

/* What is known of one image, of what is behind it only what it says itself;
 * NULL, reported, if it cannot be opened. */
COROUTINE_ONLY CONTROL_ONLY static ImageInfo *co_query(const ImageOpen *open)
{
    Root *root = co_img_open_or_report(open);
    ImageInfo *info;

    if (!root) {
        return NULL;
    }
    info = co_node_query_image(root_node(root), QUERY_ALONE);
    co_image_close(root);
    return info;
}

/* The images from the given one on; false, reported, if one is missing or
 * comes twice. */
COROUTINE_ONLY CONTROL_ONLY static bool co_collect(const Info *info,
                                                   GPtrArray *images)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ImageOpen open = info->open;
    ImageInfo *image;

    do {
        if (!g_hash_table_add(seen, g_strdup(open.filename))) {
            error_report("Backing file '%s' creates an infinite loop.",
                         open.filename);
            return false;
        }
        image = co_query(&open);
        if (!image) {
            return false;
        }
        g_ptr_array_add(images, image);
        open.filename = image->full_backing_filename
                            ? image->full_backing_filename
                            : image->backing_filename;
        open.format = image->backing_filename_format;
        open.image_opts = false;
    } while (info->chain && open.filename && images->len < CHAIN_MAX);
    return true;
}

/* --- printing ------------------------------------------------------------ */

static void print_json(const Info *info, const GPtrArray *images)
{
    json_object *all = json_object_new_array();
    GString *text;

    for (guint i = 0; i < images->len; i++) {
        json_object_array_add(all, ImageInfo_to_json(images->pdata[i]));
    }
    text =
        json_print(info->chain ? all : json_object_array_get_idx(all, 0), true);
    puts(text->str);
    g_string_free(text, true);
    json_object_put(all);
}

static void print_human(const GPtrArray *images)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < images->len; i++) {
        if (i) {
            g_string_append_c(text, '\n');
        }
        image_text(text, images->pdata[i]);
    }
    fputs(text->str, stdout);
}

static void free_info(gpointer info)
{
    ImageInfo_free(info);
}

COROUTINE_ONLY
static int co_parse_arguments(Info *info, int argc, char **argv)
{
    const char *output = NULL;
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&info->open.image_opts),
        IMG_OPTION_FORMAT(&info->open.format),
        IMG_OPTION_FORCE_SHARE(&info->open.force_share),
        IMG_OPTION_OUTPUT(&output),
        {0, "backing-chain", NULL, "and the images behind it",
         .flag = &info->chain},
        {},
    };
    const ImgUsage usage = {"FILE", "Tell what an image is.", options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    info->open.filename = argv[optind];
    return img_parse_output(output, &info->json) &&
                   img_check_format(&info->open)
               ? -1
               : 1;
}

int co_img_info(int argc, char **argv)
{
    g_autoptr(GPtrArray) images = g_ptr_array_new_with_free_func(free_info);
    Info info = {.open = {.look_only = true, .no_backing = true}};
    int status = co_parse_arguments(&info, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (!co_collect(&info, images)) {
        return 1;
    }
    if (info.json) {
        print_json(&info, images);
    } else {
        print_human(images);
    }
    return 0;
}
