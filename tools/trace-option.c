/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option -T/--trace: see trace-option.h. */
#include "tools/trace-option.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"
#include "util/opts.h"
#include "util/reactor/reactor.h"

#define FILE_BYTES_MAX (16 * MiB) /* of a file of names */

static bool fail(const char *where, Error *err)
{
    if (where) {
        error_prepend(&err, "%s: ", where);
    }
    error_report_err(err);
    return false;
}

static void no_such_event(const char *name, const char *place)
{
    if (strchr(name, '*')) {
        return;
    }
    warn_report_at(place);
    warn_report("trace event '%s' does not exist",
                *name == '-' ? name + 1 : name);
    warn_report_at(NULL);
}

static bool check_names(const char *where, const Opts *opts)
{
    static const char *const names[] = {"enable", "events", "file"};

    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];
        bool known = false;

        for (size_t n = 0; n < G_N_ELEMENTS(names); n++) {
            known |= !strcmp(names[n], opt->name);
        }
        if (!known) {
            Error *err = NULL;

            error_set(&err, "Invalid parameter '%s'", opt->name);
            return fail(where, err);
        }
    }
    return true;
}

/* A file with a name or a pattern a line, and comments. */
static bool take_file_of_names(const char *path)
{
    g_autofree char *content = NULL;
    g_auto(GStrv) lines = NULL;
    ssize_t bytes = io_read_file(path, FILE_BYTES_MAX, &content);

    if (bytes < 0) {
        fprintf(stderr, "%s:%s: %s\n", error_program_name(), path,
                strerror(-bytes));
        return false;
    }
    lines = g_strsplit(content, "\n", -1);
    for (unsigned n = 0; lines[n]; n++) {
        const char *line = lines[n];

        if (*line && *line != '#' && !strchr(line, '*')) {
            fprintf(stderr,
                    "%s:%s:%u: warning: trace event '%s' does not "
                    "exist\n",
                    error_program_name(), path, n + 1,
                    *line == '-' ? line + 1 : line);
        }
    }
    return true;
}

/* Where events would be written to. */
static bool make_log(const char *where, const char *path)
{
    int fd = io_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    Error *err = NULL;

    if (fd < 0) {
        error_set(&err, "Error opening logfile %s: %s", path, strerror(-fd));
        return fail(where, err);
    }
    io_close(fd);
    return true;
}

int trace_option_take(const char *text, const char *where)
{
    Opts *opts;
    const char *name, *events, *log;
    bool ok;

    if (!strcmp(text, "help")) {
        return 0; /* a list without lines */
    }
    opts = opts_parse(text, "enable", NULL);
    name = opts_get(opts, "enable");
    events = opts_get(opts, "events");
    log = opts_get(opts, "file");
    ok = check_names(where, opts);
    if (ok && name && *name) {
        no_such_event(name, where);
    }
    ok = ok && (!events || take_file_of_names(events)) &&
         (!log || make_log(where, log));
    opts_free(opts);
    return ok ? -1 : 1;
}
