/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors: there in name only, for programs that look for them, and as
 * objects whose features nothing uses.
 */
#include <unistd.h>

#include "devices/about.h"
#include "devices/cpu.h"
#include "objects/qom-types.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

#define CPU_TYPE "qemu64-x86_64-cpu"
/* QEMU's second processor stands behind a part that every machine has. */
#define CPU_PATH "/machine/unattached/device[%u]"

/* --- queries ------------------------------------------------------------- */

static CpuInstanceProperties *place_of_cpu(unsigned index)
{
    CpuInstanceProperties *place = g_new0(CpuInstanceProperties, 1);

    place->has_socket_id = place->has_core_id = place->has_thread_id = true;
    place->socket_id = index;
    return place;
}

static char *path_of_cpu(unsigned index)
{
    return g_strdup_printf(CPU_PATH, index ? index + 1 : 0);
}

CpuInfoFastList *qmp_query_cpus_fast(Error **errp)
{
    CpuInfoFastList *list = g_new0(CpuInfoFastList, 1);

    control_assert();
    for (unsigned i = 0; i < machine_cpus(); i++) {
        CpuInfoFast *cpu = g_new0(CpuInfoFast, 1);

        cpu->cpu_index = i;
        cpu->qom_path = path_of_cpu(i);
        cpu->thread_id = getpid();
        cpu->props = place_of_cpu(i);
        cpu->target = SYS_EMU_TARGET_X86_64;
        CpuInfoFastList_append(list, cpu);
    }
    return list;
}

HotpluggableCPUList *qmp_query_hotpluggable_cpus(Error **errp)
{
    HotpluggableCPUList *list;

    control_assert();
    if (!machine_cpus()) {
        error_set(errp, "The feature 'query-hotpluggable-cpus' is not enabled");
        return NULL;
    }
    list = g_new0(HotpluggableCPUList, 1);
    for (unsigned i = machine_cpus(); i > 0; i--) {
        HotpluggableCPU *cpu = g_new0(HotpluggableCPU, 1);

        cpu->type = g_strdup(CPU_TYPE);
        cpu->vcpus_count = 1;
        cpu->props = place_of_cpu(i - 1);
        cpu->qom_path = path_of_cpu(i - 1);
        HotpluggableCPUList_append(list, cpu);
    }
    return list;
}

/* --- objects ------------------------------------------------------------- */

static const char *const flags[] = {"realized", "hotplugged", "hotpluggable"};

static const char *cpu_type(const void *opaque)
{
    return CPU_TYPE;
}

static void list_cpu(const void *opaque, ObjectPropertyInfoList *list)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        qom_info_add(list, flags[i], "bool");
    }
    qom_info_add(list, "unavailable-features", "strList");
    cpu_switches_add(list);
}

static json_object *get_cpu(const void *opaque, const char *name, Error **errp)
{
    bool value;

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (!strcmp(flags[i], name)) {
            return json_object_new_boolean(i != 1);
        }
    }
    if (!strcmp(name, "unavailable-features")) {
        return json_object_new_array();
    }
    return cpu_switch_get(name, &value) ? json_object_new_boolean(value) : NULL;
}

static const QomNodeOps cpu_ops = {
    .type = cpu_type,
    .list = list_cpu,
    .get = get_cpu,
};

bool cpu_at_path(const char *path, QomPlace *place)
{
    for (unsigned i = 0; i < machine_cpus(); i++) {
        g_autofree char *here = path_of_cpu(i);

        if (!strcmp(path, here)) {
            *place = (QomPlace){QOM_NODE, NULL, &cpu_ops, NULL};
            return true;
        }
    }
    return false;
}
