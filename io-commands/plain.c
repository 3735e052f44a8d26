/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands discard and flush. */
#include <getopt.h>
#include <stdio.h>

#include "io-commands/io-commands.h"
#include "util/stdout.h"

COROUTINE_ONLY CONTROL_ONLY static int co_discard(IoShell *shell, int argc,
                                                  char **argv)
{
    IoReport report = {0};
    uint64_t offset, bytes;
    int option, ret;

    while ((option = getopt(argc, argv, "Cq")) != -1) {
        if (option == '?') {
            io_print_usage(&io_command_discard);
            return -1;
        }
        *(option == 'C' ? &report.machine : &report.quiet) = true;
    }
    if (optind != argc - 2) {
        io_print_usage(&io_command_discard);
        return -1;
    }
    if (io_parse_number(argv[optind], &offset) < 0 ||
        io_parse_number(argv[optind + 1], &bytes) < 0) {
        return -1;
    }
    if (bytes > IO_MAX_BYTES) {
        printf("length cannot exceed %" PRIu64 ", given %s\n", IO_MAX_BYTES,
               argv[optind + 1]);
        return -1;
    }
    io_report_begin(&report);
    ret = co_root_pdiscard(shell->root, offset, bytes);
    co_io_settle_behind(shell, ret);
    co_stdout_settle();
    if (ret < 0) {
        printf("discard failed: %s\n", strerror(-ret));
        return -1;
    }
    io_report_end(&report, "discard", offset, bytes, bytes);
    return 0;
}

const IoCommand io_command_discard = {
    .name = "discard",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .perms = PERM_WRITE,
    .arguments = "[-Cq] off len",
    .purpose = "discards a number of bytes at a specified offset",
    .help = " -C, -- report in a form for programs\n"
            " -q, -- no report\n",
    .co_run = co_discard,
};

COROUTINE_ONLY
static int co_flush(IoShell *shell, int argc, char **argv)
{
    /* As QEMU's, it fails without a word. */
    return co_root_flush(shell->root) < 0 ? -1 : 0;
}

const IoCommand io_command_flush = {
    .name = "flush",
    .needs_image = true,
    .purpose = "flush all in-core file state to disk",
    .co_run = co_flush,
};
