/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that make objects, chardevs, nodes and drives. */
#include "tools/apply-text.h"
#include "tools/machine/apply.h"
#include "util/opts.h"

static char *id_of(const MachineOption *option)
{
    Opts *opts = opts_parse(option->text, NULL, NULL);
    char *id = *option->text == '{' ? NULL : opts_take(opts, "id");

    opts_free(opts);
    return id;
}

bool apply_id_is_new(const Apply *apply, const MachineOption *option,
                     Error **errp)
{
    g_autofree char *id = id_of(option);

    for (guint i = 0; id && i < apply->options->len; i++) {
        const MachineOption *other = apply->options->pdata[i];
        g_autofree char *its =
            other->kind == option->kind ? id_of(other) : NULL;

        if (other == option) {
            break;
        }
        if (its && !strcmp(its, id)) {
            error_set(errp, "Duplicate ID '%s' for %s", id, option->name);
            return false;
        }
    }
    return true;
}

char *apply_flags_written_out(const MachineOption *option, const char *implied)
{
    GString *text;
    Opts *opts;

    if (*option->text == '{') {
        return g_strdup(option->text);
    }
    text = g_string_new(NULL);
    opts = opts_parse(option->text, implied, option->shown);
    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];
        g_auto(GStrv) parts = g_strsplit(opt->value, ",", -1);
        g_autofree char *value = g_strjoinv(",,", parts);

        g_string_append_printf(text, "%s%s=%s", i ? "," : "", opt->name, value);
    }
    opts_free(opts);
    return g_string_free(text, FALSE);
}

bool co_apply_chardev(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *text = NULL;

    if (!apply_id_is_new(apply, option, errp)) {
        return false;
    }
    text = apply_flags_written_out(option, "backend");
    return co_apply_chardev_text(text, false, errp);
}

bool co_apply_blockdev(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_apply_blockdev_text(option->text, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_add_drive(Apply *apply, const MachineOption *option, Opts *opts,
             Error **errp)
{
    Drive *drive;

    warn_report_at(option->shown);
    drive = co_drive_new(opts, &apply->drives, errp);
    warn_report_at(NULL);
    if (drive) {
        drive->shown = g_strdup(option->shown);
    }
    opts_free(opts);
    return drive != NULL;
}

bool co_apply_drive(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_add_drive(apply, option,
                        opts_parse(option->text, NULL, option->shown), errp);
}

/* -hda FILE and the like: a place and a name that is not to be parsed. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_apply_file(Apply *apply, const MachineOption *option, const char *words,
              Error **errp)
{
    Opts *opts = opts_parse(words, NULL, NULL);

    opts_add(opts, "file", option->text);
    return co_add_drive(apply, option, opts, errp);
}

bool co_apply_hard_disk(Apply *apply, const MachineOption *option, Error **errp)
{
    unsigned index = *option->name ? option->name[2] - 'a' : 0;
    g_autofree char *words = g_strdup_printf("index=%u,media=disk", index);

    return co_apply_file(apply, option, words, errp);
}

bool co_apply_cdrom(Apply *apply, const MachineOption *option, Error **errp)
{
    return co_apply_file(apply, option, "index=2,media=cdrom", errp);
}

bool co_apply_floppy(Apply *apply, const MachineOption *option, Error **errp)
{
    g_autofree char *words =
        g_strdup_printf("if=floppy,index=%d", option->name[2] - 'a');

    return co_apply_file(apply, option, words, errp);
}

bool co_apply_if_drive(Apply *apply, const MachineOption *option, Error **errp)
{
    const char *name = !strcmp(option->name, "mtdblock") ? "mtd" : option->name;
    g_autofree char *words = g_strdup_printf("if=%s", name);

    return co_apply_file(apply, option, words, errp);
}
