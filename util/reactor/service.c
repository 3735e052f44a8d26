/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speaks with the service manager: see service.h. */
#include "util/reactor/service.h"
#include "util/reactor/net-int.h"

#include <fcntl.h>
#include <unistd.h>

/* What one without a name is called. */
#define NO_NAME "unknown"

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
        notice->addr_bytes = net_make_abstract(&notice->addr, where + 1, false);
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
        error_set_errno(errp, -ret,
                        "NOTIFY_SOCKET: Failed to send '%s' to "
                        "'%s'",
                        state, where);
    }
    return ret >= 0;
}

/* --- passed sockets ------------------------------------------------------ */

/* CONST after service_sockets_init, but for @taken: CONTROL */
static struct {
    unsigned n;
    char **names; /* of each; NULL: none has one */
    bool *taken;
} passed;

/* Whether the variables are meant for this process and not for one before. */
static bool passed_to_us(void)
{
    const char *text = g_getenv("LISTEN_PID");
    guint64 pid;

    return text &&
           g_ascii_string_to_unsigned(text, 10, 1, INT32_MAX, &pid, NULL) &&
           (pid_t)pid == getpid();
}

/* Not for programs that we might start. */
static bool keep_to_ourselves(unsigned n, Error **errp)
{
    for (unsigned i = 0; i < n; i++) {
        int fd = SERVICE_FIRST_FD + (int)i, flags = fcntl(fd, F_GETFD);

        if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) {
            error_set(errp, "LISTEN_FDS: descriptor %d is not open", fd);
            return false;
        }
    }
    return true;
}

static bool take_names(unsigned n, Error **errp)
{
    const char *text = g_getenv("LISTEN_FDNAMES");
    char **names;

    if (!text) {
        return true;
    }
    names = g_strsplit(text, ":", -1);
    if (g_strv_length(names) != n) {
        error_set(errp, "LISTEN_FDNAMES: '%s' does not name %u sockets", text,
                  n);
        g_strfreev(names);
        return false;
    }
    passed.names = names;
    return true;
}

/* What we may start is not to take them for its own. */
static void forget_variables(void)
{
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
}

static bool take_sockets(Error **errp)
{
    const char *text = g_getenv("LISTEN_FDS");
    guint64 n;

    if (!text || !passed_to_us()) {
        return true;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 0, INT32_MAX - SERVICE_FIRST_FD,
                                    &n, NULL)) {
        error_set(errp, "LISTEN_FDS: '%s' is not a number of sockets", text);
        return false;
    }
    if (!n) {
        return true;
    }
    if (!keep_to_ourselves(n, errp) || !take_names(n, errp)) {
        return false;
    }
    passed.n = n;
    passed.taken = g_new0(bool, n);
    return true;
}

bool service_sockets_init(Error **errp)
{
    bool ok = take_sockets(errp);

    forget_variables();
    return ok;
}

bool service_has_sockets(void)
{
    return passed.n;
}

unsigned service_socket_count(void)
{
    return passed.n;
}

static bool is_called(unsigned i, const char *name)
{
    return !strcmp(name, passed.names ? passed.names[i] : NO_NAME);
}

int service_find_socket(const char *name, Error **errp)
{
    unsigned found = 0, index = 0;

    for (unsigned i = 0; i < passed.n; i++) {
        if (is_called(i, name)) {
            found++;
            index = i;
        }
    }
    if (found > 1) {
        error_set(errp, "%u sockets named '%s' were passed: give a number",
                  found, name);
    } else if (!found) {
        error_set(errp, "No socket named '%s' was passed", name);
    } else if (passed.taken[index]) {
        error_set(errp, "Socket '%s' was taken already", name);
    } else {
        return SERVICE_FIRST_FD + (int)index;
    }
    return -1;
}

void service_socket_taken(int fd)
{
    if (fd >= SERVICE_FIRST_FD &&
        (unsigned)(fd - SERVICE_FIRST_FD) < passed.n) {
        passed.taken[fd - SERVICE_FIRST_FD] = true;
    }
}
