/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch between two stacks of one thread: one implementation is linked
 * (switch-x86_64.S, switch-aarch64.S or switch-ucontext.c).
 *
 * Invariants:
 * 1. What the calling convention promises to keep over a call is kept over a
 *    switch: callee-saved registers, the floating point control word and
 *    rounding mode. Signal masks are not touched.
 * 2. A context is either running (its @sp means nothing) or suspended.
 */
#ifndef UTIL_COROUTINE_SWITCH_H
#define UTIL_COROUTINE_SWITCH_H

#include "util/common.h"

typedef struct SwitchContext {
    void *sp;
} SwitchContext;

/*
 * Prepares @ctx so that the first switch to it calls @fn(@arg) on the stack
 * [@stack, +@bytes). @fn must never return. The floating point control state
 * is the one of the thread now.
 */
void switch_prepare(SwitchContext *ctx, void *stack, size_t bytes,
                    void (*fn)(void *arg), void *arg);

/* Suspends the running context into @from and resumes @to. */
void switch_context(SwitchContext *from, const SwitchContext *to);

#endif
