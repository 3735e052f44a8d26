/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layer for writes that are thrown away. */
#ifndef TOOLS_NBD_TEMPORARY_H
#define TOOLS_NBD_TEMPORARY_H

#include "tools/image-open.h"

/* A new qcow2 node on top of @below, in a file of $TMPDIR or /var/tmp that has
 * no name any more; the caller owns the reference. Of @open the options for the
 * node on top hold. Takes the graph lock. */
Node *co_temporary_layer(const Node *below, const ImageOpen *open,
                         bool read_only,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
