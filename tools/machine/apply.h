/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What options do, kind by kind: for the files apply*.c only. */
#ifndef TOOLS_MACHINE_APPLY_H
#define TOOLS_MACHINE_APPLY_H

#include "block/backend/drive.h"
#include "tools/machine/machine.h"

/* What one option needs of the others. */
typedef struct Apply {
    const GPtrArray *options;
    DriveDefaults drives;
    unsigned monitors; /* made without a name so far */
    unsigned serials, parallels;
    bool has_monitors; /* all are made */
    bool usb;          /* the machine is to have a bus of that */
} Apply;

/* Does what @option asks for; false with the text. */
typedef bool ApplyFn(Apply *apply, const MachineOption *option, Error **errp);

/* apply-about.c: what has no object. */
bool apply_display(Apply *apply, const MachineOption *option, Error **errp);
bool apply_memory(Apply *apply, const MachineOption *option,
                  Error **errp) CONTROL_ONLY;
/* Of -m: what may be added, when it is known what there is. */
bool apply_memory_slots(Apply *apply, const MachineOption *option,
                        Error **errp) CONTROL_ONLY;
bool apply_messages(Apply *apply, const MachineOption *option,
                    Error **errp) CONTROL_ONLY;
bool apply_name(Apply *apply, const MachineOption *option,
                Error **errp) CONTROL_ONLY;
bool apply_uuid(Apply *apply, const MachineOption *option,
                Error **errp) CONTROL_ONLY;
bool apply_smp(Apply *apply, const MachineOption *option,
               Error **errp) CONTROL_ONLY;
bool apply_trace(Apply *apply, const MachineOption *option, Error **errp);
bool apply_action(Apply *apply, const MachineOption *option,
                  Error **errp) CONTROL_ONLY;
bool apply_watchdog(Apply *apply, const MachineOption *option,
                    Error **errp) CONTROL_ONLY;
bool apply_no_reboot(Apply *apply, const MachineOption *option,
                     Error **errp) CONTROL_ONLY;
bool apply_no_shutdown(Apply *apply, const MachineOption *option,
                       Error **errp) CONTROL_ONLY;
bool apply_guest_only(Apply *apply, const MachineOption *option, Error **errp);

/* apply-cpu.c */
bool apply_accel(Apply *apply, const MachineOption *option,
                 Error **errp) CONTROL_ONLY;
bool apply_kvm(Apply *apply, const MachineOption *option,
               Error **errp) CONTROL_ONLY;
bool apply_machine(Apply *apply, const MachineOption *option,
                   Error **errp) CONTROL_ONLY;
bool apply_cpu(Apply *apply, const MachineOption *option,
               Error **errp) CONTROL_ONLY;

/* apply-words.c: options of no effect; what is wrong is told as it is, without
 * the option in front. */
bool apply_words(Apply *apply, const MachineOption *option, Error **errp);

/* apply-drive.c: objects, chardevs, nodes, drives. */
/* Option strings of a kind have names of their own, before what they say is
 * looked at; false with @errp. */
bool apply_id_is_new(const Apply *apply, const MachineOption *option,
                     Error **errp) CONTROL_ONLY;
/* Its text with flags such as "server" and "nowait" as "server=on,wait=off",
 * which is told to be deprecated; owned. */
char *apply_flags_written_out(const MachineOption *option, const char *implied);
bool co_apply_object(Apply *apply, const MachineOption *option,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_chardev(Apply *apply, const MachineOption *option,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_blockdev(Apply *apply, const MachineOption *option,
                       Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_drive(Apply *apply, const MachineOption *option,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_hard_disk(Apply *apply, const MachineOption *option,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_cdrom(Apply *apply, const MachineOption *option,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_floppy(Apply *apply, const MachineOption *option,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_if_drive(Apply *apply, const MachineOption *option,
                       Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* apply-net.c; the latter when all devices are there. */
bool apply_netdev(Apply *apply, const MachineOption *option,
                  Error **errp) CONTROL_ONLY;
bool apply_netdev_used(Apply *apply, const MachineOption *option,
                       Error **errp) CONTROL_ONLY;

/* apply-monitor.c. */
bool apply_mon(Apply *apply, const MachineOption *option,
               Error **errp) CONTROL_ONLY;
bool co_open_monitor(Apply *apply, const MachineOption *option,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool apply_monitor(Apply *apply, const MachineOption *option,
                   Error **errp) CONTROL_ONLY;
bool co_apply_port(Apply *apply, const MachineOption *option,
                   Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_apply_qtest(Apply *apply, const MachineOption *option,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* apply-device.c. */
bool co_apply_device(Apply *apply, const MachineOption *option,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool apply_incoming(Apply *apply, const MachineOption *option,
                    Error **errp) CONTROL_ONLY;
bool co_apply_loadvm(Apply *apply, const MachineOption *option,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Devices for the drives of this kind that are to have one; false: the reason
 * was printed. */
bool co_drive_devices(bool virtio, bool floppy) COROUTINE_ONLY CONTROL_ONLY;

/* apply-defaults.c: what a machine has without being told. */
bool co_default_parts(Apply *apply, Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* apply-fd.c */
bool apply_add_fd(Apply *apply, const MachineOption *option,
                  Error **errp) CONTROL_ONLY;

#endif
