/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs ask of a guest. There is none: memory is said to be what it
 * was asked to be, and nothing happens.
 */
#include "devices/about.h"
#include "devices/board.h"
#include "devices/device.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

/* CONTROL */
static int64_t balloon_bytes; /* 0: nothing was asked */

CONTROL_ONLY
static bool has_balloon(Error **errp)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        if (g_str_has_prefix(d->model->name, "virtio-balloon")) {
            return true;
        }
    }
    error_set_class(errp, ERROR_CLASS_DEVICE_NOT_ACTIVE,
                    "No balloon device has been activated");
    return false;
}

bool qmp_balloon(const QmpBalloonArgs *args, Error **errp)
{
    control_assert();
    if (!has_balloon(errp)) {
        return false;
    }
    if (args->value <= 0) {
        error_set(errp, "Parameter 'target' expects a size");
        return false;
    }
    balloon_bytes = MIN((uint64_t)args->value, machine_memory_bytes());
    return true;
}

BalloonInfo *qmp_query_balloon(Error **errp)
{
    BalloonInfo *info;

    control_assert();
    if (!has_balloon(errp)) {
        return NULL;
    }
    info = g_new0(BalloonInfo, 1);
    info->actual =
        balloon_bytes ? balloon_bytes : (int64_t)machine_memory_bytes();
    return info;
}

bool qmp_inject_nmi(Error **errp)
{
    control_assert();
    if (!board_chosen()->pci_bus) {
        error_set(errp, "this feature or command is not currently supported");
        return false;
    }
    return true;
}

StatsResultList *qmp_query_stats(const StatsFilter *args, Error **errp)
{
    return g_new0(StatsResultList, 1);
}

StatsSchemaList *qmp_query_stats_schemas(const QmpQueryStatsSchemasArgs *args,
                                         Error **errp)
{
    return g_new0(StatsSchemaList, 1);
}

DirtyRateInfo *qmp_query_dirty_rate(Error **errp)
{
    return g_new0(DirtyRateInfo, 1);
}
