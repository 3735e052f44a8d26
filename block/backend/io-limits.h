/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of a back end: how many bytes and requests a second its device may
 * do. Back ends of a group share them, taking turns.
 *
 * Invariant: a back end without limits is in no group.
 * All: control thread.
 */
#ifndef BLOCK_BACKEND_IO_LIMITS_H
#define BLOCK_BACKEND_IO_LIMITS_H

#include "block/backend/backend.h"
#include "util/opts.h"

/* Takes throttling.* and their short names out of @opts; *@group: the name of
 * the group (the caller frees it), or NULL. NULL: none were given, or, with
 * @errp set, they are wrong. */
ThrottleLimits *limits_take(Opts *opts, char **group, Error **errp);

#endif
