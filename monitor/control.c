/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qmp_capabilities, query-version, query-commands, quit: see control.h. */
#include "monitor/control.h"

#include "monitor/dispatch.h"
#include "qapi/hidden.h"
#include "qapi/qapi-commands.h"

/* CONTROL */
static void (*quit_fn)(void *opaque);
static void *quit_opaque;

static VersionInfo *version_info(void)
{
    VersionInfo *info = g_new0(VersionInfo, 1);

    info->qemu = g_new0(VersionTriple, 1);
    info->qemu->major = QMP_VERSION_MAJOR;
    info->qemu->minor = QMP_VERSION_MINOR;
    info->qemu->micro = QMP_VERSION_MICRO;
    info->package = g_strdup("tidemark-" TIDEMARK_VERSION);
    return info;
}

json_object *control_greeting(void)
{
    json_object *greeting = json_object_new_object();
    json_object *inner = json_object_new_object();
    json_object *capabilities = json_object_new_array();
    VersionInfo *info = version_info();
    const char *oob = QMPCapability_str(QMP_CAPABILITY_OOB);

    json_object_array_add(capabilities, json_object_new_string(oob));
    json_object_object_add(inner, "version", VersionInfo_to_json(info));
    json_object_object_add(inner, "capabilities", capabilities);
    json_object_object_add(greeting, "QMP", inner);
    VersionInfo_free(info);
    return greeting;
}

bool qmp_qmp_capabilities(const QmpQmpCapabilitiesArgs *args, Error **errp)
{
    QmpState *state = dispatch_current_state();

    if (state->negotiated) {
        error_set_class(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                        "Capabilities negotiation is already complete, "
                        "command ignored");
        return false;
    }
    /* oob is the only capability that passes the schema. */
    state->oob = args->enable && args->enable->n;
    state->negotiated = true;
    return true;
}

VersionInfo *qmp_query_version(Error **errp)
{
    return version_info();
}

CommandInfoList *qmp_query_commands(Error **errp)
{
    CommandInfoList *list = CommandInfoList_new();
    size_t n;
    const QmpCommand *commands = qmp_commands(&n);

    /* QEMU lists them in reverse. */
    for (size_t i = n; i-- > 0;) {
        CommandInfo *info;

        if (qapi_is_hidden(commands[i].name)) {
            continue;
        }
        info = g_new0(CommandInfo, 1);
        info->name = g_strdup(commands[i].name);
        CommandInfoList_append(list, info);
    }
    return list;
}

void control_set_quit(void (*co_quit)(void *opaque), void *opaque)
{
    quit_fn = co_quit;
    quit_opaque = opaque;
}

bool qmp_quit(Error **errp)
{
    if (!quit_fn) {
        error_set(errp, "This program cannot be ended by a command");
        return false;
    }
    quit_fn(quit_opaque);
    return true;
}
