/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a test on a reactor of its own. */
#include "tests/unit/reactor-cases.h"

typedef struct Run {
    CoroutineEntry *entry;
    ReactorKind kind;
    bool polls; /* it never sleeps, once it has learned to */
} Run;

/* The limit on polling starts at 4 us, and is the highest after that. */
static void co_learn(void *unused)
{
    for (int i = 0; i < 3; i++) {
        co_sleep_ns(1000000);
    }
}

static void run(const void *data)
{
    const Run *c = data;
    Reactor *r = reactor_new(c->kind, NULL);

    if (!r) {
        g_test_skip("this kernel does not allow it");
        return;
    }
    g_assert_true(r == reactor_current() && r == reactor_control());
    g_assert_cmpuint(reactor_index(r), ==, 0);
    if (c->polls) {
        static const ReactorPolling always = {.max_ns = G_MAXINT64,
                                              .grow = G_MAXINT64};

        reactor_set_polling(r, &always);
        reactor_run_coroutine(co_learn, NULL);
    }
    reactor_run_coroutine(c->entry, NULL);
    g_assert_cmpuint(coroutine_count(), ==, 0);
    reactor_free(r);
    g_assert_null(reactor_current());
    g_assert_null(reactor_control());
}

static void add(const char *group, const char *backend, const char *name,
                Run how)
{
    g_autofree char *path = g_strdup_printf("/%s/%s/%s", group, backend, name);

    g_test_add_data_func_full(path, g_memdup2(&how, sizeof(how)), run, g_free);
}

void reactor_cases_add(const char *group, const ReactorCase *cases, size_t n,
                       bool polling)
{
    for (size_t i = 0; i < n; i++) {
        const ReactorCase *c = &cases[i];

        add(group, "io_uring", c->name, (Run){c->entry, REACTOR_IO_URING});
        add(group, "epoll", c->name, (Run){c->entry, REACTOR_EPOLL});
        if (polling) {
            add(group, "polling", c->name,
                (Run){c->entry, REACTOR_IO_URING, true});
        }
    }
}
