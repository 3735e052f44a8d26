/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the words of `tidemark nbd` go together: the order and the words are
 * qemu-nbd 7.2's. */
#include "tools/nbd/nbd.h"

#include <stdio.h>

#include "util/reactor/service.h"

bool nbd_tool_wrong(const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_report("%s", text);
    return false;
}

static bool check_list(const NbdTool *tool)
{
    if (tool->n_files) {
        return nbd_tool_wrong("List mode is incompatible with a file name");
    }
    if (tool->name || tool->description || tool->has_offset || tool->device ||
        tool->bitmaps->len || tool->allocation_depth || tool->image.format ||
        tool->snapshot_inside) {
        return nbd_tool_wrong(
            "List mode is incompatible with per-device settings");
    }
    if (tool->fork) {
        return nbd_tool_wrong("List mode is incompatible with forking");
    }
    return true;
}

static bool check_tls(const NbdTool *tool)
{
    if (!tool->tls_creds) {
        const char *lone = tool->tls_authz      ? "authz"
                           : tool->tls_hostname ? "hostname"
                                                : NULL;

        return !lone ||
               nbd_tool_wrong("--tls-%s is not permitted without --tls-creds",
                              lone);
    }
    if (tool->device) {
        return nbd_tool_wrong("TLS is not supported with a host device");
    }
    if (tool->tls_authz && tool->list) {
        return nbd_tool_wrong(
            "TLS authorization is incompatible with export list");
    }
    if (tool->tls_hostname && !tool->list) {
        return nbd_tool_wrong(
            "TLS hostname is only supported with export list");
    }
    return true;
}

/* The socket that was passed, if one was, is where it listens. */
static bool check_passed_sockets(const NbdTool *tool)
{
    unsigned n = service_socket_count();

    if (!n) {
        return true;
    }
    if (n > 1) {
        return nbd_tool_wrong(
            "%s does not support socket activation with LISTEN_FDS "
            "> 1",
            error_program_name());
    }
    if (tool->device || tool->disconnect) {
        return nbd_tool_wrong(
            "NBD device can't be set when using socket activation");
    }
    if (tool->list) {
        return nbd_tool_wrong(
            "List mode is incompatible with socket activation");
    }
    if (tool->socket) {
        return nbd_tool_wrong(
            "Unix socket can't be set when using socket activation");
    }
    if (tool->bind) {
        return nbd_tool_wrong("The interface can't be set when using socket "
                              "activation");
    }
    return !tool->port ||
           nbd_tool_wrong(
               "TCP port number can't be set when using socket activation");
}

bool nbd_tool_check(NbdTool *tool)
{
    if (tool->list) {
        if (!check_list(tool)) {
            return false;
        }
    } else if (tool->n_files != 1) {
        error_report("Invalid number of arguments");
        fprintf(stderr, "Try `%s --help' for more information.\n",
                error_program_name());
        return false;
    }
    if (!check_passed_sockets(tool) || !check_tls(tool)) {
        return false;
    }
    if (tool->device || tool->disconnect) {
        return nbd_tool_wrong(
            "-%c: the kernel's NBD devices are not supported; use "
            "nbd-client(8) with the served socket",
            tool->device ? 'c' : 'd');
    }
    if (tool->image.image_opts && tool->image.format && !tool->list) {
        return nbd_tool_wrong("--image-opts and -f are mutually exclusive");
    }
    tool->image.writable = !tool->read_only && !tool->temporary;
    return true;
}
