/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks that cards are connected with: names, for there is no guest that
 * would send anything. Control thread.
 */
#ifndef DEVICES_NETDEV_H
#define DEVICES_NETDEV_H

#include "devices/device.h"
#include "qapi/qapi-types.h"

/* Makes @id known. @held: the network that a port of a hub is connected with,
 * which no card may have then, or NULL. False if there is one of that name. */
bool netdev_new(const char *id, const char *held, Error **errp) CONTROL_ONLY;
/* The same for what @options say, if they make sense. */
bool netdev_add(const Netdev *options, Error **errp) CONTROL_ONLY;
bool netdev_known(const char *id) CONTROL_ONLY;
/* May @device be connected with what its property "netdev" says? */
bool netdev_fits(const Device *device, Error **errp) CONTROL_ONLY;

#endif
