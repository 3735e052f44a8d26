/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading, and the status of areas.
 *
 * Invariant: a read holds its clusters shared, so that what an entry names
 * stays the same until the data has been read. Its fragments are read beside
 * each other, up to FRAGMENTS_MAX of one request.
 */
#include "block/qcow2/qcow2-int.h"

#include "qapi/qapi-types.h"

int co_qcow2_file_read(Qcow2State *s, uint64_t offset, void *buf, size_t bytes)
{
    uint64_t end = s->file->child->size_bytes;
    size_t there = offset >= end ? 0 : MIN(bytes, end - offset);
    int ret = 0;

    if (there) {
        Iov iov;

        iov_init_buf(&iov, buf, there);
        ret = co_edge_preadv(s->file, offset, there, &iov, 0, 0);
        iov_free(&iov);
    }
    memset((uint8_t *)buf + there, 0, bytes - there);
    return ret;
}

int co_qcow2_file_write(Qcow2State *s, uint64_t offset, const void *buf,
                        size_t bytes)
{
    int ret = co_qcow2_file_reach(s, offset + bytes);
    Iov iov;

    if (ret < 0) {
        return ret;
    }
    iov_init_buf(&iov, (void *)buf, bytes);
    ret = co_edge_pwritev(s->file, offset, bytes, &iov, 0, 0);
    iov_free(&iov);
    return ret;
}

/* In a long chain most images hold nothing of what is read: those that nobody
 * writes and that say so at once are passed over. */
static Edge *skip_empty(Edge *edge, uint64_t offset, uint64_t bytes)
{
    Node *node = edge->child;

    while (node->driver == &driver_qcow2 && node->read_only &&
           node->home == edge->parent->home &&
           offset + bytes <= node->size_bytes) {
        Qcow2State *s = qcow2_state(node);
        Edge *below = node_backing_child(node);

        if (s->corrupt || !below || !qcow2_known_empty(s, offset, bytes)) {
            break;
        }
        edge = below;
        node = edge->child;
    }
    return edge;
}

COROUTINE_ONLY
static int co_read_backing(Qcow2State *s, uint64_t offset, uint64_t bytes,
                           Iov *iov, size_t iov_offset)
{
    Edge *backing = node_backing_child(s->node);

    if (!backing) {
        iov_memset(iov, iov_offset, 0, bytes);
        return 0;
    }
    qcow2_event(s, BLKDBG_READ_BACKING_AIO);
    backing = skip_empty(backing, offset, bytes);
    return co_qcow2_edge_read(backing, offset, bytes, iov, iov_offset);
}

COROUTINE_ONLY
static int co_read_compressed(Qcow2State *s, uint64_t entry,
                              uint64_t in_cluster, uint64_t bytes, Iov *iov,
                              size_t iov_offset)
{
    uint64_t offset, in_bytes;
    uint8_t *in, *out;
    int ret = -ENOMEM;

    qcow2_compressed_place(s, entry, &offset, &in_bytes);
    in = io_buffer_alloc(s->file->child, in_bytes);
    out = io_buffer_alloc(s->file->child, s->cluster_bytes);
    if (in && out) {
        qcow2_event(s, BLKDBG_READ_COMPRESSED);
        ret = co_qcow2_file_read(s, offset, in, in_bytes);
    }
    if (ret == 0) {
        ret = co_qcow2_decompress(s, in, in_bytes, out);
    }
    if (ret == 0) {
        iov_from_buf(iov, iov_offset, out + in_cluster, bytes);
    }
    io_buffer_free(in);
    io_buffer_free(out);
    return ret;
}

COROUTINE_ONLY
static int co_read_mapped(Qcow2State *s, const Qcow2Map *map, uint64_t offset,
                          Iov *iov, size_t iov_offset)
{
    switch (map->type) {
    case QCOW2_UNALLOCATED:
    case QCOW2_UNALLOCATED_ALLOC:
        return co_read_backing(s, offset, map->bytes, iov, iov_offset);
    case QCOW2_ZERO_PLAIN:
    case QCOW2_ZERO_ALLOC:
        iov_memset(iov, iov_offset, 0, map->bytes);
        return 0;
    case QCOW2_NORMAL:
        qcow2_event(s, BLKDBG_READ_AIO);
        return co_qcow2_data_read(s, offset, map->host, map->bytes, iov,
                                  iov_offset);
    default:
        return co_read_compressed(s, map->first.entry,
                                  offset & (s->cluster_bytes - 1), map->bytes,
                                  iov, iov_offset);
    }
}

/* --- fragments of one request, several at a time ------------------------- */

#define FRAGMENTS_MAX 16

typedef struct Fragments {
    Qcow2State *s;
    Iov *iov;
    CoCount running;
    int ret; /* of the first that failed */
} Fragments;

typedef struct Fragment {
    Fragments *all;
    Qcow2Map map;
    uint64_t offset;
    size_t iov_offset;
} Fragment;

COROUTINE_ONLY
static void co_fragment(void *opaque)
{
    Fragment *f = opaque;
    int ret = co_read_mapped(f->all->s, &f->map, f->offset, f->all->iov,
                             f->iov_offset);

    if (ret < 0 && f->all->ret == 0) {
        f->all->ret = ret;
    }
    cocount_dec(&f->all->running);
}

/* Up to FRAGMENTS_MAX beginning with @first, until all are done; *@done
 * bytes. */
COROUTINE_ONLY
static int co_read_fragments(Qcow2State *s, const Qcow2Map *first,
                             uint64_t offset, uint64_t bytes, Iov *iov,
                             size_t iov_offset, uint64_t *done)
{
    Fragment *f = g_new(Fragment, FRAGMENTS_MAX);
    Fragments all = {.s = s, .iov = iov};

    cocount_init(&all.running);
    *done = 0;
    for (unsigned n = 0; n < FRAGMENTS_MAX && *done < bytes; n++) {
        int ret = 0;

        f[n] = (Fragment){&all, *first, offset + *done, iov_offset + *done};
        if (n > 0) {
            ret = co_qcow2_map(s, offset + *done, bytes - *done, &f[n].map);
        }
        if (ret < 0 || all.ret < 0) {
            all.ret = all.ret < 0 ? all.ret : ret;
            break;
        }
        *done += f[n].map.bytes;
        cocount_inc(&all.running);
        coroutine_start(co_fragment, &f[n]);
    }
    co_count_wait_zero(&all.running);
    g_free(f);
    return all.ret;
}

int co_qcow2_read_locked(Qcow2State *s, uint64_t offset, uint64_t bytes,
                         Iov *iov, size_t iov_offset)
{
    while (bytes) {
        Qcow2Map map;
        uint64_t done;
        int ret = co_qcow2_map(s, offset, bytes, &map);

        if (ret < 0) {
            return ret;
        }
        done = map.bytes;
        ret = done == bytes ? co_read_mapped(s, &map, offset, iov, iov_offset)
                            : co_read_fragments(s, &map, offset, bytes, iov,
                                                iov_offset, &done);
        if (ret < 0) {
            return ret;
        }
        offset += done;
        iov_offset += done;
        bytes -= done;
    }
    return 0;
}

int co_qcow2_preadv(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                    size_t iov_offset, ReqFlags flags)
{
    Qcow2State *s = qcow2_state(node);
    uint64_t start = ROUND_DOWN(offset, s->cluster_bytes);
    uint64_t end = ROUND_UP(offset + bytes, s->cluster_bytes);
    RangeLock lock;
    int ret;

    if (s->corrupt) {
        return -ENOMEDIUM;
    }
    co_range_lock(s->ranges, &lock, start, end - start, RANGE_SHARED);
    ret = co_qcow2_read_locked(s, offset, bytes, iov, iov_offset);
    range_unlock(s->ranges, &lock);
    return ret;
}

int co_qcow2_reads_zero(Qcow2State *s, uint64_t offset, uint64_t bytes,
                        bool *zero)
{
    *zero = true;
    while (bytes && *zero) {
        Qcow2Map map;
        Edge *backing;
        int ret = co_qcow2_map(s, offset, bytes, &map);

        if (ret < 0) {
            return ret;
        }
        switch (map.type) {
        case QCOW2_ZERO_PLAIN:
        case QCOW2_ZERO_ALLOC:
            break;
        case QCOW2_UNALLOCATED:
        case QCOW2_UNALLOCATED_ALLOC:
            backing = node_backing_child(s->node);
            if (backing && offset < backing->child->size_bytes) {
                BlockStatus status;
                unsigned depth;

                ret = co_node_block_status_above(backing->child, NULL, true,
                                                 offset, map.bytes, &status,
                                                 &depth);
                if (ret < 0) {
                    return ret;
                }
                *zero = depth == 0 || (status.flags & STATUS_ZERO);
                map.bytes = MIN(map.bytes, status.bytes);
            }
            break;
        default:
            *zero = false;
            break;
        }
        assert(map.bytes > 0);
        offset += map.bytes;
        bytes -= map.bytes;
    }
    return 0;
}

int co_qcow2_block_status(Node *node, bool want_zero, uint64_t offset,
                          uint64_t bytes, BlockStatus *status)
{
    Qcow2State *s = qcow2_state(node);
    /* What lies there is not what is read, if it is encrypted. */
    unsigned offset_flag = s->crypt ? 0 : STATUS_OFFSET;
    Qcow2Map map;
    int ret = s->corrupt ? -ENOMEDIUM : co_qcow2_map(s, offset, bytes, &map);

    if (ret < 0) {
        return ret;
    }
    *status = (BlockStatus){.bytes = map.bytes};
    switch (map.type) {
    case QCOW2_UNALLOCATED:
        return 0;
    case QCOW2_UNALLOCATED_ALLOC:
        /* Not what is read, but where it would be written. */
        status->flags = offset_flag;
        break;
    case QCOW2_ZERO_PLAIN:
        status->flags = STATUS_ZERO;
        return 0;
    case QCOW2_ZERO_ALLOC:
        status->flags = STATUS_ZERO | offset_flag;
        break;
    case QCOW2_NORMAL:
        status->flags = STATUS_DATA | offset_flag;
        if (want_zero && !s->crypt && co_qcow2_is_sparse(s)) {
            status->flags |= STATUS_RECURSE;
        }
        break;
    default:
        status->flags = STATUS_DATA;
        return 0;
    }
    status->map = map.host;
    status->file = s->data_file->child;
    return 0;
}
