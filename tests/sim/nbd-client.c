/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See nbd-client.h. Source: the NBD protocol's description. */
#include "nbd-client.h"

#include "nbd/protocol.h"

COROUTINE_ONLY
static int co_receive(int fd, void *buf, size_t bytes)
{
    return co_io_recv_all(fd, buf, bytes) ? -EPIPE : 0;
}

COROUTINE_ONLY
static int co_hello(int fd)
{
    Be32 flags = be32(3); /* fixed newstyle, no zeroes */
    NbdGreeting greeting;
    int ret = co_receive(fd, &greeting, sizeof(greeting));

    if (ret) {
        return ret;
    }
    sim_check(be64_get(greeting.magic) == NBD_MAGIC_INIT &&
                  be64_get(greeting.option_magic) == NBD_MAGIC_OPTION,
              "a wrong greeting");
    return co_io_send_all(fd, &flags, sizeof(flags));
}

/* Skips what the server tells of the export. */
COROUTINE_ONLY
static int co_option_end(int fd)
{
    NbdOptionReply reply;
    char data[1024];
    uint32_t type;

    do {
        int ret = co_receive(fd, &reply, sizeof(reply));

        if (ret == 0) {
            sim_check(be64_get(reply.magic) == NBD_MAGIC_OPTION_REPLY &&
                          be32_get(reply.bytes) <= sizeof(data),
                      "a wrong answer to an option");
            ret = co_receive(fd, data, be32_get(reply.bytes));
        }
        if (ret) {
            return ret;
        }
        type = be32_get(reply.type);
    } while (type != NBD_REP_ACK && !(type & NBD_REP_IS_ERROR));
    return type == NBD_REP_ACK ? 0 : -ENOENT;
}

COROUTINE_ONLY
static int co_go(int fd, const char *export)
{
    uint32_t name_bytes = strlen(export), bytes = 4 + name_bytes + 2;
    NbdOptionHeader head = {be64(NBD_MAGIC_OPTION), be32(NBD_OPT_GO),
                            be32(bytes)};
    Be32 name_head = be32(name_bytes);
    char message[256] = {0};

    memcpy(message, &head, sizeof(head));
    memcpy(message + sizeof(head), &name_head, 4);
    memcpy(message + sizeof(head) + 4, export, name_bytes);
    if (co_io_send_all(fd, message, sizeof(head) + bytes)) {
        return -EPIPE;
    }
    return co_option_end(fd);
}

int co_sim_nbd_open(const char *path, const char *export)
{
    int fd = co_io_connect_unix(path, NULL), ret;

    if (fd < 0) {
        return -ECONNREFUSED;
    }
    ret = co_hello(fd);
    if (ret == 0) {
        ret = co_go(fd, export);
    }
    if (ret) {
        io_close(fd);
        return ret;
    }
    return fd;
}

COROUTINE_ONLY
static int co_send_request(int fd, uint16_t command, uint16_t flags,
                           uint64_t offset_bytes, uint32_t bytes)
{
    NbdRequestHeader head = {
        be32(NBD_MAGIC_REQUEST), be16(flags),        be16(command),
        be64(offset_bytes),      be64(offset_bytes), be32(bytes),
    };

    return co_io_send_all(fd, &head, sizeof(head)) ? -EPIPE : 0;
}

COROUTINE_ONLY
static int co_reply(int fd, uint64_t cookie)
{
    NbdSimpleReply reply;
    int ret = co_receive(fd, &reply, sizeof(reply));

    if (ret) {
        return ret;
    }
    sim_check(be32_get(reply.magic) == NBD_MAGIC_SIMPLE_REPLY &&
                  be64_get(reply.cookie) == cookie,
              "a wrong reply");
    return be32_get(reply.error) ? -EIO : 0;
}

int co_sim_nbd_read(int fd, uint64_t offset_bytes, void *buf, uint32_t bytes)
{
    int ret = co_send_request(fd, NBD_CMD_READ, 0, offset_bytes, bytes);

    if (ret == 0) {
        ret = co_reply(fd, offset_bytes);
    }
    return ret ? ret : co_receive(fd, buf, bytes);
}

int co_sim_nbd_write(int fd, uint64_t offset_bytes, const void *buf,
                     uint32_t bytes, bool fua)
{
    int ret = co_send_request(fd, NBD_CMD_WRITE, fua ? NBD_CMD_FLAG_FUA : 0,
                              offset_bytes, bytes);

    if (ret == 0 && co_io_send_all(fd, buf, bytes)) {
        ret = -EPIPE;
    }
    return ret ? ret : co_reply(fd, offset_bytes);
}

int co_sim_nbd_flush(int fd)
{
    int ret = co_send_request(fd, NBD_CMD_FLUSH, 0, 0, 0);

    return ret ? ret : co_reply(fd, 0);
}

void co_sim_nbd_close(int fd, bool polite)
{
    if (polite) {
        co_send_request(fd, NBD_CMD_DISC, 0, 0, 0);
    }
    io_close(fd);
}
