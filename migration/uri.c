/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a URI says of the connection. Texts are QEMU's. */
#include "migration/migration-int.h"

#include <sys/socket.h>

#include "objects/named-fd.h"

#define HOST_MAX 64

/* --- tcp: ---------------------------------------------------------------- */

/* "HOST:PORT", "[ADDRESS]:PORT" or ":PORT", and words behind a comma. */
static bool parse_address(Channel *c, const char *text, const char **words,
                          Error **errp)
{
    bool v6 = *text == '[';
    const char *host = text + v6;
    size_t length = strcspn(host, v6 ? "]" : ":");
    const char *colon = host + length + (v6 && host[length]);
    size_t digits = *colon == ':' ? strcspn(colon + 1, ",") : 0;

    if (!digits || length > HOST_MAX || (v6 && !length)) {
        error_set(errp, "error parsing %saddress '%s'",
                  v6             ? "IPv6 "
                  : *text == ':' ? "port in "
                                 : "",
                  text);
        return false;
    }
    c->host = g_strndup(host, length);
    c->port = g_strndup(colon + 1, digits);
    *words = colon + 1 + digits;
    return true;
}

/* What follows the word ",NAME" in @words; NULL if it is not there. */
static const char *find_word(const char *words, const char *name)
{
    g_autofree char *word = g_strdup_printf(",%s", name);
    const char *found = strstr(words, word);

    return found ? found + strlen(word) : NULL;
}

/* *@on stays as it is if nothing is said. */
static bool parse_flag(const char *words, const char *name, int *on,
                       Error **errp)
{
    const char *value = find_word(words, name);
    size_t length;

    if (!value) {
        return true;
    }
    length = strcspn(value, ",");
    if (!length || (length == 3 && g_str_has_prefix(value, "=on"))) {
        *on = 1;
    } else if (length == 4 && g_str_has_prefix(value, "=off")) {
        *on = 0;
    } else {
        error_set(errp, "error parsing '%s' flag '%s'", name, value);
        return false;
    }
    return true;
}

static bool parse_to(Channel *c, const char *words, Error **errp)
{
    const char *value = find_word(words, "to=");
    char *end;
    long to;

    if (!value) {
        return true;
    }
    to = strtol(value, &end, 10);
    if (end == value || (*end && *end != ',')) {
        error_set(errp, "error parsing to= argument");
        return false;
    }
    c->to = CLAMP(to, 0, UINT16_MAX);
    return true;
}

static bool parse_inet(Channel *c, const char *text, Error **errp)
{
    int keep_alive = 0, mptcp = 0;
    const char *words;

    if (!parse_address(c, text, &words, errp) || !parse_to(c, words, errp) ||
        !parse_flag(words, "ipv4", &c->ipv4, errp) ||
        !parse_flag(words, "ipv6", &c->ipv6, errp) ||
        !parse_flag(words, "keep-alive", &keep_alive, errp) ||
        !parse_flag(words, "mptcp", &mptcp, errp)) {
        return false;
    }
    if (mptcp) {
        error_set(errp, "Migration over several paths (mptcp) is not "
                        "supported");
        return false;
    }
    c->keep_alive = keep_alive;
    return true;
}

/* --- all ----------------------------------------------------------------- */

static bool parse_unix(Channel *c, const char *path, Error **errp)
{
    if (!*path) {
        error_set(errp, "invalid Unix socket address");
        return false;
    }
    c->path = g_strdup(path);
    return true;
}

static bool take_fd(Channel *c, const char *name, bool out, Error **errp)
{
    int type;
    socklen_t length = sizeof(type);

    c->fd = out ? named_fd_take(name, errp) : named_fd_param(name, errp);
    c->write_fd = c->fd;
    if (c->fd >= 0 &&
        getsockopt(c->fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 &&
        errno != ENOTSOCK) {
        error_set_errno(errp, errno, "Unable to use descriptor '%s'", name);
        channel_close(c);
    }
    return c->fd >= 0;
}

bool channel_parse(Channel *c, const char *uri, bool out, Error **errp)
{
    *c = (Channel){.fd = -1,
                   .write_fd = -1,
                   .listen_fd = -1,
                   .pending.fd = -1,
                   .ipv4 = -1,
                   .ipv6 = -1};
    if (g_str_has_prefix(uri, "unix:")) {
        c->both_ways = true;
        return parse_unix(c, uri + strlen("unix:"), errp);
    }
    if (g_str_has_prefix(uri, "tcp:")) {
        c->both_ways = true;
        return parse_inet(c, uri + strlen("tcp:"), errp);
    }
    if (g_str_has_prefix(uri, "exec:")) {
        c->command = g_strdup(uri + strlen("exec:"));
        return true;
    }
    if (g_str_has_prefix(uri, "fd:")) {
        return take_fd(c, uri + strlen("fd:"), out, errp);
    }
    if (out) {
        error_set(errp, "Parameter 'uri' expects a valid migration protocol");
    } else {
        error_set(errp, "unknown migration protocol: %s", uri);
    }
    return false;
}
