/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends what waits for a monitor client: see output.h. */
#include "monitor/output.h"

#include <unistd.h>

#include "util/log.h"
#include "util/reactor/reactor.h"
#include "util/stdout.h"

/* The one that goes to standard output, or NULL. CONTROL */
static Output *on_stdout;

/* Longer nobody waits for a reader who does not read. */
#define SETTLE_NS (1000 * INT64_C(1000000))

COROUTINE_ONLY CONTROL_ONLY static void co_settle(void)
{
    if (on_stdout) {
        co_output_wait_sent(on_stdout, reactor_now_ns() + SETTLE_NS);
    }
}

void output_init(Output *out, const Stream *stream)
{
    *out = (Output){.stream = *stream, .waiting = g_string_new(NULL)};
    coqueue_init(&out->changed);
    if (stream->out_fd == STDOUT_FILENO) {
        on_stdout = out;
        stdout_set_settle(co_settle);
    }
}

void output_free(Output *out)
{
    assert(out->sender_ended && coqueue_empty(&out->changed));
    if (on_stdout == out) {
        on_stdout = NULL;
    }
    g_string_free(out->waiting, true);
}

static size_t output_bytes(const Output *out)
{
    return out->waiting->len + out->sending;
}

void output_append_text(Output *out, const char *text, size_t bytes)
{
    const char *end = text + bytes;

    if (out->dead) {
        return;
    }
    while (text < end) {
        const char *newline = memchr(text, '\n', end - text);
        const char *stop = newline ? newline : end;

        g_string_append_len(out->waiting, text, stop - text);
        if (newline) {
            g_string_append(out->waiting, "\r\n");
        }
        text = stop + !!newline;
    }
    coqueue_wake_all(&out->changed);
}

void output_append(Output *out, const char *text, size_t bytes)
{
    output_append_text(out, text, bytes);
    output_append_text(out, "\n", 1);
}

void output_append_event(Output *out, const char *text, size_t bytes)
{
    if (!out->dead && output_bytes(out) > OUTPUT_HARD_BYTES) {
        log_bounded(LOG_LEVEL_WARNING, "a monitor client does not read its "
                                       "events; it is disconnected");
        output_kill(out);
    }
    output_append(out, text, bytes);
}

void output_kill(Output *out)
{
    if (out->dead) {
        return;
    }
    out->dead = true;
    g_string_free(out->waiting, true);
    out->waiting = g_string_new(NULL);
    io_cancel_fd(out->stream.in_fd);
    io_cancel_fd(out->stream.out_fd);
    coqueue_wake_all(&out->changed);
}

bool output_has_room(const Output *out)
{
    return out->dead || output_bytes(out) < OUTPUT_SOFT_BYTES;
}

void co_output_wait_room(Output *out)
{
    while (!output_has_room(out)) {
        co_queue_wait(&out->changed);
    }
}

void co_output_wait_sent(Output *out, int64_t deadline_ns)
{
    while (!out->dead && output_bytes(out)) {
        if (!co_queue_wait_until(&out->changed, deadline_ns)) {
            return;
        }
    }
}

/* Sends @text; false when the client is gone. */
COROUTINE_ONLY
static bool co_send(Output *out, const GString *text)
{
    out->sending = text->len;
    while (out->sending && !out->dead) {
        struct iovec v = {
            .iov_base = text->str + text->len - out->sending,
            .iov_len = MIN(out->sending, out->stream.max_send_bytes),
        };
        ssize_t n = co_io_sendv(out->stream.out_fd, &v, 1, false);

        if (n <= 0) {
            break;
        }
        out->sending -= n;
        coqueue_wake_all(&out->changed);
    }
    return out->sending == 0;
}

void co_output_run(Output *out)
{
    for (;;) {
        GString *text = out->waiting;

        if (out->dead || (out->closing && !text->len)) {
            break;
        }
        if (!text->len) {
            co_queue_wait(&out->changed);
            continue;
        }
        out->waiting = g_string_new(NULL);
        if (!co_send(out, text)) {
            output_kill(out);
        }
        g_string_free(text, true);
    }
    out->sending = 0;
    out->dead = true;
    out->sender_ended = true;
    coqueue_wake_all(&out->changed);
}

void co_output_close(Output *out)
{
    out->closing = true;
    coqueue_wake_all(&out->changed);
    while (!out->sender_ended) {
        co_queue_wait(&out->changed);
    }
}
