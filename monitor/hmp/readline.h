/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line editor for whoever sends bytes, a terminal or a pipe. It answers each
 * byte as QEMU's monitor does, so that scripts that read the echo find it.
 *
 * Keys: ^A ^E home end left right, ^H ^D delete, ^W, up and down for history,
 * tab, ^L. Others do nothing.
 *
 * Pure: it knows no descriptors. One thread at a time.
 */
#ifndef MONITOR_HMP_READLINE_H
#define MONITOR_HMP_READLINE_H

#include <glib.h>

typedef struct Readline Readline;

/* What could stand where @line ends; strings owned by the array. */
typedef GPtrArray *ReadlineComplete(const char *line);

Readline *readline_new(const char *prompt, ReadlineComplete *complete);
void readline_free(Readline *rl); /* NULL is fine */

/* A new line begins: the prompt is put to @out. */
void readline_show_prompt(Readline *rl, GString *out);
/* Takes one byte and puts what is to be seen to @out. A line that is complete,
 * to be freed, or NULL. */
char *readline_feed(Readline *rl, unsigned char c, GString *out);

#endif
