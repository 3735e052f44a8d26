/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of files in other files: how images name those that belong to them. */
#ifndef BLOCK_GRAPH_FILENAME_H
#define BLOCK_GRAPH_FILENAME_H

#include <json-c/json.h>

#include "util/annotations.h"
#include "util/error.h"

struct Node;

/*
 * What @name means in the file @own: itself if it is absolute or begins with
 * a protocol, else relative to the folder of @own. The caller owns it; NULL,
 * with QEMU's text, if @own has no folder (no name, or "json:"). Any thread.
 */
char *filename_beside(const char *own, const char *name, Error **errp);

/*
 * Whether @name, said by a user, means the image that the file @own says is
 * @behind it: the same words, or, if both are names of files relative to @own,
 * the same file by whatever way. Looks at the disk. Any thread.
 */
bool filename_means(const char *own, const char *behind, const char *name);

/*
 * The name of the file that images are relative to: that of @node, or where it
 * has none, of the one that it shows. Borrowed; NULL: it has none. Where the
 * graph does not change meanwhile.
 */
const char *node_plain_filename(const struct Node *node);

/*
 * From now on "json:" names show the options of @node, and of what these say
 * is below it, as they are written in @loose (borrowed), until it is reopened.
 */
void node_spell_options(struct Node *node, json_object *loose) CONTROL_ONLY;
void node_forget_spelling(struct Node *node) CONTROL_ONLY;
/* The value at "a.b.0" in what was given, or NULL; borrowed. Any thread. */
json_object *spelling_find(json_object *options, const char *name);

#endif
