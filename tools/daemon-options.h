/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of the daemon, collected before anything is done, so that
 * options may come in any order.
 */
#ifndef TOOLS_DAEMON_OPTIONS_H
#define TOOLS_DAEMON_OPTIONS_H

#include "util/common.h"
#include "util/log.h"

/* What options make, in the order in which they are applied: each kind may
 * refer to things of the kinds before it. */
typedef enum DaemonOptionKind {
    DAEMON_OPTION_TRACE,
    DAEMON_OPTION_OBJECT,
    DAEMON_OPTION_BLOCKDEV,
    DAEMON_OPTION_CHARDEV,
    DAEMON_OPTION_MONITOR,
    DAEMON_OPTION_NBD_SERVER,
    DAEMON_OPTION_EXPORT,
    DAEMON_OPTION__MAX,
} DaemonOptionKind;

typedef struct DaemonOption {
    DaemonOptionKind kind;
    char *shown; /* as it stood on the command line, for messages */
    char *text;  /* the option's argument */
} DaemonOption;

typedef struct DaemonOptions {
    GPtrArray *list; /* DaemonOption *, in the order given */
    char *pidfile;   /* absolute, or NULL */
    bool daemonize;
    LogLevel log_level;
    unsigned stop_timeout_s; /* 0: none */
} DaemonOptions;

/* Parses the command line. False: the program ends with *@exit_code; what is
 * to be said about it has been printed. */
bool daemon_options_parse(DaemonOptions *options, int argc, char **argv,
                          int *exit_code);
void daemon_options_free(DaemonOptions *options);

#endif
