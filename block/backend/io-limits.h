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
#include "block/filter/throttle-group.h"
#include "util/opts.h"

/* Takes throttling.* and their short names out of @opts; *@group: the name of
 * the group (the caller frees it), or NULL. NULL: none were given, or, with
 * @errp set, they are wrong. */
ThrottleLimits *limits_take(Opts *opts, char **group, Error **errp);

/* From now on these limits hold; without any, none. @group: whom it shares
 * them with; NULL: as before, or nobody. False with QEMU's text. */
bool backend_limits_set(Backend *backend, const ThrottleLimits *limits,
                        const char *group, Error **errp) CONTROL_ONLY;
/* The back end goes. Nobody waits for its limits any more. */
void backend_limits_drop(Backend *backend) CONTROL_ONLY;
/* What query-block shows of them. */
void backend_limits_show(const Backend *backend,
                         BlockDeviceInfo *info) CONTROL_ONLY;

#endif
