/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program says on standard error: see util/error.h. */
#include "util/report-order.h"
#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/coroutine/coroutine.h"
#include "util/log.h"
#include "util/reactor/reactor.h"

static const char *program_name = "tidemark";

void error_set_program_name(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    program_name = slash ? slash + 1 : argv0;
}

const char *error_program_name(void)
{
    return program_name;
}

static bool may_overtake; /* CONST after the start */

void report_may_overtake(void)
{
    may_overtake = true;
}

void report_settle_output(void)
{
    if (!may_overtake) {
        fflush(stdout);
    }
}

static bool marks_time;   /* CONST after the start */
static char *marks_guest; /* CONST after the start */

void error_set_marks(bool timestamps, const char *guest_name)
{
    marks_time = timestamps;
    g_free(marks_guest);
    marks_guest = g_strdup(guest_name);
}

static const Coroutine *commanded; /* CONTROL; NULL: no command runs */

void report_commanded_by(const Coroutine *co)
{
    commanded = co;
}

/* Then nothing stands in front: whoever asked knows whom, as with QEMU. */
static bool is_commanded(void)
{
    return commanded && coroutine_self() == commanded;
}

/* "2026-11-28T17:25:25.473314Z foo program: " */
static char *marks(void)
{
    GString *text = g_string_new(NULL);

    if (marks_time) {
        int64_t now_us = reactor_wall_clock_us();
        GDateTime *now = g_date_time_new_from_unix_utc(now_us / G_USEC_PER_SEC);
        g_autofree char *second = g_date_time_format(now, "%FT%T");

        g_string_printf(text, "%s.%06dZ ", second,
                        (int)(now_us % G_USEC_PER_SEC));
        g_date_time_unref(now);
    }
    if (marks_guest) {
        g_string_append_printf(text, "%s ", marks_guest);
    }
    g_string_append_printf(text, "%s: ", program_name);
    return g_string_free(text, FALSE);
}

static void report(const char *kind, const char *fmt, va_list ap)
    G_GNUC_PRINTF(2, 0);

static void report(const char *kind, const char *fmt, va_list ap)
{
    char *text = g_strdup_vprintf(fmt, ap);
    g_autofree char *before = is_commanded() ? g_strdup("") : marks();

    report_settle_output();
    fprintf(stderr, "%s%s%s%s\n",
            log_prefix(*kind ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR), before,
            kind, text);
    g_free(text);
}

void error_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("", fmt, ap);
    va_end(ap);
}

static const char *warn_place; /* CONTROL */

void warn_report_at(const char *place)
{
    warn_place = place;
}

void warn_report(const char *fmt, ...)
{
    g_autofree char *kind = warn_place
                                ? g_strdup_printf("%s: warning: ", warn_place)
                                : g_strdup("warning: ");
    va_list ap;

    va_start(ap, fmt);
    report(kind, fmt, ap);
    va_end(ap);
}

void error_report_err(Error *err)
{
    error_report("%s", error_text(err));
    if (error_hint(err)) {
        fputs(error_hint(err), stderr);
    }
    error_free(err);
}
