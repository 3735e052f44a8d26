/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a machine: clusters behind the disk, mapped by the L1 entries
 * that no offset of the disk needs.
 *
 * Invariant: no request is in flight. What was never written there reads as
 * zeroes, and never becomes a part of the disk: resize.c drops it first.
 */
#include "block/qcow2/qcow2-int.h"

#include "qapi/qapi-types.h"

uint64_t qcow2_vm_state_offset(const Node *node)
{
    return ROUND_UP(node->size_bytes, qcow2_table_reach(qcow2_state(node)));
}

static int place_of(const Node *node, uint64_t offset, uint64_t bytes,
                    uint64_t *guest)
{
    uint64_t start = qcow2_vm_state_offset(node);

    if (qcow2_state(node)->has_data_file) {
        return -ENOTSUP; /* an external file holds the disk, nothing else */
    }
    *guest = start + offset;
    return offset <= INT64_MAX - start && bytes <= INT64_MAX - *guest ? 0
                                                                      : -EFBIG;
}

int co_qcow2_vm_state_read(Node *node, uint64_t offset, uint64_t bytes,
                           void *buf)
{
    uint64_t guest;
    Iov iov;
    int ret = place_of(node, offset, bytes, &guest);

    if (ret < 0) {
        return ret;
    }
    qcow2_event(qcow2_state(node), BLKDBG_VMSTATE_LOAD);
    iov_init_buf(&iov, buf, bytes);
    ret = co_qcow2_preadv(node, guest, bytes, &iov, 0, 0);
    iov_free(&iov);
    return ret;
}

/* Longer by half, so that a state written piece by piece does not move the
 * table with each. */
COROUTINE_ONLY
static int co_make_room(Qcow2State *s, uint64_t end)
{
    uint64_t needed = DIV_ROUND_UP(end, qcow2_table_reach(s));
    uint64_t entries = MAX(s->l1_size, 1);
    Error *err = NULL;
    int ret;

    if (needed > QCOW2_MAX_L1_BYTES / 8) {
        return -EFBIG;
    }
    while (entries < needed) {
        entries = (entries * 3 + 1) / 2;
    }
    ret = co_qcow2_l1_grow(s, MIN(entries, QCOW2_MAX_L1_BYTES / 8), &err);
    error_free(err);
    return ret;
}

int co_qcow2_vm_state_write(Node *node, uint64_t offset, uint64_t bytes,
                            const void *buf)
{
    Qcow2State *s = qcow2_state(node);
    uint64_t guest;
    Iov iov;
    int ret = place_of(node, offset, bytes, &guest);

    qcow2_event(s, BLKDBG_VMSTATE_SAVE);
    if (ret == 0) {
        ret = co_qcow2_may_change(s);
    }
    if (ret == 0) {
        ret = co_make_room(s, guest + bytes);
    }
    if (ret < 0) {
        return ret;
    }
    iov_init_buf(&iov, (void *)buf, bytes);
    ret = co_qcow2_pwritev(node, guest, bytes, &iov, 0, 0);
    iov_free(&iov);
    return ret;
}

int co_qcow2_vm_state_drop(Node *node)
{
    Qcow2State *s = qcow2_state(node);
    uint64_t from = qcow2_vm_state_offset(node) / qcow2_table_reach(s);
    int ret = 0;

    for (uint64_t i = from; i < s->l1_size && ret == 0; i++) {
        ret = co_qcow2_drop_table(s, i);
    }
    return ret < 0 ? ret : co_qcow2_settle(s);
}
