/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x-blockdev-amend: changes options of an image, as a job.
 *
 * Invariant: the job's root keeps the node, and its gate keeps the graph below
 * it as it is while the image is changed. The guest's requests go on.
 */
#include "block/graph/format.h"
#include "block/graph/root.h"
#include "block/job/job.h"
#include "qapi/qapi-commands.h"

typedef struct AmendJob {
    BlockdevAmendOptions *options;
    Root *root; /* NULL until it is made */
    bool force;
} AmendJob;

COROUTINE_ONLY static int co_amend_run(Job *job, Error **errp)
{
    const AmendJob *s = job_state(job);
    Node *node = root_node(s->root);
    bool ok;

    control_assert();
    job_progress_set_total(job, 1);
    co_root_enter(s->root);
    ok = node->driver->format->co_amend_options(node, s->options, s->force,
                                                errp);
    root_leave(s->root);
    job_progress_add(job, 1);
    return ok ? 0 : -EIO;
}

COROUTINE_ONLY static void co_amend_clean(Job *job)
{
    AmendJob *s = job_state(job);
    bool lock = !graph_locked_by_me();

    control_assert();
    BlockdevAmendOptions_free(s->options);
    if (!s->root) {
        return;
    }
    if (lock) {
        co_graph_lock();
    }
    co_root_detach(s->root);
    if (lock) {
        graph_unlock();
    }
    root_free(s->root);
}

static const JobDriver amend_driver = {
    .type = JOB_TYPE_AMEND,
    .state_bytes = sizeof(AmendJob),
    .co_run = co_amend_run,
    .co_clean = co_amend_clean,
};

static bool check(const Node *node, const BlockdevAmendOptions *o, Error **errp)
{
    if (strcmp(node->driver->name, BlockdevDriver_str(o->driver))) {
        error_set(errp, "x-blockdev-amend doesn't support changing the block "
                        "driver");
        return false;
    }
    if (!node->driver->format || !node->driver->format->co_amend_options) {
        error_set(errp, "Driver does not support x-blockdev-amend");
        return false;
    }
    return true;
}

/* A root that may write, unless nobody may. */
COROUTINE_ONLY CONTROL_ONLY static Root *co_hold(Node *node, Error **errp)
{
    Root *root = root_new("root", NULL, NULL);
    Perms perm = PERM_CONSISTENT_READ | (node->read_only ? 0 : PERM_WRITE);

    if (!root_attach(root, node, perm, PERM_ALL, errp)) {
        root_free(root);
        return NULL;
    }
    return root;
}

bool qmp_x_blockdev_amend(const QmpXBlockdevAmendArgs *args, Error **errp)
{
    JobParams params = {.id = args->job_id, .manual_dismiss = true};
    Root *root = NULL;
    Node *node;
    Job *job;

    co_graph_lock();
    node = node_lookup("", args->node_name, errp);
    if (node && check(node, args->options, errp)) {
        root = co_hold(node, errp);
    }
    job = root ? job_create(&amend_driver, &params, errp) : NULL;
    if (root && !job) {
        co_root_detach(root);
        root_free(root);
    }
    graph_unlock();
    if (!job) {
        return false;
    }
    *(AmendJob *)job_state(job) = (AmendJob){
        BlockdevAmendOptions_clone(args->options), root, args->force};
    job_start(job);
    return true;
}
