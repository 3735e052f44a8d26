/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line editor: see editor.h. */
#include "tools/monitor/editor.h"

#include <histedit.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define HISTORY 500
#define NAME_COLUMNS_MIN 20

struct Editor {
    EditLine *el;
    History *history;
    char *prompt;
    const EditorWords *words;
};

/* --- completion ---------------------------------------------------------- */

static void add_following(GPtrArray *found, const GPtrArray *words,
                          const char *typed, size_t skip)
{
    for (guint i = 0; i < words->len; i++) {
        const char *word = words->pdata[i];

        if (g_str_has_prefix(word, typed)) {
            g_ptr_array_add(found, (gpointer)(word + skip));
        }
    }
}

/* Those of @words that go on where @line ends, which is @begun characters into
 * a word; strings of @words'. */
static GPtrArray *editor_candidates(const EditorWords *words, const char *line,
                                    size_t *begun)
{
    GPtrArray *found = g_ptr_array_new();
    const char *blank;

    line += strspn(line, " ");
    blank = strrchr(line, ' ');
    *begun = strlen(blank ? blank + 1 : line);
    /* "info bl": the whole line may be the beginning of a command. */
    add_following(found, words->commands, line, strlen(line) - *begun);
    if (!found->len && blank) {
        add_following(found, words->names, blank + 1, 0);
    }
    return found;
}

static size_t common_prefix(const GPtrArray *found)
{
    const char *first = found->pdata[0];
    size_t n = strlen(first);

    for (guint i = 1; i < found->len; i++) {
        const char *other = found->pdata[i];
        size_t same = 0;

        while (same < n && other[same] == first[same]) {
            same++;
        }
        n = same;
    }
    return n;
}

static void show(const GPtrArray *found)
{
    printf("\n");
    for (guint i = 0; i < found->len; i++) {
        printf("%-*s%s", NAME_COLUMNS_MIN, (const char *)found->pdata[i],
               i % 3 == 2 || i + 1 == found->len ? "\n" : "  ");
    }
    fflush(stdout);
}

static unsigned char complete(EditLine *el, int key)
{
    const LineInfo *line = el_line(el);
    g_autofree char *typed =
        g_strndup(line->buffer, line->cursor - line->buffer);
    g_autoptr(GPtrArray) found = NULL;
    Editor *editor;
    size_t begun, common;

    el_get(el, EL_CLIENTDATA, &editor);
    found = editor_candidates(editor->words, typed, &begun);
    if (!found->len) {
        return CC_ERROR;
    }
    common = common_prefix(found);
    if (common > begun) {
        g_autofree char *rest =
            g_strndup((char *)found->pdata[0] + begun, common - begun);

        el_insertstr(el, rest);
    }
    if (found->len == 1) {
        el_insertstr(el, " ");
        return CC_REFRESH;
    }
    if (common > begun) {
        return CC_REFRESH;
    }
    show(found);
    return CC_REDISPLAY;
}

/* --- life ---------------------------------------------------------------- */

static char *prompt(EditLine *el)
{
    Editor *editor;

    el_get(el, EL_CLIENTDATA, &editor);
    return editor->prompt;
}

Editor *editor_new(const char *text, const EditorWords *words)
{
    Editor *editor = g_new0(Editor, 1);
    HistEvent event;

    editor->prompt = g_strdup(text);
    editor->words = words;
    editor->history = history_init();
    history(editor->history, &event, H_SETSIZE, HISTORY);
    history(editor->history, &event, H_SETUNIQUE, 1);
    editor->el = el_init("tidemark", stdin, stdout, stderr);
    el_set(editor->el, EL_CLIENTDATA, editor);
    el_set(editor->el, EL_PROMPT, prompt);
    el_set(editor->el, EL_EDITOR, "emacs");
    el_set(editor->el, EL_HIST, history, editor->history);
    /* The wide form keeps these; the other one loses the copies it makes. */
    el_wset(editor->el, EL_ADDFN, L"complete", L"finish the word", complete);
    el_set(editor->el, EL_BIND, "^I", "complete", NULL);
    el_set(editor->el, EL_SIGNAL, 1);
    return editor;
}

void editor_free(Editor *editor)
{
    if (!editor) {
        return;
    }
    el_end(editor->el);
    history_end(editor->history);
    g_free(editor->prompt);
    g_free(editor);
}

char *editor_read(Editor *editor)
{
    HistEvent event;
    int n;
    const char *line;
    char *copy;

    /* Before the prompt is shown: who sees it and ends with ^D at once is not
     * heard by a terminal that edits lines itself. */
    el_set(editor->el, EL_PREP_TERM, 1);
    line = el_gets(editor->el, &n);
    if (!line || n <= 0) {
        return NULL;
    }
    copy = g_strchomp(g_strdup(line));
    if (*copy) {
        history(editor->history, &event, H_ENTER, copy);
    }
    return copy;
}
