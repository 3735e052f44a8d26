/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long to look for work before sleeping: see polling.h. */
#include "util/reactor/polling.h"

/* Where the limit starts to grow from. */
#define FIRST_NS 4000
#define DEFAULT_GROW 2

void polling_set(Polling *p, const ReactorPolling *set)
{
    p->set = *set;
    if (g_get_num_processors() == 1) {
        p->set.max_ns = 0;
    }
    p->limit_ns = 0;
}

bool polling_init(Polling *p, Error **errp)
{
    ReactorPolling set = {.max_ns = REACTOR_POLL_MAX_NS};
    const char *text = getenv("TIDEMARK_POLL_NS");
    guint64 ns;

    if (text && *text) {
        if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &ns, NULL)) {
            error_set(errp,
                      "TIDEMARK_POLL_NS must be a number of nanoseconds, "
                      "not '%s'",
                      text);
            return false;
        }
        set.max_ns = ns;
    }
    polling_set(p, &set);
    return true;
}

int64_t polling_limit_ns(const Polling *p, int64_t timeout_ns)
{
    return timeout_ns < 0 ? p->limit_ns : MIN(p->limit_ns, timeout_ns);
}

static int64_t grown(const Polling *p)
{
    int64_t factor = p->set.grow ? p->set.grow : DEFAULT_GROW;

    if (!p->limit_ns) {
        return MIN(FIRST_NS, p->set.max_ns);
    }
    return p->limit_ns > p->set.max_ns / factor ? p->set.max_ns
                                                : p->limit_ns * factor;
}

void polling_learn(Polling *p, int64_t idle_ns)
{
    if (idle_ns > p->set.max_ns) {
        p->limit_ns = p->set.shrink ? p->limit_ns / p->set.shrink : 0;
    } else if (idle_ns > p->limit_ns) {
        p->limit_ns = grown(p);
    }
}
