/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command `write`: a pattern, a file's content, or zeroes. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "block/file/root-vm-state.h"
#include "io-commands/io-commands.h"
#include "util/report-order.h"
#include "util/stdout.h"

typedef struct Write {
    IoReport report;
    bool zeroes, has_pattern, no_fallback, unmap, compressed;
    bool vm_state;
    int pattern;
    const char *source; /* -s: file whose bytes are repeated */
    ReqFlags flags;
    const char *length_word;
    uint64_t offset, bytes;
} Write;

static int take_option(Write *w, int option)
{
    switch (option) {
    case 'C':
        w->report.machine = true;
        return 0;
    case 'f':
        w->flags |= REQ_FUA;
        return 0;
    case 'n':
        w->no_fallback = true;
        return 0;
    case 'p':
        return 0; /* means nothing since long; scripts still give it */
    case 'P':
        w->has_pattern = true;
        return io_parse_pattern(optarg, &w->pattern);
    case 'q':
        w->report.quiet = true;
        return 0;
    case 's':
        w->source = optarg;
        return 0;
    case 'u':
        w->unmap = true;
        return 0;
    case 'z':
        w->zeroes = true;
        return 0;
    case 'b':
        w->vm_state = true;
        return 0;
    case 'c':
        w->compressed = true;
        return 0;
    default:
        io_print_usage(&io_command_write);
        return -1;
    }
}

static int check_options(const Write *w)
{
    if (w->vm_state && w->zeroes) {
        printf("-b and -z cannot be specified at the same time\n");
        return -1;
    }
    if ((w->compressed || w->vm_state) && (w->flags & REQ_FUA)) {
        printf("-f and -b or -c cannot be specified at the same time\n");
        return -1;
    }
    if (w->zeroes + w->has_pattern + (w->source != NULL) > 1) {
        printf("Only one of -z, -P, and -s can be specified at the same "
               "time\n");
        return -1;
    }
    if (w->no_fallback && !w->zeroes) {
        printf("-n requires -z to be specified\n");
        return -1;
    }
    if (w->unmap && !w->zeroes) {
        printf("-u requires -z to be specified\n");
        return -1;
    }
    /* Zeroes without fallback need no buffer: any length goes. */
    if (w->bytes > IO_MAX_BYTES && !w->no_fallback) {
        printf("length cannot exceed %" PRIu64 " without -n, given %s\n",
               IO_MAX_BYTES, w->length_word);
        return -1;
    }
    return 0;
}

static int parse(Write *w, IoShell *shell, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "bcCfnpP:qs:uz")) != -1) {
        if (take_option(w, option) < 0) {
            return -1;
        }
    }
    if (optind != argc - 2) {
        io_print_usage(&io_command_write);
        return -1;
    }
    w->length_word = argv[optind + 1];
    if (io_parse_number(argv[optind], &w->offset) < 0 ||
        io_parse_number(w->length_word, &w->bytes) < 0) {
        return -1;
    }
    /* Neither passes by what serves guests. */
    if (check_options(w) < 0 || ((w->compressed || w->vm_state) &&
                                 io_check_sectors(w->offset, w->bytes) < 0)) {
        return -1;
    }
    w->flags |= (w->unmap ? REQ_MAY_UNMAP : 0) |
                (w->no_fallback ? REQ_NO_FALLBACK : 0) |
                (shell->writethrough ? REQ_FUA : 0) |
                (w->compressed && !w->zeroes ? REQ_COMPRESSED : 0);
    return 0;
}

/* Fills @buf with the bytes of a file, again and again. */
static int fill_from_file(const char *path, uint8_t *buf, uint64_t bytes)
{
    int fd = io_open(path, O_RDONLY, 0);
    uint64_t have = 0, at;
    ssize_t n;
    int error;

    if (fd < 0) {
        report_settle_output();
        fprintf(stderr, "%s: %s\n", path, strerror(-fd));
        return -1;
    }
    do {
        n = read(fd, buf + have, bytes - have);
        have += MAX(n, 0);
    } while (n > 0 && have < bytes);
    error = errno;
    io_close(fd);
    if (n < 0 || (!have && bytes)) {
        report_settle_output();
        fprintf(stderr, "%s: %s\n", path,
                n < 0 ? strerror(error) : "file is empty");
        return -1;
    }
    for (at = have; at < bytes; at += MIN(have, bytes - at)) {
        memcpy(buf + at, buf, MIN(have, bytes - at));
    }
    return 0;
}

COROUTINE_ONLY CONTROL_ONLY static int co_write_data(IoShell *shell, Write *w)
{
    uint8_t *buf = io_command_buffer(shell->root, w->bytes);
    int ret = -1;

    if (!buf) {
        return -ENOMEM;
    }
    memset(buf, w->has_pattern ? w->pattern : 0xcd, w->bytes);
    if (w->source && fill_from_file(w->source, buf, w->bytes) < 0) {
        io_buffer_free(buf);
        return 1; /* reported */
    }
    io_report_begin(&w->report);
    ret = w->vm_state
              ? co_root_vm_state_write(shell->root, w->offset, w->bytes, buf)
              : co_root_pwrite(shell->root, w->offset, w->bytes, buf, w->flags);
    io_buffer_free(buf);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int co_write(IoShell *shell, int argc,
                                                char **argv)
{
    Write w = {0};
    int ret;

    if (parse(&w, shell, argc, argv) < 0) {
        return -1;
    }
    if (w.zeroes) {
        io_report_begin(&w.report);
        ret = co_root_pwrite_zeroes(shell->root, w.offset, w.bytes, w.flags);
    } else {
        ret = co_write_data(shell, &w);
    }
    if (ret > 0) {
        return -1;
    }
    co_io_settle_behind(shell, ret);
    co_stdout_settle();
    if (ret < 0) {
        printf("write failed: %s\n", strerror(-ret));
        return -1;
    }
    io_report_end(&w.report, "wrote", w.offset, w.bytes, w.bytes);
    return 0;
}

const IoCommand io_command_write = {
    .name = "write",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .perms = PERM_WRITE,
    .arguments = "[-bcCfnquz] [-P pattern | -s source_file] off len",
    .purpose = "writes a number of bytes at a specified offset",
    .help = " -b, -- into the state of a machine, behind the disk\n"
            " -c, -- compressed: whole clusters\n"
            " -C, -- report in a form for programs\n"
            " -f, -- the data is on stable storage when it returns\n"
            " -n, -- with -z: fail rather than write the zeroes out\n"
            " -P, -- fill with this byte (0xcd if neither -P, -s nor -z)\n"
            " -q, -- no report\n"
            " -s, -- fill with the bytes of a file\n"
            " -u, -- with -z: the space may be given back\n"
            " -z, -- write zeroes without data\n",
    .co_run = co_write,
};
