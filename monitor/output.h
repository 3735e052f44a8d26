/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes that wait to be sent to one monitor client.
 *
 * Invariants:
 * 1. What is appended is sent in order and whole, until the output is dead.
 * 2. Bounded memory: a session neither reads nor runs requests while
 *    OUTPUT_SOFT_BYTES wait (so one answer may go beyond it). An event that
 *    finds OUTPUT_HARD_BYTES kills the output: it cannot wait.
 * 3. A dead output drops everything; its descriptors' operations are cancelled
 *    so that the reader of the session notices.
 * All: control thread.
 */
#ifndef MONITOR_OUTPUT_H
#define MONITOR_OUTPUT_H

#include "monitor/chardev.h"
#include "util/coroutine/sync.h"

#define OUTPUT_SOFT_BYTES (1 * MiB)
#define OUTPUT_HARD_BYTES (16 * MiB)

typedef struct Output {
    /* CONST */
    Stream stream;
    /* CONTROL */
    GString *waiting; /* not yet with the sender */
    size_t sending;   /* bytes that the sender still has */
    bool dead;
    bool closing; /* the sender ends when all is sent */
    bool sender_ended;
    CoQueue changed;
} Output;

void output_init(Output *out, const Stream *stream) CONTROL_ONLY;
/* The sender has ended. */
void output_free(Output *out);

/* Appends one printed document and a line end; newlines in it become the
 * "\r\n" of QEMU. */
void output_append(Output *out, const char *text, size_t bytes);
/* The same without a line end of its own. */
void output_append_text(Output *out, const char *text, size_t bytes);
/* As output_append for an event: kills the output when too much waits. */
void output_append_event(Output *out, const char *text, size_t bytes);
void output_kill(Output *out);

/* Whether the next answer may be made: less than OUTPUT_SOFT_BYTES wait, or
 * the output is dead. */
bool output_has_room(const Output *out);
void co_output_wait_room(Output *out) COROUTINE_ONLY;
/* Waits until nothing waits, the output is dead, or the deadline passed. */
void co_output_wait_sent(Output *out, int64_t deadline_ns) COROUTINE_ONLY;

/* The body of the sender's coroutine. */
void co_output_run(Output *out) COROUTINE_ONLY;
/* Lets the sender send what waits and waits for its end. */
void co_output_close(Output *out) COROUTINE_ONLY;

#endif
