/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark machine --help`. */
#include <stdio.h>

#include "tools/machine/options.h"
#include "util/error.h"

void machine_help(void)
{
    printf("Usage: %s [options] [disk_image]\n", error_program_name());
    fputs(
        "A machine without a guest: its devices are the users of disks, and\n"
        "what a guest would write is written by HMP `qemu-io`. Options may\n"
        "begin with one dash or two.\n"
        "\n"
        "Disks:\n"
        "  -blockdev [driver=]DRIVER,node-name=NAME[,OPTION=VALUE...]\n"
        "      open a node; JSON is fine, too\n"
        "  -drive [file=FILE][,format=FORMAT][,id=NAME][,if=none|virtio|ide|\n"
        "         scsi|floppy][,media=disk|cdrom][,readonly=on|off]\n"
        "         "
        "[,snapshot=on|off][,cache=MODE][,aio=threads|native|io_uring]\n"
        "         [,discard=ignore|unmap][,detect-zeroes=on|off|unmap]\n"
        "         [,rerror=ACTION][,werror=ACTION][,copy-on-read=on|off]\n"
        "         [,throttling.LIMIT=N][,OPTION=VALUE...]\n"
        "      make a drive; format=help lists the formats\n"
        "  -hda, -hdb, -hdc, -hdd, -cdrom, -fda, -fdb, -sd, -pflash FILE\n"
        "  -snapshot            write to files that are forgotten\n"
        "  -add-fd fd=FD,set=SET[,opaque=TEXT]\n"
        "\n"
        "Devices:\n"
        "  -machine NAME        its kind; help lists them\n"
        "  -device MODEL[,id=ID][,drive=NAME][,PROPERTY=VALUE...]\n"
        "      plug in a device; help lists the models\n"
        "  -object TYPE,id=ID[,OPTION=VALUE...]\n"
        "      make an object: iothread, throttle-group, secret...; help "
        "lists\n"
        "      the types\n"
        "  -nodefaults          without default devices\n"
        "\n"
        "Monitors:\n"
        "  -chardev socket,id=ID,path=PATH[,server=on[,wait=off]]\n"
        "  -chardev socket,id=ID,fd=NUMBER\n"
        "  -chardev stdio,id=ID\n"
        "  -mon [chardev=]ID[,mode=readline|control][,pretty=on|off]\n"
        "  -qmp, -qmp-pretty, -monitor stdio|unix:PATH[,server=on,wait=off]|\n"
        "         tcp:HOST:PORT|none\n"
        "\n"
        "Life:\n"
        "  -S                   do not let it run at the start\n"
        "  -no-shutdown         stay when it is switched off\n"
        "  -incoming URI|defer  wait for a migration\n"
        "  -pidfile FILE, -daemonize, -name TEXT, -uuid UUID\n"
        "  -qtest unix:PATH     connect there and take commands; limits then "
        "go\n"
        "                       by the clock of clock_step\n"
        "  -accel NAME          qtest: the same clock\n"
        "  -msg [timestamp=on][,guest-name=on]\n"
        "                       what stands in front of messages\n"
        "  -h, -help, -version\n"
        "\n"
        "Options of QEMU that only a guest would notice are accepted.\n",
        stdout);
}
