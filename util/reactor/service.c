/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speaks with the service manager: see service.h. */
#include "util/reactor/service.h"
#include "util/reactor/net-int.h"

/* --- notifications ------------------------------------------------------- */

/* One datagram on its way. */
typedef struct Notice {
    const ReactorSys *sys;
    struct sockaddr_un addr;
    socklen_t addr_bytes;
    const char *text;
} Notice;

static bool notice_address(const char *where, Notice *notice, Error **errp)
{
    if (where[0] != '/' && where[0] != '@') {
        error_set(errp, "'%s' is neither a path nor an abstract name", where);
        return false;
    }
    if (!net_unix_address(where, &notice->addr, errp)) {
        return false;
    }
    notice->addr_bytes = sizeof(notice->addr);
    if (where[0] == '@') {
        notice->addr_bytes =
            net_make_abstract(&notice->addr, where + 1, false);
    }
    return true;
}

static int64_t notice_send(void *arg)
{
    const Notice *n = arg;

    return n->sys->send_datagram((const struct sockaddr *)&n->addr,
                                 n->addr_bytes, n->text, strlen(n->text));
}

bool co_service_notify(const char *state, Error **errp)
{
    const char *where = g_getenv("NOTIFY_SOCKET");
    Notice notice = {.sys = reactor_sys(), .text = state};
    int ret;

    if (!where) {
        return true;
    }
    if (!notice_address(where, &notice, errp)) {
        error_prepend(errp, "NOTIFY_SOCKET: ");
        return false;
    }
    ret = co_worker_run(notice_send, &notice);
    if (ret < 0) {
        error_set_errno(errp, -ret, "NOTIFY_SOCKET: Failed to send '%s' to "
                        "'%s'", state, where);
    }
    return ret >= 0;
}
