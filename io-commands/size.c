/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands length, truncate and info: an image as a whole. */
#include <getopt.h>
#include <stdio.h>

#include "block/file/root-resize.h"
#include "block/graph/query.h"
#include "io-commands/io-commands.h"
#include "text/image-text.h"
#include "text/size-text.h"

static int co_length(IoShell *shell, int argc, char **argv)
{
    g_autofree char *text = NULL;

    if (!root_node(shell->root)) {
        printf("getlength: %s\n", strerror(ENOMEDIUM));
        return -1;
    }
    text = size_text_exact(root_size_bytes(shell->root));
    puts(text);
    return 0;
}

const IoCommand io_command_length = {
    .name = "length",
    .needs_image = true,
    .purpose = "gets the length of the current file",
    .co_run = co_length,
};

/* --- truncate ------------------------------------------------------------ */

typedef struct Truncate {
    FormatPreallocation preallocation;
    uint64_t bytes;
} Truncate;

static int parse_truncate(Truncate *t, IoShell *shell, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "m:")) != -1) {
        if (option != 'm') {
            io_print_usage(&io_command_truncate);
            return -1;
        }
        if (!preallocation_parse(optarg, &t->preallocation)) {
            Error *err = NULL;

            error_set(&err, "Invalid preallocation mode '%s'", optarg);
            io_say_error(shell, err);
            return -1;
        }
    }
    if (optind == argc) {
        io_print_usage(&io_command_truncate);
        return -1;
    }
    return io_parse_number(argv[optind], &t->bytes);
}

COROUTINE_ONLY CONTROL_ONLY static int co_truncate(IoShell *shell, int argc,
                                                   char **argv)
{
    Truncate t = {.preallocation = FORMAT_PREALLOC_OFF};
    Error *err = NULL;

    if (parse_truncate(&t, shell, argc, argv) < 0) {
        return -1;
    }
    if (co_root_resize(shell->root, t.bytes, false, t.preallocation, &err) <
        0) {
        io_say_error(shell, err);
        return -1;
    }
    return 0;
}

const IoCommand io_command_truncate = {
    .name = "truncate",
    .min_args = 1,
    .max_args = 3,
    .needs_image = true,
    .perms = PERM_WRITE | PERM_RESIZE,
    .arguments = "[-m prealloc_mode] off",
    .purpose = "truncates the current file at the given offset",
    .help = " -m, -- how new space is made: off, metadata, falloc or full\n",
    .co_run = co_truncate,
};

/* --- info ---------------------------------------------------------------- */

static void say_specific(IoShell *shell, const ImageInfo *info)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!info->format_specific) {
        return;
    }
    image_text_specific(text, info->format_specific);
    if (shell->show) {
        char *rest = strchr(text->str, '\n') + 1;

        /* The heading goes where all else of info goes. */
        fwrite(text->str, 1, rest - text->str, stdout);
        shell->show(shell, rest);
    } else {
        fputs(text->str, stdout);
    }
}

/* A protocol is named twice, as a driver and as what it speaks. */
static const char *const protocols[] = {"file",      "host_device", "null-co",
                                        "null-aio",  "nbd",         "blkdebug",
                                        "blkverify", NULL};

/* What @node shows, in the end. */
static const Node *shown_node(const Node *node)
{
    const Edge *below;

    while ((below = !strcmp(node->driver->name, "raw")
                        ? node_child(node, "file")
                        : node_filtered_child(node))) {
        node = below->child;
    }
    return node;
}

/* Whether sizes of clusters are known of what is shown. */
static bool tells_sizes(const Node *node)
{
    static const char *const silent[] = {"nbd", "null-co", "null-aio", "quorum",
                                         NULL};

    return !g_strv_contains(silent, node->driver->name);
}

COROUTINE_ONLY CONTROL_ONLY static int co_info(IoShell *shell, int argc,
                                               char **argv)
{
    const Node *node = root_node(shell->root), *shown;
    const FormatOps *format;
    g_autofree char *cluster = NULL, *vm_state = NULL;
    ImageInfo *info;

    if (!node) {
        printf("getlength: %s\n", strerror(ENOMEDIUM));
        return -1;
    }
    shown = shown_node(node);
    format = shown->driver->format;
    info = co_node_query_image(root_node(shell->root), QUERY_ALONE);
    cluster = size_text_exact(info->has_cluster_size ? info->cluster_size : 0);
    vm_state = size_text_exact(
        format && format->vm_state_offset ? format->vm_state_offset(shown) : 0);
    printf("format name: %s\n", node->driver->name);
    if (g_strv_contains(protocols, node->driver->name)) {
        printf("format name: %s\n", node->driver->name);
    }
    if (tells_sizes(shown)) {
        printf("cluster size: %s\nvm state offset: %s\n", cluster, vm_state);
    }
    say_specific(shell, info);
    ImageInfo_free(info);
    return tells_sizes(shown) ? 0 : -1;
}

const IoCommand io_command_info = {
    .name = "info",
    .needs_image = true,
    .purpose = "prints information about the current file",
    .co_run = co_info,
};
