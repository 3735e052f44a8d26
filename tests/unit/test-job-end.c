/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One job that ends before it is done: cancelled, or at the program's end. The
 * logs expected here are those of QEMU 7.2 for the same things done to a
 * backup.
 */
#include "block/job/internal.h"
#include "test-job-util.h"

static void co_cancel_running(void)
{
    Job *job = test_job_start("j0", true);

    co_settle();
    g_assert_true(job_user_cancel(job, NULL));
    g_assert_true(job_user_cancel(job, NULL));
    expect_log("j0:created j0:running");
    co_settle();
    expect_log("j0.abort j0.clean j0:aborting j0:concluded");
    g_assert_cmpstr(job_error_text(job), ==, "Operation canceled");
    job_user_dismiss(job, NULL);
    expect_log("j0:null");
}

static void co_cancel_before_entry(void)
{
    Job *job = test_job_start("j0", false);
    TestJob *s = job_state(job);

    s->result = -EINVAL;
    g_assert_true(job_user_cancel(job, NULL));
    co_settle();
    expect_log("j0:created j0:running j0.abort j0.clean j0:aborting "
               "j0:concluded j0:null");
}

static void co_cancel_wins(void)
{
    Job *job = test_job_start("j0", true);

    co_settle();
    test_job_finish("j0", 0);
    job_user_cancel(job, NULL);
    co_settle();
    expect_log("j0:created j0:running j0.abort j0.clean j0:aborting "
               "j0:concluded");
    g_assert_cmpstr(job_error_text(job), ==, "Operation canceled");
    job_user_dismiss(job, NULL);
    expect_log("j0:null");
}

static void co_cancel_paused(void)
{
    Job *job = test_job_start("j0", false);

    co_settle();
    job_user_pause(job, NULL);
    job_user_cancel(job, NULL);
    expect_log("j0:created j0:running j0:paused j0:running");
    co_settle();
    expect_log("j0.abort j0.clean j0:aborting j0:concluded j0:null");
}

static void co_cancel_pending(void)
{
    Job *job = test_job_start("j0", true);

    test_job_finish("j0", 0);
    co_settle();
    expect_log("j0:created j0:running j0:waiting j0:pending");
    job_user_cancel(job, NULL);
    expect_log("j0.abort j0.clean j0:aborting j0:concluded");
    job_user_dismiss(job, NULL);
    expect_log("j0:null");
}

/* A cancel while the job is being committed is too late, and says nothing. */
static void co_cancel_too_late(void)
{
    Job *job = test_job_start("j0", false);

    test_job("j0")->yield_in_end = true;
    test_job_finish("j0", 0);
    while (job->status != JOB_STATUS_PENDING) {
        co_reschedule();
    }
    g_assert_true(job_user_cancel(job, NULL));
    co_settle();
    expect_log("j0:created j0:running j0:waiting j0:pending j0.prepare "
               "j0.commit j0.clean j0:concluded j0:null");
}

static void co_abort_created(void)
{
    JobParams params = {.id = "j0", .manual_dismiss = true};

    job_abort_created(job_create(&test_job_driver, &params, NULL));
    expect_log("j0:created j0.abort j0:aborting j0:concluded j0:null "
               "j0.clean");
    /* As in a transaction: what may yield comes once the lock is free. */
    co_graph_lock();
    job_abort_created(job_create(&test_job_driver, &params, NULL));
    expect_log("j0:created j0.abort j0:aborting j0:concluded j0:null");
    graph_unlock();
    co_graph_lock();
    expect_log("j0.clean");
    graph_unlock();
}

static void co_shutdown(void)
{
    test_job_start("j0", false);
    test_job_start("j1", true);
    test_job_start("j2", true);
    co_settle();
    test_job_finish("j2", 0);
    co_settle();
    expect_log("j0:created j0:running j1:created j1:running j2:created "
               "j2:running j2:waiting j2:pending");
    co_jobs_shutdown();
    expect_log("j0:paused j1:paused "
               "j2.abort j2.clean j2:aborting j2:concluded "
               "j1:running j1.abort j1.clean j1:aborting j1:concluded "
               "j0:running j0.abort j0.clean j0:aborting j0:concluded "
               "j0:null j2:null j1:null");
}

/* A client that reacts to any event of the end finds the job gone. */
static void co_end_at_one_go(void)
{
    test_job_start("j0", false);
    test_job("j0")->yield_in_end = true;
    test_job_finish("j0", -EIO);
    for (int i = 0; i < 20 && job_find("j0"); i++) {
        g_assert_cmpint(job_find("j0")->status, ==, JOB_STATUS_RUNNING);
        co_reschedule();
    }
    expect_log("j0:created j0:running j0.abort j0.clean j0:aborting "
               "j0:concluded j0:null");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        JobTestBody *body;
    } tests[] = {
        {"cancel/running", co_cancel_running},
        {"cancel/before-entry", co_cancel_before_entry},
        {"cancel/wins", co_cancel_wins},
        {"cancel/paused", co_cancel_paused},
        {"cancel/pending", co_cancel_pending},
        {"cancel/too-late", co_cancel_too_late},
        {"abort-created", co_abort_created},
        {"shutdown", co_shutdown},
        {"end-at-one-go", co_end_at_one_go},
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strconcat("/job/", tests[i].name, NULL);

        g_test_add_data_func(path, &tests[i].body, job_test);
    }
    return g_test_run();
}
