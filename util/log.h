/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a long-running program says of itself on standard error: one line a
 * message, "program: level: text"; an error has no word for its level, as
 * QEMU's errors have none.
 *
 * Invariants:
 * 1. A message is one line whatever its text came from: control characters
 *    and bytes that are no UTF-8 are escaped as \xNN.
 * 2. What others can cause is said at most LOG_MAX_PER_SECOND times a second
 *    for each place in the code; how much was left out is said, too.
 * 3. Where standard error goes to the journal, a line begins with the level's
 *    number as sd-daemon(3) has it.
 * Any thread; nothing here yields.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include "util/common.h"

typedef enum LogLevel {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL__MAX,
} LogLevel;

#define LOG_MAX_PER_SECOND 10

/* How often one kind of message came. SHORT: under a lock of log.c's. */
typedef struct LogRate {
    int64_t second_start_ns; /* 0: never */
    unsigned said;           /* in that second */
    uint64_t left_out;
    const char *what; /* its format, for the sum at the end */
    struct LogRate *next;
} LogRate;

/* Says what is at or above @level from now on; at first LOG_LEVEL_WARNING.
 * Before there are threads. */
void log_set_level(LogLevel level);
/* The level called @name ("error", "warning", "info", "debug"). */
bool log_level_parse(const char *name, LogLevel *level);
/* "<4>" for example, or "" where standard error is not the journal. */
const char *log_prefix(LogLevel level);
/* Says it; for what the program does by itself. */
void log_say(LogLevel level, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The same with a bound; use log_bounded. */
void log_say_bounded(LogLevel level, LogRate *rate, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
/* Says how much was left out since the last message of each kind. */
void log_sum_up(void);

/* For what clients or disks cause. On a thread that has a reactor. */
#define log_bounded(level, ...)                      \
    ({                                               \
        static LogRate rate_;                        \
        log_say_bounded(level, &rate_, __VA_ARGS__); \
    })

#endif
