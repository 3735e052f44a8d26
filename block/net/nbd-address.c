/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of servers: from options, and as the names that users see.
 */
#include "block/net/nbd-client.h"
#include "qapi/qapi-types.h"

static int on_off(bool given, bool on)
{
    return given ? on : -1;
}

bool nbd_address_set(IoAddress *to, const SocketAddress *from, Error **errp)
{
    const UnixSocketAddress *path = &from->u.q_unix;
    const InetSocketAddress *inet = &from->u.inet;

    *to = (IoAddress){.ipv4 = -1, .ipv6 = -1};
    switch (from->type) {
    case SOCKET_ADDRESS_TYPE_UNIX:
        to->path = g_strdup(path->path);
        to->abstract = path->has_abstract && path->abstract;
        to->padded = path->has_tight && !path->tight;
        return true;
    case SOCKET_ADDRESS_TYPE_INET:
        to->host = g_strdup(inet->host);
        to->port = g_strdup(inet->port);
        to->ipv4 = on_off(inet->has_ipv4, inet->ipv4);
        to->ipv6 = on_off(inet->has_ipv6, inet->ipv6);
        to->numeric = inet->has_numeric && inet->numeric;
        to->keep_alive = inet->has_keep_alive && inet->keep_alive;
        return true;
    default:
        error_set(errp, "server address type '%s' is not supported",
                  SocketAddressType_str(from->type));
        return false;
    }
}

void nbd_address_clear(IoAddress *address)
{
    g_free((char *)address->path);
    g_free((char *)address->host);
    g_free((char *)address->port);
    *address = (IoAddress){0};
}

/* Only what would be read as something else is escaped: users see the names
 * that they gave. */
static char *escape(const char *export)
{
    GString *text = g_string_new(NULL);

    for (; *export; export ++) {
        if (strchr("%?#", *export)) {
            g_string_append_printf(text, "%%%02X", (unsigned char)*export);
        } else {
            g_string_append_c(text, *export);
        }
    }
    return g_string_free(text, FALSE);
}

char *nbd_address_uri(const IoAddress *address, const char *export)
{
    g_autofree char *name = escape(export);
    const char *slash = *name ? "/" : "";

    if (address->path) {
        return g_strdup_printf("nbd+unix://%s%s?socket=%s", slash, name,
                               address->path);
    }
    return g_strdup_printf(strchr(address->host, ':') ? "nbd://[%s]:%s%s%s"
                                                      : "nbd://%s:%s%s%s",
                           address->host, address->port, slash, name);
}
