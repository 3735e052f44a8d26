/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -machine, -accel and -cpu: nothing runs here, but what is said of it has to
 * make sense.
 */
#include "devices/about.h"
#include "devices/board.h"
#include "devices/cpu.h"
#include "devices/device.h"
#include "devices/flash.h"
#include "tools/machine/apply.h"
#include "util/opts.h"

/* --- accelerators -------------------------------------------------------- */

/* What an accelerator takes: "NAME:KIND". */
static const struct {
    const char *name, *shown, *bools, *others;
} accels[] = {
    {"tcg", "tcg", "split-wx", "tb-size thread"},
    {"kvm", "KVM", "",
     "dirty-ring-size kernel-irqchip kvm-shadow-mem notify-vmexit "
     "notify-window"},
    {"qtest", "qtest", "", ""},
};

/* Its index, or -1. */
static int find_accelerator(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(accels); i++) {
        if (!strcmp(accels[i].name, name)) {
            return i;
        }
    }
    return -1;
}

CONTROL_ONLY
static void use_accelerator(int index)
{
    if (!strcmp(accels[index].name, "kvm")) {
        about_use_kvm();
    }
}

/* "kvm:tcg": the first that there is; the others are told of. */
CONTROL_ONLY
static bool choose_accelerator(const char *text, Error **errp)
{
    g_auto(GStrv) names = g_strsplit(text, ":", -1);
    int chosen = -1;
    Error *err = NULL;

    for (char **name = names; *name; name++) {
        int index = find_accelerator(*name);

        if (index < 0 && err) {
            error_report_err(err);
            err = NULL;
        }
        if (index < 0) {
            error_set(&err, "invalid accelerator %s", *name);
        }
        chosen = chosen >= 0 ? chosen : index;
    }
    if (chosen < 0) {
        error_propagate(errp, err);
        if (!names[0]) {
            error_set(errp, "no accelerator found");
        }
        return false;
    }
    if (err) {
        error_report_err(err);
        error_report("falling back to %s", accels[chosen].shown);
    }
    use_accelerator(chosen);
    return true;
}

bool apply_kvm(Apply *apply, const MachineOption *option, Error **errp)
{
    about_use_kvm();
    return true;
}

static bool is_one_of(const char *word, const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)list, word);
}

static bool thread_ok(const char *value, Error **errp)
{
    bool ok = is_one_of(value, "single multi");

    if (!ok) {
        error_set(errp, "Invalid 'thread' setting %s", value);
    }
    return ok;
}

static bool buffer_ok(const char *value, Error **errp)
{
    guint64 number;
    bool is_number =
        g_ascii_string_to_unsigned(value, 10, 0, UINT64_MAX, &number, NULL);
    bool ok = is_number && number <= UINT32_MAX;

    if (!ok) {
        error_set(errp, "Parameter 'tb-size' expects %s",
                  is_number || *value == '-' ? "uint32_t" : "uint64");
    }
    return ok;
}

static bool accel_word_ok(int index, const Opt *opt, Error **errp)
{
    if (is_one_of(opt->name, accels[index].bools)) {
        bool ok = opts_bool_value(opt->value) >= 0;

        if (!ok) {
            error_set(errp, "Parameter '%s' expects 'on' or 'off'", opt->name);
        }
        return ok;
    }
    if (!is_one_of(opt->name, accels[index].others)) {
        error_set(errp, "Property '%s-accel.%s' not found", accels[index].name,
                  opt->name);
        return false;
    }
    return !strcmp(opt->name, "thread")    ? thread_ok(opt->value, errp)
           : !strcmp(opt->name, "tb-size") ? buffer_ok(opt->value, errp)
                                           : true;
}

static bool accel_words_ok(int index, const Opts *opts, Error **errp)
{
    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        if (!is_one_of(opt->name, "accel id") &&
            !accel_word_ok(index, opt, errp)) {
            return false;
        }
    }
    return true;
}

bool apply_accel(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts = opts_parse(option->text, "accel", NULL);
    const char *name = opts_get(opts, "accel");
    int index = name ? find_accelerator(name) : -1;
    bool ok = false;

    if (!name) {
        error_set(errp, "accel= is missing");
    } else if (index < 0) {
        error_set(errp, "invalid accelerator %s", name);
    } else {
        ok = accel_words_ok(index, opts, errp);
    }
    if (ok) {
        use_accelerator(index);
    }
    opts_free(opts);
    return ok;
}

/* --- machines ------------------------------------------------------------ */

/* Machines with PCI only have such a property that does something here. */
CONTROL_ONLY
static bool take_usb(Apply *apply, Opts *opts, Error **errp)
{
    return !board_chosen()->pci_bus ||
           opts_take_bool(opts, "usb", &apply->usb, errp);
}

/* Nodes for the chips that hold its firmware. */
CONTROL_ONLY
static void take_firmware(const Opts *opts)
{
    for (unsigned i = 0; i < FLASH_CHIPS; i++) {
        g_autofree char *key = g_strdup_printf("pflash%u", i);
        const char *node = opts_get(opts, key);

        if (node) {
            flash_set_node(i, node);
        }
    }
}

/* What machines take although it is not their property, and what nests. */
static bool is_passed_on(const char *name)
{
    return strchr(name, '.') ||
           is_one_of(name, "id igd-passthru kernel-irqchip kvm-shadow-mem");
}

/* Of machines whose properties are all known. */
CONTROL_ONLY
static bool machine_words_ok(const Opts *opts, Error **errp)
{
    const Board *board = board_chosen();

    if (!board->pci_bus && strcmp(board->name, "none") != 0) {
        return true;
    }
    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        if (!is_passed_on(opt->name) &&
            !type_value_check(board->type, opt->name, opt->value, "integer",
                              errp)) {
            return false;
        }
    }
    return true;
}

/* No item but the first goes without a value. */
static bool values_ok(const MachineOption *option, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(option->text, ",", -1);

    for (char **item = items; *item; item++) {
        bool doubled = item > items && !**item; /* of ",," */

        if (doubled && item[1]) {
            item++;
        } else if (item > items && **item && !strchr(*item, '=')) {
            error_set(errp, "%s: Expected '=' after parameter '%s'",
                      option->shown, *item);
            return false;
        }
    }
    return true;
}

/* An accelerator is asked for in one way. */
static bool one_way_ok(const Apply *apply, const char *accel, Error **errp)
{
    for (guint i = 0; accel && i < apply->options->len; i++) {
        const MachineOption *other = apply->options->pdata[i];

        if (other->kind == MOPT_ACCEL) {
            error_set(errp, "The -accel and \"-machine accel=\" options are "
                            "incompatible");
            return false;
        }
    }
    return true;
}

bool apply_machine(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts;
    g_autofree char *type = NULL, *accel = NULL;
    bool ok;

    if (!values_ok(option, errp)) {
        return false;
    }
    opts = opts_parse(option->text, "type", option->shown);
    type = opts_take(opts, "type");
    accel = opts_take(opts, "accel");
    ok = (!type || board_choose(type, errp)) &&
         one_way_ok(apply, accel, errp) &&
         (!accel || choose_accelerator(accel, errp)) &&
         take_usb(apply, opts, errp) && machine_words_ok(opts, errp);
    take_firmware(opts);
    opts_free(opts);
    return ok;
}

/* --- processors ---------------------------------------------------------- */

static bool feature_ok(const char *type, const Opt *opt, Error **errp)
{
    bool sign = *opt->name == '+' || *opt->name == '-';
    const char *name = opt->name + sign;

    /* An older spelling of others, with a suffix. */
    if (!strcmp(name, "tsc-freq")) {
        return true;
    }
    if (type_value_check(type, name, sign ? "on" : opt->value, NULL, errp)) {
        return true;
    }
    if (!sign) {
        error_prepend(errp, "can't apply global %s.%s=%s: ", type, name,
                      opt->value);
    }
    return false;
}

/* Features with a sign are looked at when the others have been. */
static bool features_ok(const char *model, const Opts *opts, Error **errp)
{
    g_autofree char *type = g_strconcat(model, "-x86_64-cpu", NULL);

    for (int signs = 0; signs < 2; signs++) {
        for (guint i = 0; i < opts->list->len; i++) {
            const Opt *opt = opts->list->pdata[i];
            bool sign = *opt->name == '+' || *opt->name == '-';

            if (sign == signs && !feature_ok(type, opt, errp)) {
                return false;
            }
        }
    }
    return true;
}

bool apply_cpu(Apply *apply, const MachineOption *option, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(option->text, ",", -1);
    const char *name = items[0];
    Opts *opts;
    bool ok;

    if (!name || !*name) {
        error_set(errp, "-cpu option cannot be empty");
        return false;
    }
    if (!cpu_model_exists(name)) {
        error_set(errp, "unable to find CPU model '%s'", name);
        return false;
    }
    if (!strcmp(name, "host") && machine_cpus() && !machine_about()->kvm) {
        error_set(errp, "CPU model 'host' requires KVM or HVF");
        return false;
    }
    opts = opts_parse("", NULL, NULL);
    for (char **item = items + 1; *item; item++) {
        char *equals = strchr(*item, '=');

        if (equals) {
            *equals = '\0';
        }
        opts_add(opts, *item, equals ? equals + 1 : "on");
    }
    ok = !machine_cpus() || features_ok(name, opts, errp);
    opts_free(opts);
    return ok;
}
