/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `info` tells of a guest: that there is none.
 */
#include "devices/about.h"
#include "monitor/hmp/commands.h"

CONTROL_ONLY
static void co_info_registers(Hmp *hmp, json_object *args)
{
    int64_t vcpu = hmp_int(args, "vcpu", -1);
    bool all = hmp_flag(args, "cpustate_all");

    if (!all && vcpu < 0 && !machine_cpus()) {
        hmp_printf(hmp, "No CPU available\n");
    } else if (!all && vcpu >= machine_cpus()) {
        hmp_printf(hmp, "CPU#%" PRId64 " not available\n", vcpu);
    } else if (machine_cpus()) {
        hmp_printf(hmp, "Error: registers: this machine has no guest that a "
                        "processor would run\n");
    }
}

const HmpCommand hmp_info_capture = {
    .name = "capture",
    .params = "",
    .help = "show capture information",
    .answer = "",
};

const HmpCommand hmp_info_dirty_rate = {
    .name = "dirty_rate",
    .params = "",
    .help = "show dirty rate information",
    .answer = "Status: unstarted\n"
              "Start Time: 0 (ms)\n"
              "Sample Pages: 0 (per GB)\n"
              "Period: 0 (sec)\n"
              "Mode: page-sampling\n"
              "Dirty rate: (not ready)\n",
};

const HmpCommand hmp_info_dump = {
    .name = "dump",
    .params = "",
    .help = "Display the latest dump status",
    .answer = "Status: none\n",
};

const HmpCommand hmp_info_history = {
    .name = "history",
    .params = "",
    .help = "show the command line history",
    .answer = "",
};

const HmpCommand hmp_info_irq = {
    .name = "irq",
    .params = "",
    .help = "show the interrupts statistics (if available)",
    .refused = HMP_NO_PROCESSOR,
    .bare = "",
};

const HmpCommand hmp_info_jit = {
    .name = "jit",
    .params = "",
    .help = "show dynamic compiler info",
    .refused = HMP_NO_PROCESSOR,
};

const HmpCommand hmp_info_lapic = {
    .name = "lapic",
    .args = {{"apic-id", HMP_INT, true}},
    .params = "[apic-id]",
    .help = "show local apic state (apic-id: local apic to read, default is "
            "which of current CPU)",
    .refused = HMP_NO_PROCESSOR,
    .bare = "No CPU available\n",
};

const HmpCommand hmp_info_mem = {
    .name = "mem",
    .params = "",
    .help = "show the active virtual memory mappings",
    .refused = HMP_NO_PROCESSOR,
    .bare = "No CPU available\n",
};

const HmpCommand hmp_info_memory_devices = {
    .name = "memory-devices",
    .params = "",
    .help = "show memory devices",
    .answer = "",
};

const HmpCommand hmp_info_mtree = {
    .name = "mtree",
    .args = {{"flatview", HMP_FLAG, .flag = 'f'},
             {"dispatch_tree", HMP_FLAG, .flag = 'd'},
             {"owner", HMP_FLAG, .flag = 'o'},
             {"disabled", HMP_FLAG, .flag = 'D'}},
    .params = "[-f][-d][-o][-D]",
    .help = "show memory tree (-f: dump flat view for address spaces;-d: dump "
            "dispatch tree, valid with -f only);-o: dump region "
            "owners/parents;-D: dump disabled regions",
    .refused = HMP_NO_MEMORY,
};

const HmpCommand hmp_info_numa = {
    .name = "numa",
    .params = "",
    .help = "show NUMA information",
    .answer = "0 nodes\n",
};

const HmpCommand hmp_info_opcount = {
    .name = "opcount",
    .params = "",
    .help = "show dynamic compiler opcode counters",
    .answer = "[TCG profiler not compiled]\n",
};

const HmpCommand hmp_info_pic = {
    .name = "pic",
    .params = "",
    .help = "show PIC state",
    .refused = HMP_NO_PROCESSOR,
    .bare = "",
};

const HmpCommand hmp_info_profile = {
    .name = "profile",
    .params = "",
    .help = "show profiling information",
    .answer = "Error: Internal profiler not compiled\n",
};

const HmpCommand hmp_info_ramblock = {
    .name = "ramblock",
    .params = "",
    .help = "Display system ramblock information",
    .refused = HMP_NO_MEMORY,
    .bare = "              Block Name    PSize              Offset             "
            "  Used              Total\n",
};

const HmpCommand hmp_info_rdma = {
    .name = "rdma",
    .params = "",
    .help = "show RDMA state",
    .answer = "",
};

const HmpCommand hmp_info_registers = {
    .name = "registers",
    .args = {{"cpustate_all", HMP_FLAG, .flag = 'a'}, {"vcpu", HMP_INT, true}},
    .params = "[-a|vcpu]",
    .help = "show the cpu registers (-a: show register info for all cpus; "
            "vcpu: specific vCPU to query; show the current CPU's registers if "
            "no argument is specified)",
    .co_run = co_info_registers,
};

const HmpCommand hmp_info_replay = {
    .name = "replay",
    .params = "",
    .help = "show record/replay information",
    .answer = "Record/replay is not active\n",
};

const HmpCommand hmp_info_sync_profile = {
    .name = "sync-profile",
    .args = {{"mean", HMP_FLAG, .flag = 'm'},
             {"no_coalesce", HMP_FLAG, .flag = 'n'},
             {"max", HMP_INT, true}},
    .params = "[-m] [-n] [max]",
    .help = "show synchronization profiling info, up to max entries (default: "
            "10), sorted by total wait time. (-m: sort by mean wait time; -n: "
            "do not coalesce objects with the same call site)",
    .answer = "Type               Object  Call site  Wait Time (s)         "
              "Count  Average (us)\n"
              "----------------------------------------"
              "---------------------------------------\n"
              "----------------------------------------"
              "---------------------------------------\n",
};

const HmpCommand hmp_info_tlb = {
    .name = "tlb",
    .params = "",
    .help = "show virtual to physical memory mappings",
    .refused = HMP_NO_PROCESSOR,
    .bare = "No CPU available\n",
};

const HmpCommand hmp_info_vcpu_dirty_limit = {
    .name = "vcpu_dirty_limit",
    .params = "",
    .help = "show dirty page limit information of all vCPU",
    .answer = "Dirty page limit not enabled!\n",
};
