/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting to an export, by blocking calls. */
#include "tests/bench/load/load.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void send_all(int fd, const void *buf, size_t bytes)
{
    if (send(fd, buf, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
        fail("the server does not listen");
    }
}

static void recv_all(int fd, void *buf, size_t bytes)
{
    if (bytes && recv(fd, buf, bytes, MSG_WAITALL) != (ssize_t)bytes) {
        fail("the server left in the handshake");
    }
}

static int connect_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        fail("cannot connect to %s: %s", path, strerror(errno));
    }
    return fd;
}

static void send_option(int fd, uint32_t option, const void *data,
                        uint32_t bytes)
{
    NbdOptionHeader head = {
        .magic = be64(NBD_MAGIC_OPTION),
        .option = be32(option),
        .bytes = be32(bytes),
    };

    send_all(fd, &head, sizeof(head));
    if (bytes) {
        send_all(fd, data, bytes);
    }
}

/* One reply, with up to 64 bytes of data; its type. */
static uint32_t recv_reply(int fd, void *data)
{
    NbdOptionReply reply;

    recv_all(fd, &reply, sizeof(reply));
    if (be32_get(reply.bytes) > 64) {
        fail("an answer of %u bytes to an option", be32_get(reply.bytes));
    }
    recv_all(fd, data, be32_get(reply.bytes));
    return be32_get(reply.type);
}

static void choose_export(Load *load, int fd)
{
    size_t name_bytes = strlen(load->export_name);
    g_autoptr(GByteArray) data = g_byte_array_new();
    Be32 bytes = be32(name_bytes);
    Be16 no_infos = be16(0);
    uint8_t reply[64];
    uint32_t type;

    g_byte_array_append(data, bytes.b, sizeof(bytes));
    g_byte_array_append(data, (const uint8_t *)load->export_name, name_bytes);
    g_byte_array_append(data, no_infos.b, sizeof(no_infos));
    send_option(fd, NBD_OPT_GO, data->data, data->len);
    while ((type = recv_reply(fd, reply)) == NBD_REP_INFO) {
        NbdInfoExport info;

        memcpy(&info, reply, sizeof(info));
        if (be16_get(info.type) == NBD_INFO_EXPORT) {
            load->size_bytes = be64_get(info.size_bytes);
        }
    }
    if (type != NBD_REP_ACK) {
        fail("the server refuses export '%s'", load->export_name);
    }
}

int load_connect(Load *load)
{
    int fd = connect_unix(load->socket_path);
    Be32 flags = be32(NBD_HANDSHAKE_FIXED | NBD_HANDSHAKE_NO_ZEROES);
    NbdGreeting greeting;
    uint8_t reply[64];

    recv_all(fd, &greeting, sizeof(greeting));
    if (be64_get(greeting.magic) != NBD_MAGIC_INIT) {
        fail("no NBD server");
    }
    send_all(fd, &flags, sizeof(flags));
    if (!load->simple) {
        send_option(fd, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
        if (recv_reply(fd, reply) != NBD_REP_ACK) {
            fail("no structured replies");
        }
    }
    choose_export(load, fd);
    return fd;
}
