/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first bytes of image formats: see probe.h. */
#include "block/graph/probe.h"

#include <stdio.h>

#include "block/graph/driver.h"
#include "block/graph/loose-options.h"
#include "block/graph/root.h"
#include "qapi/qapi-types.h"
#include "util/report-order.h"

/* The first bytes of formats that would be harmed or misread as raw. */
static const struct {
    const char *format;
    size_t offset, length;
    const char *magic;
} magics[] = {
    {"qcow", 0, 8, "QFI\xfb\0\0\0\1"},
    {"raw", 0, 8, "QFI\xfb\0\0\0\0"},
    {"qcow2", 0, 4, "QFI\xfb"}, /* also versions of the future */
    {"qed", 0, 4, "QED\0"},
    {"vmdk", 0, 4, "KDMV"},
    {"vmdk", 0, 4, "COWD"},
    {"vdi", 64, 4, "\x7f\x10\xda\xbe"},
    {"vhdx", 0, 8, "vhdxfile"},
    {"vpc", 0, 8, "conectix"},
    {"luks", 0, 6, "LUKS\xba\xbe"},
    {"parallels", 0, 16, "WithoutFreeSpace"},
    {"parallels", 0, 16, "WithouFreSpacExt"},
};

const char *probe_format(const void *head, size_t bytes)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(magics); i++) {
        if (magics[i].offset + magics[i].length <= bytes &&
            !memcmp((const char *)head + magics[i].offset, magics[i].magic,
                    magics[i].length)) {
            return magics[i].format;
        }
    }
    return "raw";
}

/* --- by looking ---------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Node *co_open_to_look(json_object *loose,
                                                         Error **errp)
{
    json_object *whole = json_object_new_object();
    BlockdevOptions *options;
    Node *node = NULL;

    json_object_object_add(whole, "driver", json_object_new_string("raw"));
    json_object_object_add(whole, "read-only", json_object_new_boolean(true));
    json_object_object_add(whole, "file", json_object_get(loose));
    options = loose_options_read(whole, "raw", errp);
    json_object_put(whole);
    if (options) {
        node = co_node_open(options, errp);
        BlockdevOptions_free(options);
    }
    return node;
}

COROUTINE_ONLY CONTROL_ONLY static int co_read_head(Node *node, void *head,
                                                    size_t *bytes)
{
    /* To look at it is no reason for a conflict with who writes to it. */
    Root *root = root_new("root", NULL, NULL);
    int ret = root_attach(root, node, 0, PERM_ALL, NULL) ? 0 : -EPERM;

    *bytes = MIN(PROBE_BYTES, node->size_bytes);
    if (!ret && *bytes) {
        ret = co_root_pread(root, 0, *bytes, head);
    }
    co_root_detach(root);
    root_free(root);
    return ret;
}

const char *co_probe_loose(json_object *loose, Error **errp)
{
    char head[PROBE_BYTES];
    Node *node = co_open_to_look(loose, errp);
    const char *format;
    size_t bytes;
    int ret;

    if (!node) {
        return NULL;
    }
    ret = co_read_head(node, head, &bytes);
    co_node_unref(node);
    if (ret < 0) {
        error_set_errno(errp, -ret,
                        "Could not read image for determining its format");
        return NULL;
    }
    format = probe_format(head, bytes);
    if (!driver_find(format)) {
        error_set(errp, "the image looks like '%s', which is not supported",
                  format);
        error_append_hint(errp, "Use format=raw to work on its bytes as they "
                                "are.\n");
        return NULL;
    }
    return format;
}

void probe_warn_raw(const char *filename)
{
    report_settle_output();
    fprintf(stderr,
            "WARNING: Image format was not specified for '%s' and probing "
            "guessed raw.\n"
            "         Automatically detecting the format is dangerous for raw "
            "images, write operations on block 0 will be restricted.\n"
            "         Specify the 'raw' format explicitly to remove the "
            "restrictions.\n",
            filename);
}
