/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info block-jobs, info jobs, info exports. */
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"

static void show_block_job(Hmp *hmp, const BlockJobInfo *job)
{
    if (!strcmp(job->type, "stream")) {
        hmp_printf(hmp,
                   "Streaming device %s: Completed %" PRId64 " of %" PRId64
                   " bytes, speed limit %" PRId64 " bytes/s\n",
                   job->device, job->offset, job->len, job->speed);
        return;
    }
    hmp_printf(hmp,
               "Type %s, device %s: Completed %" PRId64 " of %" PRId64
               " bytes, speed limit %" PRId64 " bytes/s\n",
               job->type, job->device, job->offset, job->len, job->speed);
}

COROUTINE_ONLY CONTROL_ONLY static void co_info_block_jobs(Hmp *hmp,
                                                           json_object *args)
{
    Error *err = NULL;
    BlockJobInfoList *list = qmp_query_block_jobs(&err);

    if (list && !list->n) {
        hmp_printf(hmp, "No active jobs\n");
    }
    for (size_t i = 0; list && i < list->n; i++) {
        show_block_job(hmp, list->v[i]);
    }
    hmp_error(hmp, err);
    BlockJobInfoList_free(list);
}

const HmpCommand hmp_info_block_jobs = {
    .name = "block-jobs",
    .params = "",
    .help = "show progress of ongoing block device operations",
    .co_run = co_info_block_jobs,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_jobs(Hmp *hmp,
                                                     json_object *args)
{
    Error *err = NULL;
    JobInfoList *list = qmp_query_jobs(&err);

    if (list && !list->n) {
        hmp_printf(hmp, "No jobs\n");
    }
    for (size_t i = 0; list && i < list->n; i++) {
        const JobInfo *job = list->v[i];

        hmp_printf(hmp, "%s: %s, %s, %" PRId64 " of %" PRId64 "%s%s\n", job->id,
                   JobType_str(job->type), JobStatus_str(job->status),
                   job->current_progress, job->total_progress,
                   job->error ? ", error: " : "", job->error ? job->error : "");
    }
    hmp_error(hmp, err);
    JobInfoList_free(list);
}

const HmpCommand hmp_info_jobs = {
    .name = "jobs",
    .params = "",
    .help = "all jobs, also those that have ended and wait to be dismissed",
    .co_run = co_info_jobs,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_exports(Hmp *hmp,
                                                        json_object *args)
{
    Error *err = NULL;
    BlockExportInfoList *list = qmp_query_block_exports(&err);

    if (list && !list->n) {
        hmp_printf(hmp, "No exports\n");
    }
    for (size_t i = 0; list && i < list->n; i++) {
        const BlockExportInfo *export = list->v[i];

        hmp_printf(hmp, "%s: %s of %s%s\n", export->id,
                   BlockExportType_str(export->type), export->node_name,
                   export->shutting_down ? ", ending" : "");
    }
    hmp_error(hmp, err);
    BlockExportInfoList_free(list);
}

const HmpCommand hmp_info_exports = {
    .name = "exports",
    .params = "",
    .help = "what is exported",
    .co_run = co_info_exports,
};
