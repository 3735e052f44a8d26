/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk, a target, a guest and a bitmap: where the tests of backup jobs
 * start. All in a coroutine on control. */
#ifndef TESTS_UNIT_BACKUP_SETUP_H
#define TESTS_UNIT_BACKUP_SETUP_H

#include "block/job/backup.h"
#include "flaky-disk.h"

#define SIZE (8 * MiB)
#define GRANULE 4096

#define INC BACKUP_SYNC_MODE_INCREMENTAL
#define BMP BACKUP_SYNC_MODE_BITMAP
#define FULL BACKUP_SYNC_MODE_FULL
#define ON_SUCCESS BITMAP_SYNC_MODE_ON_SUCCESS
#define NEVER BITMAP_SYNC_MODE_NEVER
#define ALWAYS BITMAP_SYNC_MODE_ALWAYS

/* The bitmap at first, in the words of assert_dirty. */
#define AS_BEFORE "0+4 1024+4 2048+4 3072+4 4096+4 5120+4 6144+4 7168+4"

typedef struct Setup {
    GRand *rand;
    Node *source, *target;
    Root *guest;
    DirtyBitmap *bitmap;
    GString *events; /* "created running ..." */
    bool gone;       /* the job is null */
} Setup;

/* The nodes `disk`, full of 'A', and `target`; the bitmap `b` with AS_BEFORE.
 */
void set_up(Setup *s);
/* Checks that nothing of the job is left. */
void co_tear_down(Setup *s);

void co_wait_gone(Setup *s);
void co_wait_event(Setup *s, const char *word);
/* Lets everything else run @n turns. */
void co_turns(unsigned n);
/* job-cancel, job-resume of `j`. */
void co_cancel(void);
void co_resume(void);

/* The dirty areas, "offset+bytes ..." in KiB; and that no job holds it. */
void assert_dirty(const DirtyBitmap *bitmap, const char *expected);
/* Of job `j` from `disk` to `target`. */
BlockdevBackup backup_args(BackupSyncMode sync);

#endif
