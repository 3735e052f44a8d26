/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NBD client sends the input: handshake and transmission, against a disk in
 * memory with a dirty bitmap, and one that is read-only.
 */
#include "block/bitmap/bitmap.h"
#include "block/export/nbd-conn.h"
#include "block/export/nbd-server.h"
#include "fuzz.h"
#include "qapi/qapi-types.h"
#include "tests/unit/ram-node.h"
#include "util/json/json-parse.h"

#define DISK_BYTES (48u << 10)

typedef struct Served {
    bool gone;
    CoQueue end;
} Served;

static Served served;

static void conn_gone(NbdConn *conn)
{
    served.gone = true;
    coqueue_wake_all(&served.end);
}

COROUTINE_ONLY
static void co_add_export(const char *text)
{
    json_object *o = json_parse_string(text, NULL);
    BlockExportOptions *options = BlockExportOptions_from_json(o, NULL);
    Error *err = NULL;

    control_assert();
    if (!co_export_add(options, &err)) {
        g_error("%s", error_text(err));
    }
    BlockExportOptions_free(options);
    json_object_put(o);
}

static void start_server(void)
{
    /* Nobody connects; exports need one that listens. */
    char *path = g_strdup_printf("tidemark-fuzz-%d", (int)getpid());
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_UNIX,
        .u.q_unix = {.path = path, .has_abstract = true, .abstract = true}};
    NbdServerOptions options = {.addr = &addr};

    g_assert_true(nbd_server_start(&options, NULL));
    g_free(path);
}

/* The first half is data, the second zeroes; every other 4 KiB is dirty. */
COROUTINE_ONLY
static Node *co_make_disk(void)
{
    Node *disk = ram_node_new("disk", DISK_BYTES, 512);
    DirtyBitmap *bitmap;

    control_assert();
    memset(ram_state(disk)->bytes, 0xa5, DISK_BYTES / 2);
    bitmap = bitmap_create(disk, 4096, "b", NULL);
    for (uint64_t at = 0; at < DISK_BYTES; at += 8192) {
        bitmap_set(bitmap, at, 1);
    }
    start_server();
    co_add_export("{\"type\": \"nbd\", \"id\": \"e\", \"name\": \"\","
                  " \"node-name\": \"disk\", \"writable\": true,"
                  " \"description\": \"words\", \"allocation-depth\": true,"
                  " \"bitmaps\": [\"b\"]}");
    co_add_export("{\"type\": \"nbd\", \"id\": \"ro\", \"name\": \"ro\","
                  " \"node-name\": \"disk\"}");
    return disk;
}

COROUTINE_ONLY
static void co_drop_disk(Node *disk)
{
    control_assert();
    g_assert_true(co_nbd_server_stop(NULL));
    g_assert_null(export_next(NULL));
    co_graph_lock();
    bitmap_release_all(disk);
    co_node_unref(disk);
    graph_unlock();
    g_assert_null(node_next(NULL));
}

static void co_body(void *opaque)
{
    static const NbdConnSettings settings;
    Node *disk;
    FuzzPeer peer = {0};

    coroutine_assert();
    disk = co_make_disk();
    served.gone = false;
    coqueue_init(&served.end);
    nbd_conn_start(fuzz_peer_pair(&peer, opaque), &settings, conn_gone);
    while (!served.gone) {
        co_queue_wait(&served.end);
    }
    co_fuzz_peer_wait(&peer);
    co_drop_disk(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_run(co_body, data, bytes);
    return 0;
}
