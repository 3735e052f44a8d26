/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Channels in the short form of -qmp, -monitor and -qtest. */
#include "tools/machine/machine.h"
#include "util/opts.h"

static ChardevOptions *socket_options(const char *id)
{
    ChardevOptions *options = g_new0(ChardevOptions, 1);

    options->backend = CHARDEV_BACKEND_KIND_SOCKET;
    options->id = g_strdup(id);
    return options;
}

static bool take_flags(Opts *opts, ChardevSocketOptions *socket, Error **errp)
{
    g_autofree char *delay = opts_take(opts, "delay");
    bool server = false, wait = true;
    bool has_wait = opts_get(opts, "wait");

    if (!opts_take_bool(opts, "server", &server, errp) ||
        !opts_take_bool(opts, "wait", &wait, errp)) {
        return false;
    }
    socket->has_server = server;
    socket->server = server;
    socket->has_wait = has_wait && server;
    socket->wait = wait;
    if (opts->list->len) {
        const Opt *opt = opts->list->pdata[0];

        error_set(errp, "Invalid parameter '%s'", opt->name);
        return false;
    }
    return true;
}

static ChardevOptions *unix_options(const char *id, const char *text,
                                    Error **errp)
{
    ChardevOptions *options = socket_options(id);
    Opts *opts = opts_parse(text, "path", NULL);
    bool ok;

    options->u.socket.path = opts_take(opts, "path");
    ok = take_flags(opts, &options->u.socket, errp);
    opts_free(opts);
    if (!ok) {
        ChardevOptions_free(options);
        return NULL;
    }
    return options;
}

/* "HOST:PORT"; the host may stand in brackets or be empty. */
static bool split_address(const char *text, char **host, char **port)
{
    const char *colon = strrchr(text, ':');
    size_t length;

    if (!colon) {
        return false;
    }
    length = colon - text;
    if (length >= 2 && *text == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    *host = g_strndup(text, length);
    *port = g_strdup(colon + 1);
    return true;
}

static ChardevOptions *tcp_options(const char *id, const char *text,
                                   Error **errp)
{
    ChardevOptions *options = socket_options(id);
    Opts *opts = opts_parse(text, "address", NULL);
    g_autofree char *address = opts_take(opts, "address");
    bool ok = address && split_address(address, &options->u.socket.host,
                                       &options->u.socket.port);

    if (!ok) {
        error_set(errp, "parse error: tcp:%s", text);
    }
    ok = ok && take_flags(opts, &options->u.socket, errp);
    opts_free(opts);
    if (!ok) {
        ChardevOptions_free(options);
        return NULL;
    }
    return options;
}

/* What needs no more than its name, and files. */
static ChardevOptions *silent_options(const char *id, const char *text)
{
    ChardevOptions *options = g_new0(ChardevOptions, 1);

    options->id = g_strdup(id);
    if (g_str_has_prefix(text, "file:")) {
        options->backend = CHARDEV_BACKEND_KIND_FILE;
        options->u.file.path = g_strdup(text + strlen("file:"));
        return options;
    }
    if (!strcmp(text, "vc") || g_str_has_prefix(text, "vc:")) {
        options->backend = CHARDEV_BACKEND_KIND_VC;
        return options;
    }
    if (!strcmp(text, "null") || !strcmp(text, "pty")) {
        options->backend =
            *text == 'n' ? CHARDEV_BACKEND_KIND_NULL : CHARDEV_BACKEND_KIND_PTY;
        return options;
    }
    ChardevOptions_free(options);
    return NULL;
}

static ChardevOptions *options_of(const char *text, const char *id,
                                  Error **errp)
{
    ChardevOptions *options;

    if (g_str_has_prefix(text, "unix:")) {
        return unix_options(id, text + strlen("unix:"), errp);
    }
    if (g_str_has_prefix(text, "tcp:")) {
        return tcp_options(id, text + strlen("tcp:"), errp);
    }
    if (g_str_has_prefix(text, "fd:")) {
        options = socket_options(id);
        options->u.socket.fd = g_strdup(text + strlen("fd:"));
        return options;
    }
    if (!strcmp(text, "stdio") || !strcmp(text, "mon:stdio")) {
        options = g_new0(ChardevOptions, 1);
        options->backend = CHARDEV_BACKEND_KIND_STDIO;
        options->id = g_strdup(id);
        return options;
    }
    options = silent_options(id, text);
    if (!options) {
        error_set(errp, "'%s' is not a valid char driver", text);
    }
    return options;
}

bool co_machine_channel(const char *text, const char *id, Chardev **chr,
                        Error **errp)
{
    ChardevOptions *options;

    *chr = NULL;
    if (!strcmp(text, "none")) {
        return true;
    }
    options = options_of(text, id, errp);
    if (options) {
        *chr = co_chardev_new(options, errp);
        ChardevOptions_free(options);
    }
    return *chr != NULL;
}
