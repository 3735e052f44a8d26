/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chardevs: what options are refused, and how connections come and go. */
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/chardev.h"
#include "util/json/json-keyval.h"
#include "util/reactor/reactor.h"

static char *dir, *path;

/* --- helpers ------------------------------------------------------------- */

/* A chardev from options; "@" stands for the socket's path. */
static Chardev *co_make(const char *text, Error **errp)
{
    char **parts = g_strsplit(text, "@", 2);
    char *full = g_strjoinv(path, parts);
    json_object *json = json_keyval_parse(full, "backend", NULL, NULL);
    ChardevOptions *options = ChardevOptions_from_keyval(json, NULL);
    Chardev *chr;

    g_assert_nonnull(options);
    chr = co_chardev_new(options, errp);
    ChardevOptions_free(options);
    json_object_put(json);
    g_free(full);
    g_strfreev(parts);
    return chr;
}

static void co_refused(const char *text, const char *reason)
{
    Error *err = NULL;

    g_assert_null(co_make(text, &err));
    g_assert_cmpstr(error_text(err), ==, reason);
    error_free(err);
}

static int co_dial(void)
{
    int fd = co_io_connect_unix(path, NULL);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

/* Both ends are one connection. */
static void co_check_connected(const Stream *stream, int fd)
{
    char byte = 0;

    g_assert_cmpint(co_io_send_all(fd, "x", 1), ==, 0);
    g_assert_cmpint(co_io_recv_all(stream->in_fd, &byte, 1), ==, 0);
    g_assert_cmpint(byte, ==, 'x');
}

typedef struct Task {
    Chardev *chr;
    const char *options;
    Stream stream;
    bool connected, ended;
} Task;

static void co_connect_task(void *opaque)
{
    Task *task = opaque;

    task->connected = co_chardev_connect(task->chr, &task->stream);
    task->ended = true;
}

static void co_make_task(void *opaque)
{
    Task *task = opaque;

    task->chr = co_make(task->options, NULL);
    task->ended = true;
}

static void co_until(const bool *done)
{
    while (!*done) {
        co_reschedule();
    }
}

/* --- tests --------------------------------------------------------------- */

static void co_options(void *opaque)
{
    co_refused("socket,id=a", "Unable to parse FD number ");
    co_refused("socket,id=1a,path=@", "Parameter 'id' expects an identifier");
    co_refused("socket,id=a,path=@,fd=3",
               "None or one of 'path', 'fd' or 'host' option required.");
    co_refused("socket,id=a,host=h", "chardev: socket: no port given");
    co_refused("socket,id=a,fd=x", "Unable to parse FD number x");
    co_refused("socket,id=a,fd=-1", "File descriptor '-1' is not a socket");
    co_refused("socket,id=a,fd=1000000",
               "File descriptor '1000000' is not a socket");
    co_refused("socket,id=a,path=@,wait=off",
               "'wait' option is incompatible with socket in client connect "
               "mode");
    co_refused("socket,id=a,path=@,server=on,reconnect=1",
               "'reconnect' option is incompatible with socket in server "
               "listen mode");
    g_assert_nonnull(co_make("stdio,id=a", NULL));
    co_refused("stdio,id=a", "Chardev with id 'a' already exists");
    co_refused("stdio,id=b", "cannot use stdio by multiple character devices");
}

static void co_claim(void *opaque)
{
    Chardev *chr = co_make("stdio,id=a", NULL);
    Error *err = NULL;

    g_assert_true(chardev_find("a") == chr);
    g_assert_null(chardev_find("b"));
    g_assert_true(chardev_claim(chr, NULL));
    g_assert_false(chardev_claim(chr, &err));
    g_assert_cmpstr(error_text(err), ==, "Device 'a' is in use");
    error_free(err);
}

static void co_one_after_the_other(void *opaque)
{
    Chardev *chr = co_make("socket,id=a,path=@,server=on,wait=off", NULL);
    int fds[3];
    Stream stream;

    for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = co_dial(); /* the later ones wait in the backlog */
    }
    for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
        g_assert_true(co_chardev_connect(chr, &stream));
        co_check_connected(&stream, fds[i]);
        io_close(fds[i]);
        chardev_disconnect(chr, &stream);
    }
}

static void co_waits_for_client(void *opaque)
{
    Task task = {.options = "socket,id=a,path=@,server=on"};
    int fd;

    coroutine_start(co_make_task, &task);
    for (int i = 0; i < 20; i++) {
        co_reschedule();
    }
    g_assert_false(task.ended);
    fd = co_dial();
    co_until(&task.ended);
    g_assert_true(co_chardev_connect(task.chr, &task.stream));
    co_check_connected(&task.stream, fd);
    io_close(fd);
    chardev_disconnect(task.chr, &task.stream);
}

static void co_stop_waiting(void *opaque)
{
    Task make = {.options = "socket,id=a,path=@,server=on"};

    coroutine_start(co_make_task, &make);
    chardevs_stop();
    co_until(&make.ended);
    g_assert_null(make.chr);
}

static void co_stop_accepting(void *opaque)
{
    Task task = {.chr = co_make("socket,id=a,path=@,server=on,wait=off", NULL)};

    coroutine_start(co_connect_task, &task);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    chardevs_stop();
    co_until(&task.ended);
    g_assert_false(task.connected);
    g_assert_false(co_chardev_connect(task.chr, &task.stream));
    chardevs_free();
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* A client's connection is made once, or again and again with reconnect. */
static void co_client(void *opaque)
{
    int listener = io_listen_unix(path, NULL), fd;
    Chardev *once, *again;
    Stream stream;

    g_assert_cmpint(listener, >=, 0);
    once = co_make("socket,id=once,path=@", NULL);
    again = co_make("socket,id=again,path=@,reconnect=1", NULL);
    g_assert_true(co_chardev_connect(once, &stream));
    fd = co_io_accept(listener);
    co_check_connected(&stream, fd);
    io_close(fd);
    chardev_disconnect(once, &stream);
    g_assert_false(co_chardev_connect(once, &stream));

    g_assert_true(co_chardev_connect(again, &stream));
    fd = co_io_accept(listener);
    co_check_connected(&stream, fd);
    io_close(fd);
    chardev_disconnect(again, &stream);
    io_close(listener);
    io_unlink(path);
}

static void co_inherited(void *opaque)
{
    char text[64];
    Chardev *chr;
    Stream stream;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
    g_snprintf(text, sizeof(text), "socket,id=a,fd=%d", fds[0]);
    chr = co_make(text, NULL);
    g_assert_true(co_chardev_connect(chr, &stream));
    co_check_connected(&stream, fds[1]);
    chardev_disconnect(chr, &stream);
    g_assert_false(co_chardev_connect(chr, &stream));
    io_close(fds[1]);
}

/* --- main ---------------------------------------------------------------- */

static void run_test(const void *co_test)
{
    Reactor *r = reactor_new(REACTOR_AUTO, NULL);

    g_assert_nonnull(r);
    reactor_run_coroutine((CoroutineEntry *)co_test, NULL);
    chardevs_free();
    reactor_free(r);
    g_assert_cmpuint(coroutine_count(), ==, 0);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("chardev-XXXXXX", NULL);
    path = g_build_filename(dir, "socket", NULL);
    g_test_add_data_func("/chardev/options", co_options, run_test);
    g_test_add_data_func("/chardev/claim", co_claim, run_test);
    g_test_add_data_func("/chardev/one-after-the-other", co_one_after_the_other,
                         run_test);
    g_test_add_data_func("/chardev/waits-for-client", co_waits_for_client,
                         run_test);
    g_test_add_data_func("/chardev/stop-waiting", co_stop_waiting, run_test);
    g_test_add_data_func("/chardev/stop-accepting", co_stop_accepting,
                         run_test);
    g_test_add_data_func("/chardev/client", co_client, run_test);
    g_test_add_data_func("/chardev/inherited", co_inherited, run_test);
    ret = g_test_run();
    g_rmdir(dir);
    g_free(path);
    g_free(dir);
    return ret;
}
