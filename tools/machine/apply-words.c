/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options that have no effect without a guest: their words are looked at all
 * the same, so that a wrong one is told of here as in QEMU.
 */
#include "tools/machine/apply.h"
#include "util/opts.h"

typedef bool CheckFn(const Opts *opts, Error **errp);

/* What an option takes. */
typedef struct Words {
    const char *option, *implied;
    const char *keys; /* separated by blanks */
    CheckFn *check;   /* of values, or NULL */
} Words;

static bool is_one_of(const char *word, const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)list, word);
}

static bool value_ok(const Opts *opts, const char *key, const char *values)
{
    const char *value = opts_get(opts, key);

    return !value || is_one_of(value, values);
}

/* --- -rtc ---------------------------------------------------------------- */

static bool is_date(const char *text)
{
    static const char *const forms[] = {"dddd-dd-dd", "dddd-dd-ddTdd:dd:dd"};

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        const char *t = text, *f = forms[i];

        while (*t && (*f == 'd' ? g_ascii_isdigit(*t) : *f == *t)) {
            t++;
            f++;
        }
        if (!*t && !*f) {
            return true;
        }
    }
    return false;
}

static bool check_clock(const Opts *opts, Error **errp)
{
    static const char *const keys[] = {"clock", "driftfix"};
    static const char *const values[] = {"host rt vm", "none slew"};
    const char *base = opts_get(opts, "base");

    if (base && !is_one_of(base, "utc localtime") && !is_date(base)) {
        error_set(errp, "invalid datetime format");
        error_append_hint(errp, "valid formats: '2006-06-17T16:01:21' or "
                                "'2006-06-17'\n");
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (!value_ok(opts, keys[i], values[i])) {
            error_set(errp, "invalid option value '%s'",
                      opts_get(opts, keys[i]));
            return false;
        }
    }
    return true;
}

/* --- -boot --------------------------------------------------------------- */

static bool check_devices(const char *letters, Error **errp)
{
    for (const char *p = letters; p && *p; p++) {
        if (*p < 'a' || *p > 'p') {
            error_set(errp, "Invalid boot device '%c'", *p);
            return false;
        }
        if (memchr(letters, *p, p - letters)) {
            error_set(errp, "Boot device '%c' was given twice", *p);
            return false;
        }
    }
    return true;
}

static bool check_boot(const Opts *opts, Error **errp)
{
    static const char *const flags[] = {"menu", "strict"};

    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        if (!is_one_of(opt->name, "order once menu splash splash-time "
                                  "reboot-timeout strict")) {
            error_set(errp, "Parameter 'boot.%s' is unexpected", opt->name);
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        const char *value = opts_get(opts, flags[i]);

        if (value && opts_bool_value(value) < 0) {
            error_set(errp, "Parameter 'boot.%s' expects 'on' or 'off'",
                      flags[i]);
            return false;
        }
    }
    return check_devices(opts_get(opts, "order"), errp) &&
           check_devices(opts_get(opts, "once"), errp);
}

/* --- others -------------------------------------------------------------- */

static bool check_vga(const Opts *opts, Error **errp)
{
    if (value_ok(opts, "type",
                 "none std cirrus vmware qxl xenfb virtio tcx "
                 "cg3")) {
        return true;
    }
    error_set(errp, "unknown vga type: %s", opts_get(opts, "type"));
    return false;
}

static const Words all[] = {
    {"rtc", NULL, "base clock driftfix", check_clock},
    {"boot", "order", NULL, check_boot},
    {"overcommit", NULL, "mem-lock cpu-pm", NULL},
    {"name", "guest", "guest process debug-threads", NULL},
    {"m", "size", "size slots maxmem", NULL},
    {"global", NULL, "driver property value", NULL},
    {"vga", "type", NULL, check_vga},
};

static const Words *find(const char *option)
{
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (!strcmp(all[i].option, option)) {
            return &all[i];
        }
    }
    return NULL;
}

static bool keys_ok(const Words *words, const Opts *opts,
                    const MachineOption *option, Error **errp)
{
    for (guint i = 0; words->keys && i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        if (!is_one_of(opt->name, words->keys)) {
            error_set(errp, "%s: Invalid parameter '%s'", option->shown,
                      opt->name);
            return false;
        }
    }
    return true;
}

/* "driver.property=value", where only the last is parsed. */
static bool is_short_global(const MachineOption *option)
{
    const char *dot = strchr(option->text, '.');
    const char *equals = strchr(option->text, '=');

    return !strcmp(option->name, "global") && dot && equals && dot < equals;
}

bool apply_words(Apply *apply, const MachineOption *option, Error **errp)
{
    const Words *words = find(option->name);
    Opts *opts;
    bool ok;

    if (!words || is_short_global(option)) {
        return true;
    }
    opts = opts_parse(option->text, words->implied, option->shown);
    ok = keys_ok(words, opts, option, errp) &&
         (!words->check || words->check(opts, errp));
    opts_free(opts);
    return ok;
}
