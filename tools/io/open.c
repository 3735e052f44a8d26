/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the shell that only a program of its own has: open, close,
 * quit. */
#include <getopt.h>
#include <stdio.h>

#include "block/graph/cache-mode.h"
#include "tools/io/io.h"

static const IoCommand command_open;

COROUTINE_ONLY CONTROL_ONLY static int co_open(IoShell *shell, int argc,
                                               char **argv)
{
    IoTool *tool = shell->opaque;
    ImageOpen open = tool->defaults;
    int option;

    if (shell->root) {
        error_report("file open already, try 'help close'");
        return -1;
    }
    while ((option = getopt(argc, argv, "rnt:d:U")) != -1) {
        switch (option) {
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
    if (optind != argc - 1) {
        io_print_usage(&command_open);
        return -1;
    }
    open.filename = argv[optind];
    return co_io_open_image(tool, &open);
}

static const IoCommand command_open = {
    .name = "open",
    .max_args = -1,
    .arguments = "[-rnU] [-t cache] [-d discard] path",
    .purpose = "open the file specified by path",
    .help = " -r, -- read only\n"
            " -n, -- without the host's cache: -t none\n"
            " -t, -- cache mode\n"
            " -d, -- discard mode: unmap or ignore\n"
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
