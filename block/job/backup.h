/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backup jobs: what the command's check, the job and the QMP parts share.
 */
#ifndef BLOCK_JOB_BACKUP_H
#define BLOCK_JOB_BACKUP_H

#include "block/bitmap/bitmap.h"
#include "block/job/copy-work.h"

#define BACKUP_MAX_WORKERS 64 /* where the user does not say */

/* Checked arguments. Strings belong to the command's arguments. */
typedef struct BackupParams {
    Node *source, *target;
    const char *job_id, *filter_name;
    bool everything;     /* else what is dirty in @bitmap */
    bool only_guests;    /* sync=none: nothing but what users overwrite */
    bool top_only;       /* of these only what the disk's own layer has */
    DirtyBitmap *bitmap; /* NULL: none is given */
    BitmapSyncMode bitmap_mode;
    bool has_speed;
    int64_t speed;            /* bytes per second, checked by block_job */
    uint64_t max_chunk_bytes; /* 0: the default */
    unsigned max_workers;
    uint64_t min_cluster_bytes; /* 0: the default */
    bool compress, discard_source;
    bool break_snapshot; /* rather than a guest's write */
    bool target_is_diff; /* it will be put above another image */
    BlockdevOnError on_source_error, on_target_error;
    bool manual_finalize, manual_dismiss;
} BackupParams;

/* Checks what can be checked without changing anything, in QEMU's order and
 * with its texts. Under the graph lock; does not yield. */
bool backup_check(const BlockdevBackup *args, BackupParams *params,
                  Error **errp) CONTROL_ONLY;

/*
 * Puts in the filter, takes the bitmap and makes the job, in state "created".
 * The source is quiesced and the graph lock held. NULL with nothing changed.
 * @txn: the group it joins, or NULL.
 */
Job *co_backup_create(const BackupParams *params, JobTxn *txn,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* drive-backup: makes and opens the target, checks, and makes the job. What it
 * made stays where the job does not come about. */
Job *co_drive_backup_prepare(const DriveBackup *args, JobTxn *txn,
                             Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Ends a job that was not started as if it had never been: bitmap and users
 * of the disk are back when it returns. Does not yield. */
void backup_undo(Job *job) CONTROL_ONLY;

/* --- between backup.c and backup-start.c --------------------------------- */

typedef struct BackupState {
    /* CONST */
    Node *filter;
    BlockCopy *copy; /* the filter's */
    /* CONTROL */
    CopyWork work;
    DirtyBitmap *bitmap; /* with a successor; NULL: none, or settled */
    BitmapSyncMode bitmap_mode;
    bool only_guests, top_only;
    bool copied; /* there is something in the target */
} BackupState;

extern const JobDriver backup_driver;

/* Brings the user's bitmap back: @forget the clusters that were copied, or
 * none. */
void backup_settle_bitmap(BackupState *s, bool forget);

#endif
