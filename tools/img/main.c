/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark img`: work on disk images that no machine uses. */
#include <getopt.h>
#include <stdio.h>

#include "objects/object.h"
#include "tools/img/img.h"
#include "tools/tools.h"
#include "tools/trace-option.h"

typedef struct SubCommand {
    const char *name;
    int (*co_run)(int argc, char **argv);
    const char *purpose;
} SubCommand;

static const SubCommand commands[] = {
    {"amend", co_img_amend, "change options of an image"},
    {"bench", co_img_bench, "send many requests to an image"},
    {"bitmap", co_img_bitmap, "work on a bitmap that an image keeps"},
    {"check", co_img_check, "check whether an image is in order"},
    {"commit", co_img_commit, "write an image into the one behind it"},
    {"compare", co_img_compare,
     "tell whether two images show the same content"},
    {"convert", co_img_convert, "copy the content of images to a new one"},
    {"create", co_img_create, "make an image"},
    {"dd", co_img_dd, "copy a part of an image to a new one"},
    {"info", co_img_info, "tell what an image is"},
    {"map", co_img_map, "tell where an image has data"},
    {"measure", co_img_measure, "tell what an image would take"},
    {"rebase", co_img_rebase, "put another image behind an image"},
    {"resize", co_img_resize, "change the size of an image"},
    {"snapshot", co_img_snapshot, "work on the snapshots inside an image"},
};

static void print_help(void)
{
    g_autofree char *formats = driver_names();
    size_t i;

    printf("usage: %s COMMAND [OPTION]... FILE...\n"
           "Work on disk images that no machine uses.\n\n"
           "  -T, --trace=PATTERN  this version has no trace events\n"
           "  -V, --version        print the version\n"
           "  -h, --help           print this\n\n",
           error_program_name());
    for (i = 0; i < ARRAY_SIZE(commands); i++) {
        printf("  %-10s%s\n", commands[i].name, commands[i].purpose);
    }
    printf("\n`%s COMMAND --help` tells more.\n\nSupported formats: %s\n",
           error_program_name(), formats);
}

typedef struct Run {
    const SubCommand *command;
    int argc;
    char **argv;
    int status;
} Run;

COROUTINE_ONLY CONTROL_ONLY static void co_run(void *opaque)
{
    Run *run = opaque;

    run->status = run->command->co_run(run->argc, run->argv);
    co_objects_free();
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

/* Those in front of the command. -1: go on; else the exit status. */
static int take_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {"trace", required_argument, NULL, 'T'},
        {},
    };
    int answer, status = -1;

    optind = 0; /* the caller may have used getopt */
    while (status < 0 &&
           (answer = getopt_long(argc, argv, "+:hVT:", names, NULL)) != -1) {
        switch (answer) {
        case 'h':
            print_help();
            return 0;
        case 'V':
            printf("%s version 7.2.22 (tidemark-%s)\n", error_program_name(),
                   TIDEMARK_VERSION);
            return 0;
        case 'T':
            status = trace_option_take(optarg, NULL);
            break;
        default:
            return img_option_error(answer, argv);
        }
    }
    return status;
}

int tool_img_main(int argc, char **argv)
{
    size_t i;
    int status;

    if (argc < 2) {
        return img_usage_error("Not enough arguments");
    }
    status = take_options(argc, argv);
    if (status >= 0) {
        return status;
    }
    if (optind >= argc) {
        return 0;
    }
    argc -= optind;
    argv += optind;
    for (i = 0; i < ARRAY_SIZE(commands); i++) {
        if (!strcmp(commands[i].name, argv[0])) {
            return run_command(&commands[i], argc, argv);
        }
    }
    return img_usage_error("Command not found: %s", argv[0]);
}
