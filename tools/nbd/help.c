/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark nbd --help`. */
#include "tools/nbd/nbd.h"

#include <stdio.h>

void nbd_tool_print_help(void)
{
    const char *name = error_program_name();

    printf("Usage: %s [OPTIONS] FILE\n  or:  %s -L [OPTIONS]\n", name, name);
    fputs(
        "Serve one disk image over NBD, or list what a server has.\n"
        "\n"
        "  -h, --help                print this\n"
        "  -V, --version             print the version\n"
        "\n"
        "Where, and for whom:\n"
        "  -p, --port=PORT           TCP port (10809)\n"
        "  -b, --bind=ADDRESS        its address (0.0.0.0)\n"
        "  -k, --socket=PATH         a unix socket instead; absolute\n"
        "  -e, --shared=NUM          clients at a time (1); 0: any number\n"
        "  -t, --persistent          go on when the last client has gone\n"
        "  -x, --export-name=NAME    name of the export (\"\")\n"
        "  -D, --description=TEXT    what it is, for people\n"
        "      --tls-creds=ID        nothing goes without TLS; ID is that of\n"
        "                            an --object\n"
        "      --tls-authz=ID        the object that says who may connect\n"
        "      --tls-hostname=NAME   whose certificate is expected (-L)\n"
        "\n"
        "What of the image:\n"
        "  -r, --read-only           clients may not write\n"
        "  -o, --offset=OFFSET       what lies behind OFFSET only\n"
        "  -s, --snapshot            writes go to a temporary file\n"
        "  -l, --load-snapshot=NAME  a snapshot inside the image, read-only:\n"
        "                            ID or name, or\n"
        "                            'snapshot.id=ID,snapshot.name=NAME'\n"
        "  -B, --bitmap=NAME         show a dirty bitmap (again for more)\n"
        "  -A, --allocation-depth    show how deep in the chain data lies\n"
        "\n"
        "How it is opened:\n"
        "  -f, --format=FORMAT       probed if not given\n"
        "      --image-opts          FILE is an option string\n"
        "  -n, --nocache             the same as --cache=none\n"
        "      --cache=MODE          none, writeback, writethrough, "
        "directsync\n"
        "                            or unsafe\n"
        "      --aio=MODE            threads, native or io_uring\n"
        "      --discard=MODE        ignore or unmap\n"
        "      --detect-zeroes=MODE  off, on or unmap\n"
        "      --object=TYPE,id=ID   make an object that options refer to\n"
        "\n"
        "How it runs:\n"
        "  -L, --list                list the exports of the server at -p, -b\n"
        "                            or -k\n"
        "      --fork                go to the background once it serves\n"
        "      --pid-file=PATH       write the process id there\n"
        "  -v, --verbose             say more\n"
        "  -T, --trace=PATTERN       this version has no trace events\n"
        "\n"
        "A socket passed by systemd (LISTEN_FDS) is used in place of -p, -b "
        "and -k.\n",
        stdout);
}
