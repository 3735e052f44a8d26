/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests behind the commands: how many there are, and waiting for them. */
#include "block/backend/backend.h"
#include "io-commands/io-commands.h"

/* CONTROL: of all shells. */
static CoCount aio_total;

void io_shell_init(IoShell *shell)
{
    static bool ready;

    if (!ready) {
        cocount_init(&aio_total);
        ready = true;
    }
    cocount_init(&shell->aio);
}

void co_io_wait_idle(void)
{
    co_count_wait_zero(&aio_total);
}

void io_aio_begin(IoShell *shell)
{
    cocount_inc(&shell->aio);
    cocount_inc(&aio_total);
}

void io_aio_end(IoShell *shell)
{
    cocount_dec(&aio_total);
    cocount_dec(&shell->aio);
}

COROUTINE_ONLY CONTROL_ONLY static int co_aio_flush(IoShell *shell, int argc,
                                                    char **argv)
{
    backends_hurry(true);
    co_io_wait_idle();
    backends_hurry(false);
    return 0;
}

const IoCommand io_command_aio_flush = {
    .name = "aio_flush",
    .needs_image = true,
    .purpose = "completes all outstanding aio requests",
    .co_run = co_aio_flush,
};
