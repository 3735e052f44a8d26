/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether clusters of the image have places that the file has no data for:
 * then a look at the file finds zeroes that the tables do not tell of. Looked
 * for once, as QEMU does: where at least a tenth of what is counted (and two
 * clusters) takes no space.
 */
#include "block/qcow2/qcow2-int.h"

#include "qapi/qapi-types.h"

/* Clusters that are in use, up to @end. */
COROUTINE_ONLY
static int co_count_used(Qcow2State *s, uint64_t end, uint64_t *used)
{
    *used = 0;
    for (uint64_t at = 0; at < end;) {
        Qcow2Piece *piece;
        uint64_t index, stop;
        int ret = co_qcow2_refblock_get(s, at, &piece, &index, &stop);

        if (ret < 0) {
            return ret;
        }
        for (; piece && at < MIN(stop, end); at++, index++) {
            *used += qcow2_refcount_read(s, piece->data, index) > 0;
        }
        if (piece) {
            qcow2_piece_put(&s->refs_cache, piece);
        }
        at = stop;
    }
    return 0;
}

/* The node that has the image's bytes in a file, or NULL. */
static Node *file_node(const Qcow2State *s)
{
    const Edge *edge = s->file;

    while (edge && !edge->child->driver->co_allocated_bytes) {
        edge = node_filtered_child(edge->child);
    }
    return edge ? edge->child : NULL;
}

/* QEMU's new clusters take their space whole, those in a file in memory only
 * where they are written to. What that is for a few clusters, counting the
 * tables twice makes up for. With subclusters QEMU's are not whole either;
 * then, where clusters are larger than the header's 64 KiB, it looks at the
 * file of every small image. */
static uint64_t not_missing(const Qcow2State *s, const Node *file)
{
    if (!file->limits.part_written ||
        (s->extended_l2 && s->cluster_bytes > 64 * KiB)) {
        return 0;
    }
    return 1 + s->reftable_clusters + g_hash_table_size(s->tables) +
           DIV_ROUND_UP(s->l1_size * UINT64_C(8), s->cluster_bytes) +
           DIV_ROUND_UP(s->crypt_bytes, s->cluster_bytes);
}

/* How many clusters the file has room for, or -errno. */
COROUTINE_ONLY
static int64_t co_count_real(const Qcow2State *s)
{
    Node *node = file_node(s);
    int64_t bytes = node ? node->driver->co_allocated_bytes(node) : -ENOTSUP;

    if (bytes < 0) {
        return bytes;
    }
    return (bytes >> s->cluster_bits) + (int64_t)not_missing(s, node);
}

static bool much_missing(uint64_t used, uint64_t real)
{
    return used >= real + MAX(2, used / 10);
}

bool co_qcow2_is_sparse(Qcow2State *s)
{
    uint64_t end = s->file->child->size_bytes >> s->cluster_bits, used;
    int64_t real;

    if (s->sparse_known) {
        return s->sparse;
    }
    s->sparse_known = true;
    real = co_count_real(s);
    if (real >= 0 && much_missing(end, (uint64_t)real) &&
        co_count_used(s, end, &used) == 0) {
        s->sparse = much_missing(used, (uint64_t)real);
    }
    return s->sparse;
}
