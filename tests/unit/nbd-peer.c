/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of an NBD server, message by message: see nbd-peer.h. */
#include "nbd-peer.h"

#include <glib.h>

#include "nbd/protocol.h"
#include "util/reactor/reactor.h"

int co_peer_connect(const char *path)
{
    int fd = co_io_connect_unix(path, NULL);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

void co_peer_send(int fd, const void *buf, size_t bytes)
{
    g_assert_cmpint(co_io_send_all(fd, buf, bytes), ==, 0);
}

void co_peer_recv(int fd, void *buf, size_t bytes)
{
    g_assert_cmpint(co_io_recv_all(fd, buf, bytes), ==, 0);
}

void co_peer_expect_close(int fd)
{
    char buf[4096];

    while (co_io_recv(fd, buf, sizeof(buf)) > 0) {
        /* More of it. */
    }
    io_close(fd);
}

int co_peer_hello(const char *path, uint32_t client_flags)
{
    NbdGreeting greeting;
    Be32 flags = be32(client_flags);
    int fd = co_peer_connect(path);

    co_peer_recv(fd, &greeting, sizeof(greeting));
    g_assert_cmphex(be64_get(greeting.magic), ==, NBD_MAGIC_INIT);
    g_assert_cmphex(be64_get(greeting.option_magic), ==, NBD_MAGIC_OPTION);
    g_assert_cmphex(be16_get(greeting.flags), ==, 3);
    co_peer_send(fd, &flags, sizeof(flags));
    return fd;
}

void co_peer_send_option(int fd, uint32_t option, const void *data,
                         uint32_t bytes)
{
    NbdOptionHeader head = {be64(NBD_MAGIC_OPTION), be32(option), be32(bytes)};

    co_peer_send(fd, &head, sizeof(head));
    if (bytes) {
        co_peer_send(fd, data, bytes);
    }
}

uint32_t co_peer_option_result(int fd, uint32_t option)
{
    char data[8192];
    NbdOptionReply reply;
    uint32_t type;

    do {
        co_peer_recv(fd, &reply, sizeof(reply));
        g_assert_cmphex(be64_get(reply.magic), ==, NBD_MAGIC_OPTION_REPLY);
        g_assert_cmpuint(be32_get(reply.option), ==, option);
        g_assert_cmpuint(be32_get(reply.bytes), <=, sizeof(data));
        if (be32_get(reply.bytes)) {
            co_peer_recv(fd, data, be32_get(reply.bytes));
        }
        type = be32_get(reply.type);
    } while (type != NBD_REP_ACK && !(type & NBD_REP_IS_ERROR));
    return type;
}

uint32_t co_peer_option(int fd, uint32_t option, const void *data,
                        uint32_t bytes)
{
    co_peer_send_option(fd, option, data, bytes);
    return co_peer_option_result(fd, option);
}

uint32_t co_peer_go(int fd)
{
    static const char data[] = "\0\0\0\4disk\0";

    return co_peer_option(fd, NBD_OPT_GO, data, 10);
}

int co_peer_connect_and_go(const char *path, bool structured)
{
    int fd = co_peer_hello(path, 3);

    if (structured) {
        g_assert_cmphex(co_peer_option(fd, NBD_OPT_STRUCTURED_REPLY, NULL, 0),
                        ==, NBD_REP_ACK);
    }
    g_assert_cmphex(co_peer_go(fd), ==, NBD_REP_ACK);
    return fd;
}

void co_peer_request(int fd, uint16_t command, uint16_t flags,
                     uint64_t offset_bytes, uint32_t bytes)
{
    NbdRequestHeader head = {
        be32(NBD_MAGIC_REQUEST),      be16(flags),        be16(command),
        be64(offset_bytes ^ command), be64(offset_bytes), be32(bytes),
    };

    co_peer_send(fd, &head, sizeof(head));
}

uint32_t co_peer_simple_result(int fd)
{
    NbdSimpleReply reply;

    co_peer_recv(fd, &reply, sizeof(reply));
    g_assert_cmphex(be32_get(reply.magic), ==, NBD_MAGIC_SIMPLE_REPLY);
    return be32_get(reply.error);
}
