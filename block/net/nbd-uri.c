/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File names that mean an export of an NBD server. What is accepted, and the
 * texts, are those of QEMU 7.2; the form of the URIs is the one that the NBD
 * project specifies (doc/uri.md).
 */
#include "block/net/nbd-uri.h"

#include "qapi/qapi-types.h"

#define DEFAULT_PORT 10809
#define EXPORT_NAME ":exportname="

static const char *const protocols[] = {"nbd", "nbd+tcp", "nbd+unix"};

bool nbd_uri_protocol(const char *protocol)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (!strcmp(protocol, protocols[i])) {
            return true;
        }
    }
    return false;
}

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

/* Takes @server; @export "" means the default one. */
static json_object *make_options(json_object *server, const char *export)
{
    json_object *options = json_object_new_object();

    add_string(options, "driver", "nbd");
    json_object_object_add(options, "server", server);
    if (*export) {
        add_string(options, "export", export);
    }
    return options;
}

static json_object *unix_server(const char *path)
{
    json_object *server = json_object_new_object();

    add_string(server, "type", "unix");
    add_string(server, "path", path);
    return server;
}

static json_object *inet_server(const char *host, const char *port)
{
    json_object *server = json_object_new_object();

    add_string(server, "type", "inet");
    add_string(server, "host", host);
    add_string(server, "port", port);
    return server;
}

/* --- URIs ---------------------------------------------------------------- */

typedef struct Uri {
    char *scheme, *user, *host, *path, *query;
    int port; /* -1: not given */
} Uri;

static void uri_clear(Uri *uri)
{
    g_free(uri->scheme);
    g_free(uri->user);
    g_free(uri->host);
    g_free(uri->path);
    g_free(uri->query);
}

/* The value of `socket=`, which must be all that the query says; or NULL. */
static char *socket_of_query(const char *query)
{
    g_autoptr(GHashTable) params = NULL;
    const char *value;

    if (!query || strchr(query, '&')) {
        return NULL;
    }
    params = g_uri_parse_params(query, -1, "", G_URI_PARAMS_NONE, NULL);
    value = params ? g_hash_table_lookup(params, "socket") : NULL;
    return g_strdup(value);
}

static json_object *server_of_unix(const Uri *uri)
{
    g_autofree char *path = socket_of_query(uri->query);
    bool has_host = uri->host && *uri->host;

    return path && !has_host && uri->port < 0 ? unix_server(path) : NULL;
}

static json_object *server_of_inet(const Uri *uri)
{
    g_autofree char *port =
        g_strdup_printf("%d", uri->port > 0 ? uri->port : DEFAULT_PORT);

    if (!uri->host || !*uri->host || uri->query) {
        return NULL;
    }
    return inet_server(uri->host, port);
}

static json_object *options_of_uri(const Uri *uri)
{
    const char *path = uri->path ? uri->path : "";
    json_object *server;

    /* GLib sees no scheme in a name like `a/b://c`. */
    if (!uri->scheme || !nbd_uri_protocol(uri->scheme)) {
        return NULL;
    }
    server = !strcmp(uri->scheme, "nbd+unix") ? server_of_unix(uri)
                                              : server_of_inet(uri);
    return server ? make_options(server, path + (*path == '/')) : NULL;
}

static json_object *parse_uri(const char *name, Error **errp)
{
    Uri uri = {.port = -1};
    json_object *options = NULL;

    /* The query is decoded by itself, when its parts are known. */
    if (g_uri_split_with_user(name, G_URI_FLAGS_ENCODED_QUERY, &uri.scheme,
                              &uri.user, NULL, NULL, &uri.host, &uri.port,
                              &uri.path, &uri.query, NULL, NULL)) {
        options = options_of_uri(&uri);
    }
    uri_clear(&uri);
    if (!options) {
        error_set(errp, "No valid URL specified");
    }
    return options;
}

/* --- the older form ------------------------------------------------------ */

/* `[address]:port` or `host:port`. */
static json_object *parse_host_port(const char *text, Error **errp)
{
    bool v6 = *text == '[';
    const char *host = text + v6;
    const char *end = strchr(host, v6 ? ']' : ':');
    const char *colon = end && v6 ? end + 1 : end;
    g_autofree char *copy = NULL;

    if (!end || *colon != ':' || !colon[1]) {
        error_set(errp, "error parsing %saddress '%s'", v6 ? "IPv6 " : "",
                  text);
        return NULL;
    }
    copy = g_strndup(host, end - host);
    return inet_server(copy, colon + 1);
}

static json_object *parse_old(const char *name, Error **errp)
{
    g_autofree char *address = g_strdup(name + strlen("nbd:"));
    char *mark = strstr(address, EXPORT_NAME);
    const char *export = mark ? mark + strlen(EXPORT_NAME) : "";
    json_object *server;

    if (mark) {
        *mark = 0;
    }
    if (!*address || (mark && !*export)) {
        error_set(errp, "NBD server address missing");
        return NULL;
    }
    server = g_str_has_prefix(address, "unix:")
                 ? unix_server(address + strlen("unix:"))
                 : parse_host_port(address, errp);
    return server ? make_options(server, export) : NULL;
}

json_object *nbd_uri_options(const char *name, Error **errp)
{
    const char *colon = strchr(name, ':');

    if (colon && g_str_has_prefix(colon, "://")) {
        return parse_uri(name, errp);
    }
    if (!g_str_has_prefix(name, "nbd:")) {
        error_set(errp, "File name string for NBD must start with 'nbd:'");
        return NULL;
    }
    return parse_old(name, errp);
}

/* --- short forms of options ---------------------------------------------- */

static const char *text_of(json_object *options, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(options, key, &value) &&
                   json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

static json_object *short_server(const char *path, const char *host,
                                 const char *port, Error **errp)
{
    if (path && host) {
        error_set(errp, "path and host may not be used at the same time");
        return NULL;
    }
    if (path && port) {
        error_set(errp, "port may not be used without host");
        return NULL;
    }
    if (!path && !host) {
        error_set(errp, "NBD server address missing");
        return NULL;
    }
    return path ? unix_server(path)
                : inet_server(host, port ? port : G_STRINGIFY(DEFAULT_PORT));
}

/* In its own words: "path", not "server.path". */
static bool server_ok(json_object *server, Error **errp)
{
    SocketAddress *address;

    if (!json_object_object_length(server)) {
        error_set(errp, "NBD server address missing");
        return false;
    }
    address = SocketAddress_from_keyval(server, errp);
    SocketAddress_free(address);
    return address;
}

bool nbd_uri_expand(json_object *options, Error **errp)
{
    const char *path = text_of(options, "path");
    const char *host = text_of(options, "host");
    const char *port = text_of(options, "port");
    json_object *server;

    if (json_object_object_get_ex(options, "server", &server) &&
        json_object_is_type(server, json_type_object)) {
        if (path || host || port) {
            error_set(errp, "Cannot use 'server' and path/host/port at the "
                            "same time");
        }
        return !path && !host && !port && server_ok(server, errp);
    }
    server = short_server(path, host, port, errp);
    if (server) {
        json_object_object_add(options, "server", server);
        json_object_object_del(options, "path");
        json_object_object_del(options, "host");
        json_object_object_del(options, "port");
    }
    return server;
}
