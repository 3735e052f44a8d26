/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drive_add and drive_del: drives of a machine that runs. */
#include "block/backend/drive.h"
#include "block/graph/driver.h"
#include "block/graph/loose-options.h"
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-keyval.h"

/* Without "Error: " in front, as QEMU tells these. */
static void tell(Hmp *hmp, Error *err)
{
    hmp_printf(hmp, "%s\n%s", error_text(err),
               error_hint(err) ? error_hint(err) : "");
    error_free(err);
}

/* There is no probing of what stands on a node; false if the driver is not
 * given. */
CONTROL_ONLY
static bool driver_given(json_object *json, Error **errp)
{
    const char *file = hmp_str(json, "file");

    if (hmp_str(json, "driver")) {
        return true;
    }
    if (file && !node_lookup(file, file, errp)) {
        return false;
    }
    error_set(errp, file ? "Parameter 'driver' is missing"
                         : "Must specify either driver or file");
    return false;
}

/* -n: a node, with the options of -blockdev in the words of -drive. */
COROUTINE_ONLY CONTROL_ONLY static void co_add_node(Hmp *hmp, const char *text)
{
    json_object *json = json_keyval_parse(text, NULL, NULL, NULL), *name;
    BlockdevOptions *options = NULL;
    Error *err = NULL;

    if (!json || !json_object_object_get_ex(json, "node-name", &name)) {
        hmp_printf(hmp, "'node-name' needs to be specified\n");
        json_object_put(json);
        return;
    }
    if (hmp_str(json, "driver") && !driver_find(hmp_str(json, "driver"))) {
        error_set(&err, "Unknown driver '%s'", hmp_str(json, "driver"));
    } else if (driver_given(json, &err)) {
        options = loose_options_read(json, NULL, &err);
    }
    json_object_put(json);
    if (!options || !qmp_blockdev_add(options, &err)) {
        tell(hmp, err);
    }
    BlockdevOptions_free(options);
}

static bool asks_formats(Opts *opts)
{
    const char *format = opts_get(opts, "format");

    return format && (!strcmp(format, "help") || !strcmp(format, "?"));
}

COROUTINE_ONLY CONTROL_ONLY static void co_drive_add(Hmp *hmp,
                                                     json_object *args)
{
    static const DriveDefaults defaults = {.interface = DRIVE_IF_IDE};
    const char *text = hmp_str(args, "opts");
    json_object *node;
    Error *err = NULL;
    Drive *drive;
    Opts *opts;

    if (json_object_object_get_ex(args, "node", &node)) {
        co_add_node(hmp, text);
        return;
    }
    opts = opts_parse(text, NULL, NULL);
    if (asks_formats(opts)) {
        g_autofree char *formats = drive_formats_text();

        hmp_printf(hmp, "%s", formats);
        opts_free(opts);
        return;
    }
    drive = co_drive_new(opts, &defaults, &err);
    opts_free(opts);
    if (!drive) {
        tell(hmp, err);
    } else if (drive->interface != DRIVE_IF_NONE) {
        hmp_printf(hmp, "Can't hot-add drive to type %d\n",
                   (int)drive->interface);
        co_graph_lock();
        co_drive_free(drive);
        graph_unlock();
    } else {
        hmp_printf(hmp, "OK\n");
    }
}

const HmpCommand hmp_drive_add = {
    .name = "drive_add",
    .args = {{"node", HMP_FLAG, .flag = 'n'},
             {"pci_addr", HMP_STRING},
             {"opts", HMP_STRING}},
    .params = "[-n] [[<domain>:]<bus>:]<slot>\n"
              "[file=file][,if=type][,bus=n]\n"
              "[,unit=m][,media=d][,index=i]\n"
              "[,snapshot=on|off][,cache=on|off]\n"
              "[,readonly=on|off][,copy-on-read=on|off]",
    .help = "add drive to PCI storage controller",
    .co_run = co_drive_add,
};

COROUTINE_ONLY CONTROL_ONLY static void co_drive_del(Hmp *hmp,
                                                     json_object *args)
{
    const char *name = hmp_str(args, "id");
    Backend *backend = backend_by_name(name);
    Drive *drive = backend ? drive_of_backend(backend) : NULL;
    QmpBlockdevDelArgs del = {.node_name = (char *)name};
    Error *err = NULL;

    if (drive) {
        co_graph_lock();
        if (!co_drive_delete(drive, &err)) {
            tell(hmp, err);
        }
        graph_unlock();
        co_backends_ejected();
    } else if (!node_find(name)) {
        hmp_printf(hmp, "Device '%s' not found\n", name);
    } else if (!qmp_blockdev_del(&del, &err)) {
        tell(hmp, err);
    }
}

const HmpCommand hmp_drive_del = {
    .name = "drive_del",
    .args = {{"id", HMP_DEVICE}},
    .params = "device",
    .help = "remove host block device",
    .co_run = co_drive_del,
};
