/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NBD server against clients of every kind: polite, hostile, hung. Server
 * and clients are coroutines of one reactor, joined by a unix socket.
 */
#include <glib/gstdio.h>
#include <stdlib.h>

#include "block/export/export.h"
#include "block/export/nbd-server.h"
#include "nbd-peer.h"
#include "nbd/protocol.h"
#include "qapi/qapi-commands.h"
#include "ram-node.h"
#include "util/json/json-parse.h"

#define DISK_BYTES (8u << 20)

static char *dir, *socket_path;
static Node *disk, *disk_two;

/* --- set up -------------------------------------------------------------- */

static json_object *json(const char *text)
{
    json_object *o = json_parse_string(text, NULL);

    g_assert_nonnull(o);
    return o;
}

static void co_open_disk(void)
{
    json_object *o = json("{\"driver\": \"null-co\", \"node-name\": \"disk\","
                          " \"size\": 8388608, \"read-zeroes\": true}");
    BlockdevOptions *options = BlockdevOptions_from_json(o, NULL);

    co_graph_lock();
    disk = co_node_open(options, NULL);
    graph_unlock();
    g_assert_nonnull(disk);
    BlockdevOptions_free(options);
    json_object_put(o);
}

static bool co_add_export(const char *text, Error **errp)
{
    json_object *o = json(text);
    BlockExportOptions *options = BlockExportOptions_from_json(o, NULL);
    bool ok = co_export_add(options, errp) != NULL;

    BlockExportOptions_free(options);
    json_object_put(o);
    return ok;
}

static void start_server(uint32_t max_connections)
{
    SocketAddress addr = {.type = SOCKET_ADDRESS_TYPE_UNIX,
                          .u.q_unix.path = socket_path};
    NbdServerOptions options = {.addr = &addr,
                                .has_max_connections = true,
                                .max_connections = max_connections};

    g_assert_true(nbd_server_start(&options, NULL));
}

static void co_start(void)
{
    co_open_disk();
    start_server(0);
    g_assert_true(co_add_export("{\"type\": \"nbd\", \"id\": \"e\","
                                " \"node-name\": \"disk\","
                                " \"writable\": true}",
                                NULL));
}

static void co_stop(void)
{
    g_assert_true(co_nbd_server_stop(NULL));
    g_assert_null(export_next(NULL));
    g_assert_false(g_file_test(socket_path, G_FILE_TEST_EXISTS));
    co_graph_lock();
    co_node_unref(disk);
    if (disk_two) {
        co_node_unref(disk_two);
        disk_two = NULL;
    }
    graph_unlock();
}

/* A new client is served: nothing was broken for the others. */
static void co_check_alive(void)
{
    char buf[512];
    int fd = co_peer_connect_and_go(socket_path, false);

    co_peer_request(fd, NBD_CMD_READ, 0, 4096, sizeof(buf));
    g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    co_peer_recv(fd, buf, sizeof(buf));
    co_peer_request(fd, NBD_CMD_DISC, 0, 0, 0);
    co_peer_expect_close(fd);
}

/* --- tests: requests ----------------------------------------------------- */

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

    co_start();
    fd = co_peer_connect_and_go(socket_path, false);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        co_peer_request(fd, cases[i].command, cases[i].flags,
                        cases[i].offset_bytes, cases[i].bytes);
        g_assert_cmpuint(co_peer_simple_result(fd), ==, cases[i].error);
    }
    co_peer_request(fd, NBD_CMD_DISC, 0, 0, 0);
    co_peer_expect_close(fd);
    co_stop();
}

/* A refused write's payload is skipped: the next request is understood. */
static void co_test_refused_write(void *opaque)
{
    g_autofree char *payload = g_malloc0(1u << 20);
    int fd;

    co_start();
    fd = co_peer_connect_and_go(socket_path, false);
    co_peer_request(fd, NBD_CMD_WRITE, 0, DISK_BYTES - 10, 1u << 20);
    co_peer_send(fd, payload, 1u << 20);
    g_assert_cmpuint(co_peer_simple_result(fd), ==, NBD_EINVAL);
    co_peer_request(fd, NBD_CMD_WRITE, 0, 0, 1u << 20);
    co_peer_send(fd, payload, 1u << 20);
    g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    /* One that is too large to be skipped ends the connection. */
    co_peer_request(fd, NBD_CMD_WRITE, 0, 0, NBD_MAX_PAYLOAD + 1);
    co_peer_expect_close(fd);
    co_check_alive();
    co_stop();
}

/* Zeroes come as one hole chunk, however large the read. */
static void co_test_structured_read(void *opaque)
{
    NbdChunkHole hole;
    int fd;

    co_start();
    fd = co_peer_connect_and_go(socket_path, true);
    co_peer_request(fd, NBD_CMD_READ, 0, 12345, 7u << 20);
    co_peer_recv(fd, &hole, sizeof(hole));
    g_assert_cmpuint(be16_get(hole.head.type), ==, NBD_CHUNK_OFFSET_HOLE);
    g_assert_cmpuint(be16_get(hole.head.flags), ==, NBD_CHUNK_FLAG_DONE);
    g_assert_cmpuint(be64_get(hole.offset_bytes), ==, 12345);
    g_assert_cmpuint(be32_get(hole.bytes), ==, 7u << 20);
    io_close(fd);
    co_check_alive();
    co_stop();
}

/* Zeroes that would have to be written as data are not fast. */
static void co_test_fast_zero(void *opaque)
{
    RamState *s;
    int fd;

    co_start();
    disk_two = ram_node_new("two", 65536, 1);
    s = ram_state(disk_two);
    s->zeroes_unsupported = true;
    g_assert_true(co_add_export("{\"type\": \"nbd\", \"id\": \"two\","
                                " \"name\": \"disk2\","
                                " \"node-name\": \"two\","
                                " \"writable\": true}",
                                NULL));
    fd = co_peer_hello(socket_path, 3);
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
    co_stop();
}

/* Many requests before the first reply is read: all are answered. */
static void co_test_pipelined(void *opaque)
{
    int fd;

    co_start();
    fd = co_peer_connect_and_go(socket_path, false);
    for (unsigned i = 0; i < 200; i++) {
        co_peer_request(fd, NBD_CMD_FLUSH, 0, i, 0);
    }
    for (unsigned i = 0; i < 200; i++) {
        g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    }
    io_close(fd);
    co_stop();
}

/* --- tests: bad clients -------------------------------------------------- */

static void co_test_handshake_garbage(void *opaque)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);

    co_start();
    for (unsigned i = 0; i < 100; i++) {
        uint8_t junk[64];
        int fd = i % 2 ? co_peer_hello(socket_path, 3)
                       : co_peer_connect(socket_path);

        for (size_t k = 0; k < sizeof(junk); k++) {
            junk[k] = g_rand_int(rand);
        }
        /* It may have hung up on us already. */
        co_io_send_all(fd, junk, sizeof(junk));
        co_peer_expect_close(fd);
    }
    co_check_alive();
    co_stop();
}

static void co_test_options(void *opaque)
{
    g_autofree char *big = g_malloc0(2u << 20);
    int fd;

    co_start();
    fd = co_peer_hello(socket_path, 3);
    g_assert_cmphex(co_peer_option(fd, 4711, "junk", 4), ==, NBD_REP_ERR_UNSUP);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_STARTTLS, NULL, 0), ==,
                    NBD_REP_ERR_POLICY);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_LIST, "x", 1), ==,
                    NBD_REP_ERR_INVALID);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_LIST, NULL, 0), ==, NBD_REP_ACK);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_GO, big, 2u << 20), ==,
                    NBD_REP_ERR_TOO_BIG);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_GO, "\0\0\0\1x\0", 7), ==,
                    NBD_REP_ERR_UNKNOWN);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_SET_META_CONTEXT, big, 8), ==,
                    NBD_REP_ERR_INVALID);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_STRUCTURED_REPLY, NULL, 0), ==,
                    NBD_REP_ACK);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_STRUCTURED_REPLY, NULL, 0), ==,
                    NBD_REP_ERR_INVALID);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_ABORT, NULL, 0), ==,
                    NBD_REP_ACK);
    co_peer_expect_close(fd);
    /* Unknown client flags; options without the fixed protocol. */
    co_peer_expect_close(co_peer_hello(socket_path, 0x80));
    fd = co_peer_hello(socket_path, 0);
    co_peer_send_option(fd, NBD_OPT_LIST, NULL, 0);
    co_peer_expect_close(fd);
    co_check_alive();
    co_stop();
}

static void co_test_request_garbage(void *opaque)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);

    co_start();
    for (unsigned i = 0; i < 100; i++) {
        int fd = co_peer_connect_and_go(socket_path, i % 2);

        for (unsigned k = 0; k < 10; k++) {
            co_peer_request(fd, g_rand_int_range(rand, 0, 9),
                            g_rand_int_range(rand, 0, 32),
                            g_rand_int(rand) >> g_rand_int_range(rand, 0, 32),
                            g_rand_int(rand) >> g_rand_int_range(rand, 8, 32));
        }
        co_io_send_all(fd, "garbage garbage garbage garbage", 31);
        io_shutdown(fd);
        co_peer_expect_close(fd);
    }
    co_check_alive();
    co_stop();
}

/* Removing an export needs nothing of a client that leaves replies unread. */
static void co_test_unread_reply(void *opaque)
{
    QmpBlockExportDelArgs args = {.id = (char *)"e"};
    Error *err = NULL;
    int fd;

    co_start();
    fd = co_peer_connect_and_go(socket_path, false);
    for (unsigned i = 0; i < 8; i++) {
        co_peer_request(fd, NBD_CMD_READ, 0, 0, 4u << 20);
    }
    g_assert_false(qmp_block_export_del(&args, &err));
    g_assert_cmpstr(error_text(err), ==, "export 'e' still in use");
    error_free(err);
    args.has_mode = true;
    args.mode = BLOCK_EXPORT_REMOVE_MODE_HARD;
    g_assert_true(qmp_block_export_del(&args, NULL));
    co_export_wait_gone("e");
    co_peer_expect_close(fd);
    co_stop();
}

/* Nor does stopping the server need a client to finish its handshake. */
static void co_test_stop_in_handshake(void *opaque)
{
    char byte;
    int silent, half;

    co_start();
    silent = co_peer_connect(socket_path);
    g_assert_cmpint(co_io_recv(silent, &byte, 1), ==, 1);
    half = co_peer_hello(socket_path, 3);
    co_peer_send(half, "IHAVE", 5);
    co_stop();
    co_peer_expect_close(silent);
    co_peer_expect_close(half);
}

/* --- tests: life --------------------------------------------------------- */

static void co_test_meta_of_another(void *opaque)
{
    static const char meta[] = "\0\0\0\4disk\0\0\0\1\0\0\0\x0f"
                               "base:allocation";
    QmpBlockExportDelArgs args = {.id = (char *)"e"};
    NbdChunkError error;
    int fd;

    co_start();
    fd = co_peer_hello(socket_path, 3);
    co_peer_option(fd, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
    g_assert_cmphex(co_peer_option(fd, NBD_OPT_SET_META_CONTEXT, meta, 31), ==,
                    NBD_REP_ACK);
    g_assert_true(qmp_block_export_del(&args, NULL));
    g_assert_cmphex(co_peer_go(fd), ==, NBD_REP_ERR_UNKNOWN);
    g_assert_true(co_add_export("{\"type\": \"nbd\", \"id\": \"e\","
                                " \"node-name\": \"disk\"}",
                                NULL));
    g_assert_cmphex(co_peer_go(fd), ==, NBD_REP_ACK);
    /* What was chosen was of the export that is gone. */
    co_peer_request(fd, NBD_CMD_BLOCK_STATUS, 0, 0, 4096);
    co_peer_recv(fd, &error, sizeof(error));
    g_assert_cmpuint(be16_get(error.head.type), ==, NBD_CHUNK_ERROR);
    g_assert_cmpuint(be32_get(error.error), ==, NBD_EINVAL);
    io_close(fd);
    co_stop();
}

static void co_test_max_connections(void *opaque)
{
    char byte;
    int first, second;

    co_open_disk();
    start_server(1);
    first = co_peer_connect(socket_path);
    g_assert_cmpint(co_io_recv(first, &byte, 1), ==, 1);
    second = co_peer_connect(socket_path);
    io_close(first);
    /* The second one's turn has come. */
    g_assert_cmpint(co_io_recv(second, &byte, 1), ==, 1);
    io_close(second);
    co_stop();
}

static void add_fails(const char *text, const char *expected)
{
    Error *err = NULL;

    g_assert_false(co_add_export(text, &err));
    g_assert_cmpstr(error_text(err), ==, expected);
    error_free(err);
}

static void co_test_add_errors(void *opaque)
{
    Error *err = NULL;

    co_open_disk();
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\"}",
              "NBD server not running");
    g_assert_false(co_nbd_server_stop(&err));
    g_assert_cmpstr(error_text(err), ==, "NBD server not running");
    error_free(err);
    start_server(0);
    add_fails("{\"type\": \"nbd\", \"id\": \"1x\", \"node-name\": \"disk\"}",
              "Invalid block export id");
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\","
              " \"iothread\": \"t\"}",
              "iothread \"t\" not found");
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\","
              " \"bitmaps\": [\"b\"]}",
              "Bitmap 'b' is not found");
    g_assert_true(co_add_export("{\"type\": \"nbd\", \"id\": \"x\","
                                " \"node-name\": \"disk\"}",
                                NULL));
    add_fails("{\"type\": \"nbd\", \"id\": \"x\", \"node-name\": \"disk\"}",
              "Block export id 'x' is already in use");
    add_fails("{\"type\": \"nbd\", \"id\": \"y\", \"node-name\": \"disk\"}",
              "NBD server already has export named 'disk'");
    co_stop();
}

/* --- running ------------------------------------------------------------- */

static void run(gconstpointer data)
{
    reactor_run_coroutine((CoroutineEntry *)data, NULL);
    g_assert_cmpuint(coroutine_count(), ==, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        CoroutineEntry *entry;
    } tests[] = {
        {"simple", co_test_simple},
        {"refused-write", co_test_refused_write},
        {"structured-read", co_test_structured_read},
        {"fast-zero", co_test_fast_zero},
        {"pipelined", co_test_pipelined},
        {"handshake-garbage", co_test_handshake_garbage},
        {"options", co_test_options},
        {"request-garbage", co_test_request_garbage},
        {"unread-reply", co_test_unread_reply},
        {"stop-in-handshake", co_test_stop_in_handshake},
        {"meta-of-another", co_test_meta_of_another},
        {"max-connections", co_test_max_connections},
        {"add-errors", co_test_add_errors},
    };
    Reactor *reactor;
    int ret;

    g_test_init(&argc, &argv, NULL);
    reactor = reactor_new(REACTOR_AUTO, NULL);
    dir = g_dir_make_tmp("tidemark-nbd-XXXXXX", NULL);
    socket_path = g_build_filename(dir, "nbd.sock", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        char *path = g_strconcat("/nbd/server/", tests[i].name, NULL);

        g_test_add_data_func(path, (gconstpointer)tests[i].entry, run);
        g_free(path);
    }
    ret = g_test_run();
    g_rmdir(dir);
    g_free(dir);
    g_free(socket_path);
    reactor_free(reactor);
    return ret;
}
