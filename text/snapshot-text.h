/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal snapshots as people read them. Any thread. */
#ifndef TEXT_SNAPSHOT_TEXT_H
#define TEXT_SNAPSHOT_TEXT_H

#include "qapi/qapi-types.h"

/* The line with the names of the columns. */
void snapshot_text_header(GString *text);
/* One line. @without_id: the id is shown as "--". */
void snapshot_text_row(GString *text, const SnapshotInfo *snapshot,
                       bool without_id);
/* "Snapshot list:" and a table; nothing of an empty list. */
void snapshot_text_list(GString *text, const SnapshotInfoList *list);

#endif
