/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of virtio, and events that can be traced, as programs ask for
 * them. */
#include "devices/device.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

VirtioInfoList *qmp_x_query_virtio(Error **errp)
{
    VirtioInfoList *list = g_new0(VirtioInfoList, 1);

    control_assert();
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        const char *type = d->model->inner_type;
        VirtioInfo *info;

        if (!type || !g_str_has_prefix(type, "virtio-")) {
            continue;
        }
        info = g_new0(VirtioInfo, 1);
        info->path = g_strconcat(d->path, "/virtio-backend", NULL);
        info->name = g_strndup(type, strlen(type) - strlen("-device"));
        VirtioInfoList_append(list, info);
    }
    return list;
}

/* --- none of QEMU's events ----------------------------------------------- */

/* A pattern may match nothing. */
static bool event_ok(const char *name, bool has_vcpu, int64_t vcpu,
                     Error **errp)
{
    if (has_vcpu) {
        error_set(errp, "invalid vCPU index %" PRId64, vcpu);
        return false;
    }
    if (!strchr(name, '*')) {
        error_set(errp, "unknown event \"%s\"", name);
        return false;
    }
    return true;
}

TraceEventInfoList *
qmp_trace_event_get_state(const QmpTraceEventGetStateArgs *args, Error **errp)
{
    return event_ok(args->name, args->has_vcpu, args->vcpu, errp)
               ? g_new0(TraceEventInfoList, 1)
               : NULL;
}

bool qmp_trace_event_set_state(const QmpTraceEventSetStateArgs *args,
                               Error **errp)
{
    return event_ok(args->name, args->has_vcpu, args->vcpu, errp);
}
