/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads configuration files of blkdebug, in two steps: the lines become
 * groups of checked values, then each group becomes a rule. So an unknown
 * word anywhere is told before a rule that lacks its event.
 */
#include "block/filter/blkdebug-config.h"

#include <stdlib.h>

#include "util/id.h"
#include "util/reactor/reactor.h"

#define MAX_FILE_BYTES (1u << 20)

typedef enum Word {
    WORD_EVENT,
    WORD_STATE,
    WORD_IOTYPE,
    WORD_ERRNO,
    WORD_SECTOR,
    WORD_ONCE,
    WORD_IMMEDIATELY,
    WORD_NEW_STATE,
    WORD__MAX
} Word;

typedef enum ValueKind { VALUE_TEXT, VALUE_NUMBER, VALUE_BOOL } ValueKind;

static const struct {
    const char *name;
    ValueKind kind;
    bool of_inject, of_set;
} words[WORD__MAX] = {
    [WORD_EVENT] = {"event", VALUE_TEXT, true, true},
    [WORD_STATE] = {"state", VALUE_NUMBER, true, true},
    [WORD_IOTYPE] = {"iotype", VALUE_TEXT, true, false},
    [WORD_ERRNO] = {"errno", VALUE_NUMBER, true, false},
    [WORD_SECTOR] = {"sector", VALUE_NUMBER, true, false},
    [WORD_ONCE] = {"once", VALUE_BOOL, true, false},
    [WORD_IMMEDIATELY] = {"immediately", VALUE_BOOL, true, false},
    [WORD_NEW_STATE] = {"new_state", VALUE_NUMBER, false, true},
};

typedef struct Group {
    bool is_set; /* [set-state], else [inject-error] */
    char *id;    /* NULL: none */
    bool given[WORD__MAX];
    char *text[WORD__MAX];
    int64_t value[WORD__MAX];
} Group;

static void group_free(void *opaque)
{
    Group *group = opaque;

    for (unsigned i = 0; i < WORD__MAX; i++) {
        g_free(group->text[i]);
    }
    g_free(group->id);
    g_free(group);
}

/* --- lines --------------------------------------------------------------- */

static bool check_id(const GPtrArray *groups, const Group *group, Error **errp)
{
    if (!id_check(group->id, errp)) {
        return false;
    }
    for (guint i = 0; i < groups->len; i++) {
        const Group *other = g_ptr_array_index(groups, i);

        if (other->is_set == group->is_set &&
            !g_strcmp0(other->id, group->id)) {
            error_set(errp, "Duplicate ID '%s' for %s", group->id,
                      group->is_set ? "set-state" : "inject-error");
            return false;
        }
    }
    return true;
}

/* @line is [NAME] or [NAME "ID"]. */
static bool begin_group(GPtrArray *groups, char *line, Error **errp)
{
    char *name = line + 1, *id = NULL, *end = strchr(name, ']');
    Group *group;

    if (end) {
        *end = '\0';
    }
    end = strstr(name, " \"");
    if (end) {
        *end = '\0';
        id = end + 2;
        end = strchr(id, '"');
        if (end) {
            *end = '\0';
        }
    }
    if (strcmp(name, "inject-error") && strcmp(name, "set-state")) {
        error_set(errp, "There is no option group '%s'", name);
        return false;
    }
    group = g_new0(Group, 1);
    group->is_set = !strcmp(name, "set-state");
    group->id = g_strdup(id);
    if (id && !check_id(groups, group, errp)) {
        group_free(group);
        return false;
    }
    g_ptr_array_add(groups, group);
    return true;
}

static bool take_value(Group *group, Word word, const char *text, Error **errp)
{
    const char *name = words[word].name;
    char *end;

    if (words[word].kind == VALUE_NUMBER) {
        errno = 0;
        group->value[word] = (int64_t)strtoull(text, &end, 0);
        if (end == text || *end || errno) {
            error_set(errp, "Parameter '%s' expects a number", name);
            return false;
        }
    } else if (words[word].kind == VALUE_BOOL) {
        group->value[word] = !strcmp(text, "on");
        if (!group->value[word] && strcmp(text, "off")) {
            error_set(errp, "Parameter '%s' expects 'on' or 'off'", name);
            return false;
        }
    }
    g_free(group->text[word]);
    group->text[word] = g_strdup(text);
    group->given[word] = true;
    return true;
}

/* What stands between the quotation marks of ` = "..."`; "" if they lack. */
static const char *value_of(char *rest)
{
    char *end;

    rest += strspn(rest, " \t");
    if (*rest != '=') {
        return "";
    }
    rest++;
    rest += strspn(rest, " \t");
    if (*rest != '"') {
        return "";
    }
    rest++;
    end = strchr(rest, '"');
    if (end) {
        *end = '\0';
    }
    return rest;
}

static bool take_line(Group *group, char *line, Error **errp)
{
    size_t length = strcspn(line, " \t");
    g_autofree char *name = g_strndup(line, length);

    for (Word word = 0; word < WORD__MAX; word++) {
        if (!strcmp(words[word].name, name) &&
            (group->is_set ? words[word].of_set : words[word].of_inject)) {
            return take_value(group, word, value_of(line + length), errp);
        }
    }
    error_set(errp, "Invalid parameter '%s'", name);
    return false;
}

/* The groups in @text; NULL with @errp. */
static GPtrArray *parse_groups(const char *text, Error **errp)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GPtrArray *groups = g_ptr_array_new_with_free_func(group_free);

    for (char **at = lines; *at; at++) {
        bool is_group = **at == '[', ok;
        char *line = g_strstrip(*at);

        if (!*line || *line == '#') {
            continue;
        }
        if (is_group) {
            ok = begin_group(groups, line, errp);
        } else if (groups->len) {
            ok = take_line(g_ptr_array_index(groups, groups->len - 1), line,
                           errp);
        } else {
            error_set(errp, "no group defined");
            ok = false;
        }
        if (!ok) {
            g_ptr_array_free(groups, true);
            return NULL;
        }
    }
    return groups;
}

/* --- rules --------------------------------------------------------------- */

static bool parse_name(const QapiType *type, const char *name, int *value,
                       Error **errp)
{
    *value = qapi_enum_parse(type, name);
    if (*value < 0) {
        error_set(errp, "invalid parameter value: %s", name);
        return false;
    }
    return true;
}

static bool event_of(const Group *group, BlkdebugEvent *event, Error **errp)
{
    int value;

    if (!group->given[WORD_EVENT]) {
        error_set(errp, "Missing event name for rule");
        return false;
    }
    if (!parse_name(&qapi_type_BlkdebugEvent, group->text[WORD_EVENT], &value,
                    errp)) {
        return false;
    }
    *event = value;
    return true;
}

static bool read_inject(const Group *group, BlkdebugInjectErrorOptions *inject,
                        Error **errp)
{
    int type;

    if (!event_of(group, &inject->event, errp)) {
        return false;
    }
    inject->has_iotype = group->given[WORD_IOTYPE];
    if (inject->has_iotype) {
        if (!parse_name(&qapi_type_BlkdebugIOType, group->text[WORD_IOTYPE],
                        &type, errp)) {
            return false;
        }
        inject->iotype = type;
    }
    inject->has_state = group->given[WORD_STATE];
    inject->state = group->value[WORD_STATE];
    inject->has_errno = group->given[WORD_ERRNO];
    inject->q_errno = group->value[WORD_ERRNO];
    inject->has_sector = group->given[WORD_SECTOR];
    inject->sector = group->value[WORD_SECTOR];
    inject->has_once = true;
    inject->once = group->value[WORD_ONCE];
    inject->has_immediately = true;
    inject->immediately = group->value[WORD_IMMEDIATELY];
    return true;
}

static bool read_set(const Group *group, BlkdebugSetStateOptions *set,
                     Error **errp)
{
    set->has_state = group->given[WORD_STATE];
    set->state = group->value[WORD_STATE];
    set->new_state = group->value[WORD_NEW_STATE];
    return event_of(group, &set->event, errp);
}

/* Errors come first, as their checks do in QEMU. */
static bool rules_of(const GPtrArray *groups, BlockdevOptionsBlkdebug *options,
                     Error **errp)
{
    BlkdebugInjectErrorOptionsList *injects = options->inject_error;
    BlkdebugSetStateOptionsList *sets = options->set_state;

    for (guint i = 0; i < groups->len; i++) {
        const Group *group = g_ptr_array_index(groups, i);

        if (!group->is_set) {
            injects->v[injects->n++] = g_new0(BlkdebugInjectErrorOptions, 1);
            if (!read_inject(group, injects->v[injects->n - 1], errp)) {
                return false;
            }
        }
    }
    for (guint i = 0; i < groups->len; i++) {
        const Group *group = g_ptr_array_index(groups, i);

        if (group->is_set) {
            sets->v[sets->n++] = g_new0(BlkdebugSetStateOptions, 1);
            if (!read_set(group, sets->v[sets->n - 1], errp)) {
                return false;
            }
        }
    }
    return true;
}

/* --- the file ------------------------------------------------------------ */

static char *read_file(const char *path, Error **errp)
{
    char *text = NULL;
    ssize_t n = io_read_file(path, MAX_FILE_BYTES, &text);

    if (n == -EFBIG) {
        error_set(errp, "blkdebug config file is longer than %u bytes",
                  MAX_FILE_BYTES);
    } else if (n < 0) {
        error_set_errno(errp, -n,
                        n == -EISDIR || n == -EIO
                            ? "Cannot read config file"
                            : "Could not read blkdebug config file");
    }
    return text;
}

BlockdevOptionsBlkdebug *blkdebug_config_read(const char *path, Error **errp)
{
    g_autofree char *text = read_file(path, errp);
    GPtrArray *groups = text ? parse_groups(text, errp) : NULL;
    BlockdevOptionsBlkdebug *options;

    if (!groups) {
        return NULL;
    }
    options = BlockdevOptionsBlkdebug_new();
    options->inject_error = g_new0(BlkdebugInjectErrorOptionsList, 1);
    options->inject_error->v =
        g_new0(BlkdebugInjectErrorOptions *, groups->len);
    options->set_state = g_new0(BlkdebugSetStateOptionsList, 1);
    options->set_state->v = g_new0(BlkdebugSetStateOptions *, groups->len);
    if (!rules_of(groups, options, errp)) {
        BlockdevOptionsBlkdebug_free(options);
        options = NULL;
    }
    g_ptr_array_free(groups, true);
    return options;
}
