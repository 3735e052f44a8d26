/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that look into a guest: there is none.
 * Where QEMU's machine has no processor either, its own words are used.
 */
#include "devices/about.h"
#include "monitor/hmp/commands.h"

CONTROL_ONLY
static void co_cpu(Hmp *hmp, json_object *args)
{
    int64_t index = hmp_int(args, "index", 0);

    if (index >= machine_cpus()) {
        hmp_printf(hmp, "invalid CPU index\n");
    }
}

CONTROL_ONLY
static void co_gdbserver(Hmp *hmp, json_object *args)
{
    const char *device = hmp_str(args, "device");

    if (!machine_cpus()) {
        hmp_printf(hmp,
                   "gdbstub: meaningless to attach gdb to a machine without "
                   "any CPU.\nCould not open gdbserver on device '%s'\n",
                   device ? device : "tcp::1234");
    } else if (device && !strcmp(device, "none")) {
        hmp_printf(hmp, "Disabled gdbserver\n");
    } else {
        hmp_printf(hmp, "Error: gdbserver: this machine has no guest\n");
    }
}

static void co_no_memory_at(Hmp *hmp, json_object *args)
{
    hmp_printf(hmp, "No memory is mapped at address 0x%" PRIx64 "\n",
               hmp_int(args, "addr", 0));
}

const HmpCommand hmp_cpu = {
    .name = "cpu",
    .args = {{"index", HMP_INT}},
    .params = "index",
    .help = "set the default CPU",
    .co_run = co_cpu,
};

const HmpCommand hmp_dump_guest_memory = {
    .name = "dump-guest-memory",
    .args = {{"paging", HMP_FLAG, .flag = 'p'},
             {"detach", HMP_FLAG, .flag = 'd'},
             {"windmp", HMP_FLAG, .flag = 'w'},
             {"zlib", HMP_FLAG, .flag = 'z'},
             {"lzo", HMP_FLAG, .flag = 'l'},
             {"snappy", HMP_FLAG, .flag = 's'},
             {"filename", HMP_FILENAME},
             {"begin", HMP_LONG, true},
             {"length", HMP_LONG, true}},
    .params = "[-p] [-d] [-z|-l|-s|-w] filename [begin length]",
    .help =
        "dump guest memory into file 'filename'.\n"
        "\t\t\t-p: do paging to get guest's memory mapping.\n"
        "\t\t\t-d: return immediately (do not wait for completion).\n"
        "\t\t\t-z: dump in kdump-compressed format, with zlib compression.\n"
        "\t\t\t-l: dump in kdump-compressed format, with lzo compression.\n"
        "\t\t\t-s: dump in kdump-compressed format, with snappy compression.\n"
        "\t\t\t-w: dump in Windows crashdump format (can be used instead of "
        "ELF-dump converting),\n"
        "\t\t\t    for Windows x86 and x64 guests with vmcoreinfo driver "
        "only.\n"
        "\t\t\tbegin: the starting physical address.\n"
        "\t\t\tlength: the memory size, in bytes.",
    .refused = HMP_NO_MEMORY,
    .bare = "Error: dump: no guest memory to dump\n",
};

const HmpCommand hmp_dumpdtb = {
    .name = "dumpdtb",
    .args = {{"filename", HMP_FILENAME}},
    .params = "filename",
    .help = "dump the FDT in dtb format to 'filename'",
    .answer = "Error: This machine doesn't have a FDT\n",
};

const HmpCommand hmp_gdbserver = {
    .name = "gdbserver",
    .args = {{"device", HMP_STRING, true}},
    .params = "[device]",
    .help = "start gdbserver on given device (default 'tcp::1234'), stop with "
            "'none'",
    .co_run = co_gdbserver,
};

const HmpCommand hmp_gpa2hpa = {
    .name = "gpa2hpa",
    .args = {{"addr", HMP_LONG}},
    .params = "addr",
    .help = "print the host physical address corresponding to a guest physical "
            "address",
    .co_run = co_no_memory_at,
};

const HmpCommand hmp_gpa2hva = {
    .name = "gpa2hva",
    .args = {{"addr", HMP_LONG}},
    .params = "addr",
    .help = "print the host virtual address corresponding to a guest physical "
            "address",
    .co_run = co_no_memory_at,
};

const HmpCommand hmp_gva2gpa = {
    .name = "gva2gpa",
    .args = {{"addr", HMP_LONG}},
    .params = "addr",
    .help = "print the guest physical address corresponding to a guest virtual "
            "address",
    .refused = HMP_NO_PROCESSOR,
    .bare = "No cpu\n",
};

const HmpCommand hmp_i = {
    .name = "i",
    .args = {{"fmt", HMP_FORMAT}, {"addr", HMP_INT}},
    .params = "/fmt addr",
    .help = "I/O port read",
    .refused = HMP_NO_PORTS,
};

const HmpCommand hmp_mce = {
    .name = "mce",
    .args = {{"broadcast", HMP_FLAG, .flag = 'b'},
             {"cpu_index", HMP_INT},
             {"bank", HMP_INT},
             {"status", HMP_LONG},
             {"mcg_status", HMP_LONG},
             {"addr", HMP_LONG},
             {"misc", HMP_LONG}},
    .params = "[-b] cpu bank status mcgstatus addr misc",
    .help = "inject a MCE on the given CPU [and broadcast to other CPUs with "
            "-b option]",
    .refused = HMP_NO_PROCESSOR,
    .bare = "",
};

const HmpCommand hmp_memsave = {
    .name = "memsave",
    .args = {{"val", HMP_LONG}, {"size", HMP_INT}, {"filename", HMP_STRING}},
    .params = "addr size file",
    .help =
        "save to disk virtual memory dump starting at 'addr' of size 'size'",
    .refused = HMP_NO_MEMORY,
    .bare = "No CPU available\n",
};

const HmpCommand hmp_nmi = {
    .name = "nmi",
    .params = "",
    .help = "inject an NMI",
    .qmp = "inject-nmi",
};

const HmpCommand hmp_o = {
    .name = "o",
    .args = {{"fmt", HMP_FORMAT}, {"addr", HMP_INT}, {"val", HMP_INT}},
    .params = "/fmt addr value",
    .help = "I/O port write",
    .refused = HMP_NO_PORTS,
};

const HmpCommand hmp_pmemsave = {
    .name = "pmemsave",
    .args = {{"val", HMP_LONG}, {"size", HMP_INT}, {"filename", HMP_STRING}},
    .params = "addr size file",
    .help =
        "save to disk physical memory dump starting at 'addr' of size 'size'",
    .refused = HMP_NO_MEMORY,
};

const HmpCommand hmp_sum = {
    .name = "sum",
    .args = {{"start", HMP_LONG}, {"size", HMP_INT}},
    .params = "addr size",
    .help = "compute the checksum of a memory region",
    .refused = HMP_NO_MEMORY,
};

const HmpCommand hmp_x = {
    .name = "x",
    .args = {{"fmt", HMP_FORMAT}, {"addr", HMP_LONG}},
    .params = "/fmt addr",
    .help = "virtual memory dump starting at 'addr'",
    .refused = HMP_NO_MEMORY,
    .bare = "Can not dump without CPU\n",
};

const HmpCommand hmp_xp = {
    .name = "xp",
    .args = {{"fmt", HMP_FORMAT}, {"addr", HMP_LONG}},
    .params = "/fmt addr",
    .help = "physical memory dump starting at 'addr'",
    .refused = HMP_NO_MEMORY,
};
