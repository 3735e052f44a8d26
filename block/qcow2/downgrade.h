/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To version 2 of the format. */
#ifndef BLOCK_QCOW2_DOWNGRADE_H
#define BLOCK_QCOW2_DOWNGRADE_H

#include "block/qcow2/progress.h"
#include "block/qcow2/qcow2-int.h"

/* Leaves no cluster that is marked to read as zeroes, in the disk and in
 * snapshots, and settles. -errno; what was done until then stays done and
 * shows the same. An operation of @progress, a step an L1 entry. */
int co_qcow2_expand_zeroes(Qcow2State *s,
                           Qcow2Progress *progress) COROUTINE_ONLY;

/* Whether any cluster of the disk or of a snapshot is compressed: 1, 0, or
 * -errno. */
int co_qcow2_find_compressed(Qcow2State *s) COROUTINE_ONLY;

#endif
