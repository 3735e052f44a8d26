/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What options of no effect say, beyond the form of their words. */
#include "tools/machine/apply-checks.h"

#define SLOTS_MAX 256
#define SHIFT_MAX 10

static bool is_one_of(const char *word, const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)list, word);
}

static bool is_on(const Opts *opts, const char *key, bool otherwise)
{
    const char *value = opts_get(opts, key);

    return value ? opts_bool_value(value) > 0 : otherwise;
}

/* --- -icount ------------------------------------------------------------- */

static bool shift_ok(const char *shift, Error **errp)
{
    guint64 number;
    bool ok =
        !strcmp(shift, "auto") ||
        g_ascii_string_to_unsigned(shift, 10, 0, SHIFT_MAX, &number, NULL);

    if (!ok) {
        error_set(errp, "icount: Invalid shift value");
    }
    return ok;
}

bool check_icount(const Opts *opts, Error **errp)
{
    const char *shift = opts_get(opts, "shift"), *rr = opts_get(opts, "rr");
    bool align = is_on(opts, "align", false);
    const char *wrong = NULL;

    if (rr && !is_one_of(rr, "record replay")) {
        error_set(errp, "Invalid icount rr option: %s", rr);
        return false;
    }
    if (rr && !opts_get(opts, "rrfile")) {
        wrong = "File name not specified for replay";
    } else if (!shift && opts_get(opts, "align")) {
        wrong = "Please specify shift option when using align";
    } else if (align && !is_on(opts, "sleep", true)) {
        wrong = "align=on and sleep=off are incompatible";
    }
    if (wrong) {
        error_set(errp, "%s", wrong);
        return false;
    }
    return !shift || shift_ok(shift, errp);
}

/* --- -sandbox ------------------------------------------------------------ */

bool check_sandbox(const Opts *opts, Error **errp)
{
    static const char *const keys[] = {"obsolete", "elevateprivileges", "spawn",
                                       "resourcecontrol"};
    static const char *const values[] = {"allow deny", "allow deny children",
                                         "allow deny", "allow deny"};

    for (size_t i = 0; is_on(opts, "enable", false) && i < ARRAY_SIZE(keys);
         i++) {
        const char *value = opts_get(opts, keys[i]);

        if (value && !is_one_of(value, values[i])) {
            error_set(errp, "invalid argument for %s", keys[i]);
            return false;
        }
    }
    return true;
}

/* --- -m ------------------------------------------------------------------ */

bool check_memory(const Opts *opts, uint64_t bytes, Error **errp)
{
    Opts *copy = opts_parse("", NULL, NULL);
    uint64_t slots = 0, most = 0;
    const char *given = opts_get(opts, "maxmem");

    if (opts_get(opts, "slots")) {
        opts_add(copy, "slots", opts_get(opts, "slots"));
    }
    if (given) {
        opts_add(copy, "maxmem", given);
    }
    /* Their form has been looked at. */
    opts_take_number(copy, "slots", false, &slots, NULL);
    opts_take_number(copy, "maxmem", true, &most, NULL);
    if (!given && opts_get(opts, "slots")) {
        error_set(errp, "slots specified but no max-size");
    } else if (given && most < bytes) {
        error_set(errp,
                  "invalid value of maxmem: maximum memory size (0x%" PRIx64
                  ") must be at least the initial memory size (0x%" PRIx64 ")",
                  most, bytes);
    } else if (slots && most == bytes) {
        error_set(errp,
                  "invalid value of maxmem: memory slots were specified but "
                  "maximum memory size (0x%" PRIx64 ") is equal to the "
                  "initial memory size (0x%" PRIx64 ")",
                  most, bytes);
    } else if (slots > SLOTS_MAX) {
        error_set(errp, "unsupported amount of memory slots: %" PRIu64, slots);
    }
    opts_free(copy);
    return (!opts_get(opts, "slots") || given) && (!given || most >= bytes) &&
           !(slots && most == bytes) && slots <= SLOTS_MAX;
}

/* --- -seed, -D ----------------------------------------------------------- */

bool apply_seed(Apply *apply, const MachineOption *option, Error **errp)
{
    char *end;
    bool ok;

    errno = 0;
    strtoull(option->text, &end, 0);
    ok = end != option->text && !*end && !errno && *option->text != '-';
    if (!ok) {
        error_set(errp, "Invalid seed number: %s", option->text);
    }
    return ok;
}

/* The file's name may have the process's number in it, once. */
static bool is_log_name(const char *name)
{
    const char *percent = strchr(name, '%');

    return !percent || (percent[1] == 'd' && !strchr(percent + 1, '%'));
}

bool apply_log_file(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *folder = g_path_get_dirname(option->text);
    int err = 0;

    if (!is_log_name(option->text)) {
        error_set(errp, "Bad logfile template: %s", option->text);
        return false;
    }
    if (g_file_test(option->text, G_FILE_TEST_IS_DIR)) {
        err = EISDIR;
    } else if (!g_file_test(folder, G_FILE_TEST_EXISTS)) {
        err = ENOENT;
    }
    if (err) {
        error_set_errno(errp, err, "Error opening logfile %s", option->text);
    }
    return !err;
}
