/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What makes a job a block job: the nodes it holds, its speed, its errors.
 */
#include "block/graph/backing.h"
#include "block/job/internal.h"
#include "qapi/qapi-events.h"

typedef struct BlockJobHold {
    Root *root;
    OpBlocker *blocker; /* NULL once the job's end has lifted it */
    bool blocks;        /* it has one while the job lasts */
} BlockJobHold;

static char *describe_root(const Root *root)
{
    const Job *job = root_opaque(root);

    return g_strdup_printf("%s job '%s'", JobType_str(job->driver->type),
                           job->id);
}

static const char *root_job_id(const Root *root)
{
    return ((const Job *)root_opaque(root))->id;
}

static void root_quiesce_begin(Root *root)
{
    job_pause(root_opaque(root));
}

static void root_quiesce_end(Root *root)
{
    job_resume(root_opaque(root));
}

static const RootOps root_ops = {
    .describe = describe_root,
    .job_id = root_job_id,
    .quiesce_begin = root_quiesce_begin,
    .quiesce_end = root_quiesce_end,
};

/* The same for what users know as an unnamed device. */
static const RootOps unnamed_ops = {
    .quiesce_begin = root_quiesce_begin,
    .quiesce_end = root_quiesce_end,
};

static void block_node(const Job *job, BlockJobHold *hold)
{
    g_autofree char *reason =
        g_strdup_printf("block device is in use by block job: %s",
                        JobType_str(job->driver->type));

    hold->blocker = node_op_block(root_node(hold->root), NODE_OPS_ALL, reason);
}

Root *block_job_add_device(Job *job, Node *node, Perms perm, Perms shared,
                           Error **errp)
{
    BlockJobHold *hold;
    Root *root = root_new("root", &unnamed_ops, job);

    if (!root_attach(root, node, perm, shared, errp)) {
        root_free(root);
        return NULL;
    }
    hold = g_new0(BlockJobHold, 1);
    hold->root = root;
    g_ptr_array_add(job->block->holds, hold);
    return root;
}

Root *block_job_add_node(Job *job, const char *name, Node *node, Perms perm,
                         Perms shared, Error **errp)
{
    BlockJobHold *hold;
    Root *root = root_new(name, &root_ops, job);

    if (!root_attach(root, node, perm, shared, errp)) {
        root_free(root);
        return NULL;
    }
    hold = g_new0(BlockJobHold, 1);
    hold->root = root;
    hold->blocks = true;
    block_node(job, hold);
    g_ptr_array_add(job->block->holds, hold);
    return root;
}

bool block_job_check_speed(bool given, int64_t speed, Error **errp)
{
    if (given && speed < 0) {
        error_set(errp, "Parameter 'speed' expects a non-negative value");
        return false;
    }
    return true;
}

Job *block_job_create(const JobDriver *driver, const BlockJobParams *params,
                      Error **errp)
{
    Job *job = job_create(driver, &params->job, errp);

    if (!job) {
        return NULL;
    }
    job->block = g_new0(BlockJob, 1);
    job->block->job = job;
    job->block->holds = g_ptr_array_new_with_free_func(g_free);
    if (!block_job_check_speed(params->has_speed, params->speed, errp)) {
        job_discard(job);
        return NULL;
    }
    if (!block_job_add_node(job, "main node", params->node, params->perm,
                            params->shared, errp)) {
        job_discard(job);
        return NULL;
    }
    block_job_allow_ops(job, params->node, 1u << NODE_OP_SHARE);
    block_job_apply_speed(job, params->has_speed ? params->speed : 0);
    return job;
}

Root *block_job_main_root(const Job *job)
{
    BlockJobHold *main_hold = job->block->holds->pdata[0];

    return main_hold->root;
}

bool block_job_uses(const Job *job, const Node *node)
{
    for (guint i = 0; job->block && i < job->block->holds->len; i++) {
        BlockJobHold *hold = job->block->holds->pdata[i];
        const Node *held = root_node(hold->root);

        if (held && node_leads_to(held, node)) {
            return true;
        }
    }
    return false;
}

bool block_job_holds(const Job *job, const Node *node)
{
    for (guint i = 0; i < job->block->holds->len; i++) {
        BlockJobHold *hold = job->block->holds->pdata[i];

        if (root_node(hold->root) == node) {
            return true;
        }
    }
    return false;
}

void block_job_allow_ops(Job *job, const Node *node, unsigned ops)
{
    for (guint i = 0; i < job->block->holds->len; i++) {
        BlockJobHold *hold = job->block->holds->pdata[i];

        if (hold->blocker && root_node(hold->root) == node) {
            hold->blocker->ops &= ~ops;
        }
    }
}

bool block_job_freeze(Job *job, Node *top, Node *bottom, Error **errp)
{
    assert(!job->block->frozen_top);
    if (!chain_freeze(top, bottom, errp)) {
        return false;
    }
    job->block->frozen_top = top;
    job->block->frozen_bottom = bottom;
    return true;
}

void block_job_thaw(Job *job)
{
    if (job->block->frozen_top) {
        chain_thaw(job->block->frozen_top, job->block->frozen_bottom);
        job->block->frozen_top = NULL;
    }
}

void block_job_share_all(Job *job)
{
    block_job_thaw(job);
    for (guint i = 0; i < job->block->holds->len; i++) {
        BlockJobHold *hold = job->block->holds->pdata[i];

        root_set_perms(hold->root, 0, PERM_ALL, NULL);
    }
}

void block_job_unblock(Job *job)
{
    if (!job->block) {
        return;
    }
    for (guint i = 0; i < job->block->holds->len; i++) {
        BlockJobHold *hold = job->block->holds->pdata[i];

        if (hold->blocker) {
            node_op_unblock(hold->blocker);
            hold->blocker = NULL;
        }
    }
}

void co_block_job_drop_devices(Job *job)
{
    for (guint i = job->block->holds->len; i-- > 0;) {
        BlockJobHold *hold = job->block->holds->pdata[i];

        if (!hold->blocks) {
            co_root_detach(hold->root);
            root_free(hold->root);
            g_ptr_array_remove_index(job->block->holds, i);
        }
    }
}

void block_job_unblock_node(Job *job, const Node *node)
{
    for (guint i = 0; i < job->block->holds->len; i++) {
        BlockJobHold *hold = job->block->holds->pdata[i];

        if (hold->blocker && root_node(hold->root) == node) {
            node_op_unblock(hold->blocker);
            hold->blocker = NULL;
        }
    }
}

void co_block_job_release(Job *job)
{
    if (!job->block) {
        return;
    }
    block_job_unblock(job);
    block_job_thaw(job);
    for (guint i = 0; i < job->block->holds->len; i++) {
        BlockJobHold *hold = job->block->holds->pdata[i];

        co_root_detach(hold->root);
        root_free(hold->root);
    }
    g_ptr_array_set_size(job->block->holds, 0);
}

void block_job_free(Job *job)
{
    if (job->block) {
        assert(job->block->holds->len == 0);
        g_ptr_array_free(job->block->holds, TRUE);
        g_free(job->block);
    }
}

uint64_t block_job_speed(const Job *job)
{
    return job->block->speed_bytes_per_s;
}

void block_job_apply_speed(Job *job, uint64_t bytes_per_s)
{
    bool faster = !bytes_per_s || bytes_per_s > job->block->speed_bytes_per_s;

    job->block->speed_bytes_per_s = bytes_per_s;
    ratelimit_set_speed(&job->block->limit, bytes_per_s);
    if (job->driver->speed_changed) {
        job->driver->speed_changed(job, bytes_per_s);
    }
    /* It may sleep for the sake of the old speed. */
    if (job->co && !job->completed &&
        (faster || !job->driver->step_when_woken)) {
        job_kick(job);
    }
}

void co_block_job_throttle(Job *job, uint64_t bytes)
{
    int64_t delay_ns;

    do {
        delay_ns =
            ratelimit_delay_ns(&job->block->limit, reactor_now_ns(), bytes);
        bytes = 0;
        if (delay_ns > 0) {
            co_job_sleep_ns(job, delay_ns);
        }
    } while (delay_ns > 0 && !job->cancelled && !job->driver->step_when_woken);
}

static BlockErrorAction decide(BlockdevOnError on_error, int os_errno)
{
    switch (on_error) {
    case BLOCKDEV_ON_ERROR_IGNORE:
        return BLOCK_ERROR_ACTION_IGNORE;
    case BLOCKDEV_ON_ERROR_STOP:
        return BLOCK_ERROR_ACTION_STOP;
    case BLOCKDEV_ON_ERROR_ENOSPC:
    case BLOCKDEV_ON_ERROR_AUTO: /* of a job; a device may differ */
        return os_errno == ENOSPC ? BLOCK_ERROR_ACTION_STOP
                                  : BLOCK_ERROR_ACTION_REPORT;
    default:
        return BLOCK_ERROR_ACTION_REPORT;
    }
}

BlockErrorAction block_job_error_action(Job *job, BlockdevOnError on_error,
                                        bool is_read, int os_errno)
{
    BlockErrorAction action = decide(on_error, os_errno);
    QapiEventBlockJobError event = {
        .device = job->id,
        .operation = is_read ? IO_OPERATION_TYPE_READ : IO_OPERATION_TYPE_WRITE,
        .action = action,
    };

    qapi_event_block_job_error(&event);
    if (action == BLOCK_ERROR_ACTION_STOP) {
        if (!job->user_paused) {
            job->user_paused = true;
            job_pause(job);
        }
        if (job->block->io_status == BLOCK_DEVICE_IO_STATUS_OK) {
            job->block->io_status = os_errno == ENOSPC
                                        ? BLOCK_DEVICE_IO_STATUS_NOSPACE
                                        : BLOCK_DEVICE_IO_STATUS_FAILED;
        }
    }
    return action;
}
