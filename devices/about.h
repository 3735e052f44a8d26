/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was said of the machine on the command line that queries show: its
 * name, its memory and its processors, which are there in name only. All:
 * control thread.
 */
#ifndef DEVICES_ABOUT_H
#define DEVICES_ABOUT_H

#include "util/annotations.h"
#include "util/error.h"

#define MEMORY_DEFAULT_BYTES (UINT64_C(128) << 20)

typedef struct About {
    char *name, *uuid;     /* NULL: not given */
    uint64_t memory_bytes; /* 0: not given */
    unsigned cpus;
    bool kvm; /* asked for, and there would be one */
} About;

const About *machine_about(void) CONTROL_ONLY;

/* -name GUEST or guest=GUEST,... */
void about_set_name(const char *text) CONTROL_ONLY;
/* False with QEMU's text if it is none. */
bool about_set_uuid(const char *text, Error **errp) CONTROL_ONLY;
void about_set_memory(uint64_t bytes) CONTROL_ONLY;
/* -smp N or cpus=N,... */
bool about_set_cpus(const char *text, Error **errp) CONTROL_ONLY;
/* Whether the machine, which is known now, may have so many. */
bool about_check_cpus(Error **errp) CONTROL_ONLY;

/* The accelerator is KVM, if this host has it. Nothing is accelerated, but
 * programs look for it: libvirt asks again and again, for ever, on a host that
 * has it while the answer is no. */
void about_use_kvm(void) CONTROL_ONLY;

/* How many processors there are on this board. */
unsigned machine_cpus(void) CONTROL_ONLY;
/* How much memory it is said to have. */
uint64_t machine_memory_bytes(void) CONTROL_ONLY;

#endif
