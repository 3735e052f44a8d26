/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the words of a line to arguments, by the command's table. What is
 * accepted and the texts are those of QEMU's HMP, down to an option that is
 * skipped because a later one of the table is in its place.
 */
#include <stdio.h>

#include "monitor/hmp/hmp-int.h"
#include "text/size-text.h"

static void skip_blanks(const char **p)
{
    while (g_ascii_isspace(**p)) {
        ++*p;
    }
}

/* --- words --------------------------------------------------------------- */

/* The character behind a backslash at *@p; 0: there is none such. */
static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case '\\':
    case '\'':
    case '"':
        return c;
    default:
        return 0;
    }
}

/* Behind the opening quote. NULL, said on standard output as in QEMU, and *@p
 * as it was, if the string is none. */
static char *take_quoted(const char **p)
{
    g_autoptr(GString) word = g_string_new(NULL);
    const char *at = *p;

    for (; *at && *at != '"'; at++) {
        char c = *at;

        if (c == '\\') {
            c = unescape(*++at);
            if (!c) {
                printf("unsupported escape code: '\\%c'\n", *at);
                return NULL;
            }
        }
        g_string_append_c(word, c);
    }
    if (!*at) {
        printf("unterminated string\n");
        return NULL;
    }
    *p = at + 1;
    return g_strdup(word->str);
}

char *hmp_take_word(const char **p)
{
    const char *begin, *end;

    skip_blanks(p);
    if (**p == '"') {
        ++*p;
        return take_quoted(p);
    }
    begin = end = *p;
    while (*end && !g_ascii_isspace(*end)) {
        end++;
    }
    *p = end;
    return end > begin ? g_strndup(begin, end - begin) : NULL;
}

/* --- one argument -------------------------------------------------------- */

typedef struct Parse {
    Hmp *hmp;
    const HmpCommand *command;
    const char *p;
    json_object *args;
} Parse;

static bool parse_string(Parse *s, const HmpArg *arg)
{
    static const char *const expected[] = {
        [HMP_STRING] = "string",
        [HMP_DEVICE] = "block device name",
        [HMP_FILENAME] = "filename",
    };
    g_autofree char *word = NULL;

    skip_blanks(&s->p);
    if (!*s->p && arg->optional) {
        return true;
    }
    word = hmp_take_word(&s->p);
    if (!word) {
        hmp_printf(s->hmp, "%s: %s expected\n", s->command->name,
                   expected[arg->type]);
        return false;
    }
    json_object_object_add(s->args, arg->name, json_object_new_string(word));
    return true;
}

static bool parse_rest(Parse *s, const HmpArg *arg)
{
    skip_blanks(&s->p);
    if (!*s->p) {
        if (!arg->optional) {
            hmp_printf(s->hmp, "%s: string expected\n", s->command->name);
        }
        return arg->optional;
    }
    json_object_object_add(s->args, arg->name, json_object_new_string(s->p));
    s->p += strlen(s->p);
    return true;
}

/* How many characters of @p belong to a number with suffix. */
static size_t number_length(const char *p)
{
    bool hex = !g_ascii_strncasecmp(p, "0x", 2) && g_ascii_isxdigit(p[2]);
    size_t n = hex ? 2 + strspn(p + 2, "0123456789abcdefABCDEF")
                   : strspn(p, "0123456789.");

    return n + (p[n] && strchr("bkmgtpeBKMGTPE", p[n]) ? 1 : 0);
}

/* Megabytes, if nothing is said. Hexadecimal digits are no suffix, and a
 * number in them does not get one, of which somebody would be warned. */
static bool read_size(const char *number, uint64_t *bytes)
{
    bool hex = !g_ascii_strncasecmp(number, "0x", 2);
    char last = number[strlen(number) - 1];
    g_autofree char *decimal = NULL;

    if (g_ascii_isalpha(last) && !(hex && g_ascii_isxdigit(last))) {
        return size_text_parse(number, bytes) == SIZE_OK;
    }
    if (!hex) {
        decimal = g_strdup_printf("%sM", number);
        return size_text_parse(decimal, bytes) == SIZE_OK;
    }
    if (size_text_parse(number, bytes) != SIZE_OK || *bytes > INT64_MAX >> 20) {
        return false;
    }
    *bytes <<= 20;
    return true;
}

static bool parse_size(Parse *s, const HmpArg *arg)
{
    g_autofree char *number = NULL;
    uint64_t bytes = 0;
    size_t n;

    skip_blanks(&s->p);
    if (!*s->p && arg->optional) {
        return true;
    }
    n = number_length(s->p);
    number = g_strndup(s->p, n);
    if (!n || !read_size(number, &bytes)) {
        hmp_printf(s->hmp, "invalid size\n");
        return false;
    }
    s->p += n;
    json_object_object_add(s->args, arg->name, hmp_new_int(bytes));
    return true;
}

/* Whether @value is fine for @arg; puts it into its unit. */
static bool check_number(Parse *s, const HmpArg *arg, int64_t *value)
{
    if (arg->type == HMP_INT && (uint64_t)*value >> 32) {
        hmp_printf(s->hmp, "'%s' has failed: integer is for 32-bit values\n",
                   s->command->name);
        return false;
    }
    if (arg->type == HMP_MEGABYTES) {
        if (*value < 0) {
            hmp_printf(s->hmp, "enter a positive value\n");
            return false;
        }
        *value = (uint64_t)*value << 20;
    }
    return true;
}

static bool parse_int(Parse *s, const HmpArg *arg)
{
    int64_t value;

    skip_blanks(&s->p);
    if (!*s->p && arg->optional) {
        return true;
    }
    if (!hmp_expression(s->hmp, &s->p, &value) ||
        !check_number(s, arg, &value)) {
        return false;
    }
    json_object_object_add(s->args, arg->name, hmp_new_int(value));
    return true;
}

/* A number of items, a letter for how and one for how many bytes, in any
 * order. */
static bool parse_format(Parse *s, const HmpArg *arg)
{
    /* CONTROL: without a letter it is that of the last line. */
    static char kept = 'x';

    skip_blanks(&s->p);
    if (*s->p == '/') {
        s->p++;
        s->p += strspn(s->p, "0123456789");
        for (; *s->p && strchr("oduxicbhwgL", *s->p); s->p++) {
            kept = strchr("oduxic", *s->p) ? *s->p : kept;
        }
        if (*s->p && !g_ascii_isspace(*s->p)) {
            hmp_printf(s->hmp, "invalid char in format: '%c'\n", *s->p);
            return false;
        }
    }
    json_object_object_add(s->args, arg->name,
                           json_object_new_string_len(&kept, 1));
    return true;
}

static bool parse_options(Parse *s, const HmpArg *arg)
{
    g_autofree char *word = hmp_take_word(&s->p);

    if (word) {
        json_object_object_add(s->args, arg->name,
                               json_object_new_string(word));
    }
    return true;
}

static bool parse_switch(Parse *s, const HmpArg *arg)
{
    g_autofree char *word = hmp_take_word(&s->p);
    bool on = word && !strcmp(word, "on");

    if (!word && arg->optional) {
        return true;
    }
    if (!on && (!word || strcmp(word, "off"))) {
        hmp_printf(s->hmp, "Expected 'on' or 'off'\n");
        return false;
    }
    json_object_object_add(s->args, arg->name, hmp_new_bool(on));
    return true;
}

static bool has_flag(const HmpCommand *command, char flag)
{
    for (const HmpArg *arg = command->args; arg->type; arg++) {
        if ((arg->type == HMP_FLAG || arg->type == HMP_FLAG_STRING) &&
            arg->flag == flag) {
            return true;
        }
    }
    return false;
}

/* Behind "-x". */
static bool take_flag(Parse *s, const HmpArg *arg)
{
    json_object *value;
    char *word;

    if (arg->type == HMP_FLAG) {
        value = hmp_new_bool(true);
    } else {
        word = hmp_take_word(&s->p);
        if (!word) {
            hmp_printf(s->hmp, "%s: value expected for -%c\n", s->command->name,
                       arg->flag);
            return false;
        }
        value = hmp_new_string(word);
        g_free(word);
    }
    json_object_object_add(s->args, arg->name, value);
    return true;
}

static bool parse_flag(Parse *s, const HmpArg *arg)
{
    skip_blanks(&s->p);
    if (s->p[0] != '-' || !s->p[1]) {
        return true;
    }
    if (s->p[1] == arg->flag) {
        s->p += 2;
        return take_flag(s, arg);
    }
    if (!has_flag(s->command, s->p[1])) {
        hmp_printf(s->hmp, "%s: unsupported option -%c\n", s->command->name,
                   s->p[1]);
        return false;
    }
    return true;
}

static bool parse_one(Parse *s, const HmpArg *arg)
{
    switch (arg->type) {
    case HMP_STRING:
    case HMP_DEVICE:
    case HMP_FILENAME:
        return parse_string(s, arg);
    case HMP_REST:
        return parse_rest(s, arg);
    case HMP_OPTIONS:
        return parse_options(s, arg);
    case HMP_INT:
    case HMP_LONG:
    case HMP_MEGABYTES:
        return parse_int(s, arg);
    case HMP_FORMAT:
        return parse_format(s, arg);
    case HMP_SIZE:
        return parse_size(s, arg);
    case HMP_SWITCH:
        return parse_switch(s, arg);
    case HMP_FLAG:
    case HMP_FLAG_STRING:
        return parse_flag(s, arg);
    default:
        g_assert_not_reached();
    }
}

/* --- all of them --------------------------------------------------------- */

static bool parse_all(Parse *s)
{
    for (const HmpArg *arg = s->command->args; arg->type; arg++) {
        if (!parse_one(s, arg)) {
            return false;
        }
    }
    skip_blanks(&s->p);
    if (*s->p) {
        hmp_printf(s->hmp, "%s: extraneous characters at the end of line\n",
                   s->command->name);
        return false;
    }
    return true;
}

json_object *hmp_parse(Hmp *hmp, const HmpCommand *command, const char *line,
                       const char *p)
{
    Parse s = {hmp, command, p, json_object_new_object()};
    g_autofree char *typed = NULL;

    if (parse_all(&s)) {
        return s.args;
    }
    json_object_put(s.args);
    typed = g_strstrip(g_strndup(line, p - line));
    hmp_printf(hmp, "Try \"help %s\" for more information\n", typed);
    return NULL;
}
