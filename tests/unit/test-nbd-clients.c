/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NBD server against clients that are hostile or hang. */
#include <stdlib.h>

#include "block/export/export.h"
#include "nbd-peer.h"
#include "nbd-served.h"
#include "nbd/protocol.h"
#include "qapi/qapi-commands.h"

static void co_test_handshake_garbage(void *opaque)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);

    co_served_start();
    for (unsigned i = 0; i < 100; i++) {
        uint8_t junk[64];
        int fd = i % 2 ? co_peer_hello(served_path, 3)
                       : co_peer_connect(served_path);

        for (size_t k = 0; k < sizeof(junk); k++) {
            junk[k] = g_rand_int(rand);
        }
        /* It may have hung up on us already. */
        co_io_send_all(fd, junk, sizeof(junk));
        co_peer_expect_close(fd);
    }
    co_served_check_alive();
    co_served_stop();
}

static void co_test_options(void *opaque)
{
    g_autofree char *big = g_malloc0(2u << 20);
    int fd;

    co_served_start();
    fd = co_peer_hello(served_path, 3);
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
    co_peer_expect_close(co_peer_hello(served_path, 0x80));
    fd = co_peer_hello(served_path, 0);
    co_peer_send_option(fd, NBD_OPT_LIST, NULL, 0);
    co_peer_expect_close(fd);
    co_served_check_alive();
    co_served_stop();
}

static void co_test_request_garbage(void *opaque)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);

    co_served_start();
    for (unsigned i = 0; i < 100; i++) {
        int fd = co_peer_connect_and_go(served_path, i % 2);

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
    co_served_check_alive();
    co_served_stop();
}

/* Removing an export needs nothing of a client that leaves replies unread. */
static void co_test_unread_reply(void *opaque)
{
    QmpBlockExportDelArgs args = {.id = (char *)"e"};
    Error *err = NULL;
    int fd;

    co_served_start();
    fd = co_peer_connect_and_go(served_path, false);
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
    co_served_stop();
}

/* Nor does stopping the server need a client to finish its handshake. */
static void co_test_stop_in_handshake(void *opaque)
{
    char byte;
    int silent, half;

    co_served_start();
    silent = co_peer_connect(served_path);
    g_assert_cmpint(co_io_recv(silent, &byte, 1), ==, 1);
    half = co_peer_hello(served_path, 3);
    co_peer_send(half, "IHAVE", 5);
    co_served_stop();
    co_peer_expect_close(silent);
    co_peer_expect_close(half);
}

int main(int argc, char **argv)
{
    static const ServedTest tests[] = {
        {"handshake-garbage", co_test_handshake_garbage},
        {"options", co_test_options},
        {"request-garbage", co_test_request_garbage},
        {"unread-reply", co_test_unread_reply},
        {"stop-in-handshake", co_test_stop_in_handshake},
        {NULL, NULL},
    };

    return served_run(argc, argv, tests);
}
