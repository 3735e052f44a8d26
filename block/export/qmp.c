/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands on exports and on the NBD server. Each checks what only a
 * command can get wrong and makes one call into the room.
 */
#include "block/backend/backend.h"
#include "block/export/export.h"
#include "block/export/nbd-server.h"
#include "block/graph/action.h"
#include "block/graph/activity.h"
#include "objects/named-fd.h"
#include "qapi/qapi-commands.h"
#include "qapi/qapi-transaction.h"
#include "util/reactor/reactor.h"

bool qmp_block_export_add(const BlockExportOptions *args, Error **errp)
{
    return co_export_add(args, errp) != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_export_del(const char *id, BlockExportRemoveMode mode, Error **errp)
{
    BlockExport *exp = export_find(id);
    bool in_use;

    if (!exp || exp->tentative) {
        error_set(errp, "Export '%s' is not found", id);
        return false;
    }
    in_use = exp->refs > 1 || exp->shutting_down;
    if (in_use && mode == BLOCK_EXPORT_REMOVE_MODE_SAFE) {
        error_set(errp, "export '%s' still in use", id);
        return false;
    }
    in_use = in_use || (exp->driver->busy && exp->driver->busy(exp));
    export_request_shutdown(exp);
    /* With clients the event tells when they are gone: their requests on the
     * disk may take long and must not hold up other commands. */
    if (!in_use) {
        co_export_wait_gone(id);
    }
    return true;
}

bool qmp_block_export_del(const QmpBlockExportDelArgs *args, Error **errp)
{
    return co_export_del(
        args->id, args->has_mode ? args->mode : BLOCK_EXPORT_REMOVE_MODE_SAFE,
        errp);
}

static BlockExportInfo *export_info(const BlockExport *exp)
{
    BlockExportInfo *info = g_new0(BlockExportInfo, 1);

    info->id = g_strdup(exp->id);
    info->type = exp->driver->type;
    info->node_name = g_strdup(node_name(root_node(exp->root)));
    info->shutting_down = exp->shutting_down;
    return info;
}

BlockExportInfoList *qmp_query_block_exports(Error **errp)
{
    BlockExportInfoList *list = BlockExportInfoList_new();

    for (BlockExport *exp = export_next(NULL); exp; exp = export_next(exp)) {
        if (root_node(exp->root) && !exp->tentative) {
            BlockExportInfoList_append(list, export_info(exp));
        }
    }
    return list;
}

/* --- as an action of a transaction --------------------------------------- */

typedef struct AddAction {
    BlockExport *exp;
    GArray *rest; /* of the transaction */
} AddAction;

CONTROL_ONLY
static void action_commit(void *opaque)
{
    export_commit(((AddAction *)opaque)->exp);
}

COROUTINE_ONLY CONTROL_ONLY static void co_free_later(void *opaque)
{
    co_export_free(opaque);
}

CONTROL_ONLY
static void action_abort(void *opaque)
{
    AddAction *add = opaque;

    export_retract(add->exp);
    transaction_later(add->rest, co_free_later, add->exp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_action_prepare(const TransactionAction *action, TransactionContext *ctx,
                  Error **errp)
{
    static const TxnOps ops = {
        .commit = action_commit,
        .abort = action_abort,
        .clean = g_free,
    };
    BlockExport *exp = co_export_prepare(action->u.block_export_add.data, errp);
    AddAction *add;

    if (!exp) {
        return false;
    }
    add = g_new(AddAction, 1);
    *add = (AddAction){exp, ctx->rest};
    txn_add(ctx->txn, &ops, add);
    return true;
}

const TransactionHandler txn_handler_block_export_add = {
    .co_prepare = co_action_prepare,
};

/* --- the server ---------------------------------------------------------- */

/* The same address in the form without wrappers. */
static SocketAddress *address_from_legacy(const SocketAddressLegacy *legacy)
{
    SocketAddress *addr = g_new0(SocketAddress, 1);
    InetSocketAddress *inet;
    UnixSocketAddress *un;

    addr->type = legacy->type;
    switch (legacy->type) {
    case SOCKET_ADDRESS_TYPE_INET:
        inet = InetSocketAddress_clone(legacy->u.inet.data);
        addr->u.inet = *inet;
        g_free(inet);
        break;
    case SOCKET_ADDRESS_TYPE_UNIX:
        un = UnixSocketAddress_clone(legacy->u.q_unix.data);
        addr->u.q_unix = *un;
        g_free(un);
        break;
    case SOCKET_ADDRESS_TYPE_FD:
        addr->u.fd.str = g_strdup(legacy->u.fd.data->str);
        break;
    default:
        /* The server refuses the other types by their name. */
        break;
    }
    return addr;
}

CONTROL_ONLY
static bool start_server(const QmpNbdServerStartArgs *args, Error **errp)
{
    NbdServerOptions options = {
        .addr = address_from_legacy(args->addr),
        .tls_creds = args->tls_creds,
        .tls_authz = args->tls_authz,
        .has_max_connections = args->has_max_connections,
        .max_connections = args->max_connections,
        .has_handshake_max_seconds = args->has_handshake_max_seconds,
        .handshake_max_seconds = args->handshake_max_seconds,
    };
    bool ok = nbd_server_start(&options, errp);

    SocketAddress_free(options.addr);
    return ok;
}

/* On a socket of getfd, which is the server's from now on. */
CONTROL_ONLY
static bool start_on_named(const QmpNbdServerStartArgs *args, Error **errp)
{
    String number = {};
    StringWrapper wrapper = {.data = &number};
    SocketAddressLegacy addr = {.type = SOCKET_ADDRESS_TYPE_FD};
    QmpNbdServerStartArgs numbered = *args;
    bool ok;
    int fd;

    if (!named_fds_offered()) {
        /* Which descriptors were passed for this is known to who wrote the
         * command line only; a client could name any of this process. */
        error_set(errp, "only QEMU supports file descriptor passing");
        return false;
    }
    fd = named_fd_take_socket(args->addr->u.fd.data->str, errp);
    if (fd < 0) {
        return false;
    }
    number.str = g_strdup_printf("%d", fd);
    addr.u.fd = wrapper;
    numbered.addr = &addr;
    ok = start_server(&numbered, errp);
    g_free(number.str);
    if (!ok) {
        io_close(fd);
    }
    return ok;
}

bool qmp_nbd_server_start(const QmpNbdServerStartArgs *args, Error **errp)
{
    return args->addr->type == SOCKET_ADDRESS_TYPE_FD
               ? start_on_named(args, errp)
               : start_server(args, errp);
}

bool qmp_nbd_server_stop(Error **errp)
{
    return co_nbd_server_stop(errp);
}

/* --- the older commands for exports -------------------------------------- */

/* The list of one bitmap, looked up from the exported node downwards. */
static BlockDirtyBitmapOrStrList *one_bitmap(const char *name)
{
    BlockDirtyBitmapOrStrList *list = BlockDirtyBitmapOrStrList_new();
    BlockDirtyBitmapOrStr *ref = g_new0(BlockDirtyBitmapOrStr, 1);

    ref->kind = BLOCK_DIRTY_BITMAP_OR_STR_KIND_LOCAL;
    ref->u.local = g_strdup(name);
    BlockDirtyBitmapOrStrList_append(list, ref);
    return list;
}

/* nbd-server-add with the name of a drive means the medium in it. */
CONTROL_ONLY
static void let_go_of_medium(const Backend *backend)
{
    for (BlockExport *e = export_next(NULL); e; e = export_next(e)) {
        if (e->medium_of == backend) {
            export_request_shutdown(e);
        }
    }
}

/* The next of those that go with a medium; the caller frees it. */
CONTROL_ONLY
static char *next_that_goes(void)
{
    for (BlockExport *e = export_next(NULL); e; e = export_next(e)) {
        if (e->medium_of && e->shutting_down) {
            return g_strdup(e->id);
        }
    }
    return NULL;
}

COROUTINE_ONLY CONTROL_ONLY static void co_wait_for_media(void)
{
    char *id;

    while ((id = next_that_goes())) {
        co_export_wait_gone(id);
        g_free(id);
    }
}

bool qmp_nbd_server_add(const NbdServerAddOptions *args, Error **errp)
{
    const char *name = args->name ? args->name : args->device;
    Node *node = node_lookup(args->device, args->device, errp);
    BlockExportOptions *options;
    BlockExport *exp;

    if (!node) {
        return false;
    }
    options = g_new0(BlockExportOptions, 1);
    options->type = BLOCK_EXPORT_TYPE_NBD;
    options->id = g_strdup(name);
    options->node_name = g_strdup(node_name(node));
    /* Unlike block-export-add it does not insist. */
    options->writable = args->writable && !node_is_read_only(node);
    options->u.nbd.name = g_strdup(name);
    options->u.nbd.description = g_strdup(args->description);
    options->u.nbd.bitmaps = args->bitmap ? one_bitmap(args->bitmap) : NULL;
    exp = co_export_add(options, errp);
    if (exp) {
        exp->medium_of = backend_by_name(args->device);
        backends_on_eject(let_go_of_medium, co_wait_for_media);
    }
    BlockExportOptions_free(options);
    return exp != NULL;
}

bool qmp_nbd_server_remove(const QmpNbdServerRemoveArgs *args, Error **errp)
{
    return co_export_del(
        args->name, args->has_mode ? args->mode : BLOCK_EXPORT_REMOVE_MODE_SAFE,
        errp);
}
