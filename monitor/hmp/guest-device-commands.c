/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of devices that are not disks: cards, balloons, errors of buses.
 */
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-keyval.h"

COROUTINE_ONLY CONTROL_ONLY static void co_balloon(Hmp *hmp, json_object *args)
{
    co_hmp_call(hmp, "balloon", json_object_get(args), NULL);
}

static void co_hostfwd(Hmp *hmp, json_object *args)
{
    if (hmp_str(args, "arg2")) {
        hmp_printf(hmp, "unrecognized netdev id '%s'\n", hmp_str(args, "arg1"));
    } else {
        hmp_printf(hmp, "user mode network stack not in use\n");
    }
}

/* Lists of which people write one member. */
static void make_lists(json_object *words)
{
    static const char *const lists[] = {"dnssearch", "guestfwd", "hostfwd"};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const char *text = hmp_str(words, lists[i]);

        if (text) {
            json_object *list = json_object_new_array();

            json_object_array_add(
                list, hmp_object("str", hmp_new_string(text), NULL));
            json_object_object_add(words, lists[i], list);
        }
    }
}

static void tell(Hmp *hmp, Error *err, json_object *words)
{
    json_object_object_foreach(words, name, value)
    {
        g_autofree char *text =
            g_strdup_printf("Parameter '%s' is unexpected", name);

        if (value && !strcmp(error_text(err), text)) {
            hmp_printf(hmp, "Error: Invalid parameter '%s'\n", name);
            error_free(err);
            return;
        }
    }
    hmp_error(hmp, err);
}

COROUTINE_ONLY CONTROL_ONLY static void co_netdev_add(Hmp *hmp,
                                                      json_object *args)
{
    const char *text = hmp_str(args, "netdev");
    Error *err = NULL;
    json_object *words =
        json_keyval_parse(text ? text : "", "type", NULL, &err);
    Netdev *options = NULL;

    if (words) {
        make_lists(words);
        options = Netdev_from_keyval(words, &err);
    }
    if (options) {
        qmp_netdev_add(options, &err);
    }
    if (err && words) {
        tell(hmp, err, words);
    } else {
        hmp_error(hmp, err);
    }
    Netdev_free(options);
    json_object_put(words);
}

static void co_pcie_aer_inject_error(Hmp *hmp, json_object *args)
{
    hmp_printf(hmp,
               "id or pci device path is invalid or device not found. %s\n",
               hmp_str(args, "id"));
}

const HmpCommand hmp_announce_self = {
    .name = "announce_self",
    .args = {{"interfaces", HMP_STRING, true}, {"id", HMP_STRING, true}},
    .params = "[interfaces] [id]",
    .help = "Trigger GARP/RARP announcements",
    .answer = "",
};

const HmpCommand hmp_balloon = {
    .name = "balloon",
    .args = {{"value", HMP_MEGABYTES}},
    .params = "target",
    .help = "request VM to change its memory allocation (in MB)",
    .co_run = co_balloon,
};

const HmpCommand hmp_hostfwd_add = {
    .name = "hostfwd_add",
    .args = {{"arg1", HMP_STRING}, {"arg2", HMP_STRING, true}},
    .params = "[netdev_id] [tcp|udp]:[hostaddr]:hostport-[guestaddr]:guestport",
    .help = "redirect TCP or UDP connections from host to guest (requires -net "
            "user)",
    .co_run = co_hostfwd,
};

const HmpCommand hmp_hostfwd_remove = {
    .name = "hostfwd_remove",
    .args = {{"arg1", HMP_STRING}, {"arg2", HMP_STRING, true}},
    .params = "[netdev_id] [tcp|udp]:[hostaddr]:hostport",
    .help = "remove host-to-guest TCP or UDP redirection",
    .co_run = co_hostfwd,
};

const HmpCommand hmp_netdev_add = {
    .name = "netdev_add",
    .args = {{"netdev", HMP_OPTIONS}},
    .params = "[user|tap|socket|stream|dgram|vde|bridge|hubport|netmap|vhost-"
              "user],id=str[,prop=value][,...]",
    .help = "add host network device",
    .co_run = co_netdev_add,
};

const HmpCommand hmp_netdev_del = {
    .name = "netdev_del",
    .args = {{"id", HMP_STRING}},
    .params = "id",
    .help = "remove host network device",
    .qmp = "netdev_del",
};

const HmpCommand hmp_pcie_aer_inject_error = {
    .name = "pcie_aer_inject_error",
    .args = {{"advisory_non_fatal", HMP_FLAG, .flag = 'a'},
             {"correctable", HMP_FLAG, .flag = 'c'},
             {"id", HMP_STRING},
             {"error_status", HMP_STRING},
             {"header0", HMP_INT, true},
             {"header1", HMP_INT, true},
             {"header2", HMP_INT, true},
             {"header3", HMP_INT, true},
             {"prefix0", HMP_INT, true},
             {"prefix1", HMP_INT, true},
             {"prefix2", HMP_INT, true},
             {"prefix3", HMP_INT, true}},
    .params =
        "[-a] [-c] id <error_status> [<tlp header> [<tlp header prefix>]]",
    .help = "inject pcie aer error\n"
            "\t\t\t -a for advisory non fatal error\n"
            "\t\t\t -c for correctable error\n"
            "\t\t\t<id> = qdev device id\n"
            "\t\t\t<error_status> = error string or 32bit\n"
            "\t\t\t<tlp header> = 32bit x 4\n"
            "\t\t\t<tlp header prefix> = 32bit x 4",
    .co_run = co_pcie_aer_inject_error,
};

const HmpCommand hmp_set_link = {
    .name = "set_link",
    .args = {{"name", HMP_STRING}, {"up", HMP_SWITCH}},
    .params = "name on|off",
    .help = "change the link status of a network adapter",
    .qmp = "set_link",
};
