/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `--fork`: the server goes to the background once it serves. */
#include "tools/nbd/nbd.h"

#include <fcntl.h>
#include <unistd.h>

#include "util/reactor/reactor.h"

static ssize_t read_some(int fd, void *buf, size_t bytes)
{
    ssize_t n;

    do {
        n = read(fd, buf, bytes);
    } while (n < 0 && errno == EINTR);
    return n;
}

static void write_out(const char *buf, size_t bytes)
{
    while (bytes) {
        ssize_t n = write(STDERR_FILENO, buf, bytes);

        if (n < 0 && errno != EINTR) {
            return; /* nobody listens */
        }
        buf += MAX(n, 0);
        bytes -= MAX(n, 0);
    }
}

/* The parent: passes on what the child says, until it serves or ends. Anything
 * said is a failure, as in QEMU. */
static void G_GNUC_NORETURN relay(int said_fd, int ready_fd)
{
    char buf[4096], ready;
    bool said = false;
    ssize_t n;

    while ((n = read_some(said_fd, buf, sizeof(buf))) > 0) {
        write_out(buf, n);
        said = true;
    }
    n = read_some(ready_fd, &ready, 1);
    _exit(n == 1 && !said ? 0 : 1);
}

static bool make_pipes(int said[2], int ready[2], Error **errp)
{
    if (pipe2(said, O_CLOEXEC) < 0) {
        error_set_errno(errp, errno, "Failed to make a pipe");
        return false;
    }
    if (pipe2(ready, O_CLOEXEC) < 0) {
        error_set_errno(errp, errno, "Failed to make a pipe");
        close(said[0]);
        close(said[1]);
        return false;
    }
    return true;
}

int nbd_tool_fork(Error **errp)
{
    int said[2], ready[2];
    pid_t pid;

    if (!make_pipes(said, ready, errp)) {
        return -1;
    }
    pid = fork();
    if (pid > 0) {
        close(said[1]);
        close(ready[1]);
        relay(said[0], ready[0]);
    }
    close(said[0]);
    close(ready[0]);
    if (pid < 0) {
        error_set_errno(errp, errno, "Failed to fork");
        close(said[1]);
        close(ready[1]);
        return -1;
    }
    setsid();
    dup2(said[1], STDERR_FILENO);
    close(said[1]);
    return ready[1];
}

bool nbd_tool_detach(int ready_fd, Error **errp)
{
    const char ready = 0;
    ssize_t n;
    int fd;

    if (chdir("/") < 0) {
        error_set_errno(errp, errno, "Could not change to directory '/'");
        return false;
    }
    fd = io_open("/dev/null", O_RDWR, 0);
    if (fd < 0) {
        error_set_errno(errp, -fd, "Could not open '/dev/null'");
        return false;
    }
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        dup2(fd, i);
    }
    io_close(fd);
    do {
        n = write(ready_fd, &ready, 1);
    } while (n < 0 && errno == EINTR);
    /* A parent that was killed meanwhile does not want to know. */
    close(ready_fd);
    return true;
}
