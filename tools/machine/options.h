/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of the machine, collected before anything is done: each
 * kind of option has its time, whatever the order in which they are given.
 */
#ifndef TOOLS_MACHINE_OPTIONS_H
#define TOOLS_MACHINE_OPTIONS_H

#include "util/common.h"

/* What is done with an option. */
typedef enum MachineOptionKind {
    MOPT_IGNORED, /* of no meaning without a guest */
    MOPT_WORDS,   /* the same, but its words are looked at */
    MOPT_REFUSED, /* what only a guest could use */
    MOPT_HELP,
    MOPT_VERSION,
    MOPT_MACHINE,
    MOPT_ACCEL,
    MOPT_KVM, /* -enable-kvm */
    MOPT_DISPLAY,
    MOPT_MEMORY,
    MOPT_NODEFAULTS,
    MOPT_USB,
    MOPT_STOPPED,
    MOPT_SNAPSHOT,
    MOPT_ADD_FD,
    MOPT_TRACE,
    MOPT_LOG_FILE,
    MOPT_MESSAGES, /* -msg */
    MOPT_OBJECT,
    MOPT_CHARDEV,
    MOPT_BLOCKDEV,
    MOPT_DRIVE,
    MOPT_HARD_DISK, /* -hda to -hdd, a file name alone */
    MOPT_CDROM,
    MOPT_FLOPPY,   /* -fda, -fdb */
    MOPT_IF_DRIVE, /* -sd, -pflash, -mtdblock */
    MOPT_MON,
    MOPT_MONITOR,
    MOPT_QMP,
    MOPT_QMP_PRETTY,
    MOPT_SERIAL,
    MOPT_QTEST,
    MOPT_DEVICE,
    MOPT_INCOMING,
    MOPT_LOADVM,
    MOPT_NO_SHUTDOWN,
    MOPT_NO_REBOOT,
    MOPT_ACTION,
    MOPT_WATCHDOG,   /* -watchdog-action */
    MOPT_GUEST_ONLY, /* accepted with a warning: no guest is there */
    MOPT_PIDFILE,
    MOPT_DAEMONIZE,
    MOPT_NAME,
    MOPT_SMP,
    MOPT_SEED,
    MOPT_NETDEV,
    MOPT_CPU,
    MOPT_UUID,
    MOPT_NOGRAPHIC,
    MOPT_SET,         /* done when it is read */
    MOPT_READ_CONFIG, /* the same */
} MachineOptionKind;

typedef struct MachineOption {
    MachineOptionKind kind;
    char *name;  /* "drive"; "" for a file name that stands alone */
    char *shown; /* "-drive file=x", for messages */
    char *text;  /* its argument, or NULL */
} MachineOption;

/* The options (MachineOption *), in the order given; NULL: what is wrong with
 * the command line has been printed. */
GPtrArray *machine_options_parse(int argc, char **argv);

void machine_help(void);

#endif
