/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark nbd`: one image served over NBD, or a look at a server. */
#include "objects/object.h"
#include "tools/daemon-process.h"
#include "tools/img/args.h"
#include "tools/nbd/nbd.h"
#include "tools/tools.h"
#include "util/reactor/service.h"

COROUTINE_ONLY CONTROL_ONLY static bool co_make_objects(NbdTool *tool)
{
    for (guint i = 0; i < tool->objects->len; i++) {
        int status = co_img_take_object(NULL, tool->objects->pdata[i]);

        if (status >= 0) {
            tool->exit_code = status;
            return false;
        }
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static void co_main(void *opaque)
{
    NbdTool *tool = opaque;

    if (co_make_objects(tool) && nbd_tool_check(tool)) {
        if (tool->list) {
            co_nbd_tool_list(tool);
        } else {
            co_nbd_tool_serve(tool);
        }
    }
    co_objects_free();
}

static int run(NbdTool *tool)
{
    Reactor *reactor;
    Error *err = NULL;

    if (tool->fork) {
        tool->ready_fd = nbd_tool_fork(&err);
    }
    reactor = err ? NULL : reactor_new(REACTOR_AUTO, &err);
    if (!reactor) {
        error_report_err(err);
        return 1;
    }
    reactor_run_coroutine(co_main, tool);
    reactor_free(reactor);
    coroutine_pool_drain();
    return tool->exit_code;
}

int tool_nbd_main(int argc, char **argv)
{
    NbdTool tool;
    Error *err = NULL;
    int exit_code;

    /* They are meant for this process id. */
    if (!service_sockets_init(&err)) {
        error_report_err(err);
        return 1;
    }
    if (nbd_tool_parse(&tool, argc, argv, &exit_code)) {
        exit_code = run(&tool);
    }
    nbd_tool_clear(&tool);
    return exit_code;
}
