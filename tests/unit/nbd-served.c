/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See nbd-served.h. */
#include "nbd-served.h"

#include <glib/gstdio.h>

#include "block/export/export.h"
#include "nbd-peer.h"
#include "nbd/protocol.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-parse.h"

char *served_path;
Node *served_disk, *served_second;

static json_object *json(const char *text)
{
    json_object *o = json_parse_string(text, NULL);

    g_assert_nonnull(o);
    return o;
}

void co_served_open_disk(void)
{
    json_object *o = json("{\"driver\": \"null-co\", \"node-name\": \"disk\","
                          " \"size\": 8388608, \"read-zeroes\": true}");
    BlockdevOptions *options = BlockdevOptions_from_json(o, NULL);

    co_graph_lock();
    served_disk = co_node_open(options, NULL);
    graph_unlock();
    g_assert_nonnull(served_disk);
    BlockdevOptions_free(options);
    json_object_put(o);
}

bool co_served_add(const char *text, Error **errp)
{
    json_object *o = json(text);
    BlockExportOptions *options = BlockExportOptions_from_json(o, NULL);
    bool ok = co_export_add(options, errp) != NULL;

    BlockExportOptions_free(options);
    json_object_put(o);
    return ok;
}

void served_start(uint32_t max_connections)
{
    SocketAddress addr = {.type = SOCKET_ADDRESS_TYPE_UNIX,
                          .u.q_unix.path = served_path};
    NbdServerOptions options = {.addr = &addr,
                                .has_max_connections = true,
                                .max_connections = max_connections};

    g_assert_true(nbd_server_start(&options, NULL));
}

void co_served_start(void)
{
    co_served_open_disk();
    served_start(0);
    g_assert_true(co_served_add("{\"type\": \"nbd\", \"id\": \"e\","
                                " \"node-name\": \"disk\","
                                " \"writable\": true}",
                                NULL));
}

void co_served_stop(void)
{
    g_assert_true(co_nbd_server_stop(NULL));
    g_assert_null(export_next(NULL));
    g_assert_false(g_file_test(served_path, G_FILE_TEST_EXISTS));
    co_graph_lock();
    co_node_unref(served_disk);
    if (served_second) {
        co_node_unref(served_second);
        served_second = NULL;
    }
    graph_unlock();
}

void co_served_check_alive(void)
{
    char buf[512];
    int fd = co_peer_connect_and_go(served_path, false);

    co_peer_request(fd, NBD_CMD_READ, 0, 4096, sizeof(buf));
    g_assert_cmpuint(co_peer_simple_result(fd), ==, 0);
    co_peer_recv(fd, buf, sizeof(buf));
    co_peer_request(fd, NBD_CMD_DISC, 0, 0, 0);
    co_peer_expect_close(fd);
}

static void run(gconstpointer data)
{
    reactor_run_coroutine((CoroutineEntry *)data, NULL);
    g_assert_cmpuint(coroutine_count(), ==, 0);
}

int served_run(int argc, char **argv, const ServedTest *tests)
{
    g_autofree char *dir = NULL;
    Reactor *reactor;
    int ret;

    g_test_init(&argc, &argv, NULL);
    reactor = reactor_new(REACTOR_AUTO, NULL);
    dir = g_dir_make_tmp("tidemark-nbd-XXXXXX", NULL);
    served_path = g_build_filename(dir, "nbd.sock", NULL);
    for (; tests->name; tests++) {
        g_autofree char *path = g_strconcat("/nbd/server/", tests->name, NULL);

        g_test_add_data_func(path, (gconstpointer)tests->entry, run);
    }
    ret = g_test_run();
    g_rmdir(dir);
    g_free(served_path);
    reactor_free(reactor);
    return ret;
}
