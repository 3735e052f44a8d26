/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -object: made in the order given, before all that may refer to them. */
#include "objects/object.h"
#include "tools/machine/apply.h"
#include "tools/object-option.h"
#include "util/id.h"
#include "util/opts.h"

/* In the words of the machine's own command line, where tools have others. */
static void reword(Error **errp)
{
    static const struct {
        const char *theirs, *before, *behind;
    } words[] = {
        {"' is unexpected", "Invalid parameter '", "'"},
        {"' expects integer", "Parameter '", "' expects an int64 value"},
        {"' expects size", "Parameter '", "' expects a size value"},
    };
    const char *text = error_text(*errp);

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (g_str_has_prefix(text, "Parameter '") &&
            g_str_has_suffix(text, words[i].theirs)) {
            const char *name = text + strlen("Parameter '");
            g_autofree char *whole =
                g_strdup_printf("%s%.*s%s", words[i].before,
                                (int)(strlen(name) - strlen(words[i].theirs)),
                                name, words[i].behind);

            error_free(*errp);
            *errp = NULL;
            error_set(errp, "%s", whole);
            return;
        }
    }
}

/* Options that nest are for JSON. */
static bool is_flat(const char *text, Error **errp)
{
    Opts *opts = *text == '{' ? NULL : opts_parse(text, "qom-type", NULL);
    bool flat = true;

    for (guint i = 0; opts && flat && i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        flat = !strchr(opt->name, '.');
        if (!flat) {
            error_set(errp, "Invalid parameter '%s'", opt->name);
        }
    }
    if (opts) {
        opts_free(opts);
    }
    return flat;
}

/* Which option it was is told of texts that make no sense, not of objects that
 * cannot be. */
bool co_apply_object(Apply *apply, const MachineOption *option, Error **errp)
{
    ObjectOptions *options = NULL;
    bool listed = false, ok;
    Error *err = NULL;

    if (apply_id_is_new(apply, option, &err) && is_flat(option->text, &err)) {
        options = object_option_read(option->text, &listed, &err);
        if (options && *option->text != '{') {
            id_check(options->id, &err);
        } else if (err && *option->text != '{') {
            reword(&err);
        }
    }
    if (err) {
        ObjectOptions_free(options);
        error_prepend(&err, "%s: ", option->shown);
        error_propagate(errp, err);
        return false;
    }
    ok = listed || co_object_add(options, errp);
    ObjectOptions_free(options);
    return ok;
}
