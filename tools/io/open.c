/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the shell that only a program of its own has: open, close,
 * quit. */
#include <getopt.h>
#include <stdio.h>

#include "block/graph/cache-mode.h"
#include "tools/io/io.h"
#include "util/json/json-keyval.h"

static const IoCommand command_open;

static bool set_aio(ImageOpen *open, const char *mode)
{
    if (strcmp(mode, "threads") && strcmp(mode, "native") &&
        strcmp(mode, "io_uring")) {
        error_report("Invalid aio option: %s", mode);
        return false;
    }
    open->aio = mode;
    return true;
}

/* One more of -o; they count together. */
static void add_options(GString *all, const char *text)
{
    g_string_append_printf(all, "%s%s", all->len ? "," : "", text);
}

/* By the path, with @options beside what it means, or by these alone. */
COROUTINE_ONLY CONTROL_ONLY static int co_open_with(IoTool *tool,
                                                    ImageOpen *open,
                                                    const char *path,
                                                    const GString *options)
{
    Error *err = NULL;
    int ret;

    if (!path) {
        open->filename = options->str;
        open->image_opts = true;
        return co_io_open_image(tool, open);
    }
    open->filename = path;
    if (options->len) {
        open->more = json_keyval_parse(options->str, NULL, NULL, &err);
        if (!open->more) {
            error_report_err(err);
            return -1;
        }
    }
    ret = co_io_open_image(tool, open);
    json_object_put(open->more);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int co_open(IoShell *shell, int argc,
                                               char **argv)
{
    IoTool *tool = shell->opaque;
    ImageOpen open = tool->defaults;
    g_autoptr(GString) options = g_string_new(NULL);
    int option;

    if (shell->root) {
        error_report("file open already, try 'help close'");
        return -1;
    }
    while ((option = getopt(argc, argv, "rnki:t:d:o:U")) != -1) {
        switch (option) {
        case 'k':
            open.aio = "native";
            break;
        case 'i':
            if (!set_aio(&open, optarg)) {
                return -1;
            }
            break;
        case 'o':
            add_options(options, optarg);
            break;
        case 'r':
            open.writable = false;
            break;
        case 'n':
            open.cache = "none";
            break;
        case 't':
            if (!cache_mode_find(optarg)) {
                error_report("Invalid cache option: %s", optarg);
                return -1;
            }
            open.cache = optarg;
            break;
        case 'd':
            if (strcmp(optarg, "unmap") && strcmp(optarg, "on") &&
                strcmp(optarg, "ignore") && strcmp(optarg, "off")) {
                error_report("Invalid discard option: %s", optarg);
                return -1;
            }
            open.unmap = !strcmp(optarg, "unmap") || !strcmp(optarg, "on");
            break;
        case 'U':
            open.force_share = true;
            break;
        default:
            io_print_usage(&command_open);
            return -1;
        }
    }
    if (argc - optind > 1 || (optind == argc && !options->len)) {
        io_print_usage(&command_open);
        return -1;
    }
    return co_open_with(tool, &open, argv[optind], options);
}

static const IoCommand command_open = {
    .name = "open",
    .min_args = 1,
    .max_args = -1,
    .arguments = "[-rnkU] [-i aio] [-t cache] [-d discard] [-o options] "
                 "[path]",
    .purpose = "open the file specified by path",
    .help = " -r, -- read only\n"
            " -n, -- without the host's cache: -t none\n"
            " -t, -- cache mode\n"
            " -d, -- discard mode: unmap or ignore\n"
            " -i, -- aio mode: threads, native or io_uring; -k: native\n"
            " -o, -- options of its node: name=value,...\n"
            " -U, -- although others may write to it\n",
    .co_run = co_open,
};

COROUTINE_ONLY CONTROL_ONLY static int co_close(IoShell *shell, int argc,
                                                char **argv)
{
    co_io_close_image(shell->opaque);
    return 0;
}

static const IoCommand command_close = {
    .name = "close",
    .needs_image = true,
    .purpose = "close the current open file",
    .co_run = co_close,
};

static int co_quit(IoShell *shell, int argc, char **argv)
{
    IoTool *tool = shell->opaque;

    tool->quit = true;
    return 0;
}

static const IoCommand command_quit = {
    .name = "quit",
    .purpose = "exit the program",
    .co_run = co_quit,
};

const IoCommand *const io_tool_commands[] = {
    &command_close,
    &command_open,
    &command_quit,
    NULL,
};
