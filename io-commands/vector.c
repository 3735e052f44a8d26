/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands on several areas of memory: readv and writev, and aio_read and
 * aio_write, which go on behind the next commands until aio_flush.
 *
 * Invariant: shell->aio counts the requests whose result has not been told.
 */
#include <stdio.h>

#include "block/backend/accounting.h"
#include "io-commands/vector-int.h"
#include "util/report-order.h"
#include "util/stdout.h"

static void vector_free(Vector *v)
{
    io_buffer_free(v->buf);
    iov_free(&v->iov);
    g_free(v);
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
    if (io_vector_parse(v, argc, argv) < 0) {
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
