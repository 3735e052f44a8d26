/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that stop requests at events of a blkdebug node. */
#include <stdio.h>

#include "block/filter/blkdebug.h"
#include "io-commands/io-commands.h"

static int co_break(IoShell *shell, int argc, char **argv)
{
    int ret = blkdebug_break(root_node(shell->root), argv[1], argv[2]);

    if (ret < 0) {
        printf("Could not set breakpoint: %s\n", strerror(-ret));
        return -1;
    }
    return 0;
}

const IoCommand io_command_break = {
    .name = "break",
    .min_args = 2,
    .max_args = 2,
    .needs_image = true,
    .arguments = "event tag",
    .purpose = "sets a breakpoint on event and tags the stopped request as tag",
    .co_run = co_break,
};

static int co_remove_break(IoShell *shell, int argc, char **argv)
{
    int ret = blkdebug_remove_break(root_node(shell->root), argv[1]);

    if (ret < 0) {
        printf("Could not remove breakpoint %s: %s\n", argv[1], strerror(-ret));
        return -1;
    }
    return 0;
}

const IoCommand io_command_remove_break = {
    .name = "remove_break",
    .min_args = 1,
    .max_args = 1,
    .needs_image = true,
    .arguments = "tag",
    .purpose = "remove a breakpoint by tag",
    .co_run = co_remove_break,
};

static int co_resume(IoShell *shell, int argc, char **argv)
{
    int ret = blkdebug_resume(root_node(shell->root), argv[1]);

    if (ret < 0) {
        printf("Could not resume request: %s\n", strerror(-ret));
        return -1;
    }
    return 0;
}

const IoCommand io_command_resume = {
    .name = "resume",
    .min_args = 1,
    .max_args = 1,
    .needs_image = true,
    .arguments = "tag",
    .purpose = "resumes the request tagged as tag",
    .co_run = co_resume,
};

COROUTINE_ONLY
static int co_wait_break(IoShell *shell, int argc, char **argv)
{
    int ret = co_blkdebug_wait_break(root_node(shell->root), argv[1]);

    if (ret < 0) {
        printf("Could not wait for a request: %s\n", strerror(-ret));
        return -1;
    }
    return 0;
}

const IoCommand io_command_wait_break = {
    .name = "wait_break",
    .min_args = 1,
    .max_args = 1,
    .needs_image = true,
    .arguments = "tag",
    .purpose = "waits for the suspension of a request",
    .co_run = co_wait_break,
};
