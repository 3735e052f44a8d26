/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of snapshots that `snapshot -l` and `info` print. */
#ifndef TOOLS_IMG_SNAPSHOT_LIST_H
#define TOOLS_IMG_SNAPSHOT_LIST_H

struct SnapshotInfoList;

/* Prints nothing of an empty list. */
void img_print_snapshots(const struct SnapshotInfoList *list);

#endif
