/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job that does what a test says, and a log of the events and hooks of all
 * jobs: "j0:created j0:running j0.commit j0:COMPLETED ...".
 */
#ifndef TESTS_UNIT_TEST_JOB_UTIL_H
#define TESTS_UNIT_TEST_JOB_UTIL_H

#include "block/job/block-job.h"
#include "block/job/verbs.h"

typedef struct TestJob {
    bool done; /* co_run returns */
    int result;
    const char *error; /* its text */
    int prepare_result;
    bool yield_in_end; /* co_prepare and co_clean wait some turns */
    bool busy;         /* co_run waits away from pause points */
    bool get_ready;
    CoQueue unbusy;
    unsigned turns; /* of co_run's loop */
} TestJob;

extern const JobDriver test_job_driver;

/* A GTestDataFunc: runs *@body in a coroutine with an empty log; no job, node
 * or coroutine may be left. */
typedef void JobTestBody(void);
void job_test(const void *body);

/* Makes and starts one; @manual: it waits for finalize and dismiss. */
Job *test_job_start(const char *id, bool manual);
TestJob *test_job(const char *id);
/* Lets the job's co_run return @result when it next looks. */
void test_job_finish(const char *id, int result);
/* As a user finalizes it. */
void co_test_job_finalize(Job *job);
/* Lets everything that is ready run, several turns. */
void co_settle(void);

/* Compares with the log since the last call, and clears it. */
#define expect_log(text) expect_log_at(__LINE__, text)
void expect_log_at(int line, const char *text);
/* Checks class and text, frees *@err and clears it. */
void expect_error(Error **err, ErrorClass class, const char *text);
#define expect_generic(err, text) \
    expect_error(err, ERROR_CLASS_GENERIC_ERROR, text)

#endif
