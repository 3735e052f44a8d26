/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -add-fd: descriptors that were inherited go into sets. */
#include "objects/fd-set.h"
#include "tools/machine/apply.h"
#include "util/opts.h"

/* Names what -add-fd knows; false with the first other one. */
static bool only_known(const Opts *opts, Error **errp)
{
    for (unsigned i = 0; i < opts->list->len; i++) {
        const Opt *opt = g_ptr_array_index(opts->list, i);

        if (strcmp(opt->name, "fd") && strcmp(opt->name, "set") &&
            strcmp(opt->name, "opaque")) {
            error_set(errp, "Invalid parameter '%s'", opt->name);
            return false;
        }
    }
    return true;
}

/* -1 if it is not given, or negative. */
static bool take_number(Opts *opts, const char *name, int64_t *value,
                        Error **errp)
{
    const char *text = opts_get(opts, name);
    int64_t number;
    char *end;

    *value = -1;
    if (!text) {
        return true;
    }
    number = g_ascii_strtoll(text, &end, 0);
    if (!*text || *end) {
        error_set(errp, "Parameter '%s' expects a number", name);
        return false;
    }
    *value = number;
    return true;
}

CONTROL_ONLY
static bool add_fd(const char *opaque, int64_t fd, int64_t set, Error **errp)
{
    if (fd < 0) {
        error_set(errp, "fd option is required and must be non-negative");
        return false;
    }
    return fd_set_inherit(MIN(fd, INT_MAX), set, opaque, errp);
}

bool apply_add_fd(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts = opts_parse(option->text, NULL, option->shown);
    int64_t fd, set;
    bool ok = only_known(opts, errp) && take_number(opts, "fd", &fd, errp) &&
              take_number(opts, "set", &set, errp) &&
              add_fd(opts_get(opts, "opaque"), fd, set, errp);

    opts_free(opts);
    return ok;
}
