/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tidemark io`: runs the commands given with -c, or those that it reads from
 * standard input, on one image. Exits with 1 if any command failed.
 */
#include "tools/io/io.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "objects/object.h"
#include "tools/img/args.h"
#include "tools/tools.h"
#include "tools/trace-option.h"
#include "util/report-order.h"

static void help(void)
{
    printf("usage: %s [OPTION]... [-c COMMAND]... [FILE]\n"
           "Read and write one image by hand.\n\n"
           "  -c, --cmd COMMAND  run it (again for more); without -c commands\n"
           "                     are read from standard input\n"
           "  -f, --format FMT   format of the image; probed if absent\n"
           "  --image-opts       FILE is an option string\n"
           "  --object OBJECT    make an object that options refer to\n"
           "  -r, --read-only    open it read-only\n"
           "  -s, --snapshot     forget at the end what was written\n"
           "  -C, --copy-on-read keep what is read from behind the image\n"
           "  -n, --nocache      the same as -t none\n"
           "  -t, --cache MODE   none, writeback, writethrough, directsync or\n"
           "                     unsafe\n"
           "  -i, --aio MODE     threads, native or io_uring\n"
           "  -d, --discard MODE unmap or ignore\n"
           "  -U, --force-share  open it although others may write to it\n"
           "  -h, --help         this\n"
           "  -V, --version      the version\n\n"
           "See '%s -c help' for the commands.\n",
           error_program_name(), error_program_name());
}

static void say(IoShell *shell, const char *text)
{
    error_report("%s", text);
}

typedef struct InputLine {
    char *text;
    size_t capacity;
} InputLine;

static int64_t read_line(void *opaque)
{
    InputLine *line = opaque;

    return getline(&line->text, &line->capacity, stdin);
}

/* Lines of standard input, which a worker waits for: requests of aio_read and
 * aio_write go on. */
COROUTINE_ONLY CONTROL_ONLY static int co_run_input(IoTool *tool)
{
    InputLine line = {};
    int status = 0;

    while (!tool->quit) {
        printf("qemu-io> ");
        fflush(stdout);
        if (co_worker_run(read_line, &line) < 0) {
            if (isatty(STDIN_FILENO)) {
                printf("\n");
            }
            break;
        }
        if (co_io_run_line(&tool->shell, line.text) < 0) {
            status = 1;
        }
    }
    free(line.text);
    return status;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_make_objects(IoTool *tool)
{
    int status = -1;

    for (guint i = 0; status < 0 && i < tool->objects->len; i++) {
        status = co_img_take_object(NULL, tool->objects->pdata[i]);
    }
    tool->status = status < 0 ? 1 : status;
    return status < 0;
}

COROUTINE_ONLY CONTROL_ONLY static void co_run(IoTool *tool)
{
    guint i;

    if (tool->defaults.open.filename &&
        co_io_open_image(tool, &tool->defaults) < 0) {
        return;
    }
    tool->status = 0;
    for (i = 0; i < tool->commands->len && !tool->quit; i++) {
        if (co_io_run_line(&tool->shell, tool->commands->pdata[i]) < 0) {
            tool->status = 1;
        }
    }
    if (!tool->commands->len) {
        tool->status = co_run_input(tool);
    }
    co_io_close_image(tool);
}

COROUTINE_ONLY CONTROL_ONLY static void co_main(void *opaque)
{
    IoTool *tool = opaque;

    io_shell_init(&tool->shell);
    if (co_make_objects(tool)) {
        co_run(tool);
    }
    co_objects_free();
}

/* --- the command line ---------------------------------------------------- */

static bool take_cache(ImageOpen *open, const char *mode)
{
    open->cache = io_cache_mode(mode);
    if (!open->cache) {
        error_report("Invalid cache option: %s", mode);
    }
    return open->cache;
}

static bool take_discard(ImageOpen *open, const char *mode)
{
    open->unmap = !strcmp(mode, "unmap") || !strcmp(mode, "on");
    if (!open->unmap && strcmp(mode, "ignore") && strcmp(mode, "off")) {
        error_report("Invalid discard option: %s", mode);
        return false;
    }
    return true;
}

/* -1: go on, else the exit status. */
static int take_option(IoTool *tool, int option)
{
    ImageOpen *open = &tool->defaults.open;

    switch (option) {
    case 'c':
        g_ptr_array_add(tool->commands, optarg);
        return -1;
    case 'f':
        open->format = optarg;
        return -1;
    case 'I':
        open->image_opts = true;
        return -1;
    case 'O':
        g_ptr_array_add(tool->objects, optarg);
        return -1;
    case 'r':
        open->writable = false;
        return -1;
    case 's':
        tool->defaults.snapshot = true;
        return -1;
    case 'C':
        tool->defaults.copy_on_read = true;
        return -1;
    case 'T':
        return trace_option_take(optarg, NULL);
    case 'n':
        open->cache = "none";
        return -1;
    case 't':
        return take_cache(open, optarg) ? -1 : 1;
    case 'i':
        return io_take_aio(open, optarg) ? -1 : 1;
    case 'k':
        return io_take_aio(open, "native") ? -1 : 1;
    case 'd':
        return take_discard(open, optarg) ? -1 : 1;
    case 'm':
        return -1; /* buffers are aligned where the image needs it */
    case 'U':
        open->force_share = true;
        return -1;
    case 'V':
        printf("%s version 7.2.22 (tidemark-%s)\n", error_program_name(),
               TIDEMARK_VERSION);
        return 0;
    case 'h':
        help();
        return 0;
    default:
        help(); /* what is wrong was told */
        return 1;
    }
}

static int parse_arguments(IoTool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, 0, 'h'},
        {"version", no_argument, 0, 'V'},
        {"cmd", required_argument, 0, 'c'},
        {"format", required_argument, 0, 'f'},
        {"read-only", no_argument, 0, 'r'},
        {"snapshot", no_argument, 0, 's'},
        {"copy-on-read", no_argument, 0, 'C'},
        {"trace", required_argument, 0, 'T'},
        {"nocache", no_argument, 0, 'n'},
        {"misalign", no_argument, 0, 'm'},
        {"native-aio", no_argument, 0, 'k'},
        {"aio", required_argument, 0, 'i'},
        {"discard", required_argument, 0, 'd'},
        {"cache", required_argument, 0, 't'},
        {"force-share", no_argument, 0, 'U'},
        {"image-opts", no_argument, 0, 'I'},
        {"object", required_argument, 0, 'O'},
        {},
    };
    int option, status;

    optind = 0;
    while ((option = getopt_long(argc, argv, "hVc:d:f:rsnCmki:t:T:U", options,
                                 NULL)) != -1) {
        status = take_option(tool, option);
        if (status >= 0) {
            return status;
        }
    }
    if (argc - optind > 1) {
        help();
        return 1;
    }
    tool->defaults.open.filename = optind < argc ? argv[optind] : NULL;
    if (tool->defaults.open.format && tool->defaults.open.image_opts) {
        error_report("--image-opts and -f are mutually exclusive");
        return 1;
    }
    return -1;
}

int tool_io_main(int argc, char **argv)
{
    /* Discards reach the disk unless -d says otherwise, as in qemu-io. */
    IoTool tool = {
        .defaults.open = {.writable = true, .unmap = true, .no_implied = true},
        .shell = {.own = io_tool_commands, .say = say, .opaque = &tool},
        .status = 1};
    Error *err = NULL;
    Reactor *reactor;
    int status;

    report_may_overtake();
    tool.commands = g_ptr_array_new();
    tool.objects = g_ptr_array_new();
    status = parse_arguments(&tool, argc, argv);
    if (status < 0) {
        reactor = reactor_new(REACTOR_AUTO, &err);
        if (!reactor) {
            error_report_err(err);
            status = 1;
        } else {
            reactor_run_coroutine(co_main, &tool);
            reactor_free(reactor);
            status = tool.status;
        }
    }
    g_ptr_array_free(tool.objects, true);
    g_ptr_array_free(tool.commands, true);
    return status;
}
