/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack switch for every other architecture, with the C library's contexts:
 * correct and slow (a system call for the signal mask on each switch).
 *
 * A suspended context's @sp points to its ucontext_t. That lives at the top
 * of a prepared stack until its first switch, then on the stack of the
 * switch_context call that suspended it.
 */
#include "util/coroutine/switch.h"

#include <ucontext.h>

typedef struct Boot {
    ucontext_t uc;
    void (*fn)(void *arg);
    void *arg;
} Boot;

/* makecontext passes ints only: a pointer goes in two halves. */
static void boot_entry(unsigned low, unsigned high)
{
    Boot *boot = (Boot *)(((uintptr_t)high << 32) | (uintptr_t)low);

    boot->fn(boot->arg);
    abort();
}

void switch_prepare(SwitchContext *ctx, void *stack, size_t bytes,
                    void (*fn)(void *arg), void *arg)
{
    uintptr_t top = ((uintptr_t)stack + bytes - sizeof(Boot)) & ~UINT64_C(63);
    Boot *boot = (Boot *)top;
    uint64_t address = (uintptr_t)boot;

    if (getcontext(&boot->uc)) {
        abort();
    }
    boot->fn = fn;
    boot->arg = arg;
    boot->uc.uc_stack.ss_sp = stack;
    boot->uc.uc_stack.ss_size = top - (uintptr_t)stack;
    boot->uc.uc_link = NULL;
    makecontext(&boot->uc, (void (*)(void))boot_entry, 2, (unsigned)address,
                (unsigned)(address >> 32));
    ctx->sp = &boot->uc;
}

void switch_context(SwitchContext *from, const SwitchContext *to)
{
    ucontext_t here;

    /* cppcheck-suppress autoVariables ; who switches back has used it then */
    from->sp = &here;
    if (swapcontext(&here, to->sp)) {
        abort();
    }
}
