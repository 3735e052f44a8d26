/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header of an image, written as a whole from the state. */
#include "block/qcow2/header-int.h"

static uint32_t snapshot_count(const Qcow2State *s)
{
    return s->snapshots_unread ? s->snapshots_found
           : s->snapshots      ? s->snapshots->len
                               : 0;
}

static void fill_fixed(const Qcow2State *s, Qcow2Header *h)
{
    *h = (Qcow2Header){
        .v2 =
            {
                .magic = be32(QCOW2_MAGIC),
                .version = be32(s->version),
                .cluster_bits = be32(s->cluster_bits),
                .size = be64(s->disk_bytes),
                .crypt_method = be32(s->crypt_method),
                .l1_size = be32(s->l1_size),
                .l1_table_offset = be64(s->l1_offset),
                .refcount_table_offset = be64(s->reftable_offset),
                .refcount_table_clusters = be32(s->reftable_clusters),
                .nb_snapshots = be32(snapshot_count(s)),
                .snapshots_offset = be64(s->snapshots_offset),
            },
    };
    if (s->version >= 3) {
        h->incompatible_features = be64(s->incompatible);
        h->compatible_features = be64(s->compatible);
        h->autoclear_features = be64(s->autoclear);
        h->refcount_order = be32(s->refcount_order);
        h->header_length = be32(sizeof(*h) + s->header_unknown_bytes);
        h->compression_type = s->compression;
    }
}

/* The header with or without the table of features; its length, or -ENOSPC. */
static int64_t build(Qcow2State *s, uint8_t *cluster, bool features)
{
    Qcow2Header *h = (Qcow2Header *)cluster;
    size_t used = s->version >= 3 ? sizeof(*h) : sizeof(h->v2);
    size_t name = s->backing_file ? strlen(s->backing_file) : 0;
    int64_t end;

    memset(cluster, 0, s->cluster_bytes);
    {
        Qcow2Header fixed;

        fill_fixed(s, &fixed);
        memcpy(cluster, &fixed, used);
    }
    if (s->version >= 3 && s->header_unknown_bytes) {
        if (s->header_unknown_bytes > s->cluster_bytes - used) {
            return -ENOSPC;
        }
        memcpy(cluster + used, s->header_unknown, s->header_unknown_bytes);
        used += s->header_unknown_bytes;
    }
    end = qcow2_extensions_write(s, cluster, used, features);
    if (end < 0 || name > s->cluster_bytes - end) {
        return -ENOSPC;
    }
    if (name) {
        h->v2.backing_file_offset = be64(end);
        h->v2.backing_file_size = be32(name);
        memcpy(cluster + end, s->backing_file, name);
    }
    return end + name;
}

int64_t qcow2_header_build(Qcow2State *s, uint8_t *cluster)
{
    int64_t used = build(s, cluster, true);

    return used == -ENOSPC ? build(s, cluster, false) : used;
}

int co_qcow2_header_write(Qcow2State *s)
{
    uint8_t *cluster = io_buffer_alloc(s->file->child, s->cluster_bytes);
    int64_t used;
    int ret;

    if (!cluster) {
        return -ENOMEM;
    }
    used = qcow2_header_build(s, cluster);
    ret = used < 0 ? used
                   : co_qcow2_file_write(s, 0, cluster, ROUND_UP(used, 512));
    io_buffer_free(cluster);
    return ret;
}
