/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What queries tell of an image's header. */
#include "block/luks/luks-int.h"

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

ImageInfoSpecific *co_luks_info(Node *node, Error **errp)
{
    const LuksState *s = node->state;
    const LuksHeader *h = &s->header;
    ImageInfoSpecific *info = g_new0(ImageInfoSpecific, 1);
    QCryptoBlockInfoLUKS *luks = g_new0(QCryptoBlockInfoLUKS, 1);

    info->type = IMAGE_INFO_SPECIFIC_KIND_LUKS;
    info->u.luks.data = luks;
    luks->cipher_alg = h->spec.alg;
    luks->cipher_mode = h->spec.mode;
    luks->ivgen_alg = h->spec.ivgen;
    luks->has_ivgen_hash_alg = h->spec.ivgen == QCRYPTO_IVGEN_ALG_ESSIV;
    luks->ivgen_hash_alg = h->spec.ivgen_hash;
    luks->hash_alg = h->spec.hash;
    luks->payload_offset = (int64_t)s->payload_bytes;
    luks->master_key_iters = h->digest_iters;
    luks->uuid = g_strdup(h->uuid);
    luks->slots = slots_of(h);
    return info;
}
