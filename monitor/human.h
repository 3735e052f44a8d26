/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The joint between monitors and HMP, which stands above them: a program that
 * offers it calls hmp_init() (monitor/hmp/hmp.h), which fills this. All on
 * control.
 */
#ifndef MONITOR_HUMAN_H
#define MONITOR_HUMAN_H

#include "monitor/chardev.h"

typedef struct HumanOps {
    /* Runs a line; what it printed. */
    GString *(*co_run)(const char *line);
    /* Serves @stream until the client has left or co_end. */
    void (*co_session)(const Stream *stream);
    /* Ends all sessions; returns while they are ending. */
    void (*co_end)(void);
    /* What a session says first, as it stands on a terminal. */
    const char *(*greeting)(void);
    /* Whether there is such a processor. */
    bool (*cpu_exists)(int64_t index);
    /* No command starts any more: lets go what commands left behind. */
    void (*close)(void);
} HumanOps;

void human_set_ops(const HumanOps *ops);
/* NULL: this program has no HMP. */
const HumanOps *human_ops(void);

#endif
