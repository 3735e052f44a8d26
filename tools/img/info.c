/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img info`: what an image is, for people or as JSON. */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>

#include "block/graph/query.h"
#include "qapi/qapi-types.h"
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

static int parse_arguments(Info *info, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, 0, 'h'},
        {"format", required_argument, 0, 'f'},
        {"output", required_argument, 0, 'o'},
        {"backing-chain", no_argument, 0, 'b'},
        {"force-share", no_argument, 0, 'U'},
        {"image-opts", no_argument, 0, 'I'},
        {},
    };
    int option;

    while ((option = getopt_long(argc, argv, ":hf:U", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            img_help();
            return 0;
        case 'f':
            info->open.format = optarg;
            break;
        case 'o':
            if (!img_parse_output(optarg, &info->json)) {
                return 1;
            }
            break;
        case 'b':
            info->chain = true;
            break;
        case 'U':
            info->open.force_share = true;
            break;
        case 'I':
            info->open.image_opts = true;
            break;
        default:
            return img_option_error(option, argv);
        }
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    info->open.filename = argv[optind];
    return img_check_format(&info->open) ? -1 : 1;
}

int co_img_info(int argc, char **argv)
{
    Info info = {0};
    int status = parse_arguments(&info, argc, argv);
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
