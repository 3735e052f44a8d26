/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs of one transaction end together. The logs expected here are those of
 * QEMU 7.2 for two grouped backups.
 */
#include "block/job/internal.h"
#include "test-job-util.h"

typedef struct Pair {
    bool finalize[2], dismiss[2]; /* by hand */
} Pair;

/* j0 and j1, running, in one group; the log is empty then. */
static void co_start_pair(const Pair *pair)
{
    static const char *const ids[] = {"j0", "j1"};
    JobTxn *txn = job_txn_new();
    Job *jobs[2];

    for (int i = 0; i < 2; i++) {
        JobParams params = {.id = ids[i],
                            .manual_finalize = pair->finalize[i],
                            .manual_dismiss = pair->dismiss[i],
                            .txn = txn};

        jobs[i] = job_create(&test_job_driver, &params, NULL);
    }
    job_txn_unref(txn);
    for (int i = 0; i < 2; i++) {
        job_start(jobs[i]);
    }
    co_settle();
    expect_log("j0:created j1:created j0:running j1:running");
}

static void cancel(const char *id)
{
    g_assert_true(job_user_cancel(job_find(id), NULL));
    co_settle();
}

static void finish(const char *id, int result)
{
    test_job_finish(id, result);
    co_settle();
}

static void co_finalize(const char *id)
{
    co_graph_lock();
    g_assert_true(co_job_user_finalize(job_find(id), NULL));
    graph_unlock();
}

static void co_success(void)
{
    co_start_pair(&(Pair){0});
    finish("j0", 0);
    expect_log("j0:waiting");
    finish("j1", 0);
    expect_log("j1:waiting j1:pending j0:pending j1.prepare j0.prepare "
               "j1.commit j0.commit j1.clean j0.clean "
               "j1:concluded j1:null j0:concluded j0:null");
}

static void co_second_fails(void)
{
    co_start_pair(&(Pair){0});
    finish("j1", -EIO);
    expect_log("j1.abort j0.abort j1.clean j0.clean j1:aborting "
               "j1:concluded j1:null j0:aborting j0:concluded j0:null");
}

static void co_first_fails(void)
{
    co_start_pair(&(Pair){.dismiss = {true, true}});
    finish("j0", -EIO);
    expect_log("j1.abort j0.abort j1.clean j0.clean j0:aborting "
               "j1:aborting j1:concluded j0:concluded");
    g_assert_cmpstr(job_error_text(job_find("j0")), ==, "Input/output error");
    g_assert_cmpstr(job_error_text(job_find("j1")), ==, "Operation canceled");
    co_jobs_shutdown();
    expect_log("j1:null j0:null");
}

static void co_fails_when_other_waits(void)
{
    co_start_pair(&(Pair){0});
    finish("j0", 0);
    expect_log("j0:waiting");
    finish("j1", -EIO);
    expect_log("j1.abort j0.abort j1.clean j0.clean j1:aborting "
               "j1:concluded j1:null j0:aborting j0:concluded j0:null");
}

static void co_cancel_running(void)
{
    co_start_pair(&(Pair){0});
    cancel("j0");
    expect_log("j1.abort j0.abort j1.clean j0.clean j0:aborting "
               "j1:aborting j1:concluded j1:null j0:concluded j0:null");
}

static void co_cancel_when_other_paused(void)
{
    co_start_pair(&(Pair){0});
    job_user_pause(job_find("j1"), NULL);
    cancel("j0");
    expect_log("j1:paused j1.abort j0.abort j1.clean j0.clean j0:aborting "
               "j1:running j1:aborting j1:concluded j1:null "
               "j0:concluded j0:null");
}

static void co_cancel_waiting(void)
{
    co_start_pair(&(Pair){0});
    finish("j0", 0);
    expect_log("j0:waiting");
    cancel("j0");
    expect_log("j1.abort j0.abort j1.clean j0.clean j1:aborting "
               "j1:concluded j1:null j0:aborting j0:concluded j0:null");
}

/* The group waits for a job that is slow to notice, and for nothing else. */
static void co_cancel_slow(void)
{
    TestJob *s;

    co_start_pair(&(Pair){0});
    s = test_job("j1");
    s->busy = true;
    job_kick(job_find("j1"));
    co_settle();
    cancel("j0");
    expect_log("");
    g_assert_true(job_find("j0") && job_find("j1"));
    cancel("j0");
    cancel("j1");
    s->busy = false;
    coqueue_wake_all(&s->unbusy);
    co_settle();
    expect_log("j1.abort j0.abort j1.clean j0.clean j0:aborting "
               "j1:aborting j1:concluded j1:null j0:concluded j0:null");
}

static void co_manual_both(void)
{
    co_start_pair(&(Pair){.finalize = {true, true}});
    finish("j1", 0);
    finish("j0", 0);
    expect_log("j1:waiting j0:waiting j1:pending j0:pending");
    co_finalize("j0");
    expect_log("j1.prepare j0.prepare j1.commit j0.commit j1.clean j0.clean "
               "j1:concluded j1:null j0:concluded j0:null");
}

static void co_manual_one(void)
{
    co_start_pair(&(Pair){.finalize = {false, true}});
    finish("j0", 0);
    finish("j1", 0);
    expect_log("j0:waiting j1:waiting j1:pending j0:pending");
    co_finalize("j0");
    expect_log("j1.prepare j0.prepare j1.commit j0.commit j1.clean j0.clean "
               "j1:concluded j1:null j0:concluded j0:null");
}

static void co_cancel_pending(void)
{
    co_start_pair(&(Pair){.finalize = {true, true}, .dismiss = {true, true}});
    finish("j0", 0);
    finish("j1", 0);
    expect_log("j0:waiting j1:waiting j1:pending j0:pending");
    cancel("j0");
    expect_log("j1.abort j0.abort j1.clean j0.clean j1:aborting "
               "j1:concluded j0:aborting j0:concluded");
    co_jobs_shutdown();
    expect_log("j1:null j0:null");
}

static void co_prepare_fails(void)
{
    co_start_pair(&(Pair){.dismiss = {true, true}});
    test_job("j0")->prepare_result = -ENOSPC;
    finish("j0", 0);
    finish("j1", 0);
    expect_log("j0:waiting j1:waiting j1:pending j0:pending j1.prepare "
               "j0.prepare j1.abort j0.abort j1.clean j0.clean j0:aborting "
               "j1:aborting j1:concluded j0:concluded");
    g_assert_cmpstr(job_error_text(job_find("j0")), ==,
                    "No space left on device");
    g_assert_cmpstr(job_error_text(job_find("j1")), ==, "Operation canceled");
    co_jobs_shutdown();
    expect_log("j1:null j0:null");
}

static void co_shutdown(void)
{
    co_start_pair(&(Pair){0});
    finish("j1", 0);
    expect_log("j1:waiting");
    co_jobs_shutdown();
    expect_log("j0:paused j1.abort j0.abort j1.clean j0.clean j1:aborting "
               "j1:concluded j1:null j0:running j0:aborting j0:concluded "
               "j0:null");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        JobTestBody *body;
    } tests[] = {
        {"success", co_success},
        {"second-fails", co_second_fails},
        {"first-fails", co_first_fails},
        {"fails-when-other-waits", co_fails_when_other_waits},
        {"cancel/running", co_cancel_running},
        {"cancel/other-paused", co_cancel_when_other_paused},
        {"cancel/waiting", co_cancel_waiting},
        {"cancel/slow", co_cancel_slow},
        {"cancel/pending", co_cancel_pending},
        {"manual/both", co_manual_both},
        {"manual/one", co_manual_one},
        {"prepare-fails", co_prepare_fails},
        {"shutdown", co_shutdown},
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strconcat("/job-txn/", tests[i].name, NULL);

        g_test_add_data_func(path, &tests[i].body, job_test);
    }
    return g_test_run();
}
