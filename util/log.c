/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages with a level: see log.h. */
#include "util/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/reactor/reactor.h"

#define NS_PER_S INT64_C(1000000000)

static const char *const names[LOG_LEVEL__MAX] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

/* CONST after the start */
static LogLevel max_level = LOG_LEVEL_WARNING;

/* SHORT: under rate_lock */
static LogRate *rates;
static GMutex rate_lock;

void log_set_level(LogLevel level)
{
    max_level = level;
}

bool log_level_parse(const char *name, LogLevel *level)
{
    for (LogLevel l = 0; l < LOG_LEVEL__MAX; l++) {
        if (!strcmp(name, names[l])) {
            *level = l;
            return true;
        }
    }
    return false;
}

/* --- one line ------------------------------------------------------------ */

/* Whether standard error is the very stream that the service manager made
 * for the journal, and not something that it was redirected to since. */
static bool to_journal(void)
{
    const char *text = g_getenv("JOURNAL_STREAM");
    uint64_t device, inode;
    struct stat st;

    return text && sscanf(text, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
           st.st_ino == inode;
}

const char *log_prefix(LogLevel level)
{
    static const char *const prefixes[LOG_LEVEL__MAX] = {
        [LOG_LEVEL_ERROR] = "<3>",
        [LOG_LEVEL_WARNING] = "<4>",
        [LOG_LEVEL_INFO] = "<6>",
        [LOG_LEVEL_DEBUG] = "<7>",
    };

    return to_journal() ? prefixes[level] : "";
}

static char *escaped(const char *text)
{
    GString *out = g_string_new(NULL);

    while (*text) {
        gunichar c = g_utf8_get_char_validated(text, -1);
        const char *next = text + 1;

        if (c != (gunichar)-1 && c != (gunichar)-2) {
            next = g_utf8_next_char(text);
            if (!g_unichar_iscntrl(c)) {
                g_string_append_len(out, text, next - text);
                text = next;
                continue;
            }
        }
        for (; text < next; text++) {
            g_string_append_printf(out, "\\x%02x", (uint8_t)*text);
        }
    }
    return g_string_free(out, false);
}

static void say(LogLevel level, char *text, uint64_t left_out)
{
    char *line = escaped(text);
    char *more = left_out ? g_strdup_printf(" (and %" PRIu64 " like it before)",
                                            left_out)
                          : g_strdup("");
    const char *name = level == LOG_LEVEL_ERROR ? "" : names[level];

    fprintf(stderr, "%s%s: %s%s%s%s\n", log_prefix(level), error_program_name(),
            name, *name ? ": " : "", line, more);
    g_free(more);
    g_free(line);
    g_free(text);
}

void log_say(LogLevel level, const char *fmt, ...)
{
    va_list ap;

    if (level > max_level) {
        return;
    }
    va_start(ap, fmt);
    say(level, g_strdup_vprintf(fmt, ap), 0);
    va_end(ap);
}

/* --- bounds -------------------------------------------------------------- */

/* Whether one more may be said now; *@left_out: those that were not, since
 * the last that was. */
static bool admit(LogRate *rate, const char *fmt, uint64_t *left_out)
{
    int64_t now_ns = reactor_now_ns();
    bool ok;

    g_mutex_lock(&rate_lock);
    if (!rate->what) {
        rate->what = fmt;
        rate->next = rates;
        rates = rate;
    }
    if (!rate->second_start_ns || now_ns - rate->second_start_ns >= NS_PER_S) {
        rate->second_start_ns = now_ns;
        rate->said = 0;
    }
    ok = rate->said < LOG_MAX_PER_SECOND;
    if (ok) {
        rate->said++;
        *left_out = rate->left_out;
        rate->left_out = 0;
    } else {
        rate->left_out++;
    }
    g_mutex_unlock(&rate_lock);
    return ok;
}

void log_say_bounded(LogLevel level, LogRate *rate, const char *fmt, ...)
{
    uint64_t left_out;
    va_list ap;

    if (level > max_level || !admit(rate, fmt, &left_out)) {
        return;
    }
    va_start(ap, fmt);
    say(level, g_strdup_vprintf(fmt, ap), left_out);
    va_end(ap);
}

void log_sum_up(void)
{
    g_mutex_lock(&rate_lock);
    for (LogRate *rate = rates; rate; rate = rate->next) {
        if (rate->left_out) {
            say(LOG_LEVEL_WARNING,
                g_strdup_printf("%" PRIu64 " more messages like '%s' came",
                                rate->left_out, rate->what),
                0);
            rate->left_out = 0;
        }
    }
    g_mutex_unlock(&rate_lock);
}
