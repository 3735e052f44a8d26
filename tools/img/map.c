/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img map`: where an image has data. Neighbours of the same kind are shown as
 * one area. The JSON is laid out by hand: its order and its lines are what
 * scripts compare.
 */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>

#include "tools/size-text.h"

typedef struct Map {
    ImageOpen open;
    bool json;
    uint64_t start, length;
} Map;

/* One area, with the flags that the output shows. */
typedef struct Area {
    uint64_t start, length;
    unsigned flags;
    uint64_t map;
    const char *file;
} Area;

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void print_json(const Area *area, bool first, bool last)
{
    printf("%s{ \"start\": %" PRIu64 ", \"length\": %" PRIu64
           ", \"depth\": 0, \"present\": %s, \"zero\": %s, \"data\": %s",
           first ? "[" : "", area->start, area->length,
           boolean(area->flags & (STATUS_DATA | STATUS_ALLOCATED)),
           boolean(area->flags & STATUS_ZERO),
           boolean(area->flags & STATUS_DATA));
    if (area->flags & STATUS_OFFSET) {
        printf(", \"offset\": %" PRIu64, area->map);
    }
    printf("}%s", last ? "]\n" : ",\n");
}

static void print_human(const Area *area, bool first)
{
    if (first) {
        printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
    }
    if ((area->flags & (STATUS_DATA | STATUS_ZERO)) == STATUS_DATA &&
        (area->flags & STATUS_OFFSET)) {
        printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n", area->start,
               area->length, area->map, area->file);
    }
}

static void print_area(const Map *map, const Area *area, bool first, bool last)
{
    if (map->json) {
        print_json(area, first, last);
    } else {
        print_human(area, first);
    }
}

static int co_get_area(Root *root, uint64_t at, uint64_t end, Area *area)
{
    BlockStatus status;
    int ret = co_root_block_status(root, at, end - at, &status);

    if (ret < 0) {
        return ret;
    }
    *area = (Area){.start = at, .length = status.bytes};
    area->flags = status.flags & (STATUS_DATA | STATUS_ZERO | STATUS_OFFSET |
                                  STATUS_ALLOCATED);
    if (status.flags & STATUS_OFFSET) {
        area->map = status.map;
        area->file = status.file->filename;
    }
    return 0;
}

static bool continues(const Area *area, const Area *next)
{
    return area->flags == next->flags && area->file == next->file &&
           (!(area->flags & STATUS_OFFSET) ||
            area->map + area->length == next->map);
}

static int co_print_map(const Map *map, Root *root, uint64_t end)
{
    Area area = {0}, next;
    bool first = true;
    uint64_t at = map->start;
    int ret;

    while (at < end) {
        ret = co_get_area(root, at, end, &next);
        if (ret < 0) {
            error_report("Failed to read image metadata: %s", strerror(-ret));
            return 1;
        }
        at += next.length;
        if (area.length && continues(&area, &next)) {
            area.length += next.length;
            continue;
        }
        if (area.length) {
            print_area(map, &area, first, false);
            first = false;
        }
        area = next;
    }
    if (area.length) {
        print_area(map, &area, first, true);
    } else if (map->json) {
        printf("[]\n");
    } else {
        print_human(&area, true);
    }
    return 0;
}

static bool parse_bound(const char *what, const char *word, uint64_t *value)
{
    if (size_text_parse(word, value) == SIZE_OK) {
        return true;
    }
    img_size_error(what);
    return false;
}

static int parse_arguments(Map *map, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, 0, 'h'},
        {"format", required_argument, 0, 'f'},
        {"output", required_argument, 0, 'o'},
        {"force-share", no_argument, 0, 'U'},
        {"image-opts", no_argument, 0, 'I'},
        {"start-offset", required_argument, 0, 's'},
        {"max-length", required_argument, 0, 'l'},
        {},
    };
    int option;

    while ((option = getopt_long(argc, argv, ":hf:Us:l:", options, NULL)) !=
           -1) {
        switch (option) {
        case 'h':
            img_help();
            return 0;
        case 'f':
            map->open.format = optarg;
            break;
        case 'o':
            if (!img_parse_output(optarg, &map->json)) {
                return 1;
            }
            break;
        case 's':
            if (!parse_bound("start offset", optarg, &map->start)) {
                return 1;
            }
            break;
        case 'l':
            if (!parse_bound("max length", optarg, &map->length)) {
                return 1;
            }
            break;
        case 'U':
            map->open.force_share = true;
            break;
        case 'I':
            map->open.image_opts = true;
            break;
        default:
            return img_option_error(option, argv);
        }
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    map->open.filename = argv[optind];
    return img_check_format(&map->open) ? -1 : 1;
}

int co_img_map(int argc, char **argv)
{
    Map map = {.length = UINT64_MAX};
    int status = parse_arguments(&map, argc, argv);
    Error *err = NULL;
    uint64_t size;
    Root *root;

    if (status >= 0) {
        return status;
    }
    root = co_img_open(&map.open, &err);
    if (!root) {
        error_report_err(err);
        return 1;
    }
    size = root_size_bytes(root);
    map.start = MIN(map.start, size);
    status =
        co_print_map(&map, root, map.start + MIN(map.length, size - map.start));
    co_image_close(root);
    return status;
}
