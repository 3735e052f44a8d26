/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a mirror job.
 *
 *   co_prepare: users still write: passes until little is left;
 *               users are held: the rest is copied, the target flushed, and
 *               for a pivot moved to it, tentatively
 *   commit:     the move stays; the bitmap goes back; users go on
 *   abort:      they are where they were; the bitmap has what is missing
 *   co_clean:   takes the filter out
 *
 * Between co_run and co_prepare, while a user may think about job-finalize,
 * nobody is held: what is written is recorded, and in the mode write-blocking
 * written to both sides.
 *
 * Invariants:
 * 1. When users are let go after a commit the target has every byte as the
 *    disk had it while they were held.
 * 2. The user's bitmap never forgets what is not in the target, or would not
 *    be after a loss of power there: a failed job flushes what it has copied,
 *    and what cannot be flushed is to do again.
 */
#include "block/job/mirror.h"

#include "block/filter/mirror-top.h"
#include "block/graph/backing.h"
#include "block/job/new-image.h"

#define PREPARE_PASSES 8
#define LITTLE_BYTES (1 * MiB)

/* Gives the user's bitmap back; @forget what was copied. */
CONTROL_ONLY
static void mirror_settle_bitmap(MirrorState *s, bool forget)
{
    DirtyBitmap *bitmap = s->bitmap;

    s->bitmap = NULL;
    if (!bitmap) {
        return;
    }
    bitmap_tell_as(bitmap, NULL, true);
    if (s->own_todo && forget) {
        /* Writes mark both, so one that lands in between is in the second. */
        bitmap_clear_all(bitmap, NULL);
        bitmap_merge(bitmap, s->todo);
    }
    bitmap_set_busy(bitmap, false);
}

/* --- prepare ------------------------------------------------------------- */

static int told_error(const MirrorState *s, Job *job)
{
    block_job_error_action(job, BLOCKDEV_ON_ERROR_REPORT, s->work.error_is_read,
                           -s->work.error);
    return s->work.error;
}

COROUTINE_ONLY
static void co_copy_most(Job *job)
{
    MirrorState *s = job_state(job);

    for (unsigned i = 0;
         i < PREPARE_PASSES && !s->work.error && !job_cancelled(job) &&
         bitmap_count_bytes(s->todo) > (uint64_t)LITTLE_BYTES << i;
         i++) {
        co_mirror_pass(job, false);
    }
}

/* Users are held, so that the engine has the disk to itself. */
COROUTINE_ONLY
static void co_copy_rest(Job *job)
{
    MirrorState *s = job_state(job);
    bool is_read;
    int ret;

    ret = co_block_copy(s->copy, 0, bitmap_size_bytes(s->todo), &is_read);
    if (ret == 0) {
        is_read = false;
        ret = co_block_copy_flush(s->copy);
    }
    if (ret < 0) {
        copy_work_failed(&s->work, ret, is_read);
    } else {
        mirror_tell_total(job);
    }
}

/* What is to be behind the target; *@backing NULL: nothing, or what is there.
 */
COROUTINE_ONLY CONTROL_ONLY static bool
co_find_backing(MirrorState *s, Node **backing, Error **errp)
{
    Node *image = node_skip_filters(s->source);
    const Edge *edge;

    *backing = NULL;
    switch (s->backing_mode) {
    case MIRROR_SHARES_BACKING:
        if (s->sync == MIRROR_SYNC_MODE_NONE) {
            *backing = s->source;
        } else if (s->sync != MIRROR_SYNC_MODE_FULL) {
            edge = node_backing_child(image);
            *backing = edge ? edge->child : NULL;
        }
        return true;
    case MIRROR_OPENS_BACKING:
        if (!co_open_named_backing(s->target, &s->backing, errp)) {
            error_prepend(errp, "Could not open backing file: ");
            return false;
        }
        *backing = s->backing;
        return true;
    default:
        return true;
    }
}

/* What goes wrong is told where the program's messages go; the job's error is
 * no more than a number, as QEMU's. */
COROUTINE_ONLY CONTROL_ONLY static int co_set_backing(MirrorState *s)
{
    Error *err = NULL;
    Node *backing;
    int ret = 0;

    if (!s->target->driver->supports_backing || node_backing_child(s->target)) {
        return 0;
    }
    if (!co_find_backing(s, &backing, &err)) {
        ret = -EINVAL;
    } else if (backing &&
               !node_set_backing(s->target, backing, s->pivot, &err)) {
        ret = -EPERM;
    }
    if (ret < 0) {
        error_report_err(err);
    }
    return ret;
}

/* Whether the node that the target is to take the place of may still be
 * replaced. */
CONTROL_ONLY
static bool check_replaced(const MirrorState *s, Error **errp)
{
    if (!node_leads_to(s->filter, s->replaces)) {
        error_set(errp, "Node '%s' is not part of the disk any more",
                  node_name(s->replaces));
        return false;
    }
    if (!mirror_can_replace(s->source, s->replaces)) {
        /* Somebody has come to use it. */
        error_report("Can no longer replace '%s' by '%s', because it can no "
                     "longer be guaranteed that doing so would not lead to an "
                     "abrupt change of visible data",
                     node_name(s->replaces), node_name(s->target));
        return false;
    }
    return true;
}

/* Moves the users, so that it can be undone. */
COROUTINE_ONLY CONTROL_ONLY static int co_pivot(MirrorState *s, Error **errp)
{
    int ret;

    s->pivot = txn_new();
    if (!s->replaces || s->replaces == s->source) {
        /* First, since a disk that is to be behind the target bears no writes
         * from then on. */
        return mirror_top_give_users(s->filter, s->target, s->pivot, errp)
                   ? co_set_backing(s)
                   : -EPERM;
    }
    ret = co_set_backing(s);
    if (ret < 0) {
        return ret;
    }
    return check_replaced(s, errp) &&
                   mirror_top_give_users(s->filter, s->source, s->pivot,
                                         errp) &&
                   node_replace(s->replaces, s->target, s->pivot, errp)
               ? 0
               : -EPERM;
}

COROUTINE_ONLY CONTROL_ONLY static void co_hold_users(MirrorState *s)
{
    Node *nodes[] = {s->filter, s->target, s->source, s->replaces};

    s->section = co_quiesce_begin(nodes, s->replaces ? 4 : 3);
}

CONTROL_ONLY
static void let_users_go(MirrorState *s)
{
    if (s->section) {
        quiesce_end(s->section);
        s->section = NULL;
    }
}

CONTROL_ONLY
static void undo_pivot(MirrorState *s)
{
    if (s->pivot) {
        txn_abort(s->pivot);
        s->pivot = NULL;
    }
    let_users_go(s);
}

COROUTINE_ONLY CONTROL_ONLY int co_mirror_prepare(Job *job, Error **errp)
{
    MirrorState *s = job_state(job);
    int ret = 0;

    /* What a user's write to both sides met is still to do. */
    s->work.error = 0;
    co_copy_most(job);
    if (!s->work.error) {
        co_hold_users(s);
        co_copy_rest(job);
    }
    if (s->work.error) {
        let_users_go(s);
        co_mirror_keep_done(job);
        return told_error(s, job);
    }
    if (s->finish == MIRROR_PIVOTS && (ret = co_pivot(s, errp)) < 0) {
        undo_pivot(s);
    }
    return ret;
}

/* --- and then ------------------------------------------------------------ */

void mirror_commit(Job *job)
{
    MirrorState *s = job_state(job);

    if (s->pivot) {
        txn_commit(s->pivot);
        s->pivot = NULL;
        s->pivoted = true;
    } else {
        block_job_share_all(job);
        mirror_top_bypass(s->filter);
    }
    mirror_settle_bitmap(s, s->bitmap_mode != BITMAP_SYNC_MODE_NEVER);
    let_users_go(s);
}

void mirror_abort(Job *job)
{
    MirrorState *s = job_state(job);

    undo_pivot(s);
    /* Users who go back read the images between. */
    block_job_share_all(job);
    /* Nor a user's write to both sides that began since the cancel. */
    mirror_give_up_target(s);
    block_copy_give_up_unflushed(s->copy);
    mirror_settle_bitmap(s, s->bitmap_mode == BITMAP_SYNC_MODE_ALWAYS);
}

CONTROL_ONLY COROUTINE_ONLY void co_mirror_clean(Job *job)
{
    MirrorState *s = job_state(job);

    /* None if the job's making failed: then it was dropped already. */
    if (!s->filter) {
        return;
    }
    block_job_thaw(job);
    co_mirror_top_drop(s->filter);
    if (s->target_was_read_only && !s->pivoted) {
        co_node_set_read_only(s->target, true, NULL);
    }
    if (s->backing) {
        co_node_unref(s->backing);
    }
    if (s->own_todo) {
        bitmap_release(s->todo);
    }
    if (s->replaces) {
        co_node_unref(s->replaces);
    }
}

void mirror_take_back(Job *job)
{
    MirrorState *s = job_state(job);

    mirror_settle_bitmap(s, false);
    block_job_share_all(job);
    mirror_top_bypass(s->filter);
}

void mirror_undo(Job *job)
{
    mirror_take_back(job);
    job_abort_created(job);
}
