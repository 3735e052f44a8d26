/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands on several areas of memory: readv and writev, and aio_read and
 * aio_write, which go on behind the next commands until aio_flush.
 *
 * Invariant: shell->aio counts the requests whose result has not been told.
 */
#include <getopt.h>
#include <stdio.h>

#include "block/backend/accounting.h"
#include "io-commands/io-commands.h"
#include "util/report-order.h"
#include "util/stdout.h"

typedef struct Vector {
    const IoCommand *command;
    const char *options;
    const char *failed; /* what is said to have failed */
    bool is_write, is_aio;

    IoShell *shell;
    IoReport report;
    bool verbose, zeroes, invalid, unmap;
    int pattern; /* -1: none */
    ReqFlags flags;
    uint64_t offset, bytes;
    uint8_t *buf; /* NULL for zeroes */
    Iov iov;
    int ret;
    struct Vector *older; /* below it in shell->aio_ended */
} Vector;

static void vector_free(Vector *v)
{
    io_buffer_free(v->buf);
    iov_free(&v->iov);
    g_free(v);
}

/* --- words --------------------------------------------------------------- */

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

static int parse(Vector *v, int argc, char **argv)
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

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_request(Vector *v)
{
    Root *root = v->shell->root;

    if (v->zeroes) {
        return co_root_pwrite_zeroes(root, v->offset, v->bytes, v->flags);
    }
    return v->is_write
               ? co_root_pwritev(root, v->offset, v->bytes, &v->iov, v->flags)
               : co_root_preadv(root, v->offset, v->bytes, &v->iov, v->flags);
}

/* Of a device, as if its guest had sent it: aio_ requests are counted, and
 * failures are dealt with as it was asked to. */
COROUTINE_ONLY CONTROL_ONLY static int co_counted_request(Vector *v)
{
    Backend *backend = v->shell->backend;
    AccountStart start =
        account_start(v->is_write ? ACCOUNT_WRITE : ACCOUNT_READ, v->bytes);
    int ret = co_request(v);

    if (backend && v->is_aio) {
        account_done(backend_account(backend), &start, ret >= 0);
    }
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static void co_do(Vector *v)
{
    io_report_begin(&v->report);
    v->ret = co_counted_request(v);
}

/* Tells, and frees @v. 0, or -1 if it failed. */
COROUTINE_ONLY CONTROL_ONLY static int co_tell(Vector *v)
{
    int ret = v->ret;

    co_stdout_settle();
    if (ret < 0) {
        printf("%s failed: %s\n", v->failed, strerror(-ret));
    } else {
        if (!v->is_write && v->pattern >= 0) {
            ret = io_check_pattern(v->buf, v->bytes, v->pattern, v->offset);
        }
        if (v->verbose && !v->report.quiet) {
            io_dump(v->buf, v->offset, v->bytes);
        }
        io_report_end(&v->report, v->is_write ? "wrote" : "read", v->offset,
                      v->bytes, v->bytes);
    }
    report_settle_output();
    vector_free(v);
    return ret < 0 ? -1 : 0;
}

COROUTINE_ONLY CONTROL_ONLY static void co_tell_behind(Vector *v)
{
    IoShell *shell = v->shell;

    co_tell(v);
    io_aio_end(shell);
}

CONTROL_ONLY
static bool is_on_disk(const Root *root)
{
    const Node *node = root_node(root);
    const Edge *file;

    while ((file = node_child(node, "file"))) {
        node = file->child;
    }
    return !strcmp(node->driver->name, "file");
}

COROUTINE_ONLY CONTROL_ONLY static void co_tell_ended(IoShell *shell)
{
    Vector *v;

    while ((v = shell->aio_ended)) {
        shell->aio_ended = v->older;
        co_tell_behind(v);
    }
}

void co_io_settle_behind(IoShell *shell, int ret)
{
    if (ret >= 0 && shell->aio_ended && is_on_disk(shell->root)) {
        co_tell_ended(shell);
    }
}

/* What ends at once is told when a command waits, the newest first: as QEMU
 * has it. */
COROUTINE_ONLY CONTROL_ONLY static void co_run_behind(void *opaque)
{
    Vector *v = opaque;
    IoShell *shell = v->shell;

    co_do(v);
    if (!shell->aio_starting) {
        co_tell_behind(v);
        return;
    }
    v->older = shell->aio_ended;
    shell->aio_ended = v;
    if (v->older) {
        return; /* who came first tells of all */
    }
    co_reschedule();
    co_tell_ended(shell);
}

COROUTINE_ONLY CONTROL_ONLY static int
co_vector(IoShell *shell, int argc, char **argv, const Vector *template)
{
    Vector *v = g_memdup2(template, sizeof(*v));

    v->shell = shell;
    v->pattern = -1;
    iov_init(&v->iov);
    if (parse(v, argc, argv) < 0) {
        vector_free(v);
        return -1;
    }
    if (v->invalid) {
        if (shell->backend) {
            account_invalid(backend_account(shell->backend),
                            v->is_write ? ACCOUNT_WRITE : ACCOUNT_READ);
        }
        printf("injecting invalid %s request\n",
               v->is_write ? "write" : "read");
        vector_free(v);
        return 0;
    }
    if (!v->is_aio) {
        co_do(v);
        co_io_settle_behind(shell, v->ret);
        return co_tell(v);
    }
    io_aio_begin(shell);
    shell->aio_starting = true;
    coroutine_start(co_run_behind, v);
    shell->aio_starting = false;
    return 0;
}

/* --- the commands -------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static int co_readv(IoShell *shell, int argc,
                                                char **argv)
{
    return co_vector(shell, argc, argv,
                     &(Vector){.command = &io_command_readv,
                               .options = "CP:qv",
                               .failed = "readv"});
}

const IoCommand io_command_readv = {
    .name = "readv",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .arguments = "[-Cqv] [-P pattern] off len [len..]",
    .purpose = "reads a number of bytes at a specified offset",
    .help = " Into as many areas of memory as there are lengths.\n\n"
            " -C, -- report in a form for programs\n"
            " -P, -- check that the bytes are this one\n"
            " -q, -- no report\n"
            " -v, -- show the bytes\n",
    .co_run = co_readv,
};

COROUTINE_ONLY CONTROL_ONLY static int co_writev(IoShell *shell, int argc,
                                                 char **argv)
{
    return co_vector(shell, argc, argv,
                     &(Vector){.command = &io_command_writev,
                               .options = "CfP:q",
                               .failed = "writev",
                               .is_write = true});
}

const IoCommand io_command_writev = {
    .name = "writev",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .perms = PERM_WRITE,
    .arguments = "[-Cfq] [-P pattern] off len [len..]",
    .purpose = "writes a number of bytes at a specified offset",
    .help = " From as many areas of memory as there are lengths.\n\n"
            " -C, -- report in a form for programs\n"
            " -f, -- the data is on stable storage when it returns\n"
            " -P, -- fill with this byte (0xcd if not given)\n"
            " -q, -- no report\n",
    .co_run = co_writev,
};

COROUTINE_ONLY CONTROL_ONLY static int co_aio_read(IoShell *shell, int argc,
                                                   char **argv)
{
    return co_vector(shell, argc, argv,
                     &(Vector){.command = &io_command_aio_read,
                               .options = "CiP:qv",
                               .failed = "readv",
                               .is_aio = true});
}

const IoCommand io_command_aio_read = {
    .name = "aio_read",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .arguments = "[-Ciqv] [-P pattern] off len [len..]",
    .purpose = "asynchronously reads a number of bytes",
    .help = " As readv, but does not wait: the command succeeds when the\n"
            " request has begun; aio_flush waits for it.\n\n"
            " -C, -- report in a form for programs\n"
            " -i, -- an invalid request: nothing is read\n"
            " -P, -- check that the bytes are this one\n"
            " -q, -- no report\n"
            " -v, -- show the bytes\n",
    .co_run = co_aio_read,
};

COROUTINE_ONLY CONTROL_ONLY static int co_aio_write(IoShell *shell, int argc,
                                                    char **argv)
{
    return co_vector(shell, argc, argv,
                     &(Vector){.command = &io_command_aio_write,
                               .options = "CfiP:quz",
                               .failed = "aio_write",
                               .is_write = true,
                               .is_aio = true});
}

const IoCommand io_command_aio_write = {
    .name = "aio_write",
    .min_args = 2,
    .max_args = -1,
    .needs_image = true,
    .perms = PERM_WRITE,
    .arguments = "[-Cfiquz] [-P pattern] off len [len..]",
    .purpose = "asynchronously writes a number of bytes",
    .help = " As writev, but does not wait: the command succeeds when the\n"
            " request has begun; aio_flush waits for it.\n\n"
            " -C, -- report in a form for programs\n"
            " -f, -- the data is on stable storage when it is done\n"
            " -i, -- an invalid request: nothing is written\n"
            " -P, -- fill with this byte (0xcd if not given)\n"
            " -q, -- no report\n"
            " -u, -- with -z: the space may be given back\n"
            " -z, -- write zeroes without data\n",
    .co_run = co_aio_write,
};
