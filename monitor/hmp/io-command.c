/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-io: a command of the I/O shell on a device or a node. Its results go to
 * the process's standard output, its complaints to the monitor.
 *
 * Invariants:
 * 1. The command ends when its line has been run; requests behind it
 *    (aio_write, ...) go on, and keep the back end or root that they use.
 * 2. After hmp_close nothing is under way any more, once its requests have
 *    been let go.
 */
#include "io-commands/io-commands.h"
#include "block/job/block-job.h"
#include "monitor/hmp/commands.h"
#include "util/list.h"

typedef struct HmpIo {
    IoShell shell;
    Hmp *hmp;  /* while the line is run */
    Root *own; /* on a node; NULL: the back end's */
    bool closing;
    ListLink link;
} HmpIo;

/* CONTROL: those that are not released yet. */
static ListLink all = LIST_INIT(all);

static void say(IoShell *shell, const char *text)
{
    HmpIo *io = shell->opaque;

    hmp_printf(io->hmp, "%s%s", text, g_str_has_suffix(text, "\n") ? "" : "\n");
}

static void show(IoShell *shell, const char *text)
{
    HmpIo *io = shell->opaque;

    hmp_printf(io->hmp, "%s", text);
}

/* --- what it works on ---------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool co_use_node(HmpIo *io, Node *node,
                                                    Error **errp)
{
    bool ok;

    io->own = root_new("root", NULL, NULL);
    co_graph_lock();
    ok = root_attach(io->own, node, 0, PERM_ALL, errp);
    graph_unlock();
    if (!ok) {
        root_free(io->own);
        io->own = NULL;
        return false;
    }
    io->shell.root = io->own;
    return true;
}

CONTROL_ONLY
static void use_backend(HmpIo *io, Backend *backend)
{
    backend_ref(backend);
    io->shell.backend = backend;
    io->shell.root = backend_root(backend);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_find(HmpIo *io, const char *name,
                                                bool is_device, Error **errp)
{
    Backend *backend =
        is_device ? backend_lookup(NULL, name, errp) : backend_by_name(name);
    Node *node;

    if (backend) {
        use_backend(io, backend);
        return true;
    }
    if (is_device) {
        return false;
    }
    node = node_lookup(NULL, name, errp);
    return node && co_use_node(io, node, errp);
}

/* --- the end of it ------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_detach(HmpIo *io)
{
    co_graph_lock();
    if (io->own && root_node(io->own)) {
        co_root_detach(io->own);
    }
    graph_unlock();
}

COROUTINE_ONLY CONTROL_ONLY static void co_release(void *opaque)
{
    HmpIo *io = opaque;

    /* A root that goes away resumes what stands at a break of blkdebug, also
     * that of other lines. */
    co_io_wait_idle();
    list_remove(&io->link);
    co_detach(io);
    if (io->own) {
        root_free(io->own);
    }
    if (io->shell.backend) {
        co_graph_lock();
        co_backend_unref(io->shell.backend);
        graph_unlock();
    }
    g_free(io);
}

COROUTINE_ONLY CONTROL_ONLY static void co_let_go(void *opaque)
{
    co_detach(opaque);
}

void hmp_close(void)
{
    LIST_FOREACH(io, &all, HmpIo, link) {
        if (io->own && !io->closing) {
            io->closing = true;
            root_hurry(io->own);
            coroutine_start(co_let_go, io);
        }
    }
}

/* --- the command --------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_qemu_io(Hmp *hmp, json_object *args)
{
    HmpIo *io = g_new0(HmpIo, 1);
    Error *err = NULL;

    io->hmp = hmp;
    io->shell = (IoShell){.say = say, .show = show, .opaque = io};
    io_shell_init(&io->shell);
    list_append(&all, &io->link);
    if (co_find(io, hmp_str(args, "device"), hmp_flag(args, "qdev"), &err)) {
        io->shell.writethrough =
            io->shell.backend && backend_writethrough(io->shell.backend);
        co_io_run_line(&io->shell, hmp_str(args, "command"));
    }
    hmp_error(hmp, err);
    if (io->own) {
        jobs_show_detach(root_node(io->own));
    }
    io->hmp = NULL;
    coroutine_start(co_release, io);
}

const HmpCommand hmp_qemu_io = {
    .name = "qemu-io",
    .args = {{"qdev", HMP_FLAG, .flag = 'd'},
             {"device", HMP_DEVICE},
             {"command", HMP_STRING}},
    .params = "[-d] [device] \"[command]\"",
    .help =
        "run a qemu-io command on a block device\n"
        "\t\t\t-d: [device] is a device ID rather than a drive ID or node name",
    .co_run = co_qemu_io,
};
