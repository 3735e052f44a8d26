/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of internal snapshots: see snapshot-text.h. */
#include "text/snapshot-text.h"

#include <time.h>

#include "text/size-text.h"

#define ROW "%-9s %-16s %8s%20s%13s%11s\n"

void snapshot_text_header(GString *text)
{
    g_string_append_printf(text, ROW, "ID", "TAG", "VM SIZE", "DATE",
                           "VM CLOCK", "ICOUNT");
}

void snapshot_text_row(GString *text, const SnapshotInfo *s, bool without_id)
{
    g_autofree char *size = size_text_short(s->vm_state_size);
    time_t when = s->date_sec;
    char date[32] = "", clock[48], icount[24] = "";
    struct tm tm;

    if (localtime_r(&when, &tm)) {
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    }
    g_snprintf(clock, sizeof(clock), "%02d:%02d:%02d.%03d",
               (int)(s->vm_clock_sec / 3600), (int)(s->vm_clock_sec / 60 % 60),
               (int)(s->vm_clock_sec % 60), (int)(s->vm_clock_nsec / 1000000));
    if (s->has_icount) {
        g_snprintf(icount, sizeof(icount), "%" PRId64, s->icount);
    }
    g_string_append_printf(text, ROW, without_id ? "--" : s->id, s->name, size,
                           date, clock, icount);
}

void snapshot_text_list(GString *text, const SnapshotInfoList *list)
{
    if (list && list->n) {
        g_string_append(text, "Snapshot list:\n");
        snapshot_text_header(text);
    }
    for (size_t i = 0; list && i < list->n; i++) {
        snapshot_text_row(text, list->v[i], false);
    }
}
