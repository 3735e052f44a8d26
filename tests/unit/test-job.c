/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One job: its states, verbs and pauses. The logs expected here are those of
 * QEMU 7.2 for the same things done to a backup.
 */
#include "block/job/internal.h"
#include "test-job-util.h"

static void co_success(void)
{
    test_job_start("j0", false);
    expect_log("j0:created j0:running");
    co_settle();
    g_assert_cmpuint(test_job("j0")->turns, ==, 1);
    test_job_finish("j0", 0);
    expect_log("");
    co_settle();
    expect_log("j0:waiting j0:pending j0.prepare j0.commit j0.clean "
               "j0:concluded j0:null");
    g_assert_null(job_find("j0"));
}

static void co_manual(void)
{
    Job *job = test_job_start("j0", true);

    test_job_finish("j0", 0);
    co_settle();
    expect_log("j0:created j0:running j0:waiting j0:pending");
    co_test_job_finalize(job);
    expect_log("j0.prepare j0.commit j0.clean j0:concluded");
    g_assert_true(job_find("j0") == job);
    g_assert_null(job_error_text(job));
    g_assert_true(job_user_dismiss(job, NULL));
    expect_log("j0:null");
}

static void co_failure(void)
{
    Job *job = test_job_start("j0", true);

    test_job_finish("j0", -EIO);
    co_settle();
    expect_log("j0:created j0:running j0.abort j0.clean j0:aborting "
               "j0:concluded");
    g_assert_cmpstr(job_error_text(job), ==, "Input/output error");
    job_user_dismiss(job, NULL);
    expect_log("j0:null");

    job = test_job_start("j1", true);
    test_job("j1")->error = "a reason";
    test_job_finish("j1", -EIO);
    co_settle();
    g_assert_cmpstr(job_error_text(job), ==, "a reason");
    job_user_dismiss(job, NULL);
    expect_log("j1:created j1:running j1.abort j1.clean j1:aborting "
               "j1:concluded j1:null");
}

static void co_prepare_fails(void)
{
    Job *job = test_job_start("j0", true);

    test_job("j0")->prepare_result = -ENOSPC;
    test_job_finish("j0", 0);
    co_settle();
    expect_log("j0:created j0:running j0:waiting j0:pending");
    co_test_job_finalize(job);
    expect_log("j0.prepare j0.abort j0.clean j0:aborting j0:concluded");
    g_assert_cmpstr(job_error_text(job), ==, "No space left on device");
    job_user_dismiss(job, NULL);
    expect_log("j0:null");
}

/* --- pausing ------------------------------------------------------------- */

static void co_pause(void)
{
    Job *job = test_job_start("j0", false);
    Error *err = NULL;

    co_settle();
    expect_log("j0:created j0:running");
    g_assert_false(job_user_resume(job, &err));
    expect_generic(&err, "Can't resume a job that was not paused");
    g_assert_true(job_user_pause(job, NULL));
    expect_log("j0:paused");
    g_assert_false(job_user_pause(job, &err));
    expect_generic(&err, "Job is already paused");
    job_pause(job);
    g_assert_true(job_user_resume(job, NULL));
    expect_log("");
    test_job_finish("j0", 0);
    co_settle();
    expect_log("");
    job_resume(job);
    expect_log("j0:running");
    co_settle();
    expect_log("j0:waiting j0:pending j0.prepare j0.commit j0.clean "
               "j0:concluded j0:null");
}

/* A pause and its end that both come before the coroutine runs again. */
static void co_pause_blink(void)
{
    Job *job = test_job_start("j0", false);

    co_settle();
    for (int i = 0; i < 3; i++) {
        job_pause(job);
        job_resume(job);
    }
    expect_log("j0:created j0:running j0:paused j0:running j0:paused "
               "j0:running j0:paused j0:running");
    job_pause(job);
    co_settle();
    g_assert_cmpuint(test_job("j0")->turns, ==, 1);
    job_resume(job);
    test_job_finish("j0", 0);
    co_settle();
    expect_log("j0:paused j0:running j0:waiting j0:pending j0.prepare "
               "j0.commit j0.clean j0:concluded j0:null");
}

/* At work between pause points: the state follows when it gets to one. */
static void co_pause_busy(void)
{
    Job *job = test_job_start("j0", false);
    TestJob *s = job_state(job);

    s->busy = true;
    co_settle();
    job_user_pause(job, NULL);
    expect_log("j0:created j0:running");
    s->busy = false;
    coqueue_wake_all(&s->unbusy);
    co_settle();
    expect_log("j0:paused");
    job_user_resume(job, NULL);
    expect_log("j0:running");
    test_job_finish("j0", 0);
    co_settle();
    expect_log("j0:waiting j0:pending j0.prepare j0.commit j0.clean "
               "j0:concluded j0:null");
}

static void co_ready(void)
{
    Job *job = test_job_start("j0", false);

    co_settle();
    test_job("j0")->get_ready = true;
    job_kick(job);
    co_settle();
    expect_log("j0:created j0:running j0:ready");
    job_user_pause(job, NULL);
    expect_log("j0:standby");
    g_assert_true(job_user_complete(job, NULL));
    co_settle();
    expect_log("");
    job_user_resume(job, NULL);
    expect_log("j0:ready");
    co_settle();
    expect_log("j0:waiting j0:pending j0.prepare j0.commit j0.clean "
               "j0:concluded j0:null");
}

static void co_sleep_job_body(Job *job)
{
    co_job_sleep_ns(job, INT64_C(3600) * 1000000000);
}

static int co_sleeper_run(Job *job, Error **errp)
{
    co_sleep_job_body(job); /* ended by a kick */
    co_job_sleep_ns(job, 1);
    co_sleep_job_body(job); /* ended by the cancel */
    return 0;
}

static void co_sleep(void)
{
    static const JobDriver sleeper = {.type = JOB_TYPE_CREATE,
                                      .co_run = co_sleeper_run};
    JobParams params = {.id = "j0"};
    Job *job = job_create(&sleeper, &params, NULL);

    job_start(job);
    co_settle();
    job_kick(job);
    co_sleep_ns(2000000);
    job_user_pause(job, NULL);
    job_user_resume(job, NULL);
    co_settle();
    expect_log("j0:created j0:running j0:paused j0:running");
    job_user_cancel(job, NULL);
    co_settle();
    expect_log("j0:aborting j0:concluded j0:null");
}

/* --- verbs and names ----------------------------------------------------- */

static void expect_verbs(Job *job, const char *allowed)
{
    static const char *const names[] = {
        [JOB_VERB_CANCEL] = "cancel",     [JOB_VERB_PAUSE] = "pause",
        [JOB_VERB_RESUME] = "resume",     [JOB_VERB_SET_SPEED] = "set-speed",
        [JOB_VERB_COMPLETE] = "complete", [JOB_VERB_CHANGE] = "change",
        [JOB_VERB_FINALIZE] = "finalize", [JOB_VERB_DISMISS] = "dismiss",
    };
    g_auto(GStrv) list = g_strsplit(allowed, " ", -1);

    for (int verb = 0; verb < JOB_VERB__MAX; verb++) {
        g_autofree char *text = g_strdup_printf(
            "Job 'j0' in state '%s' cannot accept command verb '%s'",
            JobStatus_str(job->status), names[verb]);
        Error *err = NULL;
        bool ok = job_verb_allowed(job, verb, &err);

        g_assert_true(ok ==
                      g_strv_contains((const char *const *)list, names[verb]));
        if (!ok) {
            expect_generic(&err, text);
        }
    }
}

static void co_verbs(void)
{
    JobParams params = {
        .id = "j0", .manual_finalize = true, .manual_dismiss = true};
    Job *job = job_create(&test_job_driver, &params, NULL);
    const char *live = "cancel pause resume set-speed change";

    expect_verbs(job, live);
    job_start(job);
    expect_verbs(job, live);
    co_settle();
    job_user_pause(job, NULL);
    expect_verbs(job, live);
    job_user_resume(job, NULL);
    test_job("j0")->get_ready = true;
    job_kick(job);
    co_settle();
    expect_verbs(job, "cancel pause resume set-speed change complete");
    test_job_finish("j0", 0);
    co_settle();
    expect_verbs(job, "cancel finalize");
    co_test_job_finalize(job);
    expect_verbs(job, "dismiss");
    job_user_dismiss(job, NULL);
    expect_log("j0:created j0:running j0:paused j0:running j0:ready "
               "j0:waiting j0:pending j0.prepare j0.commit j0.clean "
               "j0:concluded j0:null");
}

static void co_ids(void)
{
    static const char *const bad[] = {"", "1a", "a b", "#x", "a/b", "\xc3\xa9"};
    JobParams params = {.id = NULL};
    Error *err = NULL;
    Job *job;

    g_assert_null(job_create(&test_job_driver, &params, &err));
    expect_generic(&err, "Invalid job ID ''");
    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *text = g_strdup_printf("Invalid job ID '%s'", bad[i]);

        params.id = bad[i];
        g_assert_null(job_create(&test_job_driver, &params, &err));
        expect_generic(&err, text);
    }
    params.id = "j0.a-b_C";
    job = job_create(&test_job_driver, &params, NULL);
    g_assert_nonnull(job);
    g_assert_null(job_create(&test_job_driver, &params, &err));
    expect_generic(&err, "Job ID 'j0.a-b_C' already in use");
    g_assert_null(job_lookup("j1", &err));
    expect_generic(&err, "Job not found");
    g_assert_null(block_job_lookup("j0.a-b_C", &err));
    expect_error(&err, ERROR_CLASS_DEVICE_NOT_ACTIVE,
                 "Block job 'j0.a-b_C' not found");
    job_discard(job);
    expect_log("j0.a-b_C:created j0.a-b_C:null j0.a-b_C.clean");
}

static void co_progress(void)
{
    Job *job = test_job_start("j0", false);

    job_progress_set_total(job, 100);
    job_progress_add(job, 60);
    job_progress_add_total(job, 10);
    g_assert_cmpuint(job->len, ==, 110);
    job_progress_add_total(job, -80);
    g_assert_cmpuint(job->len, ==, 60);
    job_progress_add(job, 5);
    g_assert_cmpuint(job->len, ==, 65);
    g_assert_cmpuint(job->offset, ==, 65);
    job_user_cancel(job, NULL);
    co_jobs_shutdown();
    expect_log("j0:created j0:running j0.abort j0.clean j0:aborting "
               "j0:concluded j0:null");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        JobTestBody *body;
    } tests[] = {
        {"success", co_success},
        {"manual", co_manual},
        {"failure", co_failure},
        {"prepare-fails", co_prepare_fails},
        {"pause/idle", co_pause},
        {"pause/blink", co_pause_blink},
        {"pause/busy", co_pause_busy},
        {"ready", co_ready},
        {"sleep", co_sleep},
        {"verbs", co_verbs},
        {"ids", co_ids},
        {"progress", co_progress},
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strconcat("/job/", tests[i].name, NULL);

        g_test_add_data_func(path, &tests[i].body, job_test);
    }
    return g_test_run();
}
