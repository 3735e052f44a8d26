/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `info` tells of hardware that is no disk.
 */
#include "devices/about.h"
#include "devices/device.h"
#include "monitor/hmp/commands.h"

static void show_number(Hmp *hmp, json_object *props, const char *name)
{
    int64_t value = hmp_int(props, name, -1);

    if (value >= 0) {
        hmp_printf(hmp, "    %s: \"%" PRId64 "\"\n", name, value);
    }
}

static void show_cpu(Hmp *hmp, json_object *cpu)
{
    const char *path = hmp_str(cpu, "qom-path");
    json_object *props;

    hmp_printf(hmp, "  type: \"%s\"\n", hmp_str(cpu, "type"));
    hmp_printf(hmp, "  vcpus_count: \"%" PRId64 "\"\n",
               hmp_int(cpu, "vcpus-count", 0));
    if (path) {
        hmp_printf(hmp, "  qom_path: \"%s\"\n", path);
    }
    hmp_printf(hmp, "  CPUInstance Properties:\n");
    if (json_object_object_get_ex(cpu, "props", &props)) {
        show_number(hmp, props, "node-id");
        show_number(hmp, props, "socket-id");
        show_number(hmp, props, "die-id");
        show_number(hmp, props, "core-id");
        show_number(hmp, props, "thread-id");
    }
}

COROUTINE_ONLY CONTROL_ONLY static void
co_info_hotpluggable_cpus(Hmp *hmp, json_object *args)
{
    json_object *list = NULL;

    if (!co_hmp_call(hmp, "query-hotpluggable-cpus", NULL, &list)) {
        return;
    }
    hmp_printf(hmp, "Hotpluggable CPUs:\n");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        show_cpu(hmp, json_object_array_get_idx(list, i));
    }
    json_object_put(list);
}

static void co_no_rocker(Hmp *hmp, json_object *args)
{
    hmp_printf(hmp, "Error: rocker %s not found\n", hmp_str(args, "name"));
}

CONTROL_ONLY
static bool has_usb(void)
{
    for (Bus *bus = bus_next(NULL); bus; bus = bus_next(bus)) {
        if (!strcmp(bus->type, "usb-bus")) {
            return true;
        }
    }
    return false;
}

/* What is plugged in stands in info qtree. */
CONTROL_ONLY
static void co_info_usb(Hmp *hmp, json_object *args)
{
    hmp_printf(hmp, has_usb() ? "" : "Error: USB support not enabled\n");
}

const HmpCommand hmp_info_hotpluggable_cpus = {
    .name = "hotpluggable-cpus",
    .params = "",
    .help = "Show information about hotpluggable CPUs",
    .co_run = co_info_hotpluggable_cpus,
};

const HmpCommand hmp_info_memdev = {
    .name = "memdev",
    .params = "",
    .help = "show memory backends",
    .bare = "\n",
    .refused = HMP_NO_MEMORY,
};

const HmpCommand hmp_info_mice = {
    .name = "mice",
    .params = "",
    .help = "show which guest mouse is receiving events",
    .refused = "this machine has no mice",
    .bare = "No mouse devices connected\n",
};

const HmpCommand hmp_info_network = {
    .name = "network",
    .params = "",
    .help = "show the network state",
    .answer = "",
};

const HmpCommand hmp_info_pci = {
    .name = "pci",
    .params = "",
    .help = "show PCI info",
    .refused =
        "this machine has no guest that would set PCI up; see info qtree",
    .bare = "",
};

const HmpCommand hmp_info_rocker = {
    .name = "rocker",
    .args = {{"name", HMP_STRING}},
    .params = "name",
    .help = "Show rocker switch",
    .co_run = co_no_rocker,
};

const HmpCommand hmp_info_rocker_of_dpa_flows = {
    .name = "rocker-of-dpa-flows",
    .args = {{"name", HMP_STRING}, {"tbl_id", HMP_INT, true}},
    .params = "name [tbl_id]",
    .help = "Show rocker OF-DPA flow tables",
    .co_run = co_no_rocker,
};

const HmpCommand hmp_info_rocker_of_dpa_groups = {
    .name = "rocker-of-dpa-groups",
    .args = {{"name", HMP_STRING}, {"type", HMP_INT, true}},
    .params = "name [type]",
    .help = "Show rocker OF-DPA groups",
    .co_run = co_no_rocker,
};

const HmpCommand hmp_info_rocker_ports = {
    .name = "rocker-ports",
    .args = {{"name", HMP_STRING}},
    .params = "name",
    .help = "Show rocker ports",
    .co_run = co_no_rocker,
};

const HmpCommand hmp_info_roms = {
    .name = "roms",
    .params = "",
    .help = "show roms",
    .refused = "this machine has no guest that would read them",
    .bare = "",
};

const HmpCommand hmp_info_sev = {
    .name = "sev",
    .params = "",
    .help = "show SEV information",
    .answer = "SEV is not enabled\n",
};

const HmpCommand hmp_info_sgx = {
    .name = "sgx",
    .params = "",
    .help = "show intel SGX information",
    .bare = "SGX is only supported on PC machines\n",
    .answer = "No EPC regions defined, SGX not available\n",
};

const HmpCommand hmp_info_spice = {
    .name = "spice",
    .params = "",
    .help = "show the spice server status",
    .answer = "Server: disabled\n",
};

const HmpCommand hmp_info_tpm = {
    .name = "tpm",
    .params = "",
    .help = "show the TPM device",
    .answer = "",
};

const HmpCommand hmp_info_usb = {
    .name = "usb",
    .params = "",
    .help = "show guest USB devices",
    .co_run = co_info_usb,
};

const HmpCommand hmp_info_usbhost = {
    .name = "usbhost",
    .params = "",
    .help = "show host USB devices",
    .answer = "Command \"info usbhost\" is not available.\n",
};

const HmpCommand hmp_info_usernet = {
    .name = "usernet",
    .params = "",
    .help = "show user network stack connection states",
    .answer = "",
};

const HmpCommand hmp_info_vm_generation_id = {
    .name = "vm-generation-id",
    .params = "",
    .help = "Show Virtual Machine Generation ID",
    .answer = "Error: VM Generation ID device not found\n",
};

const HmpCommand hmp_info_vnc = {
    .name = "vnc",
    .params = "",
    .help = "show the vnc server status",
    .answer = "None\n",
};
