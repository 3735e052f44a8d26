/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of chardevs, their connections, and those that are standard input
 * and output. */
#include "monitor/chardev-int.h"
#include "util/id.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* CONTROL */
static ListLink chardevs = LIST_INIT(chardevs);

Chardev *chardev_find(const char *id)
{
    LIST_FOREACH(chr, &chardevs, Chardev, link) {
        if (!strcmp(chr->id, id)) {
            return chr;
        }
    }
    return NULL;
}

Chardev *chardev_next(Chardev *chr)
{
    ListLink *next = chr ? chr->link.next : chardevs.next;

    return next == &chardevs ? NULL : LIST_ENTRY(next, Chardev, link);
}

CONTROL_ONLY
static bool check_id(const char *id, Error **errp)
{
    if (!id_check(id, errp)) {
        return false;
    }
    if (chardev_find(id)) {
        error_set(errp, "Chardev with id '%s' already exists", id);
        return false;
    }
    return true;
}

static bool is_silent_kind(ChardevBackendKind kind)
{
    return kind != CHARDEV_BACKEND_KIND_SOCKET &&
           kind != CHARDEV_BACKEND_KIND_STDIO;
}

bool chardev_can_speak(const Chardev *chr, Error **errp)
{
    ChardevBackendKind kind = chr->options->backend;
    bool ok = !is_silent_kind(kind) || kind == CHARDEV_BACKEND_KIND_NULL ||
              kind == CHARDEV_BACKEND_KIND_VC;

    if (!ok) {
        error_set(errp, "Monitors on chardevs of kind '%s' are not supported",
                  ChardevBackendKind_str(kind));
    }
    return ok;
}

bool chardev_is_stdio(const Chardev *chr)
{
    return chr->options->backend == CHARDEV_BACKEND_KIND_STDIO;
}

CONTROL_ONLY
static bool open_stdio(Error **errp)
{
    LIST_FOREACH(chr, &chardevs, Chardev, link) {
        if (chardev_is_stdio(chr)) {
            error_set(errp, "cannot use stdio by multiple character devices");
            return false;
        }
    }
    return true;
}

CONTROL_ONLY
static void chardev_free(Chardev *chr)
{
    if (chr->listen_fd >= 0) {
        io_close(chr->listen_fd);
    }
    if (chr->next_fd >= 0) {
        io_close(chr->next_fd);
    }
    if (chr->unlink_path) {
        io_unlink(chr->unlink_path);
    }
    chardev_silent_close(chr);
    ChardevOptions_free(chr->options);
    g_free(chr->unlink_path);
    g_free(chr->id);
    g_free(chr);
}

void chardev_remove(Chardev *chr)
{
    list_remove(&chr->link);
    chardev_free(chr);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open(Chardev *chr, Error **errp)
{
    switch (chr->options->backend) {
    case CHARDEV_BACKEND_KIND_SOCKET:
        return co_chardev_socket_open(chr, errp);
    case CHARDEV_BACKEND_KIND_STDIO:
        return true;
    default:
        return chardev_silent_open(chr, errp);
    }
}

Chardev *co_chardev_make(const ChardevOptions *options, Error **errp)
{
    Chardev *chr;

    if (options->logfile && !is_silent_kind(options->backend)) {
        error_set(errp,
                  "Option 'logfile' is not supported for chardevs of "
                  "kind '%s'",
                  ChardevBackendKind_str(options->backend));
        return NULL;
    }
    if (options->backend == CHARDEV_BACKEND_KIND_STDIO && !open_stdio(errp)) {
        return NULL;
    }
    chr = g_new0(Chardev, 1);
    chr->id = g_strdup(options->id);
    chr->options = ChardevOptions_clone(options);
    chr->listen_fd = chr->next_fd = chr->current_fd = -1;
    chr->held_fd = chr->log_fd = -1;
    coqueue_init(&chr->stop_queue);
    /* On the list while it waits for a client, so that a stop reaches it. */
    list_append(&chardevs, &chr->link);
    if (!co_open(chr, errp)) {
        chardev_remove(chr);
        return NULL;
    }
    return chr;
}

Chardev *co_chardev_new(const ChardevOptions *options, Error **errp)
{
    Chardev *chr =
        check_id(options->id, errp) ? co_chardev_make(options, errp) : NULL;

    if (chr && chr->pty_name) {
        fprintf(stderr, "char device redirected to %s (label %s)\n",
                chr->pty_name, chr->id);
    }
    return chr;
}

bool chardev_claim(Chardev *chr, Error **errp)
{
    if (chr->claimed) {
        error_set(errp, "Device '%s' is in use", chr->id);
        return false;
    }
    chr->claimed = true;
    return true;
}

static bool stdio_connect(Chardev *chr, Stream *stream)
{
    if (chr->had_connection) {
        return false;
    }
    chr->had_connection = true;
    /* A pipe that polls writable takes PIPE_BUF bytes without blocking. */
    *stream = (Stream){STDIN_FILENO, STDOUT_FILENO, PIPE_BUF};
    return true;
}

bool co_chardev_connect(Chardev *chr, Stream *stream)
{
    int fd;

    if (chr->stopped || is_silent_kind(chr->options->backend)) {
        return false;
    }
    if (chr->options->backend == CHARDEV_BACKEND_KIND_STDIO) {
        return stdio_connect(chr, stream);
    }
    fd = co_chardev_socket_connect(chr);
    if (fd < 0) {
        return false;
    }
    chr->had_connection = true;
    chr->current_fd = fd;
    *stream = (Stream){fd, fd, SIZE_MAX};
    return true;
}

void chardev_disconnect(Chardev *chr, const Stream *stream)
{
    if (chr->options->backend != CHARDEV_BACKEND_KIND_STDIO) {
        chr->current_fd = -1;
        io_close(stream->in_fd);
    }
}

void chardevs_stop(void)
{
    LIST_FOREACH(chr, &chardevs, Chardev, link) {
        chr->stopped = true;
        coqueue_wake_all(&chr->stop_queue);
        if (chr->listen_fd >= 0) {
            io_cancel_fd(chr->listen_fd);
        }
    }
}

void chardevs_unlink(void)
{
    LIST_FOREACH(chr, &chardevs, Chardev, link) {
        if (chr->unlink_path) {
            io_unlink(chr->unlink_path);
        }
    }
}

void chardevs_free(void)
{
    ListLink *link;

    while ((link = list_pop(&chardevs))) {
        chardev_free(LIST_ENTRY(link, Chardev, link));
    }
}
