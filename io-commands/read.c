/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command `read`: reads an area, perhaps shows or checks it. */
#include <getopt.h>
#include <stdio.h>

#include "block/file/root-vm-state.h"
#include "io-commands/io-commands.h"
#include "util/stdout.h"

typedef struct Read {
    IoReport report;
    bool verbose, vm_state;
    int pattern; /* -1: not checked */
    bool has_check_start, has_check_bytes;
    const char *length_word;
    uint64_t offset, bytes, check_start, check_bytes;
} Read;

static int take_option(Read *r, int option)
{
    switch (option) {
    case 'C':
        r->report.machine = true;
        return 0;
    case 'q':
        r->report.quiet = true;
        return 0;
    case 'v':
        r->verbose = true;
        return 0;
    case 'p':
        return 0; /* means nothing since long; scripts still give it */
    case 'P':
        return io_parse_pattern(optarg, &r->pattern);
    case 's':
        r->has_check_start = true;
        return io_parse_number(optarg, &r->check_start);
    case 'l':
        r->has_check_bytes = true;
        return io_parse_number(optarg, &r->check_bytes);
    case 'b':
        r->vm_state = true;
        return 0;
    default:
        io_print_usage(&io_command_read);
        return -1;
    }
}

static int check_bounds(Read *r)
{
    if ((r->has_check_start || r->has_check_bytes) && r->pattern < 0) {
        io_print_usage(&io_command_read);
        return -1;
    }
    if (r->bytes > IO_MAX_BYTES) {
        printf("length cannot exceed %" PRIu64 ", given %s\n", IO_MAX_BYTES,
               r->length_word);
        return -1;
    }
    if (!r->has_check_bytes && r->check_start <= r->bytes) {
        r->check_bytes = r->bytes - r->check_start;
    }
    if (!range_fits(r->check_start, r->check_bytes, r->bytes)) {
        printf("pattern verification range exceeds end of read data\n");
        return -1;
    }
    return 0;
}

static int parse(Read *r, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "bCl:pP:qs:v")) != -1) {
        if (take_option(r, option) < 0) {
            return -1;
        }
    }
    if (optind != argc - 2) {
        io_print_usage(&io_command_read);
        return -1;
    }
    r->length_word = argv[optind + 1];
    if (io_parse_number(argv[optind], &r->offset) < 0 ||
        io_parse_number(r->length_word, &r->bytes) < 0) {
        return -1;
    }
    if (r->vm_state && io_check_sectors(r->offset, r->bytes) < 0) {
        return -1;
    }
    return check_bounds(r);
}

COROUTINE_ONLY CONTROL_ONLY static int co_read_buffer(IoShell *shell, Read *r,
                                                      uint8_t *buf)
{
    int ret;

    io_report_begin(&r->report);
    ret = r->vm_state
              ? co_root_vm_state_read(shell->root, r->offset, r->bytes, buf)
              : co_root_pread(shell->root, r->offset, r->bytes, buf);
    co_io_settle_behind(shell, ret);
    co_stdout_settle();
    if (ret < 0) {
        printf("read failed: %s\n", strerror(-ret));
        return -1;
    }
    ret = r->pattern >= 0
              ? io_check_pattern(buf + r->check_start, r->check_bytes,
                                 r->pattern, r->offset + r->check_start)
              : 0;
    if (r->verbose && !r->report.quiet) {
        io_dump(buf, r->offset, r->bytes);
    }
    io_report_end(&r->report, "read", r->offset, r->bytes, r->bytes);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int co_read(IoShell *shell, int argc,
                                               char **argv)
{
    Read r = {.pattern = -1};
    uint8_t *buf;
    int ret;

    if (parse(&r, argc, argv) < 0) {
        return -1;
    }
    buf = io_command_buffer(shell->root, r.bytes);
    if (!buf) {
        printf("read failed: %s\n", strerror(ENOMEM));
        return -1;
    }
    /* Bytes that a broken read leaves alone must not look like zeroes. */
    memset(buf, 0xab, r.bytes);
    ret = co_read_buffer(shell, &r, buf);
    io_buffer_free(buf);
    return ret;
}

const IoCommand io_command_read = {
    .name = "read",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .arguments = "[-abCqv] [-P pattern [-s off] [-l len]] off len",
    .purpose = "reads a number of bytes at a specified offset",
    .help = " -b, -- of the state of a machine, behind the disk\n"
            " -C, -- report in a form for programs\n"
            " -l, -- how many bytes to check (with -P)\n"
            " -P, -- check that the bytes are this one\n"
            " -q, -- no report\n"
            " -s, -- where to begin to check (with -P)\n"
            " -v, -- show the bytes\n",
    .co_run = co_read,
};
