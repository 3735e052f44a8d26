/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block jobs: jobs that hold nodes, have a speed limit and report I/O errors;
 * what query-block-jobs lists and block-job-* commands reach.
 *
 * Invariants:
 * 1. Every node that the job works on is held by a root of the job, and all
 *    operations on it are blocked with `block device is in use by block job:
 *    TYPE`, until the job has ended.
 * 2. A quiesced section over one of these nodes pauses the job: its state
 *    shows it as soon as the job's coroutine waits at a pause point.
 */
#ifndef BLOCK_JOB_BLOCK_JOB_H
#define BLOCK_JOB_BLOCK_JOB_H

#include "block/graph/op-blocker.h"
#include "block/graph/root.h"
#include "block/job/job.h"
#include "util/ratelimit.h"

typedef struct BlockJobParams {
    JobParams job;      /* id NULL: an error, as no node has a device name */
    Node *node;         /* what the job is about: its "main node" */
    Perms perm, shared; /* on it */
    bool has_speed;
    int64_t speed; /* bytes per second as the user gave it; 0: no limit */
} BlockJobParams;

/* Whether @speed (bytes per second), if @given, is one. */
bool block_job_check_speed(bool given, int64_t speed, Error **errp);

/*
 * Like job_create; holds params->node. Under the graph lock. NULL with the
 * texts of job_create (an id of NULL counts as ''), of the speed's range or of
 * a permission conflict; for the last two the events "created" and "null"
 * are sent, as QEMU does. The caller checks op-blockers before
 * (node_op_allowed).
 */
Job *block_job_create(const JobDriver *driver, const BlockJobParams *params,
                      Error **errp) CONTROL_ONLY;
/* Holds one more node; the edge's name is @name ("target"). Returns the root
 * for I/O, owned by the job, or NULL: then job_discard it. */
Root *block_job_add_node(Job *job, const char *name, Node *node, Perms perm,
                         Perms shared, Error **errp) CONTROL_ONLY;
/* The same for a node that the job holds already, with what it does there as
 * an unnamed device, as QEMU tells it in conflicts of permissions. */
Root *block_job_add_device(Job *job, Node *node, Perms perm, Perms shared,
                           Error **errp) CONTROL_ONLY;
/* Freezes a chain (chain_freeze) of nodes that the job holds. Once a job. */
bool block_job_freeze(Job *job, Node *top, Node *bottom,
                      Error **errp) CONTROL_ONLY;
/* The chain is about to be changed. Fine if none is frozen. */
void block_job_thaw(Job *job) CONTROL_ONLY;
/* At the end of the work: asks for nothing any more, shares all, and thaws. */
void block_job_share_all(Job *job) CONTROL_ONLY;
/* The root on the main node. */
Root *block_job_main_root(const Job *job);
/* Before @node is taken away while the job still holds others. */
void block_job_unblock_node(Job *job, const Node *node) CONTROL_ONLY;
/* Allows @ops (a mask of 1 << NodeOp) again on a node that the job holds: a
 * backup leaves its source free for other backups. */
void block_job_allow_ops(Job *job, const Node *node, unsigned ops) CONTROL_ONLY;

/* --- speed -------------------------------------------------------------- */

/* Bytes per second, 0 for no limit. */
uint64_t block_job_speed(const Job *job);
/* For co_run: accounts @bytes and sleeps (as co_job_sleep_ns) as the speed
 * demands. The next chunk may start when it returns, unless the job was
 * cancelled. Does not yield without a limit. */
void co_block_job_throttle(Job *job, uint64_t bytes) COROUTINE_ONLY;

/* --- errors ------------------------------------------------------------- */

/*
 * An I/O request of the job failed with @os_errno (positive): decides by
 * @on_error, sends BLOCK_JOB_ERROR, and for "stop" pauses the job (by the
 * user's pause, with io-status set). The caller goes on accordingly: REPORT:
 * fail the job; IGNORE: go on, the area counts as not done; STOP: try again
 * after the next pause point.
 */
BlockErrorAction block_job_error_action(Job *job, BlockdevOnError on_error,
                                        bool is_read, int os_errno);

/* --- pauses that show -------------------------------------------------------
 * QEMU stops jobs for a moment wherever it holds requests, and clients see it.
 * Where it does, and we need not, a pause is shown for their sake.
 */

/* Pauses all jobs and lets them go on. One that is paused already, or busy,
 * stays as it is. */
void jobs_show_pause(void) CONTROL_ONLY;
/* The same for those that have one of @nodes below them. */
void jobs_show_pause_of_users(const GPtrArray *nodes) CONTROL_ONLY;
/* Whether a job keeps what lies below it from moving to an iothread. */
bool jobs_keep_from_moving(const Node *node) CONTROL_ONLY;
/* As QEMU does, twice, when a user leaves @node, or a new node is put above. */
void jobs_show_detach(Node *node) CONTROL_ONLY;
/* While on, sections do not show as pauses of the jobs that there are now. */
void jobs_quiet_sections(bool quiet) CONTROL_ONLY;

#endif
