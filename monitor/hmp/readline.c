/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line editor: see readline.h. */
#include "monitor/hmp/readline.h"

#include <stdbool.h>
#include <string.h>

#define HISTORY_MAX 64
#define LINE_MAX_BYTES 4095
#define SCREEN_COLUMNS 80

typedef enum State { PLAIN, ESCAPE, SEQUENCE, SEQUENCE_O } State;

struct Readline {
    /* CONST */
    char *prompt;
    ReadlineComplete *complete;

    GString *line;
    size_t cursor;
    GPtrArray *history; /* oldest first */
    guint place;        /* in the history; its length: the new line */
    State state;
    unsigned number; /* in a sequence */

    /* What is on the screen. */
    GString *shown;
    size_t shown_cursor;
};

Readline *readline_new(const char *prompt, ReadlineComplete *complete)
{
    Readline *rl = g_new0(Readline, 1);

    rl->prompt = g_strdup(prompt);
    rl->complete = complete;
    rl->line = g_string_new(NULL);
    rl->shown = g_string_new(NULL);
    rl->history = g_ptr_array_new_with_free_func(g_free);
    return rl;
}

void readline_free(Readline *rl)
{
    if (!rl) {
        return;
    }
    g_free(rl->prompt);
    g_string_free(rl->line, true);
    g_string_free(rl->shown, true);
    g_ptr_array_unref(rl->history);
    g_free(rl);
}

/* --- the screen ---------------------------------------------------------- */

static void move(GString *out, size_t from, size_t to)
{
    for (; from < to; from++) {
        g_string_append(out, "\033[C");
    }
    for (; from > to; from--) {
        g_string_append(out, "\033[D");
    }
}

static void update(Readline *rl, GString *out)
{
    if (!g_string_equal(rl->line, rl->shown)) {
        move(out, rl->shown_cursor, 0);
        g_string_append_len(out, rl->line->str, rl->line->len);
        g_string_append(out, "\033[K");
        g_string_assign(rl->shown, rl->line->str);
        rl->shown_cursor = rl->line->len;
    }
    move(out, rl->shown_cursor, rl->cursor);
    rl->shown_cursor = rl->cursor;
}

/* The line stands on a fresh row. */
static void show_again(Readline *rl, GString *out)
{
    g_string_append(out, rl->prompt);
    g_string_truncate(rl->shown, 0);
    rl->shown_cursor = 0;
}

void readline_show_prompt(Readline *rl, GString *out)
{
    g_string_truncate(rl->line, 0);
    rl->cursor = 0;
    rl->place = rl->history->len;
    rl->state = PLAIN;
    show_again(rl, out);
}

/* --- editing ------------------------------------------------------------- */

static void insert(Readline *rl, const char *text, size_t bytes)
{
    if (rl->line->len + bytes <= LINE_MAX_BYTES) {
        g_string_insert_len(rl->line, rl->cursor, text, bytes);
        rl->cursor += bytes;
    }
}

static void delete (Readline *rl)
{
    if (rl->cursor < rl->line->len) {
        g_string_erase(rl->line, rl->cursor, 1);
    }
}

static void backspace(Readline *rl)
{
    if (rl->cursor) {
        rl->cursor--;
        delete (rl);
    }
}

static void delete_word(Readline *rl)
{
    size_t begin = rl->cursor;

    while (begin && rl->line->str[begin - 1] == ' ') {
        begin--;
    }
    while (begin && rl->line->str[begin - 1] != ' ') {
        begin--;
    }
    g_string_erase(rl->line, begin, rl->cursor - begin);
    rl->cursor = begin;
}

/* --- history ------------------------------------------------------------- */

static void remember(Readline *rl)
{
    if (!rl->line->len) {
        return;
    }
    for (guint i = 0; i < rl->history->len; i++) {
        if (!strcmp(rl->history->pdata[i], rl->line->str)) {
            g_ptr_array_remove_index(rl->history, i);
            break;
        }
    }
    if (rl->history->len == HISTORY_MAX) {
        g_ptr_array_remove_index(rl->history, 0);
    }
    g_ptr_array_add(rl->history, g_strdup(rl->line->str));
}

static void recall(Readline *rl, int step)
{
    if ((step < 0 && !rl->place) ||
        (step > 0 && rl->place == rl->history->len)) {
        return;
    }
    rl->place += step;
    g_string_assign(rl->line, rl->place < rl->history->len
                                  ? rl->history->pdata[rl->place]
                                  : "");
    rl->cursor = rl->line->len;
}

/* --- completion ---------------------------------------------------------- */

/* How many characters all of @words have in common. */
static size_t common_prefix(const GPtrArray *words)
{
    const char *first = words->pdata[0];
    size_t n = strlen(first);

    for (guint i = 1; i < words->len; i++) {
        const char *word = words->pdata[i];
        size_t same = 0;

        while (same < n && word[same] == first[same]) {
            same++;
        }
        n = same;
    }
    return n;
}

static void list_words(const GPtrArray *words, GString *out)
{
    size_t width = 0;
    guint columns;

    for (guint i = 0; i < words->len; i++) {
        width = MAX(width, strlen(words->pdata[i]));
    }
    width = MIN(width + 2, SCREEN_COLUMNS);
    columns = MAX(SCREEN_COLUMNS / width, 1);
    g_string_append_c(out, '\n');
    for (guint i = 0; i < words->len; i++) {
        g_string_append_printf(out, "%-*s", (int)width,
                               (const char *)words->pdata[i]);
        if (i % columns == columns - 1 || i == words->len - 1) {
            g_string_append_c(out, '\n');
        }
    }
}

/* How many characters of the word at the cursor stand there. */
static size_t begun(const char *line)
{
    const char *blank = strrchr(line, ' ');

    return strlen(blank ? blank + 1 : line);
}

static void complete(Readline *rl, GString *out)
{
    g_autofree char *before = g_strndup(rl->line->str, rl->cursor);
    g_autoptr(GPtrArray) words = rl->complete ? rl->complete(before) : NULL;
    size_t have = begun(before), common;

    if (!words || !words->len) {
        return;
    }
    common = common_prefix(words);
    if (common > have) {
        insert(rl, (char *)words->pdata[0] + have, common - have);
    }
    if (words->len == 1) {
        insert(rl, " ", 1);
        return;
    }
    list_words(words, out);
    show_again(rl, out);
}

/* --- bytes --------------------------------------------------------------- */

static void feed_plain(Readline *rl, unsigned char c, GString *out)
{
    switch (c) {
    case 1:
        rl->cursor = 0;
        break;
    case 4:
        delete (rl);
        break;
    case 5:
        rl->cursor = rl->line->len;
        break;
    case 8:
    case 127:
        backspace(rl);
        break;
    case 9:
        complete(rl, out);
        break;
    case 12:
        g_string_append(out, "\033[2J\033[1;1H");
        show_again(rl, out);
        break;
    case 23:
        delete_word(rl);
        break;
    case 27:
        rl->state = ESCAPE;
        break;
    default:
        if (c >= 32) {
            insert(rl, (char *)&c, 1);
        }
    }
}

/* The last byte of "ESC [ NUMBER c". */
static void end_sequence(Readline *rl, unsigned char c)
{
    switch (c) {
    case 'A':
        recall(rl, -1);
        break;
    case 'B':
        recall(rl, 1);
        break;
    case 'C':
        rl->cursor += rl->cursor < rl->line->len;
        break;
    case 'D':
        rl->cursor -= rl->cursor > 0;
        break;
    case '~':
        if (rl->number == 1) {
            rl->cursor = 0;
        } else if (rl->number == 4) {
            rl->cursor = rl->line->len;
        } else if (rl->number == 3) {
            delete (rl);
        }
    }
}

static void feed(Readline *rl, unsigned char c, GString *out)
{
    switch (rl->state) {
    case PLAIN:
        feed_plain(rl, c, out);
        break;
    case ESCAPE:
        rl->state = c == '[' ? SEQUENCE : c == 'O' ? SEQUENCE_O : PLAIN;
        rl->number = 0;
        break;
    case SEQUENCE:
        if (g_ascii_isdigit(c)) {
            rl->number = MIN(rl->number * 10 + (c - '0'), 1000u);
            break;
        }
        rl->state = PLAIN;
        end_sequence(rl, c);
        break;
    case SEQUENCE_O:
        rl->state = PLAIN;
        break;
    }
}

char *readline_feed(Readline *rl, unsigned char c, GString *out)
{
    if (rl->state == PLAIN && (c == '\n' || c == '\r')) {
        remember(rl);
        g_string_append_c(out, '\n');
        return g_strdup(rl->line->str);
    }
    feed(rl, c, out);
    update(rl, out);
    return NULL;
}
