/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line editor of a terminal, by libedit: history, and completion from
 * lists of words.
 *
 * Invariant: words are changed only while no line is being read (that is done
 * on another thread).
 */
#ifndef TOOLS_MONITOR_EDITOR_H
#define TOOLS_MONITOR_EDITOR_H

#include <glib.h>

typedef struct Editor Editor;

/* What words can stand where. All are strings of the arrays'. */
typedef struct EditorWords {
    GPtrArray *commands; /* first of a line; "info block" has two words */
    GPtrArray *names;    /* of devices and nodes: behind that */
} EditorWords;

Editor *editor_new(const char *prompt, const EditorWords *words);
void editor_free(Editor *editor); /* NULL is fine */

/* Waits for a line, which the caller frees, without its end; NULL: no more. */
char *editor_read(Editor *editor);

#endif
