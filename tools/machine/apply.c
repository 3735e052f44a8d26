/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does what the options ask for, kind by kind: in which order. */
#include "tools/machine/apply.h"

#include "devices/about.h"
#include "devices/board.h"
#include "devices/device.h"
#include "devices/flash.h"
#include "devices/run-state.h"
#include "migration/migration.h"
#include "monitor/monitor.h"
#include "objects/fd-set.h"
#include "tools/machine/apply-checks.h"

static bool has(const Apply *apply, MachineOptionKind kind)
{
    for (guint i = 0; i < apply->options->len; i++) {
        const MachineOption *option = apply->options->pdata[i];

        if (option->kind == kind) {
            return true;
        }
    }
    return false;
}

typedef struct Step {
    MachineOptionKind kind;
    ApplyFn *co_fn;
    bool bare; /* its errors come without the option */
} Step;

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_one(Apply *apply, const Step *step, const MachineOption *option)
{
    Error *err = NULL;

    if (step->co_fn(apply, option, &err)) {
        return true;
    }
    if (!step->bare) {
        error_prepend(&err, "%s: ", option->shown);
    }
    if (apply->has_monitors) {
        monitors_greet_in_vain();
    }
    error_report_err(err);
    return false;
}

/* Options of these kinds in the order given; a step of several kinds ends
 * where @kinds has the next step. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_steps(Apply *apply, const Step *steps, size_t n)
{
    for (guint i = 0; i < apply->options->len; i++) {
        const MachineOption *option = apply->options->pdata[i];

        for (size_t s = 0; s < n; s++) {
            if (steps[s].kind == option->kind &&
                !co_apply_one(apply, &steps[s], option)) {
                return false;
            }
        }
    }
    return true;
}

#define STEPS(...) ((const Step[]){__VA_ARGS__})
#define APPLY(apply, ...)                     \
    co_apply_steps(apply, STEPS(__VA_ARGS__), \
                   sizeof(STEPS(__VA_ARGS__)) / sizeof(Step))

/* All that -add-fd names has been taken over. */
CONTROL_ONLY
static bool begin_sets(void)
{
    fd_sets_begin();
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_early(Apply *apply)
{
    return APPLY(
               apply, {MOPT_NAME, apply_name, false},
               {MOPT_MESSAGES, apply_messages, false},
               {MOPT_DISPLAY, apply_display, false},
               {MOPT_WORDS, apply_words, true},
               {MOPT_MEMORY, apply_words, true}, {MOPT_NAME, apply_words, true},
               {MOPT_TRACE, apply_words, true}, {MOPT_SEED, apply_seed, false},
               {MOPT_LOG_FILE, apply_log_file, true}) &&
           APPLY(apply, {MOPT_MEMORY, apply_memory, false},
                 {MOPT_UUID, apply_uuid, false}, {MOPT_SMP, apply_smp, true},
                 {MOPT_ACCEL, apply_accel, false}, {MOPT_KVM, apply_kvm, false},
                 {MOPT_MACHINE, apply_machine, true},
                 {MOPT_ACTION, apply_action, false},
                 {MOPT_WATCHDOG, apply_watchdog, false},
                 {MOPT_NO_REBOOT, apply_no_reboot, false},
                 {MOPT_NO_SHUTDOWN, apply_no_shutdown, false},
                 {MOPT_GUEST_ONLY, apply_guest_only, false},
                 {MOPT_ADD_FD, apply_add_fd, false},
                 {MOPT_TRACE, apply_trace, false}) &&
           APPLY(apply, {MOPT_MEMORY, apply_memory_slots, true}) &&
           begin_sets() && APPLY(apply, {MOPT_OBJECT, co_apply_object, true}) &&
           APPLY(apply, {MOPT_CHARDEV, co_apply_chardev, false},
                 {MOPT_QMP, co_open_monitor, false},
                 {MOPT_QMP_PRETTY, co_open_monitor, false},
                 {MOPT_MONITOR, co_open_monitor, false});
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_media(Apply *apply)
{
    return APPLY(apply, {MOPT_BLOCKDEV, co_apply_blockdev, false}) &&
           APPLY(apply, {MOPT_NETDEV, apply_netdev, false}) &&
           APPLY(apply, {MOPT_DRIVE, co_apply_drive, false},
                 {MOPT_HARD_DISK, co_apply_hard_disk, false},
                 {MOPT_CDROM, co_apply_cdrom, false},
                 {MOPT_FLOPPY, co_apply_floppy, false},
                 {MOPT_IF_DRIVE, co_apply_if_drive, false});
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_monitors(Apply *apply)
{
    apply->monitors = 0;
    apply->has_monitors = APPLY(apply, {MOPT_MON, apply_mon, false},
                                {MOPT_QMP, apply_monitor, false},
                                {MOPT_QMP_PRETTY, apply_monitor, false},
                                {MOPT_MONITOR, apply_monitor, false});
    return apply->has_monitors;
}

/* As what it is to be, or what it once was. */
COROUTINE_ONLY CONTROL_ONLY static bool co_begin_to_run(Apply *apply)
{
    bool stopped = has(apply, MOPT_STOPPED), loads = has(apply, MOPT_LOADVM);

    run_state_begin(stopped || loads, has(apply, MOPT_INCOMING));
    if (!APPLY(apply, {MOPT_LOADVM, co_apply_loadvm, true})) {
        return false;
    }
    if (loads && !stopped && !has(apply, MOPT_INCOMING)) {
        run_state_set(RUN_STATE_RUNNING);
    }
    return APPLY(apply, {MOPT_INCOMING, apply_incoming, false});
}

COROUTINE_ONLY CONTROL_ONLY static bool co_defaults(Apply *apply)
{
    Error *err = NULL;

    if (!co_default_parts(apply, &err) || !co_flash_make(&err)) {
        error_report_err(err);
        return false;
    }
    return true;
}

bool co_machine_apply(const GPtrArray *options)
{
    Apply apply = {.options = options};
    Error *err = NULL;

    apply.drives = (DriveDefaults){.interface = DRIVE_IF_IDE,
                                   .snapshot = has(&apply, MOPT_SNAPSHOT)};
    if (!co_apply_early(&apply)) {
        return false;
    }
    if (!about_check_cpus(&err)) {
        error_report_err(err);
        return false;
    }
    apply.drives.ide_units = board_chosen()->ide_units;
    if (!board_chosen()->has_ide) {
        apply.drives.interface = DRIVE_IF_NONE;
    }
    if (has(&apply, MOPT_INCOMING)) {
        migration_expect();
        run_state_expect();
    }
    devices_init(apply.usb || has(&apply, MOPT_USB));
    if (!co_apply_media(&apply) || !co_defaults(&apply) ||
        !co_apply_monitors(&apply) ||
        !APPLY(&apply, {MOPT_CPU, apply_cpu, true}) ||
        !APPLY(&apply, {MOPT_SERIAL, co_apply_port, false}) ||
        !co_drive_devices(false, true) || !co_drive_devices(false, false) ||
        !APPLY(&apply, {MOPT_DEVICE, co_apply_device, false}) ||
        !co_drive_devices(true, false) ||
        !APPLY(&apply, {MOPT_NETDEV, apply_netdev_used, true}) ||
        !APPLY(&apply, {MOPT_QTEST, co_apply_qtest, true})) {
        return false;
    }
    devices_set_running();
    return co_begin_to_run(&apply);
}
