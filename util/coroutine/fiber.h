/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sanitizers and valgrind must be told about stacks: one Fiber for each
 * coroutine and one for each thread's own stack. Everything here is empty in
 * an ordinary build.
 */
#ifndef UTIL_COROUTINE_FIBER_H
#define UTIL_COROUTINE_FIBER_H

#include "util/common.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

typedef struct Fiber {
    const void *stack; /* lowest address; NULL: not known yet */
    size_t bytes;
    void *fake_stack; /* ASan's, while suspended */
    void *tsan;
} Fiber;

/* Before the first switch to @f, whose stack is known. */
static inline void fiber_init(Fiber *f, const void *stack, size_t bytes)
{
    *f = (Fiber){.stack = stack, .bytes = bytes};
#ifdef FIBER_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
}

/* A thread's own stack, while it runs on it. */
static inline void fiber_init_thread(Fiber *f)
{
#ifdef FIBER_TSAN
    if (!f->tsan) {
        f->tsan = __tsan_get_current_fiber();
    }
#endif
}

/* @f ended; another fiber runs. */
static inline void fiber_destroy(Fiber *f)
{
#ifdef FIBER_ASAN
    /* Frames that never returned left their red zones behind. */
    __asan_unpoison_memory_region(f->stack, f->bytes);
#endif
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(f->tsan);
#endif
}

/* The last thing before the switch. @ends: @from will not run again. */
static inline void fiber_before_switch(Fiber *from, Fiber *to, bool ends)
{
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->stack,
                                   to->bytes);
#endif
#ifdef FIBER_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
}

/* The first thing on @self after a switch; @from is who ran before. */
static inline void fiber_after_switch(Fiber *self, Fiber *from)
{
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(self->fake_stack, &from->stack,
                                    &from->bytes);
#endif
}

#endif
