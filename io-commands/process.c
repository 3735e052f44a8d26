/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that are about the program: it waits, or ends badly. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "io-commands/io-commands.h"

COROUTINE_ONLY
static int co_sleep(IoShell *shell, int argc, char **argv)
{
    char *end;
    int64_t ms = g_ascii_strtoll(argv[1], &end, 0);

    if (end == argv[1] || *end || ms < 0 || ms > INT32_MAX) {
        printf("%s is not a valid number\n", argv[1]);
        return -1;
    }
    co_sleep_ns(ms * 1000000);
    return 0;
}

const IoCommand io_command_sleep = {
    .name = "sleep",
    .min_args = 1,
    .max_args = 1,
    .purpose = "waits for the given value in milliseconds",
    .co_run = co_sleep,
};

static int co_abort(IoShell *shell, int argc, char **argv)
{
    abort();
}

const IoCommand io_command_abort = {
    .name = "abort",
    .purpose = "simulate a program crash using abort(3)",
    .co_run = co_abort,
};

static int co_sigraise(IoShell *shell, int argc, char **argv)
{
    uint64_t number;

    if (io_parse_number(argv[1], &number) < 0) {
        return -1;
    }
    if (number > NSIG) {
        printf("signal argument '%s' is too large to be a valid signal\n",
               argv[1]);
        return -1;
    }
    fflush(stdout);
    raise((int)number);
    return 0;
}

const IoCommand io_command_sigraise = {
    .name = "sigraise",
    .min_args = 1,
    .max_args = 1,
    .arguments = "signal",
    .purpose = "raises a signal",
    .help = " The program sends it to itself: 9 ends it as a crash would.\n",
    .co_run = co_sigraise,
};
