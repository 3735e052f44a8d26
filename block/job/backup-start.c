/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning of a backup job, in one quiesced section over the disk: the
 * bitmap gets a successor, the filter is put in, the job is made.
 *
 * Invariant: what fails leaves nothing behind.
 */
#include "block/job/backup.h"

#include "block/filter/copy-before-write.h"

/* On the engine's reactor, which is control's. */
static void backup_progress(void *opaque, uint64_t bytes)
{
    Job *job = opaque;

    assert(reactor_current() == reactor_control());
    ((BackupState *)job_state(job))->copied = true;
    job_progress_add(job, bytes);
}

/* Whether the target needs another image behind it to be the whole disk. */
static bool is_part(const BackupParams *p)
{
    return !p->everything || p->only_guests || p->top_only;
}

COROUTINE_ONLY CONTROL_ONLY static Node *co_put_filter_in(const BackupParams *p,
                                                          Error **errp)
{
    const CbwInsertOptions options = {
        .min_cluster_bytes = p->min_cluster_bytes,
        .break_snapshot = p->break_snapshot,
        .compress = p->compress,
        .discard_source = p->discard_source,
    };
    Node *filter =
        co_cbw_insert(p->source, p->target, p->filter_name, &options, errp);
    BlockCopy *copy;

    if (!filter) {
        return NULL;
    }
    copy = cbw_block_copy(filter);
    if (p->max_chunk_bytes &&
        p->max_chunk_bytes < block_copy_cluster_bytes(copy)) {
        error_set(errp,
                  "Required max-chunk (%" PRIu64 ") is less than backup "
                  "cluster size (%" PRIu64 ")",
                  p->max_chunk_bytes, block_copy_cluster_bytes(copy));
        co_cbw_drop(filter);
        return NULL;
    }
    block_copy_set_chunk(copy, p->max_chunk_bytes);
    if (p->target_is_diff || block_copy_shines_through(p->target, is_part(p))) {
        block_copy_set_diff(copy);
    }
    if (p->everything) {
        bitmap_set_all(block_copy_todo(copy));
    } else {
        bitmap_merge(block_copy_todo(copy), p->bitmap);
    }
    return filter;
}

CONTROL_ONLY
static Job *make_job(const BackupParams *p, JobTxn *txn, Node *filter,
                     Error **errp)
{
    BlockJobParams params = {
        .job =
            {
                .id = p->job_id,
                .manual_finalize = p->manual_finalize,
                .manual_dismiss = p->manual_dismiss,
                .txn = txn,
            },
        .node = filter,
        .perm = 0,
        .shared = PERM_ALL,
        .has_speed = p->has_speed,
        .speed = p->speed,
    };
    Job *job = block_job_create(&backup_driver, &params, errp);
    BackupState *s;

    if (!job) {
        return NULL;
    }
    s = job_state(job);
    s->filter = filter;
    s->copy = cbw_block_copy(filter);
    copy_work_init(&s->work, job, s->copy);
    s->work.max_workers = p->max_workers;
    s->work.on_source_error = p->on_source_error;
    s->work.on_target_error = p->on_target_error;
    s->only_guests = p->only_guests;
    s->top_only = p->top_only;
    job_progress_set_total(job, bitmap_count_bytes(block_copy_todo(s->copy)));
    block_copy_set_progress(s->copy, backup_progress, job);
    return job;
}

Job *co_backup_create(const BackupParams *p, JobTxn *txn, Error **errp)
{
    Node *filter;
    Job *job;
    BackupState *s;

    if (p->bitmap && !bitmap_create_successor(p->bitmap, errp)) {
        return NULL;
    }
    filter = co_put_filter_in(p, errp);
    job = filter ? make_job(p, txn, filter, errp) : NULL;
    if (!job) {
        if (filter) {
            co_cbw_drop(filter);
        }
        if (p->bitmap) {
            bitmap_reclaim(p->bitmap);
        }
        return NULL;
    }
    s = job_state(job);
    s->bitmap = p->bitmap;
    s->bitmap_mode = p->bitmap_mode;
    if (!block_job_add_node(job, "target", p->target, 0, PERM_ALL, errp)) {
        backup_undo(job);
        return NULL;
    }
    return job;
}

void backup_undo(Job *job)
{
    BackupState *s = job_state(job);

    backup_settle_bitmap(s, false);
    cbw_bypass(s->filter);
    job_abort_created(job);
}
