/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info uuid, cpus, kvm, balloon, memory_size_summary, history: what the
 * machine is said to be. */
#include "monitor/hmp/commands.h"

COROUTINE_ONLY CONTROL_ONLY static void co_info_uuid(Hmp *hmp,
                                                     json_object *args)
{
    json_object *info = NULL;

    if (co_hmp_call(hmp, "query-uuid", NULL, &info)) {
        hmp_printf(hmp, "%s\n", hmp_str(info, "UUID"));
        json_object_put(info);
    }
}

const HmpCommand hmp_info_uuid = {
    .name = "uuid",
    .params = "",
    .help = "show the current VM UUID",
    .co_run = co_info_uuid,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_cpus(Hmp *hmp,
                                                     json_object *args)
{
    json_object *list = NULL;

    if (!co_hmp_call(hmp, "query-cpus-fast", NULL, &list)) {
        return;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *cpu = json_object_array_get_idx(list, i);

        hmp_printf(hmp, "%c CPU #%" PRId64 ": thread_id=%" PRId64 "\n",
                   i ? ' ' : '*', hmp_int(cpu, "cpu-index", 0),
                   hmp_int(cpu, "thread-id", 0));
    }
    json_object_put(list);
}

const HmpCommand hmp_info_cpus = {
    .name = "cpus",
    .params = "",
    .help = "show infos for each CPU",
    .co_run = co_info_cpus,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_kvm(Hmp *hmp, json_object *args)
{
    json_object *info = NULL;

    if (co_hmp_call(hmp, "query-kvm", NULL, &info)) {
        hmp_printf(hmp, "kvm support: %s\n",
                   !hmp_flag(info, "present")  ? "not compiled"
                   : hmp_flag(info, "enabled") ? "enabled"
                                               : "disabled");
        json_object_put(info);
    }
}

const HmpCommand hmp_info_kvm = {
    .name = "kvm",
    .params = "",
    .help = "show KVM information",
    .co_run = co_info_kvm,
};

COROUTINE_ONLY CONTROL_ONLY static void co_info_balloon(Hmp *hmp,
                                                        json_object *args)
{
    json_object *info = NULL;

    if (co_hmp_call(hmp, "query-balloon", NULL, &info)) {
        hmp_printf(hmp, "balloon: actual=%" PRId64 "\n",
                   hmp_int(info, "actual", 0) >> 20);
        json_object_put(info);
    }
}

const HmpCommand hmp_info_balloon = {
    .name = "balloon",
    .params = "",
    .help = "show balloon information",
    .co_run = co_info_balloon,
};

COROUTINE_ONLY CONTROL_ONLY static void
co_info_memory_size_summary(Hmp *hmp, json_object *args)
{
    json_object *info = NULL;

    if (co_hmp_call(hmp, "query-memory-size-summary", NULL, &info)) {
        hmp_printf(hmp,
                   "base memory: %" PRId64 "\nplugged memory: %" PRId64 "\n",
                   hmp_int(info, "base-memory", 0),
                   hmp_int(info, "plugged-memory", 0));
        json_object_put(info);
    }
}

const HmpCommand hmp_info_memory_size_summary = {
    .name = "memory_size_summary",
    .params = "",
    .help = "show the amount of initially allocated and present hotpluggable "
            "(if enabled) memory in bytes.",
    .co_run = co_info_memory_size_summary,
};
