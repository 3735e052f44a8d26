/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encrypting sectors, over libgcrypt. */
#include "block/luks/luks-int.h"

#define IV_MAX 16

struct LuksCipher {
    gcry_cipher_hd_t data;
    gcry_cipher_hd_t essiv; /* encrypts numbers of sectors, or NULL */
    QCryptoCipherMode mode;
    QCryptoIVGenAlgorithm ivgen;
    size_t block_bytes, essiv_block_bytes;
};

/* --- what there is ------------------------------------------------------- */

static const struct {
    int algo;
    uint8_t key_bytes, block_bytes;
} ciphers[QCRYPTO_CIPHER_ALG__MAX] = {
    [QCRYPTO_CIPHER_ALG_AES_128] = {GCRY_CIPHER_AES128, 16, 16},
    [QCRYPTO_CIPHER_ALG_AES_192] = {GCRY_CIPHER_AES192, 24, 16},
    [QCRYPTO_CIPHER_ALG_AES_256] = {GCRY_CIPHER_AES256, 32, 16},
    [QCRYPTO_CIPHER_ALG_CAST5_128] = {GCRY_CIPHER_CAST5, 16, 8},
    [QCRYPTO_CIPHER_ALG_SERPENT_128] = {GCRY_CIPHER_SERPENT128, 16, 16},
    [QCRYPTO_CIPHER_ALG_SERPENT_192] = {GCRY_CIPHER_SERPENT192, 24, 16},
    [QCRYPTO_CIPHER_ALG_SERPENT_256] = {GCRY_CIPHER_SERPENT256, 32, 16},
    [QCRYPTO_CIPHER_ALG_TWOFISH_128] = {GCRY_CIPHER_TWOFISH128, 16, 16},
    [QCRYPTO_CIPHER_ALG_TWOFISH_256] = {GCRY_CIPHER_TWOFISH, 32, 16},
};

int luks_hash_algo(QCryptoHashAlgorithm hash)
{
    static const int algos[QCRYPTO_HASH_ALG__MAX] = {
        [QCRYPTO_HASH_ALG_MD5] = GCRY_MD_MD5,
        [QCRYPTO_HASH_ALG_SHA1] = GCRY_MD_SHA1,
        [QCRYPTO_HASH_ALG_SHA224] = GCRY_MD_SHA224,
        [QCRYPTO_HASH_ALG_SHA256] = GCRY_MD_SHA256,
        [QCRYPTO_HASH_ALG_SHA384] = GCRY_MD_SHA384,
        [QCRYPTO_HASH_ALG_SHA512] = GCRY_MD_SHA512,
        [QCRYPTO_HASH_ALG_RIPEMD160] = GCRY_MD_RMD160,
    };

    return algos[hash];
}

static void library_init(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        gcry_check_version(NULL);
        gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
        gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
        g_once_init_leave(&once, 1);
    }
}

size_t luks_key_bytes(const LuksSpec *spec, Error **errp)
{
    size_t bytes = ciphers[spec->alg].key_bytes;

    library_init();
    if (!bytes) {
        error_set(errp, "Algorithm '%s' not supported",
                  QCryptoCipherAlgorithm_str(spec->alg));
        return 0;
    }
    return spec->mode == QCRYPTO_CIPHER_MODE_XTS ? 2 * bytes : bytes;
}

/* The cipher whose key is a digest of that length. */
static int essiv_algo(const LuksSpec *spec)
{
    size_t bytes = gcry_md_get_algo_dlen(luks_hash_algo(spec->ivgen_hash));
    int family = ciphers[spec->alg].algo;

    switch (spec->alg) {
    case QCRYPTO_CIPHER_ALG_CAST5_128:
        return bytes == 16 ? family : 0;
    case QCRYPTO_CIPHER_ALG_AES_128:
    case QCRYPTO_CIPHER_ALG_AES_192:
    case QCRYPTO_CIPHER_ALG_AES_256:
        return bytes == 16   ? GCRY_CIPHER_AES128
               : bytes == 24 ? GCRY_CIPHER_AES192
               : bytes == 32 ? GCRY_CIPHER_AES256
                             : 0;
    case QCRYPTO_CIPHER_ALG_SERPENT_128:
    case QCRYPTO_CIPHER_ALG_SERPENT_192:
    case QCRYPTO_CIPHER_ALG_SERPENT_256:
        return bytes == 16   ? GCRY_CIPHER_SERPENT128
               : bytes == 24 ? GCRY_CIPHER_SERPENT192
               : bytes == 32 ? GCRY_CIPHER_SERPENT256
                             : 0;
    default:
        return bytes == 16   ? GCRY_CIPHER_TWOFISH128
               : bytes == 32 ? GCRY_CIPHER_TWOFISH
                             : 0;
    }
}

bool luks_spec_check(const LuksSpec *spec, Error **errp)
{
    if (!luks_key_bytes(spec, errp)) {
        return false;
    }
    if (spec->mode == QCRYPTO_CIPHER_MODE_XTS &&
        ciphers[spec->alg].block_bytes != 16) {
        error_set(errp, "Unsupported cipher mode %s",
                  QCryptoCipherMode_str(spec->mode));
        return false;
    }
    if (spec->ivgen == QCRYPTO_IVGEN_ALG_ESSIV && !essiv_algo(spec)) {
        error_set(errp, "No %s cipher with key size %u available",
                  QCryptoCipherAlgorithm_str(spec->alg),
                  gcry_md_get_algo_dlen(luks_hash_algo(spec->ivgen_hash)));
        return false;
    }
    return true;
}

/* --- life ---------------------------------------------------------------- */

static gcry_cipher_hd_t open_cipher(int algo, int mode, const uint8_t *key,
                                    size_t bytes, Error **errp)
{
    gcry_cipher_hd_t handle;
    gcry_error_t err = gcry_cipher_open(&handle, algo, mode, 0);

    if (!err) {
        err = gcry_cipher_setkey(handle, key, bytes);
        if (err) {
            gcry_cipher_close(handle);
        }
    }
    if (err) {
        error_set(errp, "Cannot initialize cipher: %s", gcry_strerror(err));
        return NULL;
    }
    return handle;
}

static bool open_essiv(LuksCipher *c, const LuksSpec *spec, const uint8_t *key,
                       size_t bytes, Error **errp)
{
    int hash = luks_hash_algo(spec->ivgen_hash), algo = essiv_algo(spec);
    uint8_t digest[64];

    gcry_md_hash_buffer(hash, digest, key, bytes);
    c->essiv = open_cipher(algo, GCRY_CIPHER_MODE_ECB, digest,
                           gcry_md_get_algo_dlen(hash), errp);
    c->essiv_block_bytes = gcry_cipher_get_algo_blklen(algo);
    explicit_bzero(digest, sizeof(digest));
    return c->essiv != NULL;
}

LuksCipher *luks_cipher_new(const LuksSpec *spec, const uint8_t *key,
                            size_t bytes, Error **errp)
{
    static const int modes[QCRYPTO_CIPHER_MODE__MAX] = {
        [QCRYPTO_CIPHER_MODE_ECB] = GCRY_CIPHER_MODE_ECB,
        [QCRYPTO_CIPHER_MODE_CBC] = GCRY_CIPHER_MODE_CBC,
        [QCRYPTO_CIPHER_MODE_XTS] = GCRY_CIPHER_MODE_XTS,
        [QCRYPTO_CIPHER_MODE_CTR] = GCRY_CIPHER_MODE_CTR,
    };
    LuksCipher *c;

    if (!luks_spec_check(spec, errp)) {
        return NULL;
    }
    c = g_new0(LuksCipher, 1);
    c->mode = spec->mode;
    c->ivgen = spec->ivgen;
    c->block_bytes = ciphers[spec->alg].block_bytes;
    c->data = open_cipher(ciphers[spec->alg].algo, modes[spec->mode], key,
                          bytes, errp);
    if (!c->data || (spec->ivgen == QCRYPTO_IVGEN_ALG_ESSIV &&
                     !open_essiv(c, spec, key, bytes, errp))) {
        luks_cipher_free(c);
        return NULL;
    }
    return c;
}

void luks_cipher_free(LuksCipher *c)
{
    if (c) {
        gcry_cipher_close(c->data);
        gcry_cipher_close(c->essiv);
        g_free(c);
    }
}

/* --- sectors ------------------------------------------------------------- */

/* What makes a sector differ from others with the same content. */
static bool set_iv(LuksCipher *c, uint64_t sector)
{
    uint8_t iv[IV_MAX] = {0};
    uint64_t le = GUINT64_TO_LE(
        c->ivgen == QCRYPTO_IVGEN_ALG_PLAIN ? sector & UINT32_MAX : sector);

    if (c->mode == QCRYPTO_CIPHER_MODE_ECB) {
        return true;
    }
    memcpy(iv, &le, sizeof(le));
    if (c->essiv &&
        gcry_cipher_encrypt(c->essiv, iv, c->essiv_block_bytes, NULL, 0)) {
        return false;
    }
    return (c->mode == QCRYPTO_CIPHER_MODE_CTR
                ? gcry_cipher_setctr(c->data, iv, c->block_bytes)
                : gcry_cipher_setiv(c->data, iv, c->block_bytes)) == 0;
}

bool luks_encrypt(LuksCipher *c, uint64_t sector, uint8_t *buf, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += LUKS_SECTOR) {
        if (!set_iv(c, sector++) ||
            gcry_cipher_encrypt(c->data, buf + at, LUKS_SECTOR, NULL, 0)) {
            return false;
        }
    }
    return true;
}

bool luks_decrypt(LuksCipher *c, uint64_t sector, uint8_t *buf, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += LUKS_SECTOR) {
        if (!set_iv(c, sector++) ||
            gcry_cipher_decrypt(c->data, buf + at, LUKS_SECTOR, NULL, 0)) {
            return false;
        }
    }
    return true;
}
