/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File names that mean an export of an NBD server. */
#ifndef BLOCK_NET_NBD_URI_H
#define BLOCK_NET_NBD_URI_H

#include <json-c/json.h>

#include "util/error.h"

/* True if @protocol, what stands before a name's first ':', is ours. */
bool nbd_uri_protocol(const char *protocol);

/*
 * Options for blockdev-add from `nbd://host[:port]/[export]`,
 * `nbd+unix:///[export]?socket=path`, or the older
 * `nbd:host:port[:exportname=export]`, `nbd:unix:path[:exportname=export]`.
 * NULL, with QEMU's text, if @name is none of these. Any thread.
 */
json_object *nbd_uri_options(const char *name, Error **errp);

/* Short forms of where the server listens, `path=` or `host=` and `port=`,
 * become its member `server`. */
bool nbd_uri_expand(json_object *options, Error **errp);

#endif
