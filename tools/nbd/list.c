/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark nbd --list`: what a server has, in qemu-nbd's words. */
#include <stdio.h>

#include "block/net/nbd-list.h"
#include "nbd/protocol.h"
#include "objects/tls-creds.h"
#include "tools/nbd/nbd.h"

static const struct {
    uint16_t flag;
    const char *word;
} flag_words[] = {
    {NBD_FLAG_READ_ONLY, "readonly"},
    {NBD_FLAG_SEND_FLUSH, "flush"},
    {NBD_FLAG_SEND_FUA, "fua"},
    {NBD_FLAG_ROTATIONAL, "rotational"},
    {NBD_FLAG_SEND_TRIM, "trim"},
    {NBD_FLAG_SEND_WRITE_ZEROES, "zeroes"},
    {NBD_FLAG_SEND_DF, "df"},
    {NBD_FLAG_CAN_MULTI_CONN, "multi"},
    {NBD_FLAG_SEND_RESIZE, "resize"},
    {NBD_FLAG_SEND_CACHE, "cache"},
    {NBD_FLAG_SEND_FAST_ZERO, "fast-zero"},
};

static void print_info(const NbdExportInfo *info)
{
    printf("  size:  %" PRIu64 "\n", info->size_bytes);
    printf("  flags: 0x%x (", info->flags);
    for (size_t i = 0; i < ARRAY_SIZE(flag_words); i++) {
        if (info->flags & flag_words[i].flag) {
            printf(" %s", flag_words[i].word);
        }
    }
    printf(" )\n");
    if (info->min_bytes) {
        printf("  min block: %" PRIu32 "\n", info->min_bytes);
        printf("  opt block: %" PRIu32 "\n", info->preferred_bytes);
        printf("  max block: %" PRIu32 "\n", info->max_bytes);
    }
}

static void print_export(const NbdListed *e)
{
    printf(" export: '%s'\n", e->name);
    if (e->description && *e->description) {
        printf("  description: %s\n", e->description);
    }
    if (e->info.flags & NBD_FLAG_HAS_FLAGS) {
        print_info(&e->info);
    }
    if (e->contexts->len) {
        printf("  available meta contexts: %u\n", e->contexts->len);
    }
    for (guint i = 0; i < e->contexts->len; i++) {
        printf("   %s\n", (char *)e->contexts->pdata[i]);
    }
}

COROUTINE_ONLY
static GPtrArray *co_ask(const NbdTool *tool, TlsCreds *creds, Error **errp)
{
    IoAddress address = {.path = tool->socket, .ipv4 = -1, .ipv6 = -1};
    const char *hostname = tool->tls_hostname;

    if (!tool->socket) {
        address.host = tool->bind ? tool->bind : NBD_TOOL_ADDRESS;
        address.port = tool->port ? tool->port : NBD_TOOL_PORT;
        hostname = hostname ? hostname : address.host;
    }
    return co_nbd_list(&address, creds, hostname, errp);
}

void co_nbd_tool_list(NbdTool *tool)
{
    TlsCreds *creds = NULL;
    GPtrArray *exports = NULL;
    Error *err = NULL;

    if (tool->tls_creds) {
        creds = tls_creds_find(tool->tls_creds, false, &err);
        error_prepend(&err, "Failed to get TLS creds: ");
    }
    if (!err) {
        exports = co_ask(tool, creds, &err);
    }
    tls_creds_unref(creds);
    if (!exports) {
        error_report_err(err);
        return;
    }
    printf("exports available: %u\n", exports->len);
    for (guint i = 0; i < exports->len; i++) {
        print_export(exports->pdata[i]);
    }
    g_ptr_array_unref(exports);
    tool->exit_code = 0;
}
