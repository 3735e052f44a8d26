/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that make, change, remove and show chardevs. */
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "monitor/chardev-int.h"
#include "qapi/qapi-commands.h"

/* --- what is asked for --------------------------------------------------- */

static bool take_address(ChardevSocketOptions *o,
                         const SocketAddressLegacy *addr, Error **errp)
{
    const InetSocketAddress *inet;
    const UnixSocketAddress *local;

    switch (addr->type) {
    case SOCKET_ADDRESS_TYPE_INET:
        inet = addr->u.inet.data;
        o->host = g_strdup(inet->host);
        o->port = g_strdup(inet->port);
        o->has_to = inet->has_to;
        o->to = inet->to;
        o->has_ipv4 = inet->has_ipv4;
        o->ipv4 = inet->ipv4;
        o->has_ipv6 = inet->has_ipv6;
        o->ipv6 = inet->ipv6;
        return true;
    case SOCKET_ADDRESS_TYPE_UNIX:
        local = addr->u.q_unix.data;
        o->path = g_strdup(local->path);
        o->has_abstract = local->has_abstract;
        o->abstract = local->abstract;
        return true;
    case SOCKET_ADDRESS_TYPE_FD:
        o->fd = g_strdup(addr->u.fd.data->str);
        return true;
    default:
        error_set(errp, "Addresses of type '%s' are not supported here",
                  SocketAddressType_str(addr->type));
        return false;
    }
}

static bool refuse(bool given, const char *name, Error **errp)
{
    if (given) {
        error_set(errp, "Option '%s' of chardevs is not supported", name);
    }
    return !given;
}

static bool take_socket(ChardevSocketOptions *o, const ChardevSocket *socket,
                        Error **errp)
{
    if (!refuse(socket->tls_creds, "tls-creds", errp) ||
        !refuse(socket->tls_authz, "tls-authz", errp) ||
        !refuse(socket->has_telnet && socket->telnet, "telnet", errp) ||
        !refuse(socket->has_tn3270 && socket->tn3270, "tn3270", errp) ||
        !refuse(socket->has_websocket && socket->websocket, "websocket",
                errp)) {
        return false;
    }
    o->has_server = true;
    o->server = !socket->has_server || socket->server;
    /* By command a server waits only if it is told to. */
    o->has_wait = o->server || socket->has_wait;
    o->wait = socket->has_wait && socket->wait;
    o->has_nodelay = socket->has_nodelay;
    o->nodelay = socket->nodelay;
    o->has_reconnect = socket->has_reconnect;
    o->reconnect = socket->reconnect;
    return take_address(o, socket->addr, errp);
}

static void take_file(ChardevFileOptions *o, const ChardevFile *file)
{
    o->path = g_strdup(file->out);
    o->has_append = file->has_append;
    o->append = file->append;
}

static void take_ring(ChardevRingbufOptions *o, const ChardevRingbuf *ring)
{
    o->has_size = ring->has_size;
    o->size = ring->size;
}

/* What all kinds have; the wrappers are alike up to there. */
static const ChardevCommon *common_of(const ChardevBackend *backend)
{
    return (const ChardevCommon *)backend->u.null.data;
}

static bool take_backend(ChardevOptions *o, const ChardevBackend *backend,
                         Error **errp)
{
    const ChardevCommon *common = common_of(backend);

    o->backend = backend->type;
    o->logfile = g_strdup(common->logfile);
    o->has_logappend = common->has_logappend;
    o->logappend = common->logappend;
    switch (backend->type) {
    case CHARDEV_BACKEND_KIND_SOCKET:
        return take_socket(&o->u.socket, backend->u.socket.data, errp);
    case CHARDEV_BACKEND_KIND_FILE:
        take_file(&o->u.file, backend->u.file.data);
        return refuse(backend->u.file.data->in, "in", errp);
    case CHARDEV_BACKEND_KIND_RINGBUF:
    case CHARDEV_BACKEND_KIND_MEMORY:
        take_ring(&o->u.ringbuf, backend->u.ringbuf.data);
        return true;
    default:
        return true;
    }
}

/* --- making, changing, removing ------------------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static ChardevReturn *
co_add(const char *id, const ChardevBackend *backend, Error **errp)
{
    ChardevOptions *options = g_new0(ChardevOptions, 1);
    ChardevReturn *made = NULL;
    Chardev *chr = NULL;

    options->id = g_strdup(id);
    if (take_backend(options, backend, errp)) {
        chr = co_chardev_make(options, errp);
    }
    ChardevOptions_free(options);
    if (chr) {
        made = g_new0(ChardevReturn, 1);
        made->pty = g_strdup(chr->pty_name);
    } else {
        error_prepend(errp, "Failed to add chardev '%s': ", id);
    }
    return made;
}

ChardevReturn *qmp_chardev_add(const QmpChardevAddArgs *args, Error **errp)
{
    if (chardev_find(args->id)) {
        error_set(errp, "Chardev with id '%s' already exists", args->id);
        return NULL;
    }
    return co_add(args->id, args->backend, errp);
}

/* The old one has another name until the new one is there. */
ChardevReturn *qmp_chardev_change(const QmpChardevChangeArgs *args,
                                  Error **errp)
{
    Chardev *old = chardev_find(args->id);
    ChardevReturn *made;
    char *name;

    if (!old) {
        error_set(errp, "Chardev '%s' does not exist", args->id);
        return NULL;
    }
    if (old->claimed) {
        error_set(errp, "Chardev user does not support chardev hotswap");
        return NULL;
    }
    name = old->id;
    old->id = g_strdup("");
    made = co_add(args->id, args->backend, errp);
    if (made) {
        g_free(name);
        chardev_remove(old);
    } else {
        g_free(old->id);
        old->id = name;
    }
    return made;
}

bool qmp_chardev_remove(const QmpChardevRemoveArgs *args, Error **errp)
{
    Chardev *chr = chardev_find(args->id);

    if (!chr) {
        error_set(errp, "Chardev '%s' not found", args->id);
        return false;
    }
    if (chr->claimed) {
        error_set(errp, "Chardev '%s' is busy", args->id);
        return false;
    }
    chardev_remove(chr);
    return true;
}

bool qmp_chardev_send_break(const QmpChardevSendBreakArgs *args, Error **errp)
{
    if (!chardev_find(args->id)) {
        error_set(errp, "Chardev '%s' not found", args->id);
        return false;
    }
    return true;
}

/* --- queries ------------------------------------------------------------- */

/* "HOST:PORT" of one end of a socket. */
static char *end_text(int fd, bool peer)
{
    struct sockaddr_storage addr;
    socklen_t length = sizeof(addr);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    int ret = peer ? getpeername(fd, (struct sockaddr *)&addr, &length)
                   : getsockname(fd, (struct sockaddr *)&addr, &length);

    if (ret ||
        getnameinfo((struct sockaddr *)&addr, length, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV)) {
        return g_strdup("");
    }
    return strchr(host, ':') ? g_strdup_printf("[%s]:%s", host, port)
                             : g_strdup_printf("%s:%s", host, port);
}

static char *describe_inet(const Chardev *chr, const char *head, int fd)
{
    const ChardevSocketOptions *o = &chr->options->u.socket;
    const char *server = chr->listen_fd >= 0 ? ",server=on" : "";
    g_autofree char *local = NULL, *peer = NULL;

    if (fd >= 0) {
        local = end_text(fd, false);
        peer = end_text(fd, true);
        return g_strdup_printf("tcp:%s%s <-> %s", local, server, peer);
    }
    local = chr->listen_fd >= 0 ? end_text(chr->listen_fd, false)
                                : g_strdup_printf("%s:%s", o->host, o->port);
    return g_strdup_printf("%stcp:%s%s", head, local, server);
}

/* The path that a unix socket is bound to, or "". */
static char *path_of(int fd)
{
    struct sockaddr_un addr = {0};
    socklen_t length = sizeof(addr);

    if (getsockname(fd, (struct sockaddr *)&addr, &length) ||
        addr.sun_family != AF_UNIX) {
        return g_strdup("");
    }
    return g_strndup(addr.sun_path, sizeof(addr.sun_path));
}

static char *describe_socket(const Chardev *chr)
{
    const ChardevSocketOptions *o = &chr->options->u.socket;
    int fd = chr->next_fd >= 0 ? chr->next_fd : chr->current_fd;
    int named = fd >= 0 ? fd : chr->listen_fd;
    g_autofree char *path = NULL;

    if (o->host) {
        return describe_inet(chr, fd >= 0 ? "" : "disconnected:", fd);
    }
    path = named >= 0 ? path_of(named) : g_strdup(o->path ? o->path : "");
    return g_strdup_printf("%sunix:%s%s", fd >= 0 ? "" : "disconnected:", path,
                           chr->listen_fd >= 0 ? ",server=on" : "");
}

static char *describe(const Chardev *chr)
{
    if (chr->options->backend == CHARDEV_BACKEND_KIND_SOCKET) {
        return describe_socket(chr);
    }
    if (chr->pty_name) {
        return g_strconcat("pty:", chr->pty_name, NULL);
    }
    return g_strdup(ChardevBackendKind_str(chr->options->backend));
}

/* In QEMU's order, which is that of a hash table of their names from its end:
 * people compare the whole list. */
CONTROL_ONLY static GPtrArray *in_order(void)
{
    g_autoptr(GHashTable) table = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    for (Chardev *chr = chardev_next(NULL); chr; chr = chardev_next(chr)) {
        g_hash_table_insert(table, chr->id, chr);
    }
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        g_ptr_array_insert(list, 0, value);
    }
    return list;
}

ChardevInfoList *qmp_query_chardev(Error **errp)
{
    ChardevInfoList *list = g_new0(ChardevInfoList, 1);
    g_autoptr(GPtrArray) chardevs = in_order();

    for (guint i = 0; i < chardevs->len; i++) {
        const Chardev *chr = chardevs->pdata[i];
        ChardevInfo *info = g_new0(ChardevInfo, 1);

        info->label = g_strdup(chr->id);
        info->filename = describe(chr);
        info->frontend_open = chr->claimed;
        ChardevInfoList_append(list, info);
    }
    return list;
}

ChardevBackendInfoList *qmp_query_chardev_backends(Error **errp)
{
    ChardevBackendInfoList *list = g_new0(ChardevBackendInfoList, 1);

    for (ChardevBackendKind k = 0; k < CHARDEV_BACKEND_KIND__MAX; k++) {
        ChardevBackendInfo *info = g_new0(ChardevBackendInfo, 1);

        info->name = g_strdup(ChardevBackendKind_str(k));
        ChardevBackendInfoList_append(list, info);
    }
    return list;
}
