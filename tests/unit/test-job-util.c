/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-job-util.h"

#include "block/job/internal.h"
#include "qapi/event-sink.h"

static GString *log_text;

static void note(const char *text)
{
    if (log_text->len) {
        g_string_append_c(log_text, ' ');
    }
    g_string_append(log_text, text);
}

static void note_hook(Job *job, const char *hook)
{
    g_autofree char *text = g_strdup_printf("%s.%s", job_id(job), hook);

    note(text);
}

static const char *member(json_object *data, const char *name)
{
    json_object *value = json_object_object_get(data, name);

    return value ? json_object_get_string(value) : NULL;
}

static void event_sink(void *opaque, QAPIEvent event, json_object *data)
{
    const char *id = member(data, "id");
    const char *status = member(data, "status");
    const char *error = member(data, "error");
    const char *action = member(data, "action");
    g_autofree char *text = NULL;

    id = id ? id : member(data, "device");
    if (status) {
        text = g_strdup_printf("%s:%s", id, status);
    } else {
        const char *name = QAPIEvent_str(event);

        g_assert_true(g_str_has_prefix(name, "BLOCK_JOB_"));
        text = g_strdup_printf("%s:%s%s%s%s%s", id, name + strlen("BLOCK_JOB_"),
                               error ? "=" : "", error ? error : "",
                               action ? "=" : "", action ? action : "");
    }
    note(text);
}

void expect_log_at(int line, const char *text)
{
    if (strcmp(log_text->str, text) != 0) {
        g_error("line %d: log is\n  %s\nexpected\n  %s", line, log_text->str,
                text);
    }
    g_string_truncate(log_text, 0);
}

void expect_error(Error **err, ErrorClass class, const char *text)
{
    g_assert_nonnull(*err);
    g_assert_cmpstr(error_text(*err), ==, text);
    g_assert_cmpint(error_class(*err), ==, class);
    error_free(*err);
    *err = NULL;
}

/* --- the job ------------------------------------------------------------- */

static void co_away_from_pause_points(TestJob *s)
{
    coqueue_init(&s->unbusy);
    while (s->busy) {
        co_queue_wait(&s->unbusy);
    }
}

static int co_test_run(Job *job, Error **errp)
{
    TestJob *s = job_state(job);

    while (!s->done && !job_cancelled(job)) {
        s->turns++;
        if (s->busy) {
            co_away_from_pause_points(s);
            co_job_pause_point(job);
        } else {
            co_job_wait(job);
        }
        if (s->get_ready) {
            s->get_ready = false;
            job_ready(job);
        }
    }
    if (s->result < 0 && s->error) {
        error_set(errp, "%s", s->error);
    }
    return s->result;
}

static void co_dawdle(TestJob *s)
{
    for (int i = 0; s->yield_in_end && i < 3; i++) {
        co_reschedule();
    }
}

static int co_test_prepare(Job *job, Error **errp)
{
    TestJob *s = job_state(job);

    g_assert_true(graph_locked_by_me());
    note_hook(job, "prepare");
    co_dawdle(s);
    return s->prepare_result;
}

static void test_commit(Job *job)
{
    note_hook(job, "commit");
}

static void test_abort(Job *job)
{
    note_hook(job, "abort");
}

static void co_test_clean(Job *job)
{
    g_assert_true(graph_locked_by_me());
    note_hook(job, "clean");
    co_dawdle(job_state(job));
}

static bool test_complete(Job *job, Error **errp)
{
    ((TestJob *)job_state(job))->done = true;
    job_kick(job);
    return true;
}

const JobDriver test_job_driver = {
    .type = JOB_TYPE_BACKUP,
    .state_bytes = sizeof(TestJob),
    .co_run = co_test_run,
    .co_prepare = co_test_prepare,
    .commit = test_commit,
    .abort = test_abort,
    .co_clean = co_test_clean,
    .complete = test_complete,
};

TestJob *test_job(const char *id)
{
    return job_state(job_find(id));
}

void test_job_finish(const char *id, int result)
{
    TestJob *s = test_job(id);

    s->done = true;
    s->result = result;
    job_kick(job_find(id));
}

void co_settle(void)
{
    for (int i = 0; i < 20; i++) {
        co_reschedule();
    }
}

/* --- running a test ------------------------------------------------------ */

static void body_entry(void *opaque)
{
    JobTestBody **body = opaque;

    (*body)();
}

void job_test(const void *body)
{
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    g_assert_nonnull(r);
    log_text = g_string_new(NULL);
    qapi_event_set_sink(event_sink, NULL);
    reactor_run_coroutine(body_entry, (void *)body);
    qapi_event_set_sink(NULL, NULL);
    g_string_free(log_text, TRUE);
    g_assert_null(job_next(NULL));
    g_assert_null(node_next(NULL));
    g_assert_cmpuint(coroutine_count(), ==, 0);
    reactor_free(r);
}

Job *test_job_start(const char *id, bool manual)
{
    JobParams params = {
        .id = id, .manual_finalize = manual, .manual_dismiss = manual};
    Error *err = NULL;
    Job *job = job_create(&test_job_driver, &params, &err);

    g_assert_null(err);
    job_start(job);
    return job;
}

void co_test_job_finalize(Job *job)
{
    co_graph_lock();
    g_assert_true(co_job_user_finalize(job, NULL));
    graph_unlock();
}
