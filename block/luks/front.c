/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in front of a new encrypted disk: header and key material. */
#include "block/luks/luks-int.h"

#include "objects/secret.h"

static bool take_spec(LuksSpec *spec, const QCryptoBlockCreateOptionsLUKS *o,
                      Error **errp)
{
    *spec = (LuksSpec){
        .alg = o->has_cipher_alg ? o->cipher_alg : QCRYPTO_CIPHER_ALG_AES_256,
        .mode = o->has_cipher_mode ? o->cipher_mode : QCRYPTO_CIPHER_MODE_XTS,
        .ivgen = o->has_ivgen_alg ? o->ivgen_alg : QCRYPTO_IVGEN_ALG_PLAIN64,
        .ivgen_hash =
            o->has_ivgen_hash_alg ? o->ivgen_hash_alg : QCRYPTO_HASH_ALG_SHA256,
        .hash = o->has_hash_alg ? o->hash_alg : QCRYPTO_HASH_ALG_SHA256,
    };
    return luks_spec_check(spec, errp);
}

/* The password is @password; NULL: it only has to be there. */
CONTROL_ONLY
static bool begin(LuksHeader *h, const QCryptoBlockCreateOptionsLUKS *o,
                  const char *prefix, char **password, Error **errp)
{
    char *text;

    if (!o->key_secret) {
        error_set(errp, "Parameter '%skey-secret' is required for cipher",
                  prefix);
        return false;
    }
    if (!take_spec(&h->spec, o, errp) ||
        !(text = secret_lookup_text(o->key_secret, errp))) {
        return false;
    }
    if (password) {
        *password = text;
    } else {
        secret_text_free(text);
    }
    h->key_bytes = (uint32_t)luks_key_bytes(&h->spec, NULL);
    luks_header_lay_out(h);
    return true;
}

static void make_uuid(char *text)
{
    uint8_t b[16];

    reactor_random(b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    g_snprintf(text, 41,
               "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
               "%02x%02x%02x%02x%02x%02x",
               b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
               b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* All of it for a key that nobody had before; NULL with @errp. */
COROUTINE_ONLY CONTROL_ONLY static uint8_t *
co_make(LuksHeader *h, const char *password, uint64_t iter_ms, Error **errp)
{
    uint8_t key[LUKS_MAX_KEY], *material = NULL, *front = NULL;

    make_uuid(h->uuid);
    reactor_random(key, h->key_bytes);
    if (co_luks_set_digest(h, key, iter_ms, errp)) {
        material = co_luks_make_slot(h, 0, password, iter_ms, key, errp);
    }
    explicit_bzero(key, sizeof(key));
    if (material) {
        front = g_malloc0((size_t)h->payload_sector * LUKS_SECTOR);
        luks_header_write(h, front);
        memcpy(front + (size_t)h->slots[0].key_sector * LUKS_SECTOR, material,
               luks_material_bytes(h));
        g_free(material);
    }
    return front;
}

uint8_t *co_luks_front_make(const QCryptoBlockCreateOptionsLUKS *o,
                            const char *prefix, size_t *bytes, Error **errp)
{
    LuksHeader h = {.key_bytes = 0};
    uint8_t *front;
    char *password;

    if (!begin(&h, o, prefix, &password, errp)) {
        return NULL;
    }
    front = co_make(
        &h, password,
        o->has_iter_time ? (uint64_t)o->iter_time : LUKS_DEFAULT_ITER_MS, errp);
    secret_text_free(password);
    *bytes = (size_t)h.payload_sector * LUKS_SECTOR;
    return front;
}

bool luks_front_measure(const QCryptoBlockCreateOptionsLUKS *o,
                        const char *prefix, size_t *bytes, Error **errp)
{
    LuksHeader h = {.key_bytes = 0};
    bool ok = begin(&h, o, prefix, NULL, errp);

    *bytes = ok ? (size_t)h.payload_sector * LUKS_SECTOR : 0;
    return ok;
}
