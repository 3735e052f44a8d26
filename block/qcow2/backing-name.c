/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing what an image says of the image behind it. */
#include "block/qcow2/qcow2-int.h"

#include <string.h>

int co_qcow2_change_backing_file(Node *node, const char *filename,
                                 const char *format, Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    char *old_file = s->backing_file, *old_format = s->backing_format;
    int ret;

    if (filename && strlen(filename) > QCOW2_MAX_BACKING_NAME) {
        error_set(errp, "Backing file name too long");
        return -EINVAL;
    }
    if (s->data_file_raw && filename) {
        error_set(errp, "Backing file and data-file-raw cannot be used at the "
                        "same time");
        return -EINVAL;
    }
    if (format && strlen(format) >= 16) {
        error_set(errp, "Backing format name too long");
        return -EINVAL;
    }
    s->backing_file = filename && *filename ? g_strdup(filename) : NULL;
    s->backing_format =
        s->backing_file && format && *format ? g_strdup(format) : NULL;
    ret = co_qcow2_header_write(s);
    if (ret == 0) {
        ret = co_edge_flush(s->file);
    }
    if (ret < 0) {
        g_free(s->backing_file);
        g_free(s->backing_format);
        s->backing_file = old_file;
        s->backing_format = old_format;
        error_set_errno(errp, -ret, "Failed to change the backing file");
        return ret;
    }
    g_free(old_file);
    g_free(old_format);
    return 0;
}
