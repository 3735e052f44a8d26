/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thread roles, checked by clang's -Wthread-safety; gcc sees empty macros.
 *
 * CONTROL_ONLY    may be called on the control thread only
 * COROUTINE_ONLY  may yield, so it may be called from a coroutine only
 * ..._ASSERTED    checks the role at run time; from there on the compiler
 *                 takes it as given (entries and callbacks begin so)
 */
#ifndef UTIL_ANNOTATIONS_H
#define UTIL_ANNOTATIONS_H

#if defined(__clang__) && defined(TIDEMARK_THREAD_SAFETY)
#define THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif

typedef struct THREAD_ANNOTATION(capability("role")) ThreadRole {
    char unused;
} ThreadRole;

extern ThreadRole role_control;
extern ThreadRole role_coroutine;

#define CONTROL_ONLY THREAD_ANNOTATION(requires_capability(role_control))
#define COROUTINE_ONLY THREAD_ANNOTATION(requires_capability(role_coroutine))
#define CONTROL_ASSERTED THREAD_ANNOTATION(assert_capability(role_control))
#define COROUTINE_ASSERTED THREAD_ANNOTATION(assert_capability(role_coroutine))

#endif
