/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that peers on unix sockets pass along (SCM_RIGHTS). */
#include "util/reactor/recv-fds.h"

#include <poll.h>
#include <sys/socket.h>

#include "util/reactor/backend.h"

#define FDS_MAX 16

typedef union Control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
} Control;

static void take_fds(struct msghdr *hdr, void (*got)(int fd))
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
        size_t n;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
            c->cmsg_len < CMSG_LEN(0)) {
            continue;
        }
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            got(fd);
        }
    }
}

ssize_t co_io_recv_fds(int fd, void *buf, size_t bytes, void (*got)(int fd))
{
    for (;;) {
        Control control = {.bytes = {0}};
        struct iovec v = {.iov_base = buf, .iov_len = bytes};
        struct msghdr hdr = {.msg_iov = &v,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
        ssize_t ret = reactor_sys()->recvmsg(fd, &hdr);

        if (ret == -ENOTSOCK) {
            return co_io_recv(fd, buf, bytes);
        }
        if (ret != -EAGAIN) {
            if (ret > 0) {
                take_fds(&hdr, got);
            }
            return ret;
        }
        ret = co_io_poll(fd, POLLIN);
        if (ret < 0) {
            return ret;
        }
    }
}
