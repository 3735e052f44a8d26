/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img map`: where an image has data. Neighbours of the same kind are shown as
 * one area. The JSON is laid out by hand: its order and its lines are what
 * scripts compare.
 */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdio.h>

#include "block/io/io.h"
#include "tools/img/args.h"

typedef struct Map {
    ImageOpen open;
    bool json;
    uint64_t start, length;
} Map;

/* One area, with the flags that the output shows. */
typedef struct Area {
    uint64_t start, length;
    unsigned flags, depth;
    uint64_t map;
    const char *file;
} Area;

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void print_json(const Area *area, bool last)
{
    printf("{ \"start\": %" PRIu64 ", \"length\": %" PRIu64
           ", \"depth\": %u, \"present\": %s, \"zero\": %s, \"data\": %s",
           area->start, area->length, area->depth,
           boolean(area->flags & (STATUS_DATA | STATUS_ALLOCATED)),
           boolean(area->flags & STATUS_ZERO),
           boolean(area->flags & STATUS_DATA));
    if (area->flags & STATUS_OFFSET) {
        printf(", \"offset\": %" PRIu64, area->map);
    }
    printf("}%s", last ? "]\n" : ",\n");
}

/* False, reported, if the data lies nowhere that could be shown. */
static bool print_human(const Area *area)
{
    if ((area->flags & (STATUS_DATA | STATUS_ZERO)) != STATUS_DATA) {
        return true;
    }
    if (!(area->flags & STATUS_OFFSET)) {
        /* In a pipe it comes before what was found, as QEMU's does. */
        fprintf(stderr,
                "%s: File contains external, encrypted or compressed "
                "clusters.\n",
                error_program_name());
        return false;
    }
    printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n", area->start,
           area->length, area->map, area->file);
    return true;
}

/* Also of a map that fails at once. */
static void print_head(const Map *map)
{
    if (map->json) {
        printf("[");
    } else {
        printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
    }
}

static bool print_area(const Map *map, const Area *area, bool last)
{
    if (map->json) {
        print_json(area, last);
        return true;
    }
    return print_human(area);
}

COROUTINE_ONLY
/* The image @depth layers behind that one. */
static const Node *layer(const Node *node, unsigned depth)
{
    while (depth--) {
        const Edge *edge = node_filtered_child(node);

        edge = edge ? edge : node_backing_child(node);
        assert(edge);
        node = edge->child;
    }
    return node;
}

/* Filters are no layers, and are not asked: NULL if @node is none. */
static Node *filtered(Node *node)
{
    if (node->driver->is_filter || node->driver->shows_child) {
        LIST_FOREACH(edge, &node->children, Edge, in_parent) {
            if (edge->role & EDGE_FILTERED) {
                return edge->child;
            }
        }
    }
    return NULL;
}

static Node *shown_node(Node *node)
{
    for (Node *next; (next = filtered(node));) {
        node = next;
    }
    return node;
}

/* How many layers are behind @node. */
static unsigned layers_behind(Node *node)
{
    const Edge *edge;
    unsigned n = 0;

    while ((edge = node_backing_child(node_skip_filters(node)))) {
        node = edge->child;
        n++;
    }
    return n;
}

/* Which layer answers, and how: the last one for what nobody has. */
COROUTINE_ONLY
static int co_get_status(Root *root, uint64_t at, uint64_t bytes, Area *area,
                         BlockStatus *status)
{
    Node *node = shown_node(root_node(root));
    unsigned depth;
    int ret;

    co_root_enter(root);
    ret =
        co_node_block_status_above(node, NULL, true, at, bytes, status, &depth);
    root_leave(root);
    if (ret < 0) {
        return ret;
    }
    area->depth = depth ? depth - 1 : layers_behind(node);
    if (depth > 1 && layer(node, depth - 1)->size_bytes <= at) {
        /* Nobody has it: the one above a shorter image says so. */
        status->flags = STATUS_ZERO | (status->flags & STATUS_OFFSET);
        area->depth = depth - 2;
    }
    return 0;
}

COROUTINE_ONLY
static int co_get_area(Root *root, uint64_t at, uint64_t end, Area *area)
{
    BlockStatus status;
    int ret;

    *area = (Area){.start = at};
    ret = co_get_status(root, at, end - at, area, &status);
    if (ret < 0) {
        return ret;
    }
    area->length = status.bytes;
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
           area->depth == next->depth &&
           (!(area->flags & STATUS_OFFSET) ||
            area->map + area->length == next->map);
}

COROUTINE_ONLY
static int co_print_map(const Map *map, Root *root, uint64_t end)
{
    Area area = {0}, next;
    uint64_t at = map->start;
    int ret;

    print_head(map);
    while (at < end) {
        ret = co_get_area(root, at, end, &next);
        if (ret < 0) {
            /* In a pipe it comes before what was found, as QEMU's does. */
            fprintf(stderr, "%s: Could not read file metadata: %s\n",
                    error_program_name(), strerror(-ret));
            return 1;
        }
        at += next.length;
        if (area.length && continues(&area, &next)) {
            area.length += next.length;
            continue;
        }
        if (area.length && !print_area(map, &area, false)) {
            return 1;
        }
        area = next;
    }
    if (area.length) {
        return !print_area(map, &area, true);
    }
    if (map->json) {
        area.start = map->start; /* behind the end */
        print_area(map, &area, true);
    }
    return 0;
}

COROUTINE_ONLY
static int co_parse_arguments(Map *map, int argc, char **argv)
{
    const char *output = NULL, *start = NULL, *length = NULL;
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&map->open.image_opts),
        IMG_OPTION_FORMAT(&map->open.format),
        IMG_OPTION_FORCE_SHARE(&map->open.force_share),
        IMG_OPTION_OUTPUT(&output),
        {'s', "start-offset", "OFFSET", "begin there", .word = &start},
        {'l', "max-length", "LENGTH", "and show no more than that",
         .word = &length},
        {},
    };
    const ImgUsage usage = {"FILE", "Tell where an image has data.", options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if ((start && !img_parse_size("start offset", start, &map->start)) ||
        (length && !img_parse_size("max length", length, &map->length))) {
        return 1;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    map->open.filename = argv[optind];
    return img_parse_output(output, &map->json) && img_check_format(&map->open)
               ? -1
               : 1;
}

int co_img_map(int argc, char **argv)
{
    Map map = {.length = UINT64_MAX};
    int status = co_parse_arguments(&map, argc, argv);
    uint64_t size;
    Root *root;

    if (status >= 0) {
        return status;
    }
    root = co_img_open_or_report(&map.open);
    if (!root) {
        return 1;
    }
    size = root_size_bytes(root);
    size -= MIN(size, map.start);
    status = co_print_map(&map, root, map.start + MIN(map.length, size));
    co_image_close(root);
    return status;
}
