/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors of control code: a class that QMP clients match on and one line of
 * text, which is QEMU's where clients match it.
 *
 * A function that can fail takes `Error **errp` last and returns false or
 * NULL on failure. Invariant: *errp is set exactly when the function failed.
 * @errp may be NULL when the caller does not want the text.
 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include "util/common.h"

typedef enum ErrorClass {
    ERROR_CLASS_GENERIC_ERROR,
    ERROR_CLASS_COMMAND_NOT_FOUND,
    ERROR_CLASS_DEVICE_NOT_ACTIVE,
    ERROR_CLASS_DEVICE_NOT_FOUND,
    ERROR_CLASS_KVM_MISSING_CAP,
    ERROR_CLASS__MAX,
} ErrorClass;

typedef struct Error Error;

/* Sets *@errp to a new GenericError. Any thread, does not yield. *@errp must
 * be NULL before. */
void error_set(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The same with another class. */
void error_set_class(Error **errp, ErrorClass class, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
/* The same, with ": " and strerror(@os_errno) (positive) appended. */
void error_set_errno(Error **errp, int os_errno, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
/* Puts text in front of the one of *@errp; nothing if @errp or *@errp is
 * NULL. */
void error_prepend(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Adds a line of advice, shown after the error by tools (not by QMP). */
void error_append_hint(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Moves @local (may be NULL) to *@dst; frees it where @dst is NULL or already
 * holds an error (the first one wins). */
void error_propagate(Error **dst, Error *local);

const char *error_text(const Error *err);
const char *error_hint(const Error *err); /* NULL if none */
ErrorClass error_class(const Error *err);
const char *error_class_name(ErrorClass class); /* "GenericError" ... */
void error_free(Error *err);                    /* NULL is fine */

/* Name shown in front of messages on stderr: basename of argv[0]. */
void error_set_program_name(const char *argv0);
const char *error_program_name(void);
/* What stands in front of that from now on: the time, and the name of the
 * machine (NULL: none). CONTROL, at the start. */
void error_set_marks(bool timestamps, const char *guest_name);
/* Prints "program: text\n" to stderr. */
void error_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* "program: warning: text\n". */
void warn_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* What is warned of from now on comes from @place, an option of the command
 * line that lives longer; NULL: from nowhere. Control only. */
void warn_report_at(const char *place);
/* Reports @err with its hint and frees it. */
void error_report_err(Error *err);

#endif
