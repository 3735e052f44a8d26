/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does what the options ask for, kind by kind. */
#include <stdio.h>

#include "block/backend/drive.h"
#include "devices/about.h"
#include "devices/board.h"
#include "devices/device.h"
#include "devices/run-state.h"
#include "migration/migration.h"
#include "monitor/monitor.h"
#include "tools/apply-text.h"
#include "tools/machine/machine.h"
#include "util/json/json-parse.h"
#include "util/opts.h"

#define MIB (UINT64_C(1) << 20)
/* A smaller number of memory is one of MiB. */
#define MIN_SUFFIXED_BYTES (UINT64_C(1) << 20)

/* What one option needs of the others. */
typedef struct Apply {
    const GPtrArray *options;
    DriveDefaults drives;
    unsigned monitors; /* made without a name so far */
    bool has_monitors; /* all are made */
} Apply;

typedef bool ApplyFn(Apply *apply, const MachineOption *option, Error **errp);

/* --- what has no object -------------------------------------------------- */

static bool is_accelerator(const char *name)
{
    static const char *const known[] = {"qtest", "tcg",  "kvm",  "xen",
                                        "hvf",   "whpx", "nvmm", NULL};

    return g_strv_contains(known, name);
}

/* "kvm:tcg": the first that works; here all do. */
static bool accelerators_ok(const char *text, Error **errp)
{
    g_auto(GStrv) names = g_strsplit(text, ":", -1);

    for (char **name = names; *name; name++) {
        if (!is_accelerator(*name)) {
            error_set(errp, "invalid accelerator %s", *name);
            return false;
        }
    }
    return true;
}

static bool apply_accel(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts = opts_parse(option->text, "accel", NULL);
    const char *name = opts_get(opts, "accel");
    bool ok = name && accelerators_ok(name, errp);

    if (!name) {
        error_set(errp, "accel= is missing");
    }
    opts_free(opts);
    return ok;
}

CONTROL_ONLY
static bool apply_machine(Apply *apply, const MachineOption *option,
                          Error **errp)
{
    Opts *opts = opts_parse(option->text, "type", option->shown);
    g_autofree char *type = opts_take(opts, "type");
    g_autofree char *accel = opts_take(opts, "accel");
    bool ok = (!type || board_choose(type, errp)) &&
              (!accel || accelerators_ok(accel, errp));

    if (ok && opts->list->len && !strcmp(board_chosen()->name, "none")) {
        const Opt *opt = opts->list->pdata[0];

        error_set(errp, "Property '%s.%s' not found", board_chosen()->type,
                  opt->name);
        ok = false;
    }
    opts_free(opts);
    return ok;
}

static bool apply_display(Apply *apply, const MachineOption *option,
                          Error **errp)
{
    static const char *const known[] = {
        "none", "gtk",       "sdl",   "curses",  "egl-headless",
        "dbus", "spice-app", "cocoa", "default", NULL};
    Opts *opts = opts_parse(option->text, "type", NULL);
    const char *type = opts_get(opts, "type");
    bool ok = type && g_strv_contains(known, type);

    if (!ok) {
        error_set(errp, "Parameter 'type' does not accept value '%s'",
                  type ? type : "");
    }
    opts_free(opts);
    return ok;
}

CONTROL_ONLY
static bool apply_memory(Apply *apply, const MachineOption *option,
                         Error **errp)
{
    Opts *opts = opts_parse(option->text, "size", NULL);
    uint64_t bytes;
    bool ok = opts_take_number(opts, "size", true, &bytes, NULL);

    if (!ok) {
        error_set(errp, "Parameter 'size' expects a non-negative number below "
                        "2^64");
        error_append_hint(errp, "Optional suffix k, M, G, T, P or E means "
                                "kilo-, mega-, giga-, tera-, peta-\n"
                                "and exabytes, respectively.\n");
    }
    opts_free(opts);
    if (ok) {
        about_set_memory(bytes >= MIN_SUFFIXED_BYTES ? bytes : bytes * MIB);
    }
    return ok;
}

CONTROL_ONLY
static bool apply_name(Apply *apply, const MachineOption *option, Error **errp)
{
    about_set_name(option->text);
    return true;
}

CONTROL_ONLY
static bool apply_uuid(Apply *apply, const MachineOption *option, Error **errp)
{
    return about_set_uuid(option->text, errp);
}

CONTROL_ONLY
static bool apply_smp(Apply *apply, const MachineOption *option, Error **errp)
{
    return about_set_cpus(option->text, errp);
}

static bool apply_trace(Apply *apply, const MachineOption *option, Error **errp)
{
    warn_report("trace event '%s' does not exist", option->text);
    return true;
}

/* No node can be opened by a number here: only what was inherited is looked
 * at. */
static bool apply_add_fd(Apply *apply, const MachineOption *option,
                         Error **errp)
{
    error_set(errp, "sets of file descriptors are not supported");
    return false;
}

/* --- objects, nodes, drives ---------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_object(Apply *apply, const MachineOption *option, Error **errp)
{
    bool listed = false;

    return co_apply_object_text(option->text, &listed, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_chardev(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_apply_chardev_text(option->text, false, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_blockdev(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_apply_blockdev_text(option->text, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_add_drive(Apply *apply, const MachineOption *option, Opts *opts,
             Error **errp)
{
    Drive *drive = co_drive_new(opts, &apply->drives, errp);

    if (drive) {
        drive->shown = g_strdup(option->shown);
    }
    opts_free(opts);
    return drive != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_drive(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_add_drive(apply, option,
                        opts_parse(option->text, NULL, option->shown), errp);
}

/* -hda FILE and the like: a place and a name that is not to be parsed. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_file(Apply *apply, const MachineOption *option, const char *words,
              Error **errp)
{
    Opts *opts = opts_parse(words, NULL, NULL);

    opts_add(opts, "file", option->text);
    return co_add_drive(apply, option, opts, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_hard_disk(Apply *apply, const MachineOption *option, Error **errp)
{
    unsigned index = *option->name ? option->name[2] - 'a' : 0;
    g_autofree char *words =
        g_strdup_printf("if=ide,index=%u,media=disk", index);

    return co_apply_file(apply, option, words, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_cdrom(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_apply_file(apply, option, "if=ide,index=2,media=cdrom", errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_floppy(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *words =
        g_strdup_printf("if=floppy,index=%d", option->name[2] - 'a');

    return co_apply_file(apply, option, words, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_if_drive(Apply *apply, const MachineOption *option, Error **errp)
{
    const char *name = !strcmp(option->name, "mtdblock") ? "mtd" : option->name;
    g_autofree char *words = g_strdup_printf("if=%s", name);

    return co_apply_file(apply, option, words, errp);
}

/* --- monitors ------------------------------------------------------------ */

CONTROL_ONLY
static bool apply_mon(Apply *apply, const MachineOption *option, Error **errp)
{
    return apply_monitor_text(option->text, MONITOR_MODE_READLINE, errp);
}

/* What -qmp, -monitor and -qtest listen or speak on is made with the other
 * channels; the monitor comes later. */
static char *channel_id(Apply *apply)
{
    return g_strdup_printf("compat_monitor%u", apply->monitors++);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_open_monitor(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *id = channel_id(apply);
    Chardev *chr;

    return co_machine_channel(option->text, id, &chr, errp);
}

CONTROL_ONLY
static bool apply_monitor(Apply *apply, const MachineOption *option,
                          Error **errp)
{
    g_autofree char *id = channel_id(apply);
    MonitorMode mode = option->kind == MOPT_MONITOR ? MONITOR_MODE_READLINE
                                                    : MONITOR_MODE_CONTROL;
    g_autofree char *text = g_strdup_printf(
        "%s%s", id, option->kind == MOPT_QMP_PRETTY ? ",pretty=on" : "");

    /* "none" and "null" have no other side. */
    return !chardev_find(id) || apply_monitor_text(text, mode, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_qtest(Apply *apply, const MachineOption *option, Error **errp)
{
    Chardev *chr;

    if (!co_machine_channel(option->text, "qtest", &chr, errp)) {
        return false;
    }
    if (chr && chardev_claim(chr, errp)) {
        machine_qtest_start(chr);
        return true;
    }
    return !chr;
}

/* --- devices ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_add_device(const char *text, const char *shown, Error **errp)
{
    bool strict = *text == '{';
    json_object *values;
    Device *device = NULL;
    Opts *opts;

    if (strict) {
        values = json_parse_string(text, errp);
    } else {
        opts = opts_parse(text, "driver", shown);
        values = json_object_new_object();
        for (guint i = 0; i < opts->list->len; i++) {
            const Opt *opt = opts->list->pdata[i];

            json_object_object_add(values, opt->name,
                                   json_object_new_string(opt->value));
        }
        opts_free(opts);
    }
    if (values) {
        device = co_device_add(values, strict, errp);
        json_object_put(values);
    }
    return device != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_device(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_add_device(option->text, option->shown, errp);
}

CONTROL_ONLY
static bool apply_incoming(Apply *apply, const MachineOption *option,
                           Error **errp)
{
    return migration_incoming_begin(option->text, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_default_drives(Apply *apply,
                                                          Error **errp)
{
    static const char *const words[] = {"if=ide,index=2,media=cdrom",
                                        "if=floppy,index=0"};

    if (!board_chosen()->has_ide) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        Opts *opts = opts_parse(words[i], NULL, NULL);
        Error *err = NULL;

        /* That somebody has taken the place is fine. */
        if (!co_drive_new(opts, &apply->drives, &err)) {
            error_free(err);
        }
        opts_free(opts);
    }
    return true;
}

/* Devices for the drives of this kind that are to have one. */
COROUTINE_ONLY CONTROL_ONLY static bool co_drive_devices(bool virtio,
                                                         bool floppy)
{
    for (Drive *d = drive_next(NULL); d; d = drive_next(d)) {
        Error *err = NULL;

        if ((d->interface == DRIVE_IF_VIRTIO) == virtio &&
            (d->interface == DRIVE_IF_FLOPPY) == floppy &&
            !co_device_for_drive(d, &err)) {
            if (d->shown) {
                error_prepend(&err, "%s: ", d->shown);
            }
            monitors_greet_in_vain();
            error_report_err(err);
            return false;
        }
    }
    return true;
}

/* --- in order ------------------------------------------------------------ */

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

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_early(Apply *apply)
{
    return APPLY(apply, {MOPT_DISPLAY, apply_display, false},
                 {MOPT_MEMORY, apply_memory, false},
                 {MOPT_NAME, apply_name, false}, {MOPT_UUID, apply_uuid, false},
                 {MOPT_SMP, apply_smp, false}, {MOPT_ACCEL, apply_accel, false},
                 {MOPT_MACHINE, apply_machine, true},
                 {MOPT_ADD_FD, apply_add_fd, false},
                 {MOPT_TRACE, apply_trace, false}) &&
           APPLY(apply, {MOPT_OBJECT, co_apply_object, false}) &&
           APPLY(apply, {MOPT_CHARDEV, co_apply_chardev, false},
                 {MOPT_QMP, co_open_monitor, false},
                 {MOPT_QMP_PRETTY, co_open_monitor, false},
                 {MOPT_MONITOR, co_open_monitor, false});
}

COROUTINE_ONLY CONTROL_ONLY static bool co_apply_media(Apply *apply)
{
    return APPLY(apply, {MOPT_BLOCKDEV, co_apply_blockdev, false}) &&
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

bool co_machine_apply(const GPtrArray *options)
{
    Apply apply = {.options = options};
    Error *err = NULL;

    apply.drives = (DriveDefaults){.interface = DRIVE_IF_IDE,
                                   .snapshot = has(&apply, MOPT_SNAPSHOT)};
    if (!co_apply_early(&apply)) {
        return false;
    }
    if (has(&apply, MOPT_INCOMING)) {
        migration_expect();
    }
    devices_init();
    if (!co_apply_media(&apply) ||
        (!has(&apply, MOPT_NODEFAULTS) && !co_default_drives(&apply, &err)) ||
        !co_apply_monitors(&apply) || !co_drive_devices(false, true) ||
        !co_drive_devices(false, false) ||
        !APPLY(&apply, {MOPT_DEVICE, co_apply_device, false}) ||
        !co_drive_devices(true, false) ||
        !APPLY(&apply, {MOPT_QTEST, co_apply_qtest, false})) {
        return false;
    }
    devices_set_running();
    run_state_begin(has(&apply, MOPT_STOPPED), has(&apply, MOPT_INCOMING));
    return APPLY(&apply, {MOPT_INCOMING, apply_incoming, false});
}
