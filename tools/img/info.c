/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img info`: what an image is, for people or as JSON. */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>

#include "block/graph/query.h"
#include "qapi/qapi-types.h"
#include "tools/img/args.h"
#include "tools/size-text.h"
#include "util/json/json-print.h"

typedef struct Info {
    ImageOpen open;
    bool json, chain;
} Info;

static void print_human(const ImageInfo *info)
{
    g_autofree char *size = size_text_short(info->virtual_size);

    printf("image: %s\n"
           "file format: %s\n"
           "virtual size: %s (%" PRId64 " bytes)\n",
           info->filename, info->format, size, info->virtual_size);
    if (info->has_actual_size) {
        g_autofree char *disk = size_text_short(info->actual_size);

        printf("disk size: %s\n", disk);
    } else {
        printf("disk size: unavailable\n");
    }
}

/* @chain: as an array of all images behind each other; raw has one. */
static void print_json(const ImageInfo *info, bool chain)
{
    json_object *value = ImageInfo_to_json(info);
    GString *text;

    if (chain) {
        json_object *array = json_object_new_array();

        json_object_array_add(array, value);
        value = array;
    }
    text = json_print(value, true);
    puts(text->str);
    g_string_free(text, true);
    json_object_put(value);
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
    Info info = {0};
    int status = co_parse_arguments(&info, argc, argv);
    Error *err = NULL;
    ImageInfo *image;
    Root *root;

    if (status >= 0) {
        return status;
    }
    info.open.look_only = true;
    root = co_img_open(&info.open, &err);
    if (!root) {
        error_report_err(err);
        return 1;
    }
    image = co_node_query_image(root_node(root), !info.chain);
    if (info.json) {
        print_json(image, info.chain);
    } else {
        print_human(image);
    }
    ImageInfo_free(image);
    co_image_close(root);
    return 0;
}
