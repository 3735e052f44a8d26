/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks: their names and who has them; netdev_add, netdev_del, set_link. */
#include "devices/netdev.h"

#include <unistd.h>

#include "objects/named-fd.h"
#include "qapi/qapi-commands.h"
#include "util/id.h"
#include "util/reactor/reactor.h"

typedef struct Network {
    char *id;
    char *held; /* by this port of a hub; or NULL */
} Network;

static GPtrArray *networks; /* CONTROL; NULL: none yet */

static void network_free(void *opaque)
{
    Network *network = opaque;

    g_free(network->id);
    g_free(network->held);
    g_free(network);
}

CONTROL_ONLY static Network *find(const char *id)
{
    for (guint i = 0; networks && i < networks->len; i++) {
        Network *network = networks->pdata[i];

        if (!strcmp(network->id, id)) {
            return network;
        }
    }
    return NULL;
}

bool netdev_known(const char *id)
{
    return find(id) != NULL;
}

/* --- who has them -------------------------------------------------------- */

CONTROL_ONLY static bool is_held(const char *id)
{
    for (guint i = 0; networks && i < networks->len; i++) {
        const Network *network = networks->pdata[i];

        if (!g_strcmp0(network->held, id)) {
            return true;
        }
    }
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        if (d->model->category == DEVICE_NETWORK &&
            !g_strcmp0(device_text(d, "netdev", NULL), id)) {
            return true;
        }
    }
    return false;
}

/* Cards of virtio are what they are on any bus. */
static const char *owner_of(const DeviceModel *model)
{
    return g_str_has_prefix(model->name, "virtio-net-") ? "virtio-net-device"
                                                        : model->name;
}

bool netdev_fits(const Device *device, Error **errp)
{
    const char *id = device->model->category == DEVICE_NETWORK
                         ? device_text(device, "netdev", NULL)
                         : NULL;

    if (!id) {
        return true;
    }
    if (!find(id)) {
        error_set(errp, "Property '%s.netdev' can't find value '%s'",
                  owner_of(device->model), id);
        return false;
    }
    if (is_held(id)) {
        error_set(errp,
                  "Property '%s.netdev' can't take value '%s', it's in use",
                  owner_of(device->model), id);
        return false;
    }
    return true;
}

/* --- new ones ------------------------------------------------------------ */

bool netdev_new(const char *id, const char *held, Error **errp)
{
    Network *network;

    if (find(id)) {
        error_set(errp, "Duplicate ID '%s'", id);
        return false;
    }
    if (held && !find(held)) {
        error_set(errp, "netdev '%s' not found", held);
        return false;
    }
    if (!networks) {
        networks = g_ptr_array_new_with_free_func(network_free);
    }
    network = g_new0(Network, 1);
    network->id = g_strdup(id);
    network->held = g_strdup(held);
    g_ptr_array_add(networks, network);
    return true;
}

static bool socket_ok(const NetdevSocketOptions *s, Error **errp)
{
    if (!!s->fd + !!s->listen + !!s->connect + !!s->mcast + !!s->udp == 1) {
        return true;
    }
    error_set(errp, "exactly one of listen=, connect=, mcast= or udp= is "
                    "required");
    return false;
}

static bool dgram_ok(const NetdevDgramOptions *dgram, Error **errp)
{
    if (!dgram->local) {
        error_set(errp, "dgram requires local= parameter");
    } else if (!dgram->remote && dgram->local->type != SOCKET_ADDRESS_TYPE_FD) {
        error_set(errp, "type=inet or type=unix requires remote parameter");
    } else {
        return true;
    }
    return false;
}

static bool kind_ok(const Netdev *options, Error **errp)
{
    switch (options->type) {
    case NET_CLIENT_DRIVER_NONE:
    case NET_CLIENT_DRIVER_NIC:
    case NET_CLIENT_DRIVER_NETMAP:
        error_set(errp, "network backend '%s' is not compiled into this binary",
                  NetClientDriver_str(options->type));
        return false;
    case NET_CLIENT_DRIVER_SOCKET:
        return socket_ok(&options->u.socket, errp);
    case NET_CLIENT_DRIVER_DGRAM:
        return dgram_ok(&options->u.dgram, errp);
    case NET_CLIENT_DRIVER_VHOST_VDPA:
        if (!options->u.vhost_vdpa.vhostdev && !options->u.vhost_vdpa.vhostfd) {
            error_set(errp, "vhost-vdpa: neither vhostdev= nor vhostfd= was "
                            "specified");
            return false;
        }
        return true;
    default:
        return true;
    }
}

bool netdev_add(const Netdev *options, Error **errp)
{
    if (!id_well_formed(options->id)) {
        error_set(errp, "Parameter 'id' expects an identifier");
        return false;
    }
    if (netdev_known(options->id)) {
        error_set(errp, "Duplicate ID '%s'", options->id);
        return false;
    }
    return kind_ok(options, errp) &&
           netdev_new(options->id,
                      options->type == NET_CLIENT_DRIVER_HUBPORT
                          ? options->u.hubport.netdev
                          : NULL,
                      errp);
}

/* --- the commands -------------------------------------------------------- */

/* Descriptors that a client passed for a network belong to it; nobody reads
 * them here. @text: names between colons. */
CONTROL_ONLY static bool close_passed(const char *text, Error **errp)
{
    g_auto(GStrv) names = g_strsplit(text ? text : "", ":", -1);

    for (char **name = names; *name; name++) {
        int fd = named_fd_param(*name, errp);

        if (fd < 0) {
            return false;
        }
        close(fd);
    }
    return true;
}

CONTROL_ONLY static bool take_descriptors(const Netdev *options, Error **errp)
{
    const NetdevTapOptions *tap = &options->u.tap;

    return options->type != NET_CLIENT_DRIVER_TAP ||
           (close_passed(tap->fd, errp) && close_passed(tap->fds, errp) &&
            close_passed(tap->vhostfd, errp) &&
            close_passed(tap->vhostfds, errp));
}

bool qmp_netdev_add(const Netdev *args, Error **errp)
{
    control_assert();
    if (!netdev_add(args, errp)) {
        return false;
    }
    if (!take_descriptors(args, errp)) {
        g_ptr_array_remove(networks, find(args->id));
        return false;
    }
    return true;
}

bool qmp_netdev_del(const QmpNetdevDelArgs *args, Error **errp)
{
    Network *network;

    control_assert();
    network = find(args->id);
    if (!network) {
        error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                        "Device '%s' not found", args->id);
        return false;
    }
    g_ptr_array_remove(networks, network);
    return true;
}

/* Only a guest would see whether the link is up. */
bool qmp_set_link(const QmpSetLinkArgs *args, Error **errp)
{
    const Device *device;

    control_assert();
    device = device_find(args->name);
    if (netdev_known(args->name) ||
        (device && !g_strcmp0(device->id, args->name) &&
         device->model->category == DEVICE_NETWORK)) {
        return true;
    }
    error_set_class(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                    args->name);
    return false;
}

RxFilterInfoList *qmp_query_rx_filter(const QmpQueryRxFilterArgs *args,
                                      Error **errp)
{
    control_assert();
    if (args->name && netdev_known(args->name)) {
        error_set(errp, "net client(%s) isn't a NIC", args->name);
        return NULL;
    }
    if (args->name) {
        error_set(errp, "invalid net client name: %s", args->name);
        return NULL;
    }
    return g_new0(RxFilterInfoList, 1);
}
