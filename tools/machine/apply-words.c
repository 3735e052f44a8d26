/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options that have no effect without a guest: their words are looked at all
 * the same, so that a wrong one is told of here as in QEMU.
 */
#include "tools/machine/apply-checks.h"

typedef bool CheckFn(const Opts *opts, Error **errp);

/* What an option takes. */
typedef struct Words {
    const char *option, *implied;
    /* Separated by blanks; "KEY:b" is on or off, "KEY:n" a number, "KEY:s" one
     * that may have a suffix. */
    const char *keys;
    CheckFn *check; /* of values, or NULL */
    bool placed;    /* what that says comes with the option */
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
    {"rtc", NULL, "base clock driftfix", check_clock, false},
    {"boot", "order", NULL, check_boot, false},
    {"overcommit", NULL, "mem-lock:b cpu-pm:b", NULL, false},
    {"name", "guest", "guest process debug-threads:b", NULL, false},
    {"m", "size", "size slots:n maxmem:s", NULL, false},
    {"global", NULL, "driver property value", NULL, false},
    {"vga", "type", NULL, check_vga, false},
    {"icount", "shift", "shift align:b sleep:b rr rrfile rrsnapshot",
     check_icount, true},
    {"sandbox", "enable",
     "enable:b obsolete elevateprivileges spawn resourcecontrol", check_sandbox,
     true},
    {"trace", "enable", "enable events file", NULL, false},
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

/* The form of @key, ' ' for any, or 0: there is none. */
static char form_of(const char *keys, const char *key)
{
    g_auto(GStrv) list = g_strsplit(keys, " ", -1);
    size_t length = strlen(key);

    for (char **k = list; *k; k++) {
        if (!strncmp(*k, key, length) &&
            (!(*k)[length] || (*k)[length] == ':')) {
            return (*k)[length] ? (*k)[length + 1] : ' ';
        }
    }
    return 0;
}

static bool number_ok(const Opt *opt, bool suffixes, Error **errp)
{
    Opts *copy = opts_parse("", NULL, NULL);
    uint64_t number;
    bool ok;

    opts_add(copy, opt->name, opt->value);
    ok = opts_take_number(copy, opt->name, suffixes, &number, NULL);
    opts_free(copy);
    if (!ok && suffixes) {
        error_set(errp,
                  "Parameter '%s' expects a non-negative number below "
                  "2^64",
                  opt->name);
        error_append_hint(errp, "Optional suffix k, M, G, T, P or E means "
                                "kilo-, mega-, giga-, tera-, peta-\n"
                                "and exabytes, respectively.\n");
    } else if (!ok) {
        error_set(errp, "Parameter '%s' expects a number", opt->name);
    }
    return ok;
}

static bool form_ok(char form, const Opt *opt, Error **errp)
{
    if (!form) {
        error_set(errp, "Invalid parameter '%s'", opt->name);
        return false;
    }
    if (form == 'b' && opts_bool_value(opt->value) < 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", opt->name);
        return false;
    }
    return (form != 'n' && form != 's') || number_ok(opt, form == 's', errp);
}

static bool keys_ok(const Words *words, const Opts *opts, Error **errp)
{
    for (guint i = 0; words->keys && i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        if (!form_ok(form_of(words->keys, opt->name), opt, errp)) {
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
    Error *err = NULL;
    bool ok, placed = true;

    if (!words || is_short_global(option)) {
        return true;
    }
    opts = opts_parse(option->text, words->implied, option->shown);
    ok = keys_ok(words, opts, &err);
    if (ok && words->check) {
        placed = words->placed;
        ok = words->check(opts, &err);
    }
    if (placed) {
        error_prepend(&err, "%s: ", option->shown);
    }
    error_propagate(errp, err);
    opts_free(opts);
    return ok;
}
