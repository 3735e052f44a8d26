/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that commands read and the reports that they print. */
#include <stdio.h>
#include <stdlib.h>

#include "io-commands/io-commands.h"
#include "text/size-text.h"

int io_parse_number(const char *word, uint64_t *value)
{
    switch (size_text_parse(word, value)) {
    case SIZE_OK:
        return 0;
    case SIZE_TOO_LARGE:
        printf("Parsing error: argument too large -- %s\n", word);
        return -1;
    default:
        printf("Parsing error: non-numeric argument, or "
               "extraneous/unrecognized suffix -- %s\n",
               word);
        return -1;
    }
}

int io_parse_pattern(const char *word, int *pattern)
{
    char *end;
    long value = strtol(word, &end, 0);

    if (end == word || *end || value < 0 || value > 255) {
        printf("%s is not a valid pattern byte\n", word);
        return -1;
    }
    *pattern = value;
    return 0;
}

void io_dump(const uint8_t *buf, uint64_t offset, uint64_t bytes)
{
    uint64_t row;
    unsigned i;

    for (row = 0; row < bytes; row += 16) {
        unsigned n = MIN(16u, bytes - row);

        printf("%08" PRIx64 ":  ", offset + row);
        for (i = 0; i < n; i++) {
            printf("%02x ", buf[row + i]);
        }
        printf(" ");
        for (i = 0; i < n; i++) {
            uint8_t c = buf[row + i];

            putchar(g_ascii_isalnum(c) ? c : '.');
        }
        printf("\n");
    }
}

int io_check_sectors(uint64_t offset, uint64_t bytes)
{
    if (offset % 512 == 0 && bytes % 512 == 0) {
        return 0;
    }
    printf("%" PRIu64 " is not a sector-aligned value for '%s'\n",
           offset % 512 ? offset : bytes, offset % 512 ? "offset" : "count");
    return -1;
}

uint8_t *io_command_buffer(Root *root, uint64_t bytes)
{
    const Node *node = root_node(root);

    bytes = MAX(bytes, 1);
    return node ? io_buffer_alloc(node, bytes)
                : io_buffer_alloc_aligned(1, bytes);
}

int io_check_pattern(const uint8_t *buf, uint64_t bytes, int pattern,
                     uint64_t offset)
{
    for (uint64_t i = 0; i < bytes; i++) {
        if (buf[i] != pattern) {
            printf("Pattern verification failed at offset %" PRIu64 ", %" PRIu64
                   " bytes\n",
                   offset, bytes);
            return -1;
        }
    }
    return 0;
}

void io_report_begin(IoReport *report)
{
    report->start_ns = reactor_now_ns();
}

static void print_for_machines(uint64_t bytes, double seconds)
{
    unsigned whole = seconds;

    printf("%" PRIu64 ",1,%u:%02u:%05.2f,%.3f,%.3f\n", bytes, whole / 3600,
           whole / 60 % 60, seconds - whole + whole % 60, bytes / seconds,
           1 / seconds);
}

static void print_for_people(uint64_t bytes, double seconds)
{
    g_autofree char *size = size_text_exact(bytes);
    g_autofree char *rate = size_text_exact(bytes / seconds);

    printf("%s, 1 ops; %05.2f sec (%s/sec and %.4f ops/sec)\n", size, seconds,
           rate, 1 / seconds);
}

void io_report_end(const IoReport *report, const char *verb, uint64_t offset,
                   uint64_t done_bytes, uint64_t bytes)
{
    double seconds = MAX((reactor_now_ns() - report->start_ns) / 1e9, 1e-9);

    if (report->quiet) {
        return;
    }
    if (report->machine) {
        print_for_machines(done_bytes, seconds);
        return;
    }
    printf("%s %" PRIu64 "/%" PRIu64 " bytes at offset %" PRIu64 "\n", verb,
           done_bytes, bytes, offset);
    print_for_people(done_bytes, seconds);
}
