/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loose options made complete by a look at the images they are about. */
#ifndef BLOCK_GRAPH_FILL_OPTIONS_H
#define BLOCK_GRAPH_FILL_OPTIONS_H

#include <json-c/json.h>

#include "block/graph/node.h"
#include "util/annotations.h"
#include "util/error.h"

/* Adds to loose options, in the form of loose_options_plain(), what is found
 * out by looking at the images: drivers that are not named, the kind of
 * encryption, the files of images behind others of which only some options are
 * given. Under the graph lock; false with @errp. */
bool co_fill_options(json_object *plain,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* Warns of nodes below @top that are to be written to and are raw only because
 * a look at them said so, and has @guard see to them; nothing of that if it is
 * NULL. After @top was opened
 * with the options that were filled in last, under the same graph lock. */
void fill_options_guard(Node *top, void (*guard)(Node *node)) CONTROL_ONLY;

#endif
