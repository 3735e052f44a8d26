/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry point: finds the sub-command, by the name of the program (the links
 * in compat/) or else by its first argument.
 */
#include <stdio.h>

#include "tools/tools.h"
#include "util/error.h"

typedef struct SubCommand {
    const char *name;
    const char *compat_name; /* the program of QEMU that it stands for; NULL:
                              * none */
    const char *summary;
    int (*run)(int argc, char **argv);
} SubCommand;

static const SubCommand sub_commands[] = {
    {"daemon", "qemu-storage-daemon",
     "serve disks: QMP, NBD exports, bitmaps, backups", tool_daemon_main},
    {"machine", "qemu-system-x86_64",
     "a machine without a guest, for tests and debugging", tool_machine_main},
    {"img", "qemu-img", "work on image files that nobody uses", tool_img_main},
    {"io", "qemu-io", "read and write one image, for debugging", tool_io_main},
    {"nbd", "qemu-nbd", "serve one image over NBD, or list what a server has",
     tool_nbd_main},
    {"monitor", NULL, "give commands to a running daemon by hand",
     tool_monitor_main},
};

static const SubCommand *find_sub_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(sub_commands); i++) {
        if (!strcmp(sub_commands[i].name, name)) {
            return &sub_commands[i];
        }
    }
    return NULL;
}

static const SubCommand *find_compat(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(sub_commands); i++) {
        if (!g_strcmp0(sub_commands[i].compat_name, name)) {
            return &sub_commands[i];
        }
    }
    return NULL;
}

static void print_help(void)
{
    printf("Usage: tidemark SUB-COMMAND [OPTIONS]\n"
           "A block layer that speaks QEMU's language.\n\n"
           "Sub-commands:\n");
    for (size_t i = 0; i < ARRAY_SIZE(sub_commands); i++) {
        const SubCommand *s = &sub_commands[i];

        printf("  %-8s %s%s%s%s\n", s->name, s->summary,
               s->compat_name ? " (also runs as " : "",
               s->compat_name ? s->compat_name : "", s->compat_name ? ")" : "");
    }
    printf("\n`tidemark SUB-COMMAND --help` tells more.\n");
}

/* `tidemark NAME ...`: the sub-command sees the arguments behind its name. */
static int run_by_argument(int argc, char **argv)
{
    const SubCommand *s;

    if (argc < 2) {
        error_report("a sub-command is needed; try --help");
        return 1;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help();
        return 0;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("tidemark %s\n", TIDEMARK_VERSION);
        return 0;
    }
    s = find_sub_command(argv[1]);
    if (!s) {
        error_report("unknown sub-command '%s'; try --help", argv[1]);
        return 1;
    }
    argv[1] = argv[0];
    return s->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    const SubCommand *s;

    if (argc < 1) {
        return 1;
    }
    error_set_program_name(argv[0]);
    /* getopt puts it in front of its own messages. */
    argv[0] = (char *)error_program_name();
    s = find_compat(argv[0]);
    return s ? s->run(argc, argv) : run_by_argument(argc, argv);
}
