/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is the file of a qcow2 image: it is opened, described, read,
 * written in all ways, resized, given snapshots, and closed.
 */
#include "qapi/qapi-types.h"
#include "qcow2-image.h"

COROUTINE_ONLY
static void co_walk_status(Root *root)
{
    uint64_t size = root_size_bytes(root), at = 0;
    BlockStatus status;

    for (unsigned i = 0; i < 64 && at < size; i++) {
        if (co_root_block_status(root, at, size - at, &status) < 0) {
            return;
        }
        g_assert_cmpuint(status.bytes, >, 0);
        g_assert_cmpuint(status.bytes, <=, size - at);
        at += status.bytes;
    }
}

COROUTINE_ONLY
static void co_change(Root *root)
{
    static const char data[5000] = "data";
    uint64_t size = root_size_bytes(root);
    const uint64_t places[] = {0, 700, size / 2, size - MIN(size, 5000)};

    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        uint64_t at = places[i], n = MIN(sizeof(data), size - at);

        if (n) {
            co_root_pwrite(root, at, n, data, i == 1 ? REQ_FUA : 0);
            co_root_pdiscard(root, at, n);
            co_root_pwrite_zeroes(root, at, n / 2 + 1,
                                  i % 2 ? REQ_MAY_UNMAP : 0);
        }
    }
    co_root_flush(root);
}

COROUTINE_ONLY
static void co_describe(Node *node)
{
    Error *err = NULL;
    struct ImageInfoSpecific *info =
        node->driver->format->co_info_specific(node, &err);

    ImageInfoSpecific_free(info);
    error_free(err);
}

COROUTINE_ONLY
static void co_snapshots(Node *node)
{
    const FormatOps *ops = node->driver->format;
    const SnapshotMoment moment = {1, 2, 3, 4};

    SnapshotInfoList_free(ops->co_snapshot_list(node, NULL));
    ops->co_snapshot_apply(node, "1", NULL);
    ops->co_snapshot_create(node, "s", &moment, NULL, NULL);
    ops->co_snapshot_delete(node, "1", NULL, NULL);
    ops->co_snapshot_apply(node, "s", NULL);
    ops->co_snapshot_delete(node, NULL, "s", NULL);
}

static void co_body(void *opaque)
{
    const FuzzInput *input = opaque;
    FuzzContent content;
    FuzzImage image;
    Node *file;

    coroutine_assert();
    control_assert();
    file = fuzz_file_new(input);
    co_graph_lock();
    if (co_fuzz_image_open(&image, input, true)) {
        co_describe(image.node);
        co_fuzz_content(image.root, &content);
        co_walk_status(image.root);
        co_fuzz_image_close(&image);
    }
    if (co_fuzz_image_open(&image, input, false)) {
        co_change(image.root);
        co_snapshots(image.node);
        co_root_truncate(image.root, root_size_bytes(image.root) / 2, true,
                         NULL);
        co_root_truncate(image.root, 1 << 20, true, NULL);
        co_fuzz_content(image.root, &content);
        co_fuzz_image_close(&image);
    }
    graph_unlock();
    co_node_unref(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_run(co_body, data, bytes);
    return 0;
}
