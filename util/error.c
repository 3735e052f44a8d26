/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error values: see util/error.h. */
#include "util/error.h"

#include <stdarg.h>

struct Error {
    ErrorClass class;
    char *text;
    char *hint;
};

static void error_setv(Error **errp, ErrorClass class, int os_errno,
                       const char *fmt, va_list ap) G_GNUC_PRINTF(4, 0);

static void error_setv(Error **errp, ErrorClass class, int os_errno,
                       const char *fmt, va_list ap)
{
    Error *err;

    if (!errp) {
        return;
    }
    assert(!*errp);
    err = g_new0(Error, 1);
    err->class = class;
    err->text = g_strdup_vprintf(fmt, ap);
    if (os_errno) {
        char *bare = err->text;

        err->text = g_strdup_printf("%s: %s", bare, strerror(os_errno));
        g_free(bare);
    }
    *errp = err;
}

void error_set(Error **errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_setv(errp, ERROR_CLASS_GENERIC_ERROR, 0, fmt, ap);
    va_end(ap);
}

void error_set_class(Error **errp, ErrorClass class, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_setv(errp, class, 0, fmt, ap);
    va_end(ap);
}

void error_set_errno(Error **errp, int os_errno, const char *fmt, ...)
{
    va_list ap;

    assert(os_errno > 0);
    va_start(ap, fmt);
    error_setv(errp, ERROR_CLASS_GENERIC_ERROR, os_errno, fmt, ap);
    va_end(ap);
}

void error_prepend(Error **errp, const char *fmt, ...)
{
    va_list ap;
    char *prefix, *bare;

    if (!errp || !*errp) {
        return;
    }
    va_start(ap, fmt);
    prefix = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    bare = (*errp)->text;
    (*errp)->text = g_strconcat(prefix, bare, NULL);
    g_free(bare);
    g_free(prefix);
}

void error_append_hint(Error **errp, const char *fmt, ...)
{
    va_list ap;
    char *more, *old;

    if (!errp || !*errp) {
        return;
    }
    va_start(ap, fmt);
    more = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    old = (*errp)->hint;
    (*errp)->hint = g_strconcat(old ? old : "", more, NULL);
    g_free(old);
    g_free(more);
}

void error_propagate(Error **dst, Error *local)
{
    if (!local) {
        return;
    }
    if (dst && !*dst) {
        *dst = local;
    } else {
        error_free(local);
    }
}

const char *error_text(const Error *err)
{
    return err->text;
}

const char *error_hint(const Error *err)
{
    return err->hint;
}

ErrorClass error_class(const Error *err)
{
    return err->class;
}

const char *error_class_name(ErrorClass class)
{
    static const char *const names[ERROR_CLASS__MAX] = {
        [ERROR_CLASS_GENERIC_ERROR] = "GenericError",
        [ERROR_CLASS_COMMAND_NOT_FOUND] = "CommandNotFound",
        [ERROR_CLASS_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
        [ERROR_CLASS_DEVICE_NOT_FOUND] = "DeviceNotFound",
        [ERROR_CLASS_KVM_MISSING_CAP] = "KVMMissingCap",
    };

    assert(class < ERROR_CLASS__MAX);
    return names[class];
}

void error_free(Error *err)
{
    if (err) {
        g_free(err->text);
        g_free(err->hint);
        g_free(err);
    }
}
