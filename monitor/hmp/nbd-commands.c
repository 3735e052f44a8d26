/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the NBD server. */
#include "monitor/hmp/commands.h"

/* "unix:PATH" or "[HOST]:PORT" as an address of QMP; NULL with QEMU's text. */
static json_object *parse_address(const char *text, Error **errp)
{
    const char *port = strrchr(text, ':');
    g_autofree char *host = NULL;

    if (!strcmp(text, "unix:")) {
        error_set(errp, "invalid Unix socket address");
        return NULL;
    }
    if (g_str_has_prefix(text, "unix:")) {
        return hmp_object("type", hmp_new_string("unix"), "data",
                          hmp_object("path", hmp_new_string(text + 5), NULL),
                          NULL);
    }
    if (!port) {
        error_set(errp, "error parsing address '%s'", text);
        return NULL;
    }
    host = g_strndup(text, port - text);
    if (host[0] == '[' && g_str_has_suffix(host, "]")) {
        host[strlen(host) - 1] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    return hmp_object("type", hmp_new_string("inet"), "data",
                      hmp_object("host", hmp_new_string(host), "port",
                                 hmp_new_string(port + 1), NULL),
                      NULL);
}

/* One of query-block; without a medium there is nothing to export. */
COROUTINE_ONLY CONTROL_ONLY static bool co_export(json_object *info,
                                                  bool writable, Error **errp)
{
    const char *device = hmp_str(info, "device"), *name = device;
    json_object *inserted;

    if (!json_object_object_get_ex(info, "inserted", &inserted)) {
        return true;
    }
    if (!*name) {
        name = hmp_str(inserted, "node-name");
    }
    return co_hmp_try("nbd-server-add",
                      hmp_object("device", hmp_new_string(name), "writable",
                                 hmp_new_bool(writable), NULL),
                      NULL, errp);
}

/* All devices, or none: then the server is stopped again. */
COROUTINE_ONLY CONTROL_ONLY static void co_export_all(Hmp *hmp, bool writable)
{
    json_object *list = NULL;
    Error *err = NULL;

    if (!co_hmp_call(hmp, "query-block", NULL, &list)) {
        return;
    }
    for (size_t i = 0; !err && i < json_object_array_length(list); i++) {
        co_export(json_object_array_get_idx(list, i), writable, &err);
    }
    json_object_put(list);
    if (err) {
        co_hmp_try("nbd-server-stop", NULL, NULL, NULL);
        hmp_error(hmp, err);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_nbd_server_start(Hmp *hmp,
                                                            json_object *args)
{
    bool all = hmp_flag(args, "all"), writable = hmp_flag(args, "writable");
    json_object *addr = NULL;
    Error *err = NULL;

    if (writable && !all) {
        error_set(&err, "-w only valid together with -a");
    } else {
        addr = parse_address(hmp_str(args, "uri"), &err);
    }
    if (!addr) {
        hmp_error(hmp, err);
        return;
    }
    if (co_hmp_call(hmp, "nbd-server-start", hmp_object("addr", addr, NULL),
                    NULL) &&
        all) {
        co_export_all(hmp, writable);
    }
}

const HmpCommand hmp_nbd_server_start = {
    .name = "nbd_server_start",
    .args = {{"all", HMP_FLAG, .flag = 'a'},
             {"writable", HMP_FLAG, .flag = 'w'},
             {"uri", HMP_STRING}},
    .params = "nbd_server_start [-a] [-w] host:port",
    .help = "serve block devices on the given host and port",
    .co_run = co_nbd_server_start,
};

const HmpCommand hmp_nbd_server_add = {
    .name = "nbd_server_add",
    .args = {{"writable", HMP_FLAG, .flag = 'w'},
             {"device", HMP_DEVICE},
             {"name", HMP_STRING, true}},
    .params = "nbd_server_add [-w] device [name]",
    .help = "export a block device via NBD",
    .qmp = "nbd-server-add",
};

COROUTINE_ONLY CONTROL_ONLY static void co_nbd_server_remove(Hmp *hmp,
                                                             json_object *args)
{
    bool force = hmp_flag(args, "force");

    co_hmp_call(hmp, "nbd-server-remove",
                hmp_object("name", hmp_new_string(hmp_str(args, "name")),
                           "mode", hmp_new_string(force ? "hard" : "safe"),
                           NULL),
                NULL);
}

const HmpCommand hmp_nbd_server_remove = {
    .name = "nbd_server_remove",
    .args = {{"force", HMP_FLAG, .flag = 'f'}, {"name", HMP_STRING}},
    .params = "nbd_server_remove [-f] name",
    .help = "remove an export previously exposed via NBD",
    .co_run = co_nbd_server_remove,
};

const HmpCommand hmp_nbd_server_stop = {
    .name = "nbd_server_stop",
    .params = "nbd_server_stop",
    .help = "stop serving block devices using the NBD protocol",
    .qmp = "nbd-server-stop",
};
