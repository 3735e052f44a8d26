/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark img`: work on disk images that no machine uses. */
#include <getopt.h>
#include <stdio.h>

#include "objects/object.h"
#include "tools/img/img.h"
#include "tools/tools.h"

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
           "Work on disk images that no machine uses.\n\n",
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

int tool_img_main(int argc, char **argv)
{
    size_t i;

    if (argc < 2) {
        return img_usage_error("Not enough arguments");
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help();
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
    return img_usage_error("Command not found: %s", argv[1]);
}
