/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nbd: a disk that an NBD server exports. Opening, closing, limits; the parts
 * and their invariants are in nbd-client.h.
 */
#include "block/net/nbd.h"

#include "block/net/nbd-io.h"
#include "block/net/nbd-uri.h"
#include "objects/tls-creds.h"
#include "qapi/qapi-types.h"

#define BASE_ALLOCATION "base:allocation"

/* CONTROL: NbdClient.in_clients, of those that are open or being opened. */
static ListLink clients = LIST_INIT(clients);

/* --- options ------------------------------------------------------------- */

static bool check_options(const BlockdevOptionsNbd *o, Error **errp)
{
    if (o->export && strlen(o->export) > NBD_MAX_STRING) {
        error_set(errp, "export name too long to send to server");
        return false;
    }
    if (o->x_dirty_bitmap && strlen(o->x_dirty_bitmap) > NBD_MAX_STRING) {
        error_set(errp, "x-dirty-bitmap query too long to send to server");
        return false;
    }
    if (o->has_multi_conn &&
        (o->multi_conn < 1 || o->multi_conn > NBD_LINKS_MAX)) {
        error_set(errp, "Parameter 'multi-conn' expects 1 to %u",
                  NBD_LINKS_MAX);
        return false;
    }
    return true;
}

/* The name that the server's certificate must be for. */
static const char *hostname_of(const BlockdevOptionsNbd *o)
{
    if (o->tls_hostname) {
        return o->tls_hostname;
    }
    return o->server->type == SOCKET_ADDRESS_TYPE_INET ? o->server->u.inet.host
                                                       : NULL;
}

static bool take_tls(NbdClient *c, const BlockdevOptionsNbd *o, Error **errp)
{
    if (o->tls_creds) {
        c->tls_creds = tls_creds_find(o->tls_creds, false, errp);
        c->tls_hostname = g_strdup(hostname_of(o));
    }
    return !o->tls_creds || c->tls_creds;
}

static void drop_options(NbdClient *c)
{
    nbd_address_clear(&c->address);
    tls_creds_unref(c->tls_creds);
    g_free(c->tls_hostname);
    g_free(c->export);
    g_free(c->context);
}

static bool take_options(NbdClient *c, const BlockdevOptionsNbd *o,
                         Error **errp)
{
    const char *context =
        o->x_dirty_bitmap ? o->x_dirty_bitmap : BASE_ALLOCATION;

    if (!check_options(o, errp) || !take_tls(c, o, errp) ||
        !nbd_address_set(&c->address, o->server, errp)) {
        drop_options(c);
        return false;
    }
    c->export = g_strdup(o->export ? o->export : "");
    c->context = g_strdup(context);
    c->plain_context = !o->x_dirty_bitmap;
    c->reconnect_ns =
        o->has_reconnect_delay ? o->reconnect_delay * NANOSECONDS : 0;
    return true;
}

/* --- opening ------------------------------------------------------------- */

/* What the server offers is what the user asked for. */
static bool accept_export(NbdClient *c, Error **errp)
{
    Node *node = c->node;

    const NbdSession *session = &c->links[0].session;

    c->info = session->info;
    c->has_context = session->has_context;
    c->extended = session->extended;
    if (!(c->info.flags & NBD_FLAG_CAN_MULTI_CONN)) {
        c->n_links = 1;
    }
    if (!c->plain_context && !c->has_context) {
        error_set_errno(errp, EINVAL, "Could not open image"); /* as QEMU */
        return false;
    }
    if ((c->info.flags & NBD_FLAG_READ_ONLY) && !node->read_only) {
        if (!node->auto_read_only) {
            error_set_errno(errp, EACCES, "Could not open image");
            return false;
        }
        node->read_only = true;
    }
    /* Larger ones are refused by name, and must not wrap here. */
    node->size_bytes = c->info.size_bytes > BLOCK_MAX_BYTES
                           ? c->info.size_bytes
                           : ROUND_UP(c->info.size_bytes, 512);
    node->filename = nbd_address_uri(&c->address, c->export);
    return true;
}

static void drop_client(NbdClient *c)
{
    list_remove(&c->in_clients);
    nbd_links_free(c);
    drop_options(c);
}

COROUTINE_ONLY
static void co_nbd_close(Node *node);

COROUTINE_ONLY
static bool co_nbd_open(Node *node, const BlockdevOptions *options,
                        Error **errp)
{
    const BlockdevOptionsNbd *o = &options->u.nbd;
    NbdClient *c = node->state;
    int64_t timeout_ns =
        o->has_open_timeout ? o->open_timeout * NANOSECONDS : 0;

    c->node = node;
    if (!take_options(c, o, errp)) {
        return false;
    }
    nbd_links_init(c, o->has_multi_conn ? o->multi_conn : 1);
    list_append(&clients, &c->in_clients);
    c->opening = true;
    if (!co_nbd_connect_first(&c->links[0], timeout_ns, errp)) {
        drop_client(c);
        return false;
    }
    c->opening = false;
    if (!accept_export(c, errp)) {
        co_nbd_close(node);
        return false;
    }
    return true;
}

/* --- closing ------------------------------------------------------------- */

static void co_close_at_home(void *opaque)
{
    coroutine_assert();
    co_nbd_links_close(opaque);
}

static void co_nbd_close(Node *node)
{
    NbdClient *c = node->state;

    co_reactor_call(node->home, co_close_at_home, c);
    drop_client(c);
}

/* --- the end of the program ---------------------------------------------- */

static void release(void *opaque)
{
    nbd_client_release(opaque);
}

void nbd_release_all(void)
{
    LIST_FOREACH(c, &clients, NbdClient, in_clients) {
        if (c->opening) {
            c->closing = true;
            nbd_connect_cancel(&c->links[0]);
        } else {
            /* It arrives before what closes the node. */
            reactor_dispatch(c->node->home, release, c);
        }
    }
}

/* --- giving up ----------------------------------------------------------- */

static void cancel_at_home(void *opaque)
{
    nbd_client_cancel(opaque);
}

static void nbd_cancel_requests(Node *node)
{
    NbdClient *c = node->state;

    /* It arrives before what closes the node. */
    reactor_dispatch(node->home, cancel_at_home, c);
}

/* --- reopening ----------------------------------------------------------- */

/* Nothing of the connection changes: all options are as they were. */
static bool co_nbd_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    const NbdClient *c = reopen->node->state;

    if ((c->info.flags & NBD_FLAG_READ_ONLY) && !reopen->node->read_only) {
        error_set(errp, "Can't reopen read-only NBD mount as read/write");
        return false;
    }
    return true;
}

/* --- the rest ------------------------------------------------------------ */

static uint64_t power_of_2_below(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n));
}

static void nbd_refresh_limits(Node *node)
{
    const NbdClient *c = node->state;
    uint32_t align = MAX(c->info.min_bytes, 1);
    uint32_t max = c->info.max_bytes ? c->info.max_bytes : NBD_MAX_PAYLOAD;

    node->limits.request_align = align;
    node->limits.max_transfer_bytes =
        power_of_2_below(MIN(max, NBD_MAX_PAYLOAD));
    node->limits.max_zeroes_bytes = nbd_max_effect_bytes(c);
    node->limits.max_discard_bytes = nbd_max_effect_bytes(c);
}

static int co_nbd_truncate(Node *node, uint64_t size_bytes, bool exact,
                           Error **errp)
{
    uint64_t size = node->size_bytes;

    if (exact && size_bytes != size) {
        error_set(errp, "Cannot resize NBD nodes");
        return -ENOTSUP;
    }
    if (size_bytes > size) {
        error_set(errp, "Cannot grow NBD nodes");
        return -EINVAL;
    }
    return size_bytes == size ? 0 : TRUNCATE_KEPT;
}

static bool nbd_zeroes_unmap(const Node *node)
{
    const NbdClient *c = node->state;

    return c->info.flags & NBD_FLAG_SEND_WRITE_ZEROES;
}

static const char *const nbd_identity[] = {
    "server", "export", "tls-creds", "tls-hostname", NULL,
};

const NodeDriver driver_nbd = {
    .name = "nbd",
    .state_bytes = sizeof(NbdClient),
    .threading = NODE_HOMED,
    .is_remote = true,
    .identity_options = nbd_identity,
    .supports_fua = true,
    .co_open = co_nbd_open,
    .co_reopen = co_nbd_reopen,
    .expand_options = nbd_uri_expand,
    .takes_protocol = nbd_uri_protocol,
    .options_of_name = nbd_uri_options,
    .co_close = co_nbd_close,
    .cancel_requests = nbd_cancel_requests,
    .refresh_limits = nbd_refresh_limits,
    .zeroes_unmap = nbd_zeroes_unmap,
    .co_preadv = co_nbd_preadv,
    .co_pwritev = co_nbd_pwritev,
    .co_pwrite_zeroes = co_nbd_pwrite_zeroes,
    .co_pdiscard = co_nbd_pdiscard,
    .co_flush = co_nbd_flush,
    .co_block_status = co_nbd_block_status,
    .co_truncate = co_nbd_truncate,
};
