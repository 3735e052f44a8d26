/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * luks: a disk that is encrypted sector by sector behind a header.
 *
 * Invariant: what is at offset X of the disk is at payload_bytes + X of the
 * file, encrypted with the number of its sector.
 */
#include "block/luks/luks-int.h"

#define PIECE_BYTES (1 * MiB)

/* --- opening ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool
co_luks_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsLUKS *o = &options->u.luks;
    LuksState *s = node->state;

    Edge *file = co_node_open_child(
        node, o->file, "file", EDGE_DATA | EDGE_METADATA | EDGE_PRIMARY, errp);

    s->volume.file = file;
    s->volume.header_bytes = UINT64_MAX;
    if (!file || !co_luks_volume_read(&s->volume, errp)) {
        return false;
    }
    s->payload_bytes = (uint64_t)s->volume.header.payload_sector * LUKS_SECTOR;
    if (file->child->size_bytes < s->payload_bytes) {
        error_set(errp, "The image ends in front of its data");
        return false;
    }
    if (!co_luks_volume_unlock(&s->volume, o->key_secret, "", errp)) {
        luks_volume_close(&s->volume);
        return false;
    }
    node->size_bytes =
        ROUND_DOWN(file->child->size_bytes - s->payload_bytes, LUKS_SECTOR);
    return true;
}

static void co_luks_close(Node *node)
{
    LuksState *s = node->state;

    luks_volume_close(&s->volume);
}

/* Nothing can change but what all nodes have. */
static bool co_luks_reopen(NodeReopen *reopen, Txn *txn, Error **errp)
{
    return true;
}

/* As a window of its file has them: only a change of keys writes the header,
 * and who does that holds the image alone. */
static void luks_child_perm(const Node *node, const Edge *edge, Perms perm,
                            Perms shared, Perms *child_perm,
                            Perms *child_shared)
{
    *child_perm = perm | PERM_CONSISTENT_READ;
    *child_shared = shared;
}

static void luks_refresh_limits(Node *node)
{
    node->limits.request_align = MAX(node->limits.request_align, LUKS_SECTOR);
}

/* --- requests ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_read_piece(LuksState *s, uint64_t at, uint8_t *buf, size_t bytes)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, buf, bytes);
    ret = co_edge_preadv(s->volume.file, s->payload_bytes + at, bytes, &iov, 0,
                         0);
    iov_free(&iov);
    if (ret == 0 &&
        !luks_decrypt(s->volume.cipher, at / LUKS_SECTOR, buf, bytes)) {
        ret = -EIO;
    }
    return ret;
}

COROUTINE_ONLY
static int co_write_piece(LuksState *s, uint64_t at, uint8_t *buf, size_t bytes,
                          ReqFlags flags)
{
    Iov iov;
    int ret;

    if (!luks_encrypt(s->volume.cipher, at / LUKS_SECTOR, buf, bytes)) {
        return -EIO;
    }
    iov_init_buf(&iov, buf, bytes);
    ret = co_edge_pwritev(s->volume.file, s->payload_bytes + at, bytes, &iov, 0,
                          flags);
    iov_free(&iov);
    return ret;
}

/* *@buf for one piece, or NULL with -errno: without a password there is no
 * cipher. */
static int take_piece_buffer(const LuksState *s, uint8_t **buf)
{
    *buf = NULL;
    if (!s->volume.cipher) {
        return -EPERM;
    }
    *buf = io_buffer_alloc(s->volume.file->child, PIECE_BYTES);
    return *buf ? 0 : -ENOMEM;
}

COROUTINE_ONLY
static int co_luks_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          Iov *iov, size_t iov_offset, ReqFlags flags)
{
    LuksState *s = node->state;
    uint8_t *buf;
    int ret = take_piece_buffer(s, &buf);

    while (ret == 0 && bytes) {
        size_t n = MIN(bytes, PIECE_BYTES);

        ret = co_read_piece(s, offset_bytes, buf, n);
        if (ret == 0) {
            iov_from_buf(iov, iov_offset, buf, n);
        }
        offset_bytes += n;
        iov_offset += n;
        bytes -= n;
    }
    io_buffer_free(buf);
    return ret;
}

COROUTINE_ONLY
static int co_luks_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                           Iov *iov, size_t iov_offset, ReqFlags flags)
{
    LuksState *s = node->state;
    uint8_t *buf;
    int ret = take_piece_buffer(s, &buf);

    while (ret == 0 && bytes) {
        size_t n = MIN(bytes, PIECE_BYTES);

        iov_to_buf(iov, iov_offset, buf, n);
        ret = co_write_piece(s, offset_bytes, buf, n, flags);
        offset_bytes += n;
        iov_offset += n;
        bytes -= n;
    }
    io_buffer_free(buf);
    return ret;
}

COROUTINE_ONLY CONTROL_ONLY static int
co_luks_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    const LuksState *s = node->state;

    if (size_bytes > BLOCK_MAX_BYTES - s->payload_bytes) {
        error_set(errp, "The requested file size is too large");
        return -EFBIG;
    }
    return co_edge_truncate_along(s->volume.file, s->payload_bytes + size_bytes,
                                  exact, errp);
}

static ImageInfoSpecific *co_luks_info(Node *node, Error **errp)
{
    const LuksState *s = node->state;
    ImageInfoSpecific *info = g_new0(ImageInfoSpecific, 1);

    info->type = IMAGE_INFO_SPECIFIC_KIND_LUKS;
    info->u.luks.data = g_new0(QCryptoBlockInfoLUKS, 1);
    luks_volume_describe(&s->volume, info->u.luks.data);
    return info;
}

static const char *luks_encryption(const Node *node)
{
    return "luks";
}

static uint32_t luks_cluster_bytes(const Node *node)
{
    return 0;
}

static const char *const luks_identity[] = {"key-secret", NULL};

static const FormatOps luks_format = {
    .create_options = luks_create_options,
    .amend_options = luks_amend_options,
    .encryption = luks_encryption,
    .co_create = co_luks_create,
    .co_create_file = co_luks_create_file,
    .co_measure = co_luks_measure,
    .co_info_specific = co_luks_info,
    .co_amend = co_luks_amend,
    .co_amend_options = co_luks_amend_options,
};

const NodeDriver driver_luks = {
    .name = "luks",
    .state_bytes = sizeof(LuksState),
    .threading = NODE_HOMED,
    .movable = true,
    .is_format = true,
    .identity_options = luks_identity,
    .supports_fua = true,
    .format = &luks_format,
    .co_open = co_luks_open,
    .co_close = co_luks_close,
    .co_reopen = co_luks_reopen,
    .child_perm = luks_child_perm,
    .refresh_limits = luks_refresh_limits,
    .cluster_bytes = luks_cluster_bytes,
    .co_preadv = co_luks_preadv,
    .co_pwritev = co_luks_pwritev,
    .co_truncate = co_luks_truncate,
};
