/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who looks on: nobody, for there is no screen. */
#include "qapi/qapi-commands.h"

/* --- queries ------------------------------------------------------------- */

DisplayOptions *qmp_query_display_options(Error **errp)
{
    DisplayOptions *options = g_new0(DisplayOptions, 1);

    options->type = DISPLAY_TYPE_NONE;
    return options;
}

SpiceInfo *qmp_query_spice(Error **errp)
{
    SpiceInfo *info = g_new0(SpiceInfo, 1);

    info->mouse_mode = SPICE_QUERY_MOUSE_MODE_CLIENT;
    return info;
}

VncInfo *qmp_query_vnc(Error **errp)
{
    return g_new0(VncInfo, 1);
}

VncInfo2List *qmp_query_vnc_servers(Error **errp)
{
    return g_new0(VncInfo2List, 1);
}

/* --- what is refused ----------------------------------------------------- */

static bool no_spice(Error **errp)
{
    error_set_class(errp, ERROR_CLASS_DEVICE_NOT_ACTIVE, "SPICE is not in use");
    return false;
}

bool qmp_change_vnc_password(const QmpChangeVncPasswordArgs *args, Error **errp)
{
    error_set(errp, "Could not set password");
    return false;
}

bool qmp_set_password(const SetPasswordOptions *args, Error **errp)
{
    if (args->protocol == DISPLAY_PROTOCOL_SPICE) {
        return no_spice(errp);
    }
    /* VNC cannot tell its viewers. */
    error_set(errp,
              args->has_connected && args->connected != SET_PASSWORD_ACTION_KEEP
                  ? "Invalid parameter 'connected'"
                  : "Could not set password");
    return false;
}

bool qmp_expire_password(const ExpirePasswordOptions *args, Error **errp)
{
    if (args->protocol == DISPLAY_PROTOCOL_SPICE) {
        return no_spice(errp);
    }
    error_set(errp, "Could not set password expire time");
    return false;
}

bool qmp_client_migrate_info(const QmpClientMigrateInfoArgs *args, Error **errp)
{
    if (!strcmp(args->protocol, "spice")) {
        return no_spice(errp);
    }
    error_set(errp, "Parameter 'protocol' expects 'spice'");
    return false;
}

bool qmp_screendump(const QmpScreendumpArgs *args, Error **errp)
{
    if (args->device) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", args->device);
    } else if (args->has_head) {
        error_set(errp, "'head' must be specified together with 'device'");
    } else {
        error_set(errp, "There is no console to take a screendump from");
    }
    return false;
}
