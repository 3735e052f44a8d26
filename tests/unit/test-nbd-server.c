/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NBD server: requests, and the life of exports. */
#include <stdlib.h>

#include "block/export/export.h"
#include "nbd-peer.h"
#include "nbd-served.h"
#include "nbd/protocol.h"
#include "qapi/qapi-commands.h"

static void co_test_simple(void *opaque)
{
    static const struct {
        uint16_t command, flags;
        uint64_t offset_bytes;
        uint32_t bytes, error;
    } cases[] = {
        {NBD_CMD_FLUSH, 0, 77, 88, 0},
        {NBD_CMD_TRIM, NBD_CMD_FLAG_FUA, 3, 5000, 0},
        {NBD_CMD_TRIM, 0, 0, 0, 0},
        {NBD_CMD_READ, 0, 0, 0, 0},
        {NBD_CMD_WRITE, 0, 0, 0, 0},
        {NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_NO_HOLE, 1, DISK_BYTES - 1, 0},
        {NBD_CMD_CACHE, 0, 100, 3u << 20, 0},
        {NBD_CMD_CACHE, 0, 0, NBD_MAX_PAYLOAD + 1, NBD_EINVAL},
        {NBD_CMD_READ, 0, DISK_BYTES - 4, 8, NBD_EINVAL},
        {NBD_CMD_READ, 0, UINT64_MAX - 3, 8, NBD_EINVAL},
        {NBD_CMD_READ, NBD_CMD_FLAG_DF, 0, 8, NBD_EINVAL},
        {NBD_CMD_READ, 0, 0, NBD_MAX_PAYLOAD + 1, NBD_EINVAL},
        {NBD_CMD_TRIM, 0, DISK_BYTES, 1, NBD_EINVAL},
        {NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_FAST_ZERO, 0, 8, 0},
        {NBD_CMD_TRIM, NBD_CMD_FLAG_FAST_ZERO, 0, 8, NBD_EINVAL},
        {NBD_CMD_BLOCK_STATUS, 0, 0, 4096, NBD_EINVAL},
        {99, 0, 0, 0, NBD_EINVAL},
    };
    int fd;

    co_served_start();
    fd = co_peer_connect_and_go(served_path, false);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        co_peer_request(fd, cases[i].command, cases[i].flags,
                        cases[i].offset_bytes, cases[i].bytes);
        g_assert_cmpuint(co_peer_simple_result(fd), ==, cases[i].error);
    }
    co_peer_request(fd, NBD_CMD_DISC, 0, 0, 0);
    co_peer_expect_close(fd);
    co_served_stop();
}

/* A refused write's payload is skipped: the next request is understood. */
static void co_test_refused_write(void *opaque)
{
    g_autofree char *payload = g_malloc0(1u << 20);
    int fd;

    co_served_start();
    fd = co_peer_connect_and_go(served_path, false);
    co_peer_request(fd, NBD_CMD_WRITE, 0, DISK_BYTES - 10, 1u << 20);
    co_peer_send(fd, payload, 1u << 20);
    g_assert_cmpuint(co_peer_simple_result(fd), ==, NBD_EINVAL);
    co_peer_request(fd, NBD_CMD_WRITE, 0, 0, 1u << 20);
    co_peer_send(fd, payload, 1u << 20);
    g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    /* One that is too large to be skipped ends the connection. */
    co_peer_request(fd, NBD_CMD_WRITE, 0, 0, NBD_MAX_PAYLOAD + 1);
    co_peer_expect_close(fd);
    co_served_check_alive();
    co_served_stop();
}

/* Zeroes come as one hole chunk, however large the read. */
static void co_test_structured_read(void *opaque)
{
    NbdChunkHole hole;
    int fd;

    co_served_start();
    fd = co_peer_connect_and_go(served_path, true);
    co_peer_request(fd, NBD_CMD_READ, 0, 12345, 7u << 20);
    co_peer_recv(fd, &hole, sizeof(hole));
    g_assert_cmpuint(be16_get(hole.head.type), ==, NBD_CHUNK_OFFSET_HOLE);
    g_assert_cmpuint(be16_get(hole.head.flags), ==, NBD_CHUNK_FLAG_DONE);
    g_assert_cmpuint(be64_get(hole.offset_bytes), ==, 12345);
    g_assert_cmpuint(be32_get(hole.bytes), ==, 7u << 20);
    io_close(fd);
    co_served_check_alive();
    co_served_stop();
}

/* Zeroes that would have to be written as data are not fast. */
static void co_test_fast_zero(void *opaque)
{
    RamState *s;
    int fd;

    co_served_start();
    served_second = ram_node_new("two", 65536, 1);
    s = ram_state(served_second);
    s->zeroes_unsupported = true;
    g_assert_true(co_served_add("{\"type\": \"nbd\", \"id\": \"two\","
                                " \"name\": \"disk2\","
                                " \"node-name\": \"two\","
                                " \"writable\": true}",
                                NULL));
    fd = co_peer_hello(served_path, 3);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_GO, "\0\0\0\5disk2\0", 11), ==,
                    NBD_REP_ACK);
    co_peer_request(fd, NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_FAST_ZERO, 0, 4096);
    g_assert_cmpuint(co_peer_simple_result(fd), ==, NBD_ENOTSUP);
    g_assert_cmpuint(s->writes, ==, 0);
    co_peer_request(fd, NBD_CMD_WRITE_ZEROES, 0, 0, 4096);
    g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    g_assert_cmpuint(s->writes, ==, 1);
    s->zeroes_unsupported = false;
    co_peer_request(fd, NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_FAST_ZERO, 0, 4096);
    g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    g_assert_cmpuint(s->writes, ==, 1);
    io_close(fd);
    co_served_stop();
}

/* Many requests before the first reply is read: all are answered. */
static void co_test_pipelined(void *opaque)
{
    int fd;

    co_served_start();
    fd = co_peer_connect_and_go(served_path, false);
    for (unsigned i = 0; i < 200; i++) {
        co_peer_request(fd, NBD_CMD_FLUSH, 0, i, 0);
    }
    for (unsigned i = 0; i < 200; i++) {
        g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    }
    io_close(fd);
    co_served_stop();
}

/* --- tests: life --------------------------------------------------------- */

static void co_test_meta_of_another(void *opaque)
{
    static const char meta[] = "\0\0\0\4disk\0\0\0\1\0\0\0\x0f"
                               "base:allocation";
    QmpBlockExportDelArgs args = {.id = (char *)"e"};
    NbdChunkError error;
    int fd;

    co_served_start();
    fd = co_peer_hello(served_path, 3);
    co_peer_option(fd, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_SET_META_CONTEXT, meta, 31), ==,
                    NBD_REP_ACK);
    g_assert_true(qmp_block_export_del(&args, NULL));
    g_assert_cmphex(co_peer_go(fd), ==, NBD_REP_ERR_UNKNOWN);
    g_assert_true(co_served_add("{\"type\": \"nbd\", \"id\": \"e\","
                                " \"node-name\": \"disk\"}",
                                NULL));
    g_assert_cmphex(co_peer_go(fd), ==, NBD_REP_ACK);
    /* What was chosen was of the export that is gone. */
    co_peer_request(fd, NBD_CMD_BLOCK_STATUS, 0, 0, 4096);
    co_peer_recv(fd, &error, sizeof(error));
    g_assert_cmpuint(be16_get(error.head.type), ==, NBD_CHUNK_ERROR);
    g_assert_cmpuint(be32_get(error.error), ==, NBD_EINVAL);
    io_close(fd);
    co_served_stop();
}

static void co_test_max_connections(void *opaque)
{
    char byte;
    int first, second;

    co_served_open_disk();
    served_start(1);
    first = co_peer_connect(served_path);
    g_assert_cmpint(co_io_recv(first, &byte, 1), ==, 1);
    second = co_peer_connect(served_path);
    io_close(first);
    /* The second one's turn has come. */
    g_assert_cmpint(co_io_recv(second, &byte, 1), ==, 1);
    io_close(second);
    co_served_stop();
}

static void add_fails(const char *text, const char *expected)
{
    Error *err = NULL;

    g_assert_false(co_served_add(text, &err));
    g_assert_cmpstr(error_text(err), ==, expected);
    error_free(err);
}

static void co_test_add_errors(void *opaque)
{
    Error *err = NULL;

    co_served_open_disk();
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\"}",
              "NBD server not running");
    g_assert_false(co_nbd_server_stop(&err));
    g_assert_cmpstr(error_text(err), ==, "NBD server not running");
    error_free(err);
    served_start(0);
    add_fails("{\"type\": \"nbd\", \"id\": \"1x\", \"node-name\": \"disk\"}",
              "Invalid block export id");
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\","
              " \"iothread\": \"t\"}",
              "iothread \"t\" not found");
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\","
              " \"bitmaps\": [\"b\"]}",
              "Bitmap 'b' is not found");
    g_assert_true(co_served_add("{\"type\": \"nbd\", \"id\": \"x\","
                                " \"node-name\": \"disk\"}",
                                NULL));
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\"}",
              "Block export id 'x' is already in use");
    add_fails("{\"type\": \"nbd\", \"id\": \"y\", \"node-name\": \"disk\"}",
              "NBD server already has export named 'disk'");
    co_served_stop();
}

int main(int argc, char **argv)
{
    static const ServedTest tests[] = {
        {"simple", co_test_simple},
        {"refused-write", co_test_refused_write},
        {"structured-read", co_test_structured_read},
        {"fast-zero", co_test_fast_zero},
        {"pipelined", co_test_pipelined},
        {"meta-of-another", co_test_meta_of_another},
        {"max-connections", co_test_max_connections},
        {"add-errors", co_test_add_errors},
        {NULL, NULL},
    };

    return served_run(argc, argv, tests);
}
