/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The master key: from a password and a slot's material, and back. What takes
 * long is done by workers.
 */
#include "block/luks/luks-int.h"

/* --- digests of passwords ------------------------------------------------ */

typedef struct Derive {
    const void *secret;
    size_t secret_bytes;
    int hash;
    const uint8_t *salt;
    uint32_t iters;
    uint8_t *out;
    size_t out_bytes;
} Derive;

static int64_t derive_work(void *opaque)
{
    const Derive *d = opaque;

    return gcry_kdf_derive(d->secret, d->secret_bytes, GCRY_KDF_PBKDF2, d->hash,
                           d->salt, LUKS_SALT_BYTES, d->iters, d->out_bytes,
                           d->out)
               ? -EIO
               : 0;
}

COROUTINE_ONLY
static int co_derive(const LuksHeader *h, const void *secret,
                     size_t secret_bytes, const uint8_t *salt, uint32_t iters,
                     uint8_t *out, size_t out_bytes)
{
    Derive d = {secret, secret_bytes, luks_hash_algo(h->spec.hash), salt, iters,
                out,    out_bytes};

    return (int)co_worker_run(derive_work, &d);
}

/* How often the digest is taken in @iter_ms here. */
COROUTINE_ONLY
static bool co_count_iters(const LuksHeader *h, uint64_t iter_ms,
                           size_t out_bytes, uint32_t *iters, Error **errp)
{
    static const uint8_t salt[LUKS_SALT_BYTES];
    uint8_t out[LUKS_MAX_KEY];
    const int64_t enough_ns = 20 * 1000000;
    uint64_t n = 1024, want, per_second;
    int64_t start_ns, took_ns;

    do {
        n *= 2;
        start_ns = reactor_now_ns();
        if (co_derive(h, "password", 8, salt, (uint32_t)n, out, out_bytes) <
            0) {
            error_set(errp, "Cannot derive keys with %s",
                      QCryptoHashAlgorithm_str(h->spec.hash));
            return false;
        }
        took_ns = reactor_now_ns() - start_ns;
    } while (took_ns < enough_ns && n < 1u << 24);
    per_second = (uint64_t)((double)n * 1e9 / (double)MAX(took_ns, 1));
    if (iter_ms > UINT64_MAX / MAX(per_second, 1)) {
        error_set_errno(errp, ERANGE,
                        "PBKDF iterations %" PRIu64 " too large to scale",
                        per_second);
        return false;
    }
    want =
        (uint64_t)((double)n * (double)iter_ms * 1e6 / (double)MAX(took_ns, 1));
    if (want > UINT32_MAX) {
        error_set(errp, "PBKDF iterations %" PRIu64 " larger than %u", want,
                  UINT32_MAX);
        return false;
    }
    *iters = (uint32_t)MAX(want, LUKS_MIN_ITERS);
    return true;
}

/* --- splitting it -------------------------------------------------------- */

/* Makes each bit depend on all of its part. */
static void diffuse(int hash, uint8_t *block, size_t bytes)
{
    size_t digest_bytes = gcry_md_get_algo_dlen(hash);
    uint8_t in[4 + 64], out[64];

    for (uint32_t part = 0; part * digest_bytes < bytes; part++) {
        size_t at = part * digest_bytes, n = MIN(digest_bytes, bytes - at);
        Be32 number = be32(part);

        memcpy(in, &number, sizeof(number));
        memcpy(in + sizeof(number), block + at, n);
        gcry_md_hash_buffer(hash, out, in, sizeof(number) + n);
        memcpy(block + at, out, n);
    }
}

static void xor_into(uint8_t *to, const uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] ^= from[i];
    }
}

static void split(const LuksHeader *h, const uint8_t *key, uint8_t *material)
{
    int hash = luks_hash_algo(h->spec.hash);
    size_t n = h->key_bytes;
    uint8_t block[LUKS_MAX_KEY] = {0};

    reactor_random(material, n * (LUKS_STRIPES - 1));
    for (unsigned i = 0; i < LUKS_STRIPES - 1; i++) {
        xor_into(block, material + i * n, n);
        diffuse(hash, block, n);
    }
    xor_into(block, key, n);
    memcpy(material + (LUKS_STRIPES - 1) * n, block, n);
}

static void merge(const LuksHeader *h, const uint8_t *material, uint8_t *key)
{
    int hash = luks_hash_algo(h->spec.hash);
    size_t n = h->key_bytes;

    memset(key, 0, n);
    for (unsigned i = 0; i < LUKS_STRIPES - 1; i++) {
        xor_into(key, material + i * n, n);
        diffuse(hash, key, n);
    }
    xor_into(key, material + (LUKS_STRIPES - 1) * n, n);
}

/* --- slots --------------------------------------------------------------- */

static void wipe(void *buf, size_t bytes)
{
    explicit_bzero(buf, bytes);
    g_free(buf);
}

COROUTINE_ONLY
static int co_digest_fits(const LuksHeader *h, const uint8_t *key)
{
    uint8_t digest[LUKS_DIGEST_BYTES];
    int ret = co_derive(h, key, h->key_bytes, h->digest_salt, h->digest_iters,
                        digest, sizeof(digest));

    return ret < 0 ? ret
                   : (memcmp(digest, h->digest, sizeof(digest)) ? -ENOKEY : 0);
}

/* The master key that @material gives with @slot_key. */
COROUTINE_ONLY
static int co_try_key(const LuksHeader *h, const uint8_t *slot_key,
                      uint8_t *material, uint8_t *key)
{
    LuksCipher *cipher =
        luks_cipher_new(&h->spec, slot_key, h->key_bytes, NULL);
    bool ok =
        cipher && luks_decrypt(cipher, 0, material, luks_material_bytes(h));

    luks_cipher_free(cipher);
    if (!ok) {
        return -EIO;
    }
    merge(h, material, key);
    return co_digest_fits(h, key);
}

COROUTINE_ONLY
static int co_try_slot(const LuksVolume *v, const LuksSlot *slot,
                       const char *password, uint8_t *key)
{
    const LuksHeader *h = &v->header;
    uint64_t at = (uint64_t)slot->key_sector * LUKS_SECTOR;
    size_t bytes = luks_material_bytes(h);
    uint8_t slot_key[LUKS_MAX_KEY], *material;
    Iov iov;
    int ret;

    if (at + bytes > v->header_bytes) {
        return -EINVAL;
    }
    material = g_malloc(bytes);
    iov_init_buf(&iov, material, bytes);
    ret = co_edge_preadv(v->file, v->header_offset + at, bytes, &iov, 0, 0);
    iov_free(&iov);
    if (ret == 0) {
        ret = co_derive(h, password, strlen(password), slot->salt, slot->iters,
                        slot_key, h->key_bytes);
    }
    if (ret == 0) {
        ret = co_try_key(h, slot_key, material, key);
    }
    explicit_bzero(slot_key, sizeof(slot_key));
    wipe(material, bytes);
    return ret;
}

int co_luks_find_key(const LuksVolume *v, const char *password, unsigned *slot,
                     uint8_t *key)
{
    const LuksSlot *slots = v->header.slots;
    int ret = -ENOKEY;

    for (; *slot < LUKS_SLOTS; (*slot)++) {
        if (slots[*slot].active) {
            ret = co_try_slot(v, &slots[*slot], password, key);
            if (ret != -ENOKEY) {
                break;
            }
        }
    }
    return ret;
}

uint8_t *co_luks_make_slot(LuksHeader *h, unsigned number, const char *password,
                           uint64_t iter_ms, const uint8_t *key, Error **errp)
{
    LuksSlot *slot = &h->slots[number];
    size_t bytes = luks_material_bytes(h);
    uint8_t slot_key[LUKS_MAX_KEY];
    LuksCipher *cipher = NULL;
    uint8_t *material;
    int ret;

    if (!co_count_iters(h, iter_ms, h->key_bytes, &slot->iters, errp)) {
        return NULL;
    }
    reactor_random(slot->salt, sizeof(slot->salt));
    ret = co_derive(h, password, strlen(password), slot->salt, slot->iters,
                    slot_key, h->key_bytes);
    material = g_malloc0(bytes);
    if (ret == 0) {
        split(h, key, material);
        cipher = luks_cipher_new(&h->spec, slot_key, h->key_bytes, errp);
    } else {
        error_set_errno(errp, -ret, "Cannot derive a key");
    }
    explicit_bzero(slot_key, sizeof(slot_key));
    if (!cipher || !luks_encrypt(cipher, 0, material, bytes)) {
        wipe(material, bytes);
        material = NULL;
    }
    luks_cipher_free(cipher);
    slot->active = material != NULL;
    slot->stripes = LUKS_STRIPES;
    return material;
}

bool co_luks_set_digest(LuksHeader *h, const uint8_t *key, uint64_t iter_ms,
                        Error **errp)
{
    int ret;

    if (!co_count_iters(h, iter_ms, LUKS_DIGEST_BYTES, &h->digest_iters,
                        errp)) {
        return false;
    }
    h->digest_iters = MAX(h->digest_iters / 8, LUKS_MIN_ITERS);
    reactor_random(h->digest_salt, sizeof(h->digest_salt));
    ret = co_derive(h, key, h->key_bytes, h->digest_salt, h->digest_iters,
                    h->digest, sizeof(h->digest));
    if (ret < 0) {
        error_set_errno(errp, -ret, "Cannot derive a key");
    }
    return ret == 0;
}
