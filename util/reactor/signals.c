/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals, which the control reactor runs in its turns. Invariant: a handler
 * does nothing but set flags and wake the reactor up.
 */
#include "util/reactor/reactor-int.h"

#include <signal.h>

static struct {
    void (*fn)(int signo, void *opaque);
    void *opaque;
    bool raised; /* ATOMIC */
} signals[NSIG];
static bool signal_raised; /* ATOMIC */

static void on_signal(int signo)
{
    Reactor *r = reactor_control();
    int saved = errno;

    __atomic_store_n(&signals[signo].raised, true, __ATOMIC_RELAXED);
    __atomic_store_n(&signal_raised, true, __ATOMIC_RELEASE);
    if (r) {
        r->backend->wakeup(r->state);
    }
    errno = saved;
}

void reactor_on_signal(int signo, void (*fn)(int signo, void *opaque),
                       void *opaque)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    assert(signo > 0 && signo < NSIG && reactor_current() == reactor_control());
    signals[signo].fn = fn;
    signals[signo].opaque = opaque;
    sigfillset(&action.sa_mask);
    if (sigaction(signo, &action, NULL)) {
        abort();
    }
}

void reactor_run_signals(void)
{
    if (!__atomic_exchange_n(&signal_raised, false, __ATOMIC_ACQUIRE)) {
        return;
    }
    for (int i = 1; i < NSIG; i++) {
        if (__atomic_exchange_n(&signals[i].raised, false, __ATOMIC_RELAXED)) {
            signals[i].fn(i, signals[i].opaque);
        }
    }
}
