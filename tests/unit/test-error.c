/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error values: classes, texts, moving, and what tools print. */
#include "util/error.h"

static void check(const Error *err, ErrorClass class, const char *text)
{
    g_assert_nonnull(err);
    g_assert_cmpint(error_class(err), ==, class);
    g_assert_cmpstr(error_text(err), ==, text);
}

static void test_set(void)
{
    Error *err = NULL;

    error_set(&err, "Node '%s' not found", "n0");
    check(err, ERROR_CLASS_GENERIC_ERROR, "Node 'n0' not found");
    g_assert_null(error_hint(err));
    error_free(err);

    err = NULL;
    error_set_class(&err, ERROR_CLASS_DEVICE_NOT_ACTIVE, "Block job '%d'", 7);
    check(err, ERROR_CLASS_DEVICE_NOT_ACTIVE, "Block job '7'");
    g_assert_cmpstr(error_class_name(error_class(err)), ==, "DeviceNotActive");
    error_free(err);

    err = NULL;
    error_set_errno(&err, ENOENT, "Could not open '%s'", "x");
    check(err, ERROR_CLASS_GENERIC_ERROR,
          "Could not open 'x': No such file or directory");
    error_free(err);
}

static void test_class_names(void)
{
    static const char *const names[] = {
        "GenericError",   "CommandNotFound", "DeviceNotActive",
        "DeviceNotFound", "KVMMissingCap",
    };

    G_STATIC_ASSERT(ARRAY_SIZE(names) == ERROR_CLASS__MAX);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        g_assert_cmpstr(error_class_name(i), ==, names[i]);
    }
}

/* Who does not want the text passes NULL. */
static void test_nobody_asks(void)
{
    Error *none = NULL;

    error_set(NULL, "x");
    error_set_errno(NULL, EIO, "x");
    error_prepend(NULL, "x");
    error_prepend(&none, "x");
    error_append_hint(NULL, "x");
    error_append_hint(&none, "x");
    error_propagate(NULL, NULL);
    error_free(NULL);
    g_assert_null(none);
}

static void test_text_around(void)
{
    Error *err = NULL;

    error_set(&err, "inner");
    error_prepend(&err, "%s: ", "outer");
    error_append_hint(&err, "Try %s\n", "this");
    error_append_hint(&err, "or that\n");
    check(err, ERROR_CLASS_GENERIC_ERROR, "outer: inner");
    g_assert_cmpstr(error_hint(err), ==, "Try this\nor that\n");
    error_free(err);
}

/* The first error wins; nothing leaks (seen under a leak checker). */
static void test_propagate(void)
{
    Error *dst = NULL, *first = NULL, *second = NULL;

    error_set(&first, "first");
    error_set(&second, "second");
    error_propagate(&dst, first);
    error_propagate(&dst, second);
    check(dst, ERROR_CLASS_GENERIC_ERROR, "first");
    second = NULL;
    error_set(&second, "unwanted");
    error_propagate(NULL, second);
    error_free(dst);
}

static void report_child(void)
{
    Error *err = NULL;

    error_set_program_name("/some/where/tool");
    error_set(&err, "it broke");
    error_append_hint(&err, "Mend it.\n");
    error_report("one %d", 1);
    warn_report("two");
    error_report_err(err);
}

static void test_report(void)
{
    if (g_test_subprocess()) {
        report_child();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("tool: one 1\n"
                              "tool: warning: two\n"
                              "tool: it broke\n"
                              "Mend it.\n");
}

/* Setting an error twice would lose one: it is a bug of the caller. */
static void test_set_twice(void)
{
    if (g_test_subprocess()) {
        Error *err = NULL;

        error_set(&err, "one");
        error_set(&err, "two");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/set", test_set);
    g_test_add_func("/error/class-names", test_class_names);
    g_test_add_func("/error/nobody-asks", test_nobody_asks);
    g_test_add_func("/error/text-around", test_text_around);
    g_test_add_func("/error/propagate", test_propagate);
    g_test_add_func("/error/report", test_report);
    g_test_add_func("/error/set-twice", test_set_twice);
    return g_test_run();
}
