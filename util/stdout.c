/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of what is printed and what is sent: see stdout.h. */
#include "util/stdout.h"

#include <stddef.h>

/* CONTROL */
static void (*settle)(void);

void stdout_set_settle(void (*co_settle)(void))
{
    settle = co_settle;
}

void co_stdout_settle(void)
{
    if (settle) {
        settle();
    }
}
