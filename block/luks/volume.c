/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An encrypted disk that is there: its header, its key, what is told of it. */
#include "block/luks/luks-int.h"

#include "objects/secret.h"

bool co_luks_volume_read(LuksVolume *v, Error **errp)
{
    uint64_t end = v->file->child->size_bytes;
    uint8_t buf[LUKS_HEADER_BYTES];
    Iov iov;
    int ret;

    if (sizeof(buf) > v->header_bytes) {
        error_set(errp, "Request for data outside of extension header");
        return false;
    }
    if (end < sizeof(buf) || end - sizeof(buf) < v->header_offset) {
        error_set(errp, "Volume is not in LUKS format");
        return false;
    }
    iov_init_buf(&iov, buf, sizeof(buf));
    ret = co_edge_preadv(v->file, v->header_offset, sizeof(buf), &iov, 0, 0);
    iov_free(&iov);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Unable to read LUKS header");
        return false;
    }
    return luks_header_parse(&v->header, buf, errp);
}

bool co_luks_volume_unlock(LuksVolume *v, const char *secret,
                           const char *prefix, Error **errp)
{
    char *password;
    unsigned slot = 0;
    int ret;

    if (format_opening_to_look) {
        return true; /* nothing will be read */
    }
    if (!secret) {
        error_set(errp, "Parameter '%skey-secret' is required for cipher",
                  prefix);
        return false;
    }
    password = secret_lookup_text(secret, errp);
    if (!password) {
        return false;
    }
    ret = co_luks_find_key(v, password, &slot, v->key);
    secret_text_free(password);
    if (ret == -ENOKEY) {
        error_set(errp, "Invalid password, cannot unlock any keyslot");
    } else if (ret < 0) {
        error_set_errno(errp, -ret, "Unable to read a keyslot");
    } else {
        v->cipher =
            luks_cipher_new(&v->header.spec, v->key, v->header.key_bytes, errp);
    }
    return v->cipher != NULL;
}

void luks_volume_close(LuksVolume *v)
{
    luks_cipher_free(v->cipher);
    v->cipher = NULL;
    explicit_bzero(v->key, sizeof(v->key));
}

/* --- what is told -------------------------------------------------------- */

static QCryptoBlockInfoLUKSSlotList *slots_of(const LuksHeader *h)
{
    QCryptoBlockInfoLUKSSlotList *list = QCryptoBlockInfoLUKSSlotList_new();

    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        QCryptoBlockInfoLUKSSlot *slot = g_new0(QCryptoBlockInfoLUKSSlot, 1);

        slot->active = h->slots[i].active;
        slot->key_offset = (int64_t)h->slots[i].key_sector * LUKS_SECTOR;
        slot->has_iters = slot->has_stripes = slot->active;
        slot->iters = h->slots[i].iters;
        slot->stripes = h->slots[i].stripes;
        QCryptoBlockInfoLUKSSlotList_append(list, slot);
    }
    return list;
}

void luks_volume_describe(const LuksVolume *v, QCryptoBlockInfoLUKS *info)
{
    const LuksHeader *h = &v->header;

    info->cipher_alg = h->spec.alg;
    info->cipher_mode = h->spec.mode;
    info->ivgen_alg = h->spec.ivgen;
    info->has_ivgen_hash_alg = h->spec.ivgen == QCRYPTO_IVGEN_ALG_ESSIV;
    info->ivgen_hash_alg = h->spec.ivgen_hash;
    info->hash_alg = h->spec.hash;
    info->payload_offset = (int64_t)h->payload_sector * LUKS_SECTOR;
    info->master_key_iters = h->digest_iters;
    info->uuid = g_strdup(h->uuid);
    info->slots = slots_of(h);
}
