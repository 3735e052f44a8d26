/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that describe the machine and have no object. */
#include "devices/about.h"
#include "devices/action.h"
#include "tools/machine/apply-checks.h"

#define MIB (UINT64_C(1) << 20)
/* A smaller number of memory is one of MiB. */
#define MIN_SUFFIXED_BYTES (UINT64_C(1) << 20)

bool apply_display(Apply *apply, const MachineOption *option, Error **errp)
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

bool apply_memory(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts = opts_parse(option->text, "size", NULL);
    uint64_t bytes = 0;
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

bool apply_memory_slots(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts = opts_parse(option->text, "size", NULL);
    bool ok = check_memory(opts, machine_memory_bytes(), errp);

    opts_free(opts);
    return ok;
}

bool apply_name(Apply *apply, const MachineOption *option, Error **errp)
{
    about_set_name(option->text);
    return true;
}

/* What -name said is known. */
bool apply_messages(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts = opts_parse(option->text, NULL, option->shown);
    bool timestamps = false, guest_name = false;
    bool ok = opts_take_bool(opts, "timestamp", &timestamps, errp) &&
              opts_take_bool(opts, "guest-name", &guest_name, errp);

    if (ok && opts->list->len) {
        const Opt *unknown = opts->list->pdata[0];

        error_set(errp, "Invalid parameter '%s'", unknown->name);
        ok = false;
    }
    if (ok) {
        error_set_marks(timestamps, guest_name ? machine_about()->name : NULL);
    }
    opts_free(opts);
    return ok;
}

bool apply_uuid(Apply *apply, const MachineOption *option, Error **errp)
{
    return about_set_uuid(option->text, errp);
}

bool apply_smp(Apply *apply, const MachineOption *option, Error **errp)
{
    return about_set_cpus(option->text, errp);
}

bool apply_action(Apply *apply, const MachineOption *option, Error **errp)
{
    return action_set_words(option->text, option->shown, errp);
}

bool apply_no_reboot(Apply *apply, const MachineOption *option, Error **errp)
{
    action_set_reboot(REBOOT_ACTION_SHUTDOWN);
    return true;
}

bool apply_no_shutdown(Apply *apply, const MachineOption *option, Error **errp)
{
    action_set_shutdown(SHUTDOWN_ACTION_PAUSE);
    return true;
}

bool apply_guest_only(Apply *apply, const MachineOption *option, Error **errp)
{
    if (strcmp(option->text, "none") != 0) {
        warn_report("-%s: this machine has no guest: it has no effect",
                    option->name);
    }
    return true;
}

bool apply_watchdog(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *words = g_strconcat("watchdog=", option->text, NULL);

    return action_set_words(words, NULL, errp);
}

/* -trace PATTERN or enable=PATTERN,events=FILE,file=FILE. There are no events:
 * a name is wrong, and a pattern matches none. */
bool apply_trace(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts = opts_parse(option->text, "enable", option->shown);
    const char *name = opts_get(opts, "enable");
    const char *events = opts_get(opts, "events");
    bool ok = !events || g_file_test(events, G_FILE_TEST_EXISTS);

    if (name && !strchr(name, '*')) {
        warn_report_at(option->shown);
        warn_report("trace event '%s' does not exist",
                    *name == '-' ? name + 1 : name);
        warn_report_at(NULL);
    }
    if (!ok) {
        error_set_errno(errp, ENOENT, "%s", events);
    }
    opts_free(opts);
    return ok;
}
