/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `-l`: a snapshot inside an image in place of the image. */
#include "tools/img/img.h"
#include "tools/img/words.h"

/* "snapshot.id=1,snapshot.name=x"; nothing of an id or name as it is. */
static bool parse(const char *text, char **id, char **name)
{
    static const FormatOption table[] = {
        {"snapshot.id", "str", "", NULL, false},
        {"snapshot.name", "str", "", NULL, false},
        {},
    };
    json_object *words;
    Error *err = NULL;
    bool ok;

    if (!g_str_has_prefix(text, "snapshot.")) {
        return true;
    }
    words = json_object_new_object();
    ok = img_words_parse(text, table, words, &err);
    *id = g_strdup(img_word(words, "snapshot.id"));
    *name = g_strdup(img_word(words, "snapshot.name"));
    json_object_put(words);
    if (!ok) {
        error_report_err(err);
    }
    return ok;
}

/* Neither @id nor @name: @text is one of them. */
static bool co_load(Node *node, const char *id, const char *name,
                    const char *text, Error **errp)
{
    const FormatOps *format = node->driver->format;
    Error *err = NULL;
    int ret = -ENOENT;

    if (!format || !format->co_snapshot_load) {
        error_set(errp,
                  "Block format '%s' used by device '' does not support "
                  "temporarily loading internal snapshots",
                  node->driver->name);
        return false;
    }
    if (!id && !name) {
        ret = format->co_snapshot_load(node, text, NULL, &err);
        name = text;
    }
    if (ret == -ENOENT) {
        error_free(err);
        return format->co_snapshot_load(node, id, name, errp) == 0;
    }
    error_propagate(errp, err);
    return ret == 0;
}

bool img_snapshot_name_check(const char *text)
{
    g_autofree char *id = NULL, *name = NULL;

    return parse(text, &id, &name);
}

bool co_img_load_snapshot(Root *root, const char *text)
{
    g_autofree char *id = NULL, *name = NULL;
    Error *err = NULL;

    if (!parse(text, &id, &name)) {
        error_report("Failed in parsing snapshot param '%s'", text);
        return false;
    }
    if (!co_load(root_node(root), id, name, text, &err)) {
        error_prepend(&err, "Failed to load snapshot: ");
        error_report_err(err);
        return false;
    }
    return true;
}
