/* SPDX-License-Identifier: GPL-2.0-or-later */
/* util/tls: sessions over a socket pair, with keys known to both sides. */
#include "util/tls/tls.h"

#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/reactor/reactor.h"

#define KEYS "alice:0123456789abcdef0123456789abcdef\n"
#define OTHER_KEYS "alice:ffffffffffffffffffffffffffffffff\n"

static char *dir;

static const char *const sides[] = {"client", "server"};

static void write_keys(bool server, const char *text)
{
    g_autofree char *path =
        g_build_filename(dir, sides[server], "keys.psk", NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static TlsCreds *psk_creds(bool server, const char *keys, Error **errp)
{
    g_autofree char *its_dir = g_build_filename(dir, sides[server], NULL);
    TlsCredsConfig config = {.kind = TLS_PSK,
                             .server = server,
                             .dir = its_dir,
                             .username = server ? NULL : "alice"};

    write_keys(server, keys);
    return tls_creds_new(&config, errp);
}

/* Two sides of one connection. */
typedef struct Pair {
    int fds[2]; /* server, client */
    TlsSession *server, *client;
    CoCount running;
    Error *server_err, *client_err;
    bool server_ok, client_ok;
} Pair;

static void pair_init(Pair *p, const char *client_keys)
{
    TlsCreds *server = psk_creds(true, KEYS, NULL);
    TlsCreds *client = psk_creds(false, client_keys, NULL);

    *p = (Pair){0};
    g_assert_true(server && client);
    g_assert_true(tls_creds_for_server(server));
    g_assert_false(tls_creds_for_server(client));
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds),
                    ==, 0);
    p->server = tls_session_new(server, p->fds[0], NULL, NULL);
    p->client = tls_session_new(client, p->fds[1], NULL, NULL);
    g_assert_true(p->server && p->client);
    /* Sessions hold what they were made with. */
    tls_creds_unref(server);
    tls_creds_unref(client);
    cocount_init(&p->running);
}

static void pair_free(Pair *p)
{
    tls_session_free(p->server);
    tls_session_free(p->client);
    for (int i = 0; i < 2; i++) {
        if (p->fds[i] >= 0) {
            io_close(p->fds[i]);
        }
    }
    error_free(p->server_err);
    error_free(p->client_err);
}

COROUTINE_ONLY
static void co_serve_handshake(void *opaque)
{
    Pair *p = opaque;

    p->server_ok = co_tls_handshake(p->server, &p->server_err);
    if (!p->server_ok) {
        /* As a server does: the client is not to wait for more. */
        shutdown(p->fds[0], SHUT_RDWR);
    }
    cocount_dec(&p->running);
}

COROUTINE_ONLY
static void co_shake_hands(Pair *p)
{
    cocount_inc(&p->running);
    coroutine_start(co_serve_handshake, p);
    p->client_ok = co_tls_handshake(p->client, &p->client_err);
    if (!p->client_ok) {
        shutdown(p->fds[1], SHUT_RDWR);
    }
    co_count_wait_zero(&p->running);
}

/* --- cases --------------------------------------------------------------- */

COROUTINE_ONLY
static void co_test_psk(void *opaque)
{
    Pair p;
    char buf[16];
    struct iovec parts[] = {{(char *)"hello ", 6}, {(char *)"server", 6}};

    pair_init(&p, KEYS);
    co_shake_hands(&p);
    g_assert_true(p.server_ok && p.client_ok);
    g_assert_cmpstr(tls_session_peer(p.server), ==, "alice");
    g_assert_cmpint(co_tls_send(p.client, parts, 2), ==, 0);
    g_assert_cmpint(co_tls_recv(p.server, buf, sizeof(buf)), ==, 12);
    g_assert_cmpmem(buf, 12, "hello server", 12);
    co_tls_bye(p.client);
    g_assert_cmpint(co_tls_recv(p.server, buf, sizeof(buf)), ==, 0);
    pair_free(&p);
}

COROUTINE_ONLY
static void co_test_wrong_key(void *opaque)
{
    Pair p;

    pair_init(&p, OTHER_KEYS);
    co_shake_hands(&p);
    g_assert_false(p.server_ok);
    g_assert_nonnull(p.server_err);
    pair_free(&p);
}

COROUTINE_ONLY
static void co_test_cut(void *opaque)
{
    Pair p;
    char byte;

    pair_init(&p, KEYS);
    co_shake_hands(&p);
    /* Somebody between the two could do that: no good-bye, no end of data. */
    io_close(p.fds[1]);
    p.fds[1] = -1;
    g_assert_cmpint(co_tls_recv(p.server, &byte, 1), ==, -ECONNRESET);
    pair_free(&p);
}

COROUTINE_ONLY
static void co_test_no_tls(void *opaque)
{
    static const char greeting[] = "NBDMAGICIHAVEOPT: this is no TLS at all";
    Pair p;

    pair_init(&p, KEYS);
    g_assert_cmpint(co_io_send_all(p.fds[1], greeting, sizeof(greeting)), ==,
                    0);
    g_assert_false(co_tls_handshake(p.server, &p.server_err));
    g_assert_true(
        g_str_has_prefix(error_text(p.server_err), "TLS handshake failed: "));
    pair_free(&p);
}

#define MUCH (1u << 20)

COROUTINE_ONLY
static void co_send_much(void *opaque)
{
    Pair *p = opaque;
    g_autofree uint8_t *data = g_malloc(MUCH);
    struct iovec v = {data, MUCH};

    for (size_t i = 0; i < MUCH; i++) {
        data[i] = i * 7 >> 3;
    }
    g_assert_cmpint(co_tls_send(p->server, &v, 1), ==, 0);
    cocount_dec(&p->running);
}

/* More than a session keeps: the sender waits for the receiver, while data
 * goes the other way too. */
COROUTINE_ONLY
static void co_test_both_ways(void *opaque)
{
    Pair p;
    g_autofree uint8_t *got = g_malloc(MUCH);
    size_t n = 0;

    pair_init(&p, KEYS);
    co_shake_hands(&p);
    cocount_inc(&p.running);
    coroutine_start(co_send_much, &p);
    while (n < MUCH) {
        char ping = 'p';
        struct iovec v = {&ping, 1};
        ssize_t ret = co_tls_recv(p.client, got + n, MUCH - n);

        g_assert_cmpint(ret, >, 0);
        n += ret;
        g_assert_cmpint(co_tls_send(p.client, &v, 1), ==, 0);
    }
    co_count_wait_zero(&p.running);
    for (size_t i = 0; i < MUCH; i++) {
        g_assert_cmpuint(got[i], ==, (uint8_t)(i * 7 >> 3));
    }
    pair_free(&p);
}

static void test_no_keys(void)
{
    Error *err = NULL;
    TlsCredsConfig config = {
        .kind = TLS_PSK, .server = true, .dir = "/nonexistent"};

    g_assert_null(tls_creds_new(&config, &err));
    g_assert_nonnull(strstr(error_text(err), "keys.psk"));
    error_free(err);
    err = NULL;
    g_assert_null(psk_creds(false, "bob:00\n", &err));
    g_assert_nonnull(err);
    error_free(err);
}

/* --- main ---------------------------------------------------------------- */

static void dirs_make(void)
{
    dir = g_dir_make_tmp("test-tls-XXXXXX", NULL);
    g_assert_nonnull(dir);
    for (int i = 0; i < 2; i++) {
        g_autofree char *path = g_build_filename(dir, sides[i], NULL);

        g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    }
}

static void dirs_remove(void)
{
    for (int i = 0; i < 2; i++) {
        g_autofree char *path = g_build_filename(dir, sides[i], NULL);
        g_autofree char *keys = g_build_filename(path, "keys.psk", NULL);

        g_unlink(keys);
        g_rmdir(path);
    }
    g_rmdir(dir);
    g_free(dir);
}

static void run(const void *entry)
{
    CoroutineEntry *const *co = entry;

    g_assert_nonnull(reactor_new(REACTOR_AUTO, NULL));
    reactor_run_coroutine(*co, NULL);
    g_assert_cmpuint(coroutine_count(), ==, 0);
    reactor_free(reactor_current());
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        CoroutineEntry *entry;
    } cases[] = {
        {"/tls/psk", co_test_psk},
        {"/tls/wrong-key", co_test_wrong_key},
        {"/tls/cut", co_test_cut},
        {"/tls/no-tls", co_test_no_tls},
        {"/tls/both-ways", co_test_both_ways},
    };
    int ret;

    g_test_init(&argc, &argv, NULL);
    dirs_make();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_test_add_data_func(cases[i].name, &cases[i].entry, run);
    }
    g_test_add_func("/tls/no-keys", test_no_keys);
    ret = g_test_run();
    dirs_remove();
    return ret;
}
