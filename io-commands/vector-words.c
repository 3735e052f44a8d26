/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of readv, writev, aio_read and aio_write. */
#include <getopt.h>
#include <stdio.h>

#include "io-commands/vector-int.h"

static int take_option(Vector *v, int option)
{
    switch (option) {
    case 'C':
        v->report.machine = true;
        return 0;
    case 'f':
        v->flags |= REQ_FUA;
        return 0;
    case 'i':
        v->invalid = true;
        return 0;
    case 'P':
        return io_parse_pattern(optarg, &v->pattern);
    case 'q':
        v->report.quiet = true;
        return 0;
    case 'u':
        v->unmap = true;
        return 0;
    case 'v':
        v->verbose = true;
        return 0;
    case 'z':
        v->zeroes = true;
        return 0;
    default:
        io_print_usage(v->command);
        return -1;
    }
}

static int check_options(const Vector *v, int words)
{
    if (words < 2) {
        io_print_usage(v->command);
        return -1;
    }
    if (v->zeroes && words != 2) {
        printf("-z supports only a single length parameter\n");
        return -1;
    }
    if (v->unmap && !v->zeroes) {
        printf("-u requires -z to be specified\n");
        return -1;
    }
    return 0;
}

static int parse_lengths(Vector *v, int n, char **words, uint64_t *lengths)
{
    for (int i = 0; i < n; i++) {
        if (io_parse_number(words[i], &lengths[i]) < 0) {
            return -1;
        }
        if (v->zeroes) {
            v->bytes = lengths[i];
            return 0;
        }
        if (lengths[i] > IO_MAX_BYTES) {
            printf("Argument '%s' exceeds maximum size %" PRIu64 "\n", words[i],
                   IO_MAX_BYTES);
            return -1;
        }
        if (lengths[i] > IO_MAX_BYTES - v->bytes) {
            printf("The total number of bytes exceed the maximum size "
                   "%" PRIu64 "\n",
                   IO_MAX_BYTES);
            return -1;
        }
        v->bytes += lengths[i];
    }
    return 0;
}

/* One buffer, cut as the lengths say. */
static int make_buffer(Vector *v, int n, const uint64_t *lengths)
{
    uint8_t *at;
    int byte = v->pattern >= 0 && v->is_write ? v->pattern
               : v->is_write                  ? 0xcd
                                              : 0xab;

    v->buf = io_command_buffer(v->shell->root, v->bytes);
    if (!v->buf) {
        printf("%s failed: %s\n", v->failed, strerror(ENOMEM));
        return -1;
    }
    memset(v->buf, byte, v->bytes);
    at = v->buf;
    for (int i = 0; i < n; i++) {
        iov_add(&v->iov, at, lengths[i]);
        at += lengths[i];
    }
    return 0;
}

int io_vector_parse(Vector *v, int argc, char **argv)
{
    g_autofree uint64_t *lengths = NULL;
    int option, n;

    while ((option = getopt(argc, argv, v->options)) != -1) {
        if (take_option(v, option) < 0) {
            return -1;
        }
    }
    if (check_options(v, argc - optind) < 0 ||
        io_parse_number(argv[optind], &v->offset) < 0) {
        return -1;
    }
    n = argc - optind - 1;
    lengths = g_new(uint64_t, n);
    if (parse_lengths(v, n, argv + optind + 1, lengths) < 0) {
        return -1;
    }
    v->flags |= (v->unmap ? REQ_MAY_UNMAP : 0) |
                (v->is_write && v->shell->writethrough ? REQ_FUA : 0);
    return v->zeroes ? 0 : make_buffer(v, n, lengths);
}
