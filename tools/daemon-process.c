/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Background, pid file and signals: see daemon-process.h. */
#include "tools/daemon-process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/reactor/reactor.h"

#define COMMAND_LINE_MAX (2 * MiB)

/* What is made in the background is not for others. */
#define DAEMON_UMASK 0027

/* --- background ---------------------------------------------------------- */

/* The parent: ends as the child does, or when it is ready. */
static void G_GNUC_NORETURN wait_for_child(int fd)
{
    unsigned char code;
    ssize_t n;

    do {
        n = read(fd, &code, 1);
    } while (n < 0 && errno == EINTR);
    /* Without a word the child has failed, and has said why. */
    _exit(n == 1 ? code : 1);
}

/* 0 in the child, 1 in the parent, -1 with @errp. */
static int fork_once(Error **errp)
{
    pid_t pid = fork();

    if (pid < 0) {
        error_set_errno(errp, errno, "Failed to fork");
        return -1;
    }
    return pid > 0;
}

int process_daemonize(Error **errp)
{
    int fds[2], side;

    if (pipe2(fds, O_CLOEXEC) < 0) {
        error_set_errno(errp, errno, "Failed to make a pipe");
        return -1;
    }
    side = fork_once(errp);
    if (side > 0) {
        close(fds[1]);
        wait_for_child(fds[0]);
    }
    close(fds[0]);
    if (side < 0) {
        close(fds[1]);
        return -1;
    }
    setsid();
    /* No leader of a session any more: cannot get a terminal again. */
    side = fork_once(errp);
    if (side) {
        _exit(side > 0 ? 0 : 1);
    }
    umask(DAEMON_UMASK);
    return fds[1];
}

static bool silence_stdio(Error **errp)
{
    int fd = io_open("/dev/null", O_RDWR, 0);

    if (fd < 0) {
        error_set_errno(errp, -fd, "Could not open '/dev/null'");
        return false;
    }
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        dup2(fd, i);
    }
    io_close(fd);
    return true;
}

bool process_ready(int ready_fd, Error **errp)
{
    const unsigned char ok = 0;
    ssize_t n;

    if (chdir("/") < 0) {
        error_set_errno(errp, errno, "Could not change to directory '/'");
        return false;
    }
    if (!silence_stdio(errp)) {
        return false;
    }
    do {
        n = write(ready_fd, &ok, 1);
    } while (n < 0 && errno == EINTR);
    /* A parent that was killed meanwhile does not want to know. */
    close(ready_fd);
    return true;
}

/* --- pid file ------------------------------------------------------------ */

static int lock_file(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

COROUTINE_ONLY
static int co_write_pid(int fd)
{
    char text[32];
    struct iovec v = {.iov_base = text};
    ssize_t n;

    v.iov_len = g_snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0) {
        return -errno;
    }
    n = co_io_pwritev(fd, &v, 1, 0, false);
    return n < 0 ? n : n == (ssize_t)v.iov_len ? 0 : -EIO;
}

bool co_pidfile_write(const char *path, Error **errp)
{
    int fd = io_open(path, O_WRONLY | O_CREAT, 0600), ret;

    if (fd < 0) {
        error_set_errno(errp, -fd, "Could not create '%s'", path);
        return false;
    }
    ret = lock_file(fd);
    if (ret) {
        error_set_errno(errp, -ret, "Cannot lock pid file");
    } else if ((ret = co_write_pid(fd))) {
        error_set_errno(errp, -ret, "Failed to write pid file");
    }
    if (ret) {
        io_close(fd);
        return false;
    }
    /* It stays open: closing it would drop the lock. */
    return true;
}

/* --- signals ------------------------------------------------------------- */

int process_catch_signals(Error **errp)
{
    sigset_t set;
    int fd;

    /* A client that went away is an error of the write to it. */
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        error_set_errno(errp, errno, "Failed to make a signal descriptor");
    }
    return fd;
}

int co_process_wait_signal(int signal_fd, pid_t *sender)
{
    struct signalfd_siginfo info;

    if (co_io_recv(signal_fd, &info, sizeof(info)) <= 0) {
        return 0;
    }
    if (sender) {
        *sender = (pid_t)info.ssi_pid;
    }
    return (int)info.ssi_signo;
}

char *process_name(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%ld/cmdline", (long)pid);
    char *words = NULL;

    /* The first of them; the file has a NUL behind each. */
    return io_read_file(path, COMMAND_LINE_MAX, &words) >= 0
               ? words
               : g_strdup("<unknown process>");
}
