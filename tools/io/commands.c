/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small commands of the shell, and the table of all. */
#include <getopt.h>
#include <stdio.h>

#include "tools/io/io.h"
#include "text/size-text.h"

/* --- discard ----------------------------------------------------------------
 */

COROUTINE_ONLY
static int co_discard(IoShell *shell, int argc, char **argv)
{
    IoReport report = {0};
    uint64_t offset, bytes;
    int option, ret;

    while ((option = getopt(argc, argv, "Cq")) != -1) {
        if (option == '?') {
            io_print_usage(&io_command_discard);
            return -1;
        }
        *(option == 'C' ? &report.machine : &report.quiet) = true;
    }
    if (optind != argc - 2) {
        io_print_usage(&io_command_discard);
        return -1;
    }
    if (io_parse_number(argv[optind], &offset) < 0 ||
        io_parse_number(argv[optind + 1], &bytes) < 0) {
        return -1;
    }
    if (bytes > IO_MAX_BYTES) {
        printf("length cannot exceed %" PRIu64 ", given %s\n", IO_MAX_BYTES,
               argv[optind + 1]);
        return -1;
    }
    io_report_begin(&report);
    ret = co_root_pdiscard(shell->root, offset, bytes);
    if (ret < 0) {
        printf("discard failed: %s\n", strerror(-ret));
        return -1;
    }
    io_report_end(&report, "discard", offset, bytes, bytes);
    return 0;
}

const IoCommand io_command_discard = {
    .name = "discard",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .writes = true,
    .arguments = "[-Cq] off len",
    .purpose = "discards a number of bytes at a specified offset",
    .help = " -C, -- report in a form for programs\n"
            " -q, -- no report\n",
    .co_run = co_discard,
};

/* --- flush, length, truncate
 * -------------------------------------------------- */

COROUTINE_ONLY
static int co_flush(IoShell *shell, int argc, char **argv)
{
    int ret = co_root_flush(shell->root);

    if (ret < 0) {
        printf("flush failed: %s\n", strerror(-ret));
        return -1;
    }
    return 0;
}

const IoCommand io_command_flush = {
    .name = "flush",
    .needs_image = true,
    .purpose = "flush all in-core file state to disk",
    .co_run = co_flush,
};

static int co_length(IoShell *shell, int argc, char **argv)
{
    g_autofree char *text = size_text_exact(root_size_bytes(shell->root));

    puts(text);
    return 0;
}

const IoCommand io_command_length = {
    .name = "length",
    .needs_image = true,
    .purpose = "gets the length of the current file",
    .co_run = co_length,
};

COROUTINE_ONLY CONTROL_ONLY static int co_truncate(IoShell *shell, int argc,
                                                   char **argv)
{
    Error *err = NULL;
    uint64_t bytes;
    int ret;

    if (io_parse_number(argv[1], &bytes) < 0) {
        return -1;
    }
    ret = co_root_truncate(shell->root, bytes, false, &err);
    if (ret < 0) {
        error_report_err(err);
        return -1;
    }
    return 0;
}

const IoCommand io_command_truncate = {
    .name = "truncate",
    .min_args = 1,
    .max_args = 1,
    .needs_image = true,
    .writes = true,
    .arguments = "off",
    .purpose = "truncates the current file at the given offset",
    .co_run = co_truncate,
};

/* --- map
 * ---------------------------------------------------------------------- */

/* The bytes from @at on that are alike: allocated here or not. */
COROUTINE_ONLY
static int co_same(Root *root, uint64_t at, uint64_t end, bool *allocated,
                   uint64_t *bytes)
{
    BlockStatus status;
    int ret;

    *bytes = 0;
    do {
        bool here;

        ret =
            co_root_block_status(root, at + *bytes, end - at - *bytes, &status);
        if (ret < 0) {
            return ret;
        }
        here = status.flags & STATUS_ALLOCATED;
        if (!*bytes) {
            *allocated = here;
        } else if (here != *allocated) {
            break;
        }
        *bytes += status.bytes;
    } while (at + *bytes < end);
    return 0;
}

COROUTINE_ONLY
static int co_map(IoShell *shell, int argc, char **argv)
{
    uint64_t end = root_size_bytes(shell->root), at, bytes;
    bool allocated;
    int ret;

    for (at = 0; at < end; at += bytes) {
        g_autofree char *length = NULL, *start = size_text_exact(at);

        ret = co_same(shell->root, at, end, &allocated, &bytes);
        if (ret < 0) {
            printf("Failed to query allocation status: %s\n", strerror(-ret));
            return -1;
        }
        length = size_text_exact(bytes);
        printf("%s (0x%" PRIx64 ") bytes %s allocated at offset %s "
               "(0x%" PRIx64 ")\n",
               length, bytes, allocated ? "   " : "not", start, at);
    }
    return 0;
}

const IoCommand io_command_map = {
    .name = "map",
    .needs_image = true,
    .arguments = "",
    .purpose = "prints the allocated areas of a file",
    .co_run = co_map,
};

/* --- alloc --------------------------------------------------------------- */

/* Bytes of the area that are allocated, added up. */
COROUTINE_ONLY
static int co_count_allocated(Root *root, uint64_t at, uint64_t end,
                              uint64_t *sum)
{
    uint64_t bytes;

    for (*sum = 0; at < end; at += bytes) {
        bool allocated;
        int ret = co_same(root, at, end, &allocated, &bytes);

        if (ret < 0) {
            return ret;
        }
        *sum += allocated ? bytes : 0;
    }
    return 0;
}

COROUTINE_ONLY
static int co_alloc(IoShell *shell, int argc, char **argv)
{
    uint64_t size = root_size_bytes(shell->root), start, bytes = 512, sum;
    g_autofree char *text = NULL;
    int ret;

    if (io_parse_number(argv[1], &start) < 0 ||
        (argc == 3 && io_parse_number(argv[2], &bytes) < 0)) {
        return -1;
    }
    bytes = start < size ? MIN(bytes, size - start) : 0;
    ret = co_count_allocated(shell->root, start, start + bytes, &sum);
    if (ret < 0) {
        printf("is_allocated failed: %s\n", strerror(-ret));
        return -1;
    }
    text = size_text_exact(start);
    printf("%" PRIu64 "/%" PRIu64 " bytes allocated at offset %s\n", sum,
           bytes, text);
    return 0;
}

const IoCommand io_command_alloc = {
    .name = "alloc",
    .min_args = 1,
    .max_args = 2,
    .needs_image = true,
    .arguments = "offset [count]",
    .purpose = "checks if offset is allocated in the file",
    .co_run = co_alloc,
};

/* --- open, close, quit, help
 * -------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static int co_open(IoShell *shell, int argc,
                                               char **argv)
{
    ImageOpen open = shell->defaults;
    int option;

    if (shell->root) {
        error_report("file open already, try 'help close'");
        return -1;
    }
    while ((option = getopt(argc, argv, "rnt:d:U")) != -1) {
        switch (option) {
        case 'r':
            open.writable = false;
            break;
        case 'n':
            open.cache = "none";
            break;
        case 't':
            if (!image_cache_mode_valid(optarg)) {
                error_report("Invalid cache option: %s", optarg);
                return -1;
            }
            open.cache = optarg;
            break;
        case 'd':
            if (strcmp(optarg, "unmap") && strcmp(optarg, "on") &&
                strcmp(optarg, "ignore") && strcmp(optarg, "off")) {
                error_report("Invalid discard option: %s", optarg);
                return -1;
            }
            open.unmap = !strcmp(optarg, "unmap") || !strcmp(optarg, "on");
            break;
        case 'U':
            open.force_share = true;
            break;
        default:
            io_print_usage(&io_command_open);
            return -1;
        }
    }
    if (optind != argc - 1) {
        io_print_usage(&io_command_open);
        return -1;
    }
    open.filename = argv[optind];
    return co_io_open_image(shell, &open);
}

const IoCommand io_command_open = {
    .name = "open",
    .max_args = -1,
    .arguments = "[-rnU] [-t cache] [-d discard] path",
    .purpose = "open the file specified by path",
    .help = " -r, -- read only\n"
            " -n, -- without the host's cache: -t none\n"
            " -t, -- cache mode\n"
            " -d, -- discard mode: unmap or ignore\n"
            " -U, -- although others may write to it\n",
    .co_run = co_open,
};

COROUTINE_ONLY CONTROL_ONLY static int co_close(IoShell *shell, int argc,
                                                char **argv)
{
    co_io_close_image(shell);
    return 0;
}

const IoCommand io_command_close = {
    .name = "close",
    .needs_image = true,
    .purpose = "close the current open file",
    .co_run = co_close,
};

static int co_quit(IoShell *shell, int argc, char **argv)
{
    shell->quit = true;
    return 0;
}

const IoCommand io_command_quit = {
    .name = "quit",
    .purpose = "exit the program",
    .co_run = co_quit,
};

static int co_help(IoShell *shell, int argc, char **argv)
{
    size_t i;

    for (i = 0; io_commands[i]; i++) {
        if (argc == 1) {
            io_print_usage(io_commands[i]);
        } else if (!strcmp(io_commands[i]->name, argv[1])) {
            io_print_usage(io_commands[i]);
            if (io_commands[i]->help) {
                printf("\n%s\n", io_commands[i]->help);
            }
            return 0;
        }
    }
    if (argc > 1) {
        printf("command %s not found\n", argv[1]);
        return -1;
    }
    printf("\nUse 'help commandname' for extended help.\n");
    return 0;
}

const IoCommand io_command_help = {
    .name = "help",
    .max_args = 1,
    .arguments = "[command]",
    .purpose = "help for one or all commands",
    .co_run = co_help,
};

const IoCommand *const io_commands[] = {
    &io_command_abort,      &io_command_aio_flush, &io_command_aio_read,
    &io_command_aio_write,  &io_command_alloc,     &io_command_break,
    &io_command_close,      &io_command_discard,   &io_command_flush,
    &io_command_help,       &io_command_length,    &io_command_map,
    &io_command_open,       &io_command_quit,      &io_command_read,
    &io_command_readv,      &io_command_remove_break,
    &io_command_resume,     &io_command_sigraise,  &io_command_sleep,
    &io_command_truncate,   &io_command_wait_break, &io_command_write,
    &io_command_writev,     NULL,
};
