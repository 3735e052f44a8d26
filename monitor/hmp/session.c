/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One conversation with a person: banner, prompt, lines, what they print. One
 * coroutine reads, edits and runs; the sender (monitor/output.h) is another.
 *
 * Invariants:
 * 1. Before a line is run, its echo has been sent: what the command prints to
 *    standard output comes behind it.
 * 2. A terminal is set to raw for the time of the session, and back after it.
 * 3. Nothing of a session outlives co_session, however the client left.
 */
#include <termios.h>
#include <unistd.h>

#include "monitor/control.h"
#include "monitor/dispatch.h"
#include "devices/about.h"
#include "migration/migration.h"
#include "monitor/hmp/hmp-int.h"
#include "monitor/hmp/readline.h"
#include "monitor/human.h"
#include "monitor/output.h"
#include "util/list.h"
#include "util/reactor/reactor.h"

#define READ_BYTES 4096
#define SEND_GRACE_NS INT64_C(1000000000)

typedef struct HmpSession {
    Output output;
    Readline *readline;
    struct termios saved; /* with is_terminal */
    bool is_terminal;
    bool executing, ending;
    unsigned refs;
    CoQueue changed;
    ListLink link;
} HmpSession;

/* CONTROL */
static ListLink sessions = LIST_INIT(sessions);

static void send_text(HmpSession *s, GString *text)
{
    output_append_text(&s->output, text->str, text->len);
    g_string_truncate(text, 0);
}

/* --- the terminal -------------------------------------------------------- */

static void make_raw(HmpSession *s)
{
    struct termios raw;

    if (tcgetattr(s->output.stream.in_fd, &s->saved) < 0) {
        return;
    }
    s->is_terminal = true;
    raw = s->saved;
    raw.c_iflag &=
        ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag |= OPOST;
    /* Signals stay: ^C ends the program. */
    raw.c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN);
    tcsetattr(s->output.stream.in_fd, TCSANOW, &raw);
}

static void make_cooked(const HmpSession *s)
{
    if (s->is_terminal) {
        tcsetattr(s->output.stream.in_fd, TCSANOW, &s->saved);
    }
}

/* --- lines --------------------------------------------------------------- */

/* Other monitors go on meanwhile. That it failed is told by who moves the
 * machine, and by who waited for it, as in QEMU. */
COROUTINE_ONLY CONTROL_ONLY static void co_wait_for_migration(void)
{
    g_autofree char *error = co_migration_wait();

    if (error) {
        error_report("%s", error);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_run_line(HmpSession *s,
                                                    const char *line)
{
    GString *text = NULL;
    bool waits = false;

    co_output_wait_sent(&s->output, reactor_now_ns() + SEND_GRACE_NS);
    s->executing = true;
    if (co_dispatch_begin()) {
        text = co_hmp_run_in_session(line, &waits);
        dispatch_end();
    }
    if (waits) {
        co_wait_for_migration();
    }
    if (text) {
        send_text(s, text);
        g_string_free(text, true);
    }
    s->executing = false;
    coqueue_wake_all(&s->changed);
}

COROUTINE_ONLY CONTROL_ONLY static void
co_take(HmpSession *s, const unsigned char *bytes, size_t n)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (size_t i = 0; i < n && !s->ending && !s->output.dead; i++) {
        g_autofree char *line = readline_feed(s->readline, bytes[i], out);

        if (!line) {
            continue;
        }
        send_text(s, out);
        co_run_line(s, line);
        if (!s->ending && !hmp_quits()) {
            readline_show_prompt(s->readline, out);
        }
        co_output_wait_room(&s->output);
    }
    send_text(s, out);
}

COROUTINE_ONLY CONTROL_ONLY static void co_read_all(HmpSession *s)
{
    g_autofree unsigned char *bytes = g_malloc(READ_BYTES);
    ssize_t n;

    while (!s->ending && !s->output.dead &&
           (n = co_io_recv(s->output.stream.in_fd, bytes, READ_BYTES)) > 0) {
        co_take(s, bytes, n);
        co_output_wait_room(&s->output);
    }
}

/* --- the session --------------------------------------------------------- */

COROUTINE_ONLY
static void co_sender(void *opaque)
{
    co_output_run(&((HmpSession *)opaque)->output);
}

static void session_unref(HmpSession *s)
{
    if (--s->refs) {
        return;
    }
    output_free(&s->output);
    readline_free(s->readline);
    g_free(s);
}

#define BANNER                                                               \
    "QEMU " G_STRINGIFY(QMP_VERSION_MAJOR) "." G_STRINGIFY(                  \
        QMP_VERSION_MINOR) "." G_STRINGIFY(QMP_VERSION_MICRO) " monitor - "  \
                                                              "type 'help' " \
                                                              "for more "    \
                                                              "information"
#define PROMPT "(qemu) "

static const char *greeting(void)
{
    return BANNER "\r\n" PROMPT;
}

static void greet(HmpSession *s)
{
    g_autoptr(GString) out = g_string_new(BANNER "\n");

    readline_show_prompt(s->readline, out);
    send_text(s, out);
}

COROUTINE_ONLY CONTROL_ONLY static void co_session(const Stream *stream)
{
    HmpSession *s = g_new0(HmpSession, 1);

    s->refs = 1;
    coqueue_init(&s->changed);
    output_init(&s->output, stream);
    s->readline = readline_new(PROMPT, hmp_complete);
    list_append(&sessions, &s->link);
    make_raw(s);
    greet(s);
    coroutine_start(co_sender, s);
    co_read_all(s);
    co_output_close(&s->output);
    make_cooked(s);
    list_remove(&s->link);
    session_unref(s);
}

static HmpSession *first_alive(void)
{
    LIST_FOREACH(s, &sessions, HmpSession, link) {
        if (!s->output.dead) {
            return s;
        }
    }
    return NULL;
}

COROUTINE_ONLY CONTROL_ONLY static void co_end(void)
{
    int64_t deadline_ns = reactor_now_ns() + SEND_GRACE_NS;
    HmpSession *s;

    LIST_FOREACH(each, &sessions, HmpSession, link) {
        each->ending = true;
    }
    while ((s = first_alive())) {
        s->refs++;
        while (s->executing) {
            co_queue_wait(&s->changed);
        }
        co_output_wait_sent(&s->output, deadline_ns);
        output_kill(&s->output);
        session_unref(s);
    }
}

CONTROL_ONLY
static bool cpu_exists(int64_t index)
{
    return index >= 0 && index < machine_cpus();
}

void hmp_init(void)
{
    static const HumanOps ops = {
        .co_run = co_hmp_run,
        .co_session = co_session,
        .greeting = greeting,
        .co_end = co_end,
        .close = hmp_close,
        .cpu_exists = cpu_exists,
    };

    human_set_ops(&ops);
}
