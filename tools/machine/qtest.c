/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test protocol: lines on a socket. Without a guest there is one thing to
 * test: time. `clock_step NS` lets NS nanoseconds of the machine's clock go by
 * and answers with what it shows then; without a number it goes on to when
 * something is due next.
 *
 * Invariant: while the protocol is spoken, the machine's clock stands still
 * but for these steps.
 */
#include "tools/machine/machine.h"
#include "util/reactor/reactor.h"
#include "util/reactor/virtual-clock.h"

#define LINE_MAX_BYTES 4096

/* CONTROL */
static CoCount running;
static int open_fd = -1;

static char *step_answer(const char *number)
{
    uint64_t ns = 0;
    char *end = NULL;

    if (number) {
        errno = 0;
        ns = g_ascii_strtoull(number, &end, 0);
        if (end == number || *end || errno || ns > INT64_MAX) {
            return g_strdup("FAIL clock_step requires a number\n");
        }
    }
    return NULL;
}

COROUTINE_ONLY CONTROL_ONLY static char *co_clock_step(const char *number)
{
    char *wrong = step_answer(number);
    int64_t ns;

    if (wrong) {
        return wrong;
    }
    ns = number ? (int64_t)g_ascii_strtoull(number, NULL, 0) : vclock_next_ns();
    co_vclock_step(ns);
    return g_strdup_printf("OK %" PRId64 "\n", vclock_now_ns());
}

/* The answer to one line, which the caller frees. */
COROUTINE_ONLY CONTROL_ONLY static char *co_answer(char *line)
{
    g_auto(GStrv) words = g_strsplit_set(g_strstrip(line), " \t", -1);

    if (!words[0] || !*words[0]) {
        return g_strdup("");
    }
    if (!strcmp(words[0], "clock_step")) {
        return co_clock_step(words[1]);
    }
    if (!strcmp(words[0], "endianness")) {
        return g_strdup("OK little\n");
    }
    return g_strdup_printf("FAIL Unknown command '%s'\n", words[0]);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_take_lines(int fd, GString *text)
{
    char *end;

    while ((end = memchr(text->str, '\n', text->len))) {
        g_autofree char *answer = NULL;
        size_t bytes = end + 1 - text->str;

        *end = 0;
        answer = co_answer(text->str);
        g_string_erase(text, 0, bytes);
        if (co_io_send_all(fd, answer, strlen(answer)) < 0) {
            return false;
        }
    }
    return text->len <= LINE_MAX_BYTES;
}

COROUTINE_ONLY CONTROL_ONLY static void co_serve(const Stream *stream)
{
    GString *text = g_string_new(NULL);
    char buf[1024];
    ssize_t n;

    open_fd = stream->in_fd;
    while ((n = co_io_recv(stream->in_fd, buf, sizeof(buf))) > 0) {
        g_string_append_len(text, buf, n);
        if (!co_take_lines(stream->out_fd, text)) {
            break;
        }
    }
    open_fd = -1;
    g_string_free(text, TRUE);
}

COROUTINE_ONLY CONTROL_ONLY static void co_qtest(void *opaque)
{
    Chardev *chr = opaque;
    Stream stream;

    while (co_chardev_connect(chr, &stream)) {
        co_serve(&stream);
        chardev_disconnect(chr, &stream);
    }
    cocount_dec(&running);
}

void machine_qtest_start(Chardev *chr)
{
    cocount_init(&running);
    cocount_inc(&running);
    coroutine_start(co_qtest, chr);
}

void co_machine_qtest_stop(void)
{
    if (!running.n) {
        return;
    }
    if (open_fd >= 0) {
        io_cancel_fd(open_fd);
    }
    co_count_wait_zero(&running);
}
