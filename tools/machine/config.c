/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -set and -readconfig: options that change options, or come from a file.
 *
 *     [drive "disk"]
 *       file = "a.qcow2"
 *
 * is -drive id=disk,file=a.qcow2.
 */
#include "tools/machine/config.h"

#include <stdio.h>

#include "util/opts.h"
#include "util/reactor/reactor.h"

#define FILE_BYTES_MAX (16 * MiB)

/* Groups, and the options that take their words. */
static const struct {
    const char *group, *option;
} groups[] = {
    {"accel", "accel"},
    {"acpi", "acpitable"},
    {"action", "action"},
    {"add-fd", "add-fd"},
    {"boot-opts", "boot"},
    {"chardev", "chardev"},
    {"device", "device"},
    {"drive", "drive"},
    {"fsdev", "fsdev"},
    {"fw_cfg", "fw_cfg"},
    {"global", "global"},
    {"icount", "icount"},
    {"iscsi", "iscsi"},
    {"machine", "machine"},
    {"memory", "m"},
    {"mon", "mon"},
    {"msg", "msg"},
    {"name", "name"},
    {"net", "net"},
    {"netdev", "netdev"},
    {"nic", "nic"},
    {"numa", "numa"},
    {"object", "object"},
    {"option-rom", "option-rom"},
    {"overcommit", "overcommit"},
    {"plugin", "plugin"},
    {"rtc", "rtc"},
    {"sandbox", "sandbox"},
    {"smbios", "smbios"},
    {"smp-opts", "smp"},
    {"spice", "spice"},
    {"tpmdev", "tpmdev"},
    {"trace", "trace"},
    {"virtfs", "virtfs"},
    {"vnc", "vnc"},
};

/* The option of a group, or NULL with @errp. */
static const char *option_of(const char *group, Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (!strcmp(groups[i].group, group)) {
            return groups[i].option;
        }
    }
    error_set(errp, "There is no option group '%s'", group);
    return NULL;
}

/* ",key=value", where commas are written twice. */
static void append(GString *text, const char *key, const char *value)
{
    if (text->len) {
        g_string_append_c(text, ',');
    }
    g_string_append_printf(text, "%s=", key);
    for (const char *p = value; *p; p++) {
        g_string_append_c(text, *p);
        if (*p == ',') {
            g_string_append_c(text, ',');
        }
    }
}

/* --- -set ---------------------------------------------------------------- */

static bool has_id(const MachineOption *option, const char *id)
{
    Opts *opts = opts_parse(option->text, NULL, NULL);
    const char *its = opts_get(opts, "id");
    bool same = its && !strcmp(its, id);

    opts_free(opts);
    return same;
}

static MachineOption *find_option(const GPtrArray *list, const char *name,
                                  const char *id)
{
    for (guint i = 0; i < list->len; i++) {
        MachineOption *option = list->pdata[i];

        if (!strcmp(option->name, name) && option->text &&
            *option->text != '{' && has_id(option, id)) {
            return option;
        }
    }
    return NULL;
}

bool config_set(const GPtrArray *list, const char *text, Error **errp)
{
    char group[64], id[64], key[64];
    MachineOption *option;
    const char *name;
    GString *changed;
    int n = 0;

    if (sscanf(text, "%63[^.].%63[^.].%63[^=]%n", group, id, key, &n) < 3 ||
        text[n] != '=') {
        error_set(errp, "can't parse: \"%s\"", text);
        return false;
    }
    name = option_of(group, errp);
    if (!name) {
        return false;
    }
    option = find_option(list, name, id);
    if (!option) {
        error_set(errp, "there is no %s \"%s\" defined", group, id);
        return false;
    }
    changed = g_string_new(option->text);
    append(changed, key, text + n + 1);
    g_free(option->text);
    option->text = g_string_free(changed, false);
    return true;
}

/* --- -readconfig --------------------------------------------------------- */

typedef struct Reader {
    ConfigAdd *add;
    void *opaque;
    const char *name; /* of the option that is being read, or NULL */
    GString *text;
    unsigned line, last; /* numbers: this one's, the group's last */
} Reader;

static bool end_group(Reader *r, const char *file, Error **errp)
{
    g_autofree char *place = g_strdup_printf("%s:%u", file, r->last);
    const char *name = r->name;

    r->name = NULL;
    return !name || r->add(r->opaque, name, r->text->str, place, errp);
}

static bool begin_group(Reader *r, const char *line, const char *file,
                        Error **errp)
{
    char group[64], id[64];
    int n = sscanf(line, "[%63s \"%63[^\"]\"]", group, id);

    if (n < 2) {
        n = sscanf(line, "[%63[^]]]", group);
    }
    if (!end_group(r, file, errp)) {
        return false;
    }
    r->name = n > 0 ? option_of(group, errp) : NULL;
    g_string_truncate(r->text, 0);
    if (r->name && n == 2) {
        append(r->text, strcmp(r->name, "mon") ? "id" : "name", id);
    }
    return r->name;
}

static bool read_line(Reader *r, const char *line, const char *file,
                      Error **errp)
{
    char key[64], value[1024] = "";

    r->line++;
    if (!*line || *line == '#') {
        return true;
    }
    if (*line == '[') {
        r->last = r->line;
        return begin_group(r, line, file, errp);
    }
    if (sscanf(line, " %63s = \"%1023[^\"]\"", key, value) < 2 &&
        sscanf(line, " %63s = \"\"", key) < 1) {
        error_set(errp, "%s:%u: parse error", file, r->line);
        return false;
    }
    if (!r->name) {
        error_set(errp, "%s:%u: no group defined", file, r->line);
        return false;
    }
    r->last = r->line;
    append(r->text, key, value);
    return true;
}

bool config_read(const char *file, ConfigAdd *add, void *opaque, Error **errp)
{
    Reader r = {.add = add, .opaque = opaque};
    g_autofree char *content = NULL;
    g_auto(GStrv) lines = NULL;
    ssize_t n = io_read_file(file, FILE_BYTES_MAX, &content);
    bool ok = true;

    if (n < 0) {
        error_set_errno(errp, -n, "Could not open '%s'", file);
        return false;
    }
    r.text = g_string_new(NULL);
    lines = g_strsplit(content, "\n", -1);
    for (char **line = lines; ok && *line; line++) {
        ok = read_line(&r, *line, file, errp);
    }
    ok = ok && end_group(&r, file, errp);
    g_string_free(r.text, true);
    return ok;
}
