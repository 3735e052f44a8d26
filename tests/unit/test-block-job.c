/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block jobs: the nodes they hold, quiesced sections above these, speed,
 * errors, and the QMP commands.
 */
#include "block/graph/quiesce.h"
#include "block/job/internal.h"
#include "qapi/qapi-commands.h"
#include "ram-node.h"
#include "test-job-util.h"

static Node *src, *dst;

static void make_nodes(void)
{
    src = ram_node_new("src", MiB, 1);
    dst = ram_node_new("dst", MiB, 1);
}

static void co_drop_nodes(void)
{
    co_node_unref(src);
    co_node_unref(dst);
}

static Job *co_create(const char *id, bool manual, int64_t speed)
{
    BlockJobParams params = {
        .job = {.id = id, .manual_finalize = manual, .manual_dismiss = manual},
        .node = src,
        .perm = PERM_CONSISTENT_READ,
        .shared = PERM_ALL & ~PERM_RESIZE,
        .has_speed = true,
        .speed = speed,
    };
    Job *job;

    co_graph_lock();
    job = block_job_create(&test_job_driver, &params, NULL);
    g_assert_nonnull(job);
    g_assert_nonnull(
        block_job_add_node(job, "target", dst, PERM_WRITE, PERM_ALL, NULL));
    graph_unlock();
    return job;
}

static void co_success(void)
{
    Error *err = NULL;

    make_nodes();
    job_start(co_create("j0", true, 0));
    g_assert_false(node_op_allowed(src, NODE_OP_DELETE, &err));
    expect_generic(&err, "Node 'src' is busy: block device is in use by "
                         "block job: backup");
    g_assert_false(node_op_allowed(dst, NODE_OP_BACKUP_TARGET, &err));
    expect_generic(&err, "Node 'dst' is busy: block device is in use by "
                         "block job: backup");
    block_job_allow_ops(job_find("j0"), src, 1u << NODE_OP_BACKUP_SOURCE);
    g_assert_true(node_op_allowed(src, NODE_OP_BACKUP_SOURCE, NULL));
    test_job_finish("j0", 0);
    co_settle();
    expect_log("j0:created j0:running j0:waiting j0:pending j0:PENDING");
    g_assert_true(
        qmp_job_finalize(&(QmpJobFinalizeArgs){.id = (char *)"j0"}, NULL));
    expect_log("j0.prepare j0.commit j0.clean j0:COMPLETED j0:concluded");
    g_assert_true(node_op_allowed(dst, NODE_OP_DELETE, NULL));
    g_assert_true(list_empty(&src->parents) && list_empty(&dst->parents));
    co_jobs_shutdown();
    expect_log("j0:null");
    co_drop_nodes();
}

static void co_failure(void)
{
    make_nodes();
    job_start(co_create("j0", false, 0));
    co_settle();
    g_assert_cmpint(block_job_error_action(
                        job_find("j0"), BLOCKDEV_ON_ERROR_REPORT, false, EIO),
                    ==, BLOCK_ERROR_ACTION_REPORT);
    test_job_finish("j0", -EIO);
    co_settle();
    expect_log("j0:created j0:running j0:ERROR=report j0.abort j0.clean "
               "j0:aborting j0:COMPLETED=Input/output error j0:concluded "
               "j0:null");
    co_drop_nodes();
}

static void co_stop_on_error(void)
{
    Job *job;

    make_nodes();
    job = co_create("j0", false, 0);
    job_start(job);
    co_settle();
    g_assert_cmpint(
        block_job_error_action(job, BLOCKDEV_ON_ERROR_ENOSPC, false, EIO), ==,
        BLOCK_ERROR_ACTION_REPORT);
    g_assert_cmpint(
        block_job_error_action(job, BLOCKDEV_ON_ERROR_IGNORE, true, EIO), ==,
        BLOCK_ERROR_ACTION_IGNORE);
    g_assert_cmpint(job->block->io_status, ==, BLOCK_DEVICE_IO_STATUS_OK);
    g_assert_cmpint(
        block_job_error_action(job, BLOCKDEV_ON_ERROR_ENOSPC, false, ENOSPC),
        ==, BLOCK_ERROR_ACTION_STOP);
    g_assert_cmpint(job->block->io_status, ==, BLOCK_DEVICE_IO_STATUS_NOSPACE);
    expect_log("j0:created j0:running j0:ERROR=report j0:ERROR=ignore "
               "j0:ERROR=stop j0:paused");
    g_assert_true(job_user_resume(job, NULL));
    g_assert_cmpint(job->block->io_status, ==, BLOCK_DEVICE_IO_STATUS_OK);
    job_user_cancel(job, NULL);
    co_settle();
    expect_log("j0:running j0.abort j0.clean j0:aborting j0:CANCELLED "
               "j0:concluded j0:null");
    co_drop_nodes();
}

/* A section that is open when the job starts, and one while it runs. */
static void co_quiesce(void)
{
    Quiesce *section;
    Job *job;

    make_nodes();
    section = co_quiesce_begin(&src, 1);
    job = co_create("j0", false, 0);
    job_start(job);
    expect_log("j0:created j0:running j0:paused");
    co_settle();
    g_assert_cmpuint(test_job("j0")->turns, ==, 0);
    quiesce_end(section);
    expect_log("j0:running");
    co_settle();
    g_assert_cmpuint(test_job("j0")->turns, ==, 1);

    section = co_quiesce_begin((Node *[]){src, dst}, 2);
    expect_log("j0:paused");
    job_user_pause(job, NULL);
    quiesce_end(section);
    expect_log("");
    job_user_resume(job, NULL);
    expect_log("j0:running");

    /* A cancelled job may leave a section; its end drops the roots. */
    section = co_quiesce_begin(&dst, 1);
    job_user_cancel(job, NULL);
    co_settle();
    expect_log("j0:paused j0:running j0.abort j0.clean j0:aborting "
               "j0:CANCELLED j0:concluded j0:null");
    quiesce_end(section);
    co_drop_nodes();
}

static void co_refusals(void)
{
    Error *err = NULL;
    BlockJobParams params = {.job = {.id = "j0"},
                             .has_speed = true,
                             .speed = -1,
                             .shared = PERM_ALL};
    Root *user = root_new("root", NULL, NULL);

    make_nodes();
    params.node = src;
    co_graph_lock();
    g_assert_null(block_job_create(&test_job_driver, &params, &err));
    expect_generic(&err, "Parameter 'speed' expects a non-negative value");
    expect_log("j0:created j0:null");
    params.speed = 0;
    params.shared = PERM_ALL & ~PERM_WRITE;
    g_assert_true(root_attach(user, src, PERM_WRITE, PERM_ALL, NULL));
    g_assert_null(block_job_create(&test_job_driver, &params, &err));
    expect_generic(
        &err, "Permission conflict on node 'src': permissions 'write' are both "
              "required by an unnamed block device (uses node 'src' as 'root' "
              "child) and unshared by backup job 'j0' (uses node 'src' as "
              "'main node' child).");
    graph_unlock();
    co_settle();
    expect_log("j0:created j0:null j0.clean j0.clean");
    co_root_detach(user);
    root_free(user);
    co_drop_nodes();
}

/* --- speed --------------------------------------------------------------- */

typedef struct SlowJob {
    unsigned chunks;
} SlowJob;

static int co_slow_run(Job *job, Error **errp)
{
    SlowJob *s = job_state(job);

    for (; s->chunks < 3 && !job_cancelled(job); s->chunks++) {
        co_block_job_throttle(job, TiB);
    }
    return 0;
}

static void co_speed(void)
{
    static const JobDriver slow = {.type = JOB_TYPE_BACKUP,
                                   .state_bytes = sizeof(SlowJob),
                                   .co_run = co_slow_run};
    BlockJobParams params = {
        .job = {.id = "j0"}, .shared = PERM_ALL, .has_speed = true, .speed = 1};
    QmpBlockJobSetSpeedArgs args = {.device = (char *)"j0", .speed = -1};
    Error *err = NULL;
    SlowJob *s;
    Job *job;

    make_nodes();
    params.node = src;
    co_graph_lock();
    job = block_job_create(&slow, &params, NULL);
    graph_unlock();
    s = job_state(job);
    job_start(job);
    co_settle();
    g_assert_cmpuint(s->chunks, ==, 0);
    g_assert_false(qmp_block_job_set_speed(&args, &err));
    expect_generic(&err, "Parameter 'speed' expects a non-negative value");
    args.speed = 2;
    g_assert_true(qmp_block_job_set_speed(&args, NULL));
    co_settle();
    g_assert_cmpuint(block_job_speed(job), ==, 2);
    g_assert_cmpuint(s->chunks, <=, 1);
    args.speed = 0;
    g_assert_true(qmp_block_job_set_speed(&args, NULL));
    co_settle();
    expect_log("j0:created j0:running j0:waiting j0:pending j0:COMPLETED "
               "j0:concluded j0:null");
    g_assert_false(qmp_block_job_set_speed(&args, &err));
    expect_error(&err, ERROR_CLASS_DEVICE_NOT_ACTIVE,
                 "Block job 'j0' not found");
    co_drop_nodes();
}

/* --- QMP ----------------------------------------------------------------- */

static void expect_query_block_jobs(const char *text)
{
    BlockJobInfoList *list = qmp_query_block_jobs(NULL);
    json_object *json = BlockJobInfoList_to_json(list);

    g_assert_cmpstr(
        json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN), ==, text);
    json_object_put(json);
    BlockJobInfoList_free(list);
}

static void expect_query_jobs(const char *text)
{
    JobInfoList *list = qmp_query_jobs(NULL);
    json_object *json = JobInfoList_to_json(list);

    g_assert_cmpstr(
        json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN), ==, text);
    json_object_put(json);
    JobInfoList_free(list);
}

static void co_qmp(void)
{
    QmpBlockJobPauseArgs pause = {.device = (char *)"j0"};
    QmpBlockJobResumeArgs resume = {.device = (char *)"j0"};
    QmpBlockJobCancelArgs cancel = {.device = (char *)"j0"};
    QmpJobDismissArgs dismiss = {.id = (char *)"j0"};
    Error *err = NULL;

    make_nodes();
    job_start(co_create("j0", true, 65536));
    job_progress_set_total(job_find("j0"), MiB);
    job_progress_add(job_find("j0"), 4096);
    co_settle();
    expect_query_block_jobs(
        "[{\"type\":\"backup\",\"device\":\"j0\",\"len\":1048576,"
        "\"offset\":4096,\"busy\":false,\"paused\":false,\"speed\":65536,"
        "\"io-status\":\"ok\",\"ready\":false,\"status\":\"running\","
        "\"auto-finalize\":false,\"auto-dismiss\":false}]");
    g_assert_true(qmp_block_job_pause(&pause, NULL));
    g_assert_false(qmp_block_job_cancel(&cancel, &err));
    expect_generic(&err, "The block job for device 'j0' is currently paused");
    g_assert_true(qmp_block_job_resume(&resume, NULL));
    expect_log("j0:created j0:running j0:paused j0:running");
    g_assert_true(qmp_block_job_pause(&pause, NULL));
    cancel.has_force = cancel.force = true;
    g_assert_true(qmp_block_job_cancel(&cancel, NULL));
    /* Nothing else had to run for the job to end before the reply. */
    expect_log("j0:paused j0:running j0.abort j0.clean j0:aborting "
               "j0:CANCELLED j0:concluded");
    expect_query_jobs(
        "[{\"id\":\"j0\",\"type\":\"backup\",\"status\":\"concluded\","
        "\"current-progress\":4096,\"total-progress\":1048576,"
        "\"error\":\"Operation canceled\"}]");
    g_assert_false(qmp_block_job_cancel(&cancel, &err));
    expect_generic(&err, "Job 'j0' in state 'concluded' cannot accept "
                         "command verb 'cancel'");
    g_assert_true(qmp_job_dismiss(&dismiss, NULL));
    expect_log("j0:null");
    g_assert_false(qmp_job_dismiss(&dismiss, &err));
    expect_generic(&err, "Job not found");
    g_assert_false(qmp_block_job_pause(&pause, &err));
    expect_error(&err, ERROR_CLASS_DEVICE_NOT_ACTIVE,
                 "Block job 'j0' not found");
    expect_query_jobs("[]");
    co_drop_nodes();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        JobTestBody *body;
    } tests[] = {
        {"success", co_success},
        {"failure", co_failure},
        {"stop-on-error", co_stop_on_error},
        {"quiesce", co_quiesce},
        {"refusals", co_refusals},
        {"speed", co_speed},
        {"qmp", co_qmp},
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strconcat("/block-job/", tests[i].name, NULL);

        g_test_add_data_func(path, &tests[i].body, job_test);
    }
    return g_test_run();
}
