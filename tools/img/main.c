/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark img`: work on disk images that no machine uses. */
#include "tools/img/img.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/tools.h"

typedef struct SubCommand {
    const char *name;
    int (*co_run)(int argc, char **argv);
    const char *usage, *purpose;
} SubCommand;

static const SubCommand commands[] = {
    {"compare", co_img_compare,
     "[-f FMT] [-F FMT] [-T CACHE] [--image-opts] [-p] [-q] [-s] [-U] "
     "FILE1 FILE2",
     "tell whether two images show the same content"},
    {"create", co_img_create, "[-q] [-f FMT] [-o OPTIONS] FILE [SIZE]",
     "make an image"},
    {"info", co_img_info,
     "[-f FMT] [--output=human|json] [--image-opts] [--backing-chain] [-U] "
     "FILE",
     "tell what an image is"},
    {"map", co_img_map,
     "[-f FMT] [--output=human|json] [--image-opts] [-s OFFSET] [-l LENGTH] "
     "[-U] FILE",
     "tell where an image has data"},
};

/* What qemu-img has and this one does not have yet, to say so by name. */
static const char *const absent[] = {
    "amend", "bench",   "bitmap", "check",  "commit",   "convert",
    "dd",    "measure", "rebase", "resize", "snapshot",
};

void img_help(void)
{
    size_t i;

    printf("usage: %s COMMAND [OPTION]... FILE...\n"
           "Work on disk images that no machine uses.\n\n",
           error_program_name());
    for (i = 0; i < ARRAY_SIZE(commands); i++) {
        printf("  %s %s\n      %s\n", commands[i].name, commands[i].usage,
               commands[i].purpose);
    }
    printf("\n"
           "  -f FMT            format of the (first) image; probed if absent\n"
           "  -F FMT            format of the second image\n"
           "  -T CACHE          none, writeback, writethrough, directsync or\n"
           "                    unsafe\n"
           "  -U, --force-share open it although others may write to it\n"
           "  --image-opts      FILE is an option string: driver=...,file...\n"
           "  -p                show progress\n"
           "  -q                print errors only\n"
           "  -s (compare)      strict: sizes and allocation count too\n"
           "\n"
           "SIZE is in bytes, or with a suffix k, M, G, T, P or E.\n"
           "Supported formats: raw file null-co\n");
}

int img_usage_error(const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_report("%s", text);
    fprintf(stderr, "Try '%s --help' for more information\n",
            error_program_name());
    return 1;
}

int img_option_error(int answer, char **argv)
{
    if (answer == ':') {
        return img_usage_error("missing argument for option '%s'",
                               argv[optind - 1]);
    }
    return img_usage_error("unrecognized option '%s'", argv[optind - 1]);
}

bool img_parse_output(const char *word, bool *json)
{
    *json = !strcmp(word, "json");
    if (!*json && strcmp(word, "human")) {
        error_report("--output must be used with human or json as argument.");
        return false;
    }
    return true;
}

bool img_check_format(const ImageOpen *open)
{
    if (open->format && open->image_opts) {
        error_report("--image-opts and --format are mutually exclusive");
        return false;
    }
    return true;
}

int img_size_error(const char *what)
{
    error_report("Invalid %s specified. You may use k, M, G, T, P or E "
                 "suffixes for",
                 what);
    error_report("kilobytes, megabytes, gigabytes, terabytes, petabytes and "
                 "exabytes.");
    return 1;
}

Root *co_img_open(const ImageOpen *open, Error **errp)
{
    Root *root = co_image_open(open, NULL, errp);

    if (!root) {
        error_prepend(errp, "Could not open '%s': ", open->filename);
    }
    return root;
}

static int unknown_command(const char *name)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(absent); i++) {
        if (!strcmp(absent[i], name)) {
            return img_usage_error("Command not supported: %s", name);
        }
    }
    return img_usage_error("Command not found: %s", name);
}

typedef struct Run {
    const SubCommand *command;
    int argc;
    char **argv;
    int status;
} Run;

static void co_run(void *opaque)
{
    Run *run = opaque;

    run->status = run->command->co_run(run->argc, run->argv);
}

static int run_command(const SubCommand *command, int argc, char **argv)
{
    Run run = {command, argc, argv, 1};
    Error *err = NULL;
    Reactor *reactor = reactor_new(REACTOR_AUTO, &err);

    if (!reactor) {
        error_report_err(err);
        return 1;
    }
    optind = 0; /* the caller may have used getopt */
    reactor_run_coroutine(co_run, &run);
    reactor_free(reactor);
    return run.status;
}

int tool_img_main(int argc, char **argv)
{
    size_t i;

    if (argc < 2) {
        return img_usage_error("Not enough arguments");
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        img_help();
        return 0;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("%s version 7.2.22 (tidemark-%s)\n", error_program_name(),
               TIDEMARK_VERSION);
        return 0;
    }
    if (argv[1][0] == '-') {
        return img_usage_error("unrecognized option '%s'", argv[1]);
    }
    for (i = 0; i < ARRAY_SIZE(commands); i++) {
        if (!strcmp(commands[i].name, argv[1])) {
            return run_command(&commands[i], argc - 1, argv + 1);
        }
    }
    return unknown_command(argv[1]);
}
