/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resizing with preallocation: see root-resize.h. */
#include "block/file/root-resize.h"

#include "block/file/file-create.h"
#include "block/graph/quiesce.h"
#include "block/graph/root.h"

/* The largest disk that QEMU has. */
#define SIZE_MAX_BYTES (INT64_MAX - (1 * GiB) + 1)

static const char *const words[] = {
    [FORMAT_PREALLOC_OFF] = "off",
    [FORMAT_PREALLOC_METADATA] = "metadata",
    [FORMAT_PREALLOC_FALLOC] = "falloc",
    [FORMAT_PREALLOC_FULL] = "full",
};

bool preallocation_parse(const char *word, FormatPreallocation *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(word, words[i])) {
            *value = i;
            return true;
        }
    }
    return false;
}

/* The file that a raw image is, or a window of; or NULL. */
static const Node *raw_file(Root *root)
{
    Node *node = root_node(root);
    Edge *file = node_child(node, "file");

    if (!strcmp(node->driver->name, "raw") && file &&
        !strcmp(file->child->driver->name, "file")) {
        return file->child;
    }
    return NULL;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_resize_format(Node *node, uint64_t size_bytes, bool exact,
                 FormatPreallocation preallocation, Error **errp)
{
    Quiesce *section = co_quiesce_begin(&node, 1);
    int ret = node->driver->format->co_resize(node, size_bytes, exact,
                                              preallocation, errp);

    if (ret == 0) {
        node_size_changed(node, size_bytes);
    }
    quiesce_end(section);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_resize_raw(Root *root, uint64_t size_bytes, bool exact,
              FormatPreallocation preallocation, Error **errp)
{
    static const FilePreallocation as_file[] = {
        [FORMAT_PREALLOC_FALLOC] = FILE_PREALLOC_FALLOC,
        [FORMAT_PREALLOC_FULL] = FILE_PREALLOC_FULL,
    };
    uint64_t old_bytes = root_size_bytes(root);
    const Node *file = raw_file(root);
    uint64_t old_file_bytes = file ? file->size_bytes : 0;
    int ret;

    if (preallocation != FORMAT_PREALLOC_OFF &&
        (preallocation == FORMAT_PREALLOC_METADATA || !file)) {
        error_set(errp, "Unsupported preallocation mode: %s",
                  words[preallocation]);
        return -ENOTSUP;
    }
    if (preallocation != FORMAT_PREALLOC_OFF && size_bytes < old_bytes) {
        error_set(errp, "Cannot use preallocation for shrinking files");
        return -ENOTSUP;
    }
    ret = co_root_truncate(root, size_bytes, exact, errp);
    if (ret < 0 || preallocation == FORMAT_PREALLOC_OFF ||
        size_bytes == old_bytes) {
        return ret;
    }
    return co_file_preallocate(file->filename, old_file_bytes, file->size_bytes,
                               as_file[preallocation], errp);
}

int co_root_resize_locked(Root *root, uint64_t size_bytes, bool exact,
                          FormatPreallocation preallocation, Error **errp)
{
    Node *node = root_node(root);

    if (!node) {
        error_set(errp, "No medium inserted");
        return -ENOMEDIUM;
    }
    if (size_bytes > SIZE_MAX_BYTES) {
        error_set(errp, "offset(%" PRIu64 ") exceeds maximum(%" PRIu64 ")",
                  size_bytes, (uint64_t)SIZE_MAX_BYTES);
        return -EINVAL;
    }
    return node->driver->format && node->driver->format->co_resize
               ? co_resize_format(node, size_bytes, exact, preallocation, errp)
               : co_resize_raw(root, size_bytes, exact, preallocation, errp);
}

int co_root_resize(Root *root, uint64_t size_bytes, bool exact,
                   FormatPreallocation preallocation, Error **errp)
{
    int ret;

    co_graph_lock();
    ret = co_root_resize_locked(root, size_bytes, exact, preallocation, errp);
    graph_unlock();
    return ret;
}
