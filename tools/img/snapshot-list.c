/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of snapshots that `snapshot -l` and `info` print. */
#include "tools/img/snapshot-list.h"

#include <stdio.h>
#include <time.h>

#include "qapi/qapi-types.h"
#include "tools/size-text.h"

static void print_one(const SnapshotInfo *s)
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
    printf("%-9s %-16s %8s%20s%13s%11s\n", s->id, s->name, size, date, clock,
           icount);
}

void img_print_snapshots(const SnapshotInfoList *list)
{
    if (list && list->n) {
        printf("Snapshot list:\n%-9s %-16s %8s%20s%13s%11s\n", "ID", "TAG",
               "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
    }
    for (size_t i = 0; list && i < list->n; i++) {
        print_one(list->v[i]);
    }
}
