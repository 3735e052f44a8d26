/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NBD server sends the input: what it says while a disk is opened, then its
 * replies to one request of each kind, all in flight at once.
 */
#include "block/graph/root.h"
#include "fuzz.h"
#include "qapi/qapi-types.h"
#include "tests/unit/ram-node.h"

#define READ_BYTES 4096u

typedef struct Client {
    const FuzzInput *input;
    FuzzPeer peer;
    int listen_fd;
    Root *root;
    unsigned running;
    CoQueue ended;
} Client;

static char *describe(const Root *root)
{
    return g_strdup("fuzz");
}

static const RootOps root_ops = {.describe = describe};

/* --- requests ------------------------------------------------------------ */

static void co_read(Root *root)
{
    char buf[READ_BYTES];

    co_root_pread(root, 0, sizeof(buf), buf);
}

static void co_read_other(Root *root)
{
    char buf[READ_BYTES];

    co_root_pread(root, READ_BYTES, sizeof(buf), buf);
}

static void co_status(Root *root)
{
    BlockStatus status;

    if (root_size_bytes(root) &&
        co_root_block_status(root, 0, 4 * READ_BYTES, &status) == 0) {
        g_assert_cmpuint(status.bytes, >, 0);
    }
}

static void co_write(Root *root)
{
    static const char buf[512];

    co_root_pwrite(root, 0, sizeof(buf), buf, REQ_FUA);
}

static void co_zero(Root *root)
{
    co_root_pwrite_zeroes(root, READ_BYTES, 512, REQ_MAY_UNMAP);
}

static void co_trim(Root *root)
{
    co_root_pdiscard(root, 2 * READ_BYTES, 512);
}

static void co_flush(Root *root)
{
    co_root_flush(root);
}

typedef struct Step {
    Client *c;
    void (*co_run)(Root *root);
} Step;

static void co_step(void *opaque)
{
    Step *step = opaque;

    step->co_run(step->c->root);
    step->c->running--;
    coqueue_wake_all(&step->c->ended);
}

/* The n-th of these has the cookie n. */
COROUTINE_ONLY
static void co_use(Client *c, bool writable)
{
    Step steps[] = {
        {c, co_read},  {c, co_read_other}, {c, co_status}, {c, co_flush},
        {c, co_write}, {c, co_zero},       {c, co_trim},
    };
    size_t n = writable ? ARRAY_SIZE(steps) : 4;

    coqueue_init(&c->ended);
    c->running = n;
    for (size_t i = 0; i < n; i++) {
        coroutine_start(co_step, &steps[i]);
    }
    while (c->running) {
        co_queue_wait(&c->ended);
    }
}

/* --- the server ---------------------------------------------------------- */

/* Serves the first connection; others wait for ever. */
static void co_server(void *opaque)
{
    Client *c = opaque;
    int fd = co_io_accept(c->listen_fd);

    if (fd < 0) {
        c->peer.ended = true;
        coqueue_wake_all(&c->peer.end);
        return;
    }
    fuzz_peer_start(&c->peer, fd, c->input);
}

/* --- the disk ------------------------------------------------------------ */

COROUTINE_ONLY
static Node *co_open(const char *path, bool read_only)
{
    char *text = g_strdup_printf(
        "{\"driver\": \"nbd\", \"node-name\": \"n\", \"read-only\": %s,"
        " \"discard\": \"unmap\", \"server\": {\"type\": \"unix\","
        " \"path\": \"%s\", \"abstract\": true}}",
        read_only ? "true" : "false", path);
    Node *node = open_json(text, NULL);

    g_free(text);
    return node;
}

COROUTINE_ONLY
static void co_open_and_use(Client *c, const char *path, bool read_only)
{
    Perms perm =
        PERM_CONSISTENT_READ | (read_only ? 0 : PERM_WRITE | PERM_RESIZE);
    Node *node;

    control_assert();
    co_graph_lock();
    node = co_open(path, read_only);
    if (node) {
        c->root = root_new("root", &root_ops, c);
        g_assert_true(root_attach(c->root, node, perm, PERM_ALL, NULL));
        graph_unlock();
        co_use(c, !read_only && !node->read_only);
        co_graph_lock();
        co_root_detach(c->root);
        root_free(c->root);
        co_node_unref(node);
    }
    graph_unlock();
}

static void co_body(void *opaque)
{
    Client c = {.input = opaque};
    bool read_only = c.input->bytes && c.input->data[0] == 'R';
    char *path = g_strdup_printf("tidemark-fuzz-%d", (int)getpid());

    coroutine_assert();
    coqueue_init(&c.peer.end);
    c.listen_fd = io_listen_abstract(path, false, NULL);
    g_assert_cmpint(c.listen_fd, >=, 0);
    coroutine_start(co_server, &c);
    co_open_and_use(&c, path, read_only);
    io_cancel_fd(c.listen_fd);
    co_fuzz_peer_wait(&c.peer);
    io_close(c.listen_fd);
    g_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_run(co_body, data, bytes);
    return 0;
}
