/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info version, status, name, chardev, iothreads. */
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"

COROUTINE_ONLY CONTROL_ONLY static void co_info_version(Hmp *hmp,
                                                        json_object *args)
{
    VersionInfo *info = qmp_query_version(NULL);

    hmp_printf(hmp, "%" PRId64 ".%" PRId64 ".%" PRId64 "%s\n",
               info->qemu->major, info->qemu->minor, info->qemu->micro,
               info->package);
    VersionInfo_free(info);
}

const HmpCommand hmp_info_version = {
    .name = "version",
    .params = "",
    .help = "show the version of QEMU",
    .co_run = co_info_version,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_status(Hmp *hmp,
                                                       json_object *args)
{
    json_object *info = NULL;
    const char *status;

    if (!co_hmp_call(hmp, "query-status", NULL, &info)) {
        return;
    }
    status = hmp_str(info, "status");
    if (hmp_flag(info, "running")) {
        hmp_printf(hmp, "VM status: running\n");
    } else if (!strcmp(status, "paused")) {
        hmp_printf(hmp, "VM status: paused\n");
    } else {
        hmp_printf(hmp, "VM status: paused (%s)\n", status);
    }
    json_object_put(info);
}

const HmpCommand hmp_info_status = {
    .name = "status",
    .params = "",
    .help = "show the current VM status (running|paused)",
    .co_run = co_info_status,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_name(Hmp *hmp,
                                                     json_object *args)
{
    json_object *info = NULL;

    if (!co_hmp_call(hmp, "query-name", NULL, &info)) {
        return;
    }
    if (hmp_str(info, "name")) {
        hmp_printf(hmp, "%s\n", hmp_str(info, "name"));
    }
    json_object_put(info);
}

const HmpCommand hmp_info_name = {
    .name = "name",
    .params = "",
    .help = "show the current VM name",
    .co_run = co_info_name,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_chardev(Hmp *hmp,
                                                        json_object *args)
{
    json_object *list = NULL;

    if (!co_hmp_call(hmp, "query-chardev", NULL, &list)) {
        return;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *chr = json_object_array_get_idx(list, i);

        hmp_printf(hmp, "%s: filename=%s\n", hmp_str(chr, "label"),
                   hmp_str(chr, "filename"));
    }
    json_object_put(list);
}

const HmpCommand hmp_info_chardev = {
    .name = "chardev",
    .params = "",
    .help = "show the character devices",
    .co_run = co_info_chardev,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_iothreads(Hmp *hmp,
                                                          json_object *args)
{
    Error *err = NULL;
    IOThreadInfoList *list = qmp_query_iothreads(&err);

    for (size_t i = 0; list && i < list->n; i++) {
        const IOThreadInfo *info = list->v[i];

        hmp_printf(hmp,
                   "%s:\n  thread_id=%" PRId64 "\n  poll-max-ns=%" PRId64
                   "\n  poll-grow=%" PRId64 "\n  poll-shrink=%" PRId64
                   "\n  aio-max-batch=%" PRId64 "\n",
                   info->id, info->thread_id, info->poll_max_ns,
                   info->poll_grow, info->poll_shrink, info->aio_max_batch);
    }
    hmp_error(hmp, err);
    IOThreadInfoList_free(list);
}

const HmpCommand hmp_info_iothreads = {
    .name = "iothreads",
    .params = "",
    .help = "show iothreads",
    .co_run = co_info_iothreads,
};
