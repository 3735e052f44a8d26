/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors with names: getfd, closefd, and who uses them. */
#include "objects/named-fd.h"

#include "objects/received-fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

/* CONTROL */
static GHashTable *named; /* char * -> int */

static int take_named(const char *name)
{
    gpointer fd;
    char *key;

    if (!named ||
        !g_hash_table_steal_extended(named, name, (gpointer *)&key, &fd)) {
        return -1;
    }
    g_free(key);
    return GPOINTER_TO_INT(fd);
}

static bool offered; /* CONST after the start */

void named_fds_offer(void)
{
    offered = true;
}

bool named_fds_offered(void)
{
    return offered;
}

int named_fd_take(const char *name, Error **errp)
{
    int fd = take_named(name);

    if (fd < 0) {
        error_set(errp, "File descriptor named '%s' has not been found", name);
        return -1;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

int named_fd_take_socket(const char *name, Error **errp)
{
    int fd = named_fd_take(name, errp);
    struct stat st;

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode)) {
        error_set(errp, "File descriptor '%s' is not a socket", name);
        io_close(fd);
        return -1;
    }
    return fd;
}

int named_fd_param(const char *text, Error **errp)
{
    int fd;

    if (g_ascii_isdigit(*text)) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);

        if (*end || number > INT_MAX || fcntl(number, F_GETFD) < 0) {
            error_set(errp, "Invalid file descriptor number '%s'", text);
            return -1;
        }
        fd = number;
    } else {
        return named_fd_take(text, errp);
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

bool qmp_getfd(const QmpGetfdArgs *args, Error **errp)
{
    int fd = received_fd_take(), old;

    if (fd < 0) {
        error_set(errp, "No file descriptor supplied via SCM_RIGHTS");
        return false;
    }
    if (g_ascii_isdigit(*args->fdname)) {
        io_close(fd);
        error_set(errp, "Parameter 'fdname' expects a name not starting with "
                        "a digit");
        return false;
    }
    if (!named) {
        named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    }
    old = take_named(args->fdname);
    if (old >= 0) {
        io_close(old);
    }
    g_hash_table_insert(named, g_strdup(args->fdname), GINT_TO_POINTER(fd));
    return true;
}

bool qmp_closefd(const QmpClosefdArgs *args, Error **errp)
{
    int fd = take_named(args->fdname);

    if (fd < 0) {
        error_set(errp, "File descriptor named '%s' not found", args->fdname);
        return false;
    }
    io_close(fd);
    return true;
}
