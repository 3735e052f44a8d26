/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header of an image: its words and numbers, and whether they can be. */
#include "block/luks/luks-int.h"

static const uint8_t magic[6] = "LUKS\xba\xbe";

typedef struct DiskSlot {
    Be32 active, iters;
    uint8_t salt[LUKS_SALT_BYTES];
    Be32 key_sector, stripes;
} DiskSlot;

typedef struct DiskHeader {
    uint8_t magic[6];
    Be16 version;
    char cipher[32], mode[32], hash[32];
    Be32 payload_sector, key_bytes;
    uint8_t digest[LUKS_DIGEST_BYTES], digest_salt[LUKS_SALT_BYTES];
    Be32 digest_iters;
    char uuid[40];
    DiskSlot slots[LUKS_SLOTS];
} DiskHeader;

G_STATIC_ASSERT(sizeof(DiskHeader) == LUKS_HEADER_BYTES);

/* --- words --------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t key_bytes;
    QCryptoCipherAlgorithm alg;
} ciphers[] = {
    {"aes", 16, QCRYPTO_CIPHER_ALG_AES_128},
    {"aes", 24, QCRYPTO_CIPHER_ALG_AES_192},
    {"aes", 32, QCRYPTO_CIPHER_ALG_AES_256},
    {"cast5", 16, QCRYPTO_CIPHER_ALG_CAST5_128},
    {"serpent", 16, QCRYPTO_CIPHER_ALG_SERPENT_128},
    {"serpent", 24, QCRYPTO_CIPHER_ALG_SERPENT_192},
    {"serpent", 32, QCRYPTO_CIPHER_ALG_SERPENT_256},
    {"twofish", 16, QCRYPTO_CIPHER_ALG_TWOFISH_128},
    {"twofish", 32, QCRYPTO_CIPHER_ALG_TWOFISH_256},
};

static bool parse_cipher(LuksSpec *spec, const char *name, uint32_t key_bytes,
                         Error **errp)
{
    uint32_t bytes =
        spec->mode == QCRYPTO_CIPHER_MODE_XTS ? key_bytes / 2 : key_bytes;

    for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
        if (!strcmp(ciphers[i].name, name) && ciphers[i].key_bytes == bytes) {
            spec->alg = ciphers[i].alg;
            return true;
        }
    }
    error_set(errp, "Algorithm '%s' with key size %u bytes not supported", name,
              bytes);
    return false;
}

static int parse_word(const QapiType *type, const char *word, const char *what,
                      Error **errp)
{
    int value = qapi_enum_parse(type, word);

    if (value < 0) {
        error_set(errp, "%s '%s' is not recognized", what, word);
    }
    return value;
}

/* "xts-plain64", "cbc-essiv:sha256" */
static bool parse_mode(LuksSpec *spec, const char *text, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(text, "-", 2);
    g_auto(GStrv) ivgen = NULL;
    int mode, gen, hash;

    if (!parts[0] || !parts[1]) {
        error_set(errp, "Unexpected cipher mode string format '%s'", text);
        return false;
    }
    ivgen = g_strsplit(parts[1], ":", 2);
    mode =
        parse_word(&qapi_type_QCryptoCipherMode, parts[0], "Cipher mode", errp);
    gen = mode < 0 ? -1
                   : parse_word(&qapi_type_QCryptoIVGenAlgorithm, ivgen[0],
                                "IV generator", errp);
    if (gen < 0) {
        return false;
    }
    spec->mode = mode;
    spec->ivgen = gen;
    if (gen != QCRYPTO_IVGEN_ALG_ESSIV) {
        return true;
    }
    if (!ivgen[1]) {
        error_set(errp, "Missing IV generator hash specification");
        return false;
    }
    hash = parse_word(&qapi_type_QCryptoHashAlgorithm, ivgen[1],
                      "Hash algorithm", errp);
    spec->ivgen_hash = hash;
    return hash >= 0;
}

static bool ends(const char *word, size_t bytes, const char *what, Error **errp)
{
    if (!memchr(word, 0, bytes)) {
        error_set(errp, "LUKS header %s is not NUL terminated", what);
        return false;
    }
    return true;
}

static bool parse_words(LuksHeader *h, const DiskHeader *d, Error **errp)
{
    int hash;

    if (!ends(d->cipher, sizeof(d->cipher), "cipher name", errp) ||
        !ends(d->mode, sizeof(d->mode), "cipher mode", errp) ||
        !ends(d->hash, sizeof(d->hash), "hash spec", errp) ||
        !parse_mode(&h->spec, d->mode, errp) ||
        !parse_cipher(&h->spec, d->cipher, be32_get(d->key_bytes), errp)) {
        return false;
    }
    hash = parse_word(&qapi_type_QCryptoHashAlgorithm, d->hash,
                      "Hash algorithm", errp);
    h->spec.hash = hash;
    return hash >= 0 && luks_spec_check(&h->spec, errp);
}

/* --- numbers ------------------------------------------------------------- */

size_t luks_material_bytes(const LuksHeader *h)
{
    return ROUND_UP((size_t)h->key_bytes * LUKS_STRIPES, LUKS_SECTOR);
}

static uint64_t material_end(const LuksHeader *h, const LuksSlot *slot)
{
    return slot->key_sector + luks_material_bytes(h) / LUKS_SECTOR;
}

static bool check_slot(const LuksHeader *h, unsigned i, Error **errp)
{
    const LuksSlot *slot = &h->slots[i];

    if (slot->stripes != LUKS_STRIPES) {
        error_set(errp, "Keyslot %u is corrupted (stripes %u != %d)", i,
                  slot->stripes, LUKS_STRIPES);
        return false;
    }
    if (slot->active && !slot->iters) {
        error_set(errp, "Keyslot %u iteration count is zero", i);
        return false;
    }
    if ((uint64_t)slot->key_sector * LUKS_SECTOR < LUKS_HEADER_BYTES) {
        error_set(errp, "Keyslot %u is overlapping the LUKS header", i);
        return false;
    }
    if (material_end(h, slot) > h->payload_sector) {
        error_set(errp, "Keyslot %u is overlapping with the encrypted payload",
                  i);
        return false;
    }
    for (unsigned j = 0; j < i; j++) {
        const LuksSlot *other = &h->slots[j];

        if (slot->key_sector < material_end(h, other) &&
            other->key_sector < material_end(h, slot)) {
            error_set(errp, "Keyslots %u and %u are overlapping in the header",
                      j, i);
            return false;
        }
    }
    return true;
}

static bool parse_slots(LuksHeader *h, const DiskHeader *d, Error **errp)
{
    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        const DiskSlot *from = &d->slots[i];
        uint32_t active = be32_get(from->active);

        if (active != LUKS_SLOT_ACTIVE && active != LUKS_SLOT_EMPTY) {
            error_set(errp, "Keyslot %u state (active/disable) is corrupted",
                      i);
            return false;
        }
        h->slots[i] = (LuksSlot){
            .active = active == LUKS_SLOT_ACTIVE,
            .iters = be32_get(from->iters),
            .key_sector = be32_get(from->key_sector),
            .stripes = be32_get(from->stripes),
        };
        memcpy(h->slots[i].salt, from->salt, LUKS_SALT_BYTES);
        if (!check_slot(h, i, errp)) {
            return false;
        }
    }
    return true;
}

/* --- all of it ----------------------------------------------------------- */

bool luks_header_parse(LuksHeader *h, const uint8_t *buf, Error **errp)
{
    DiskHeader d;

    memcpy(&d, buf, sizeof(d));
    if (memcmp(d.magic, magic, sizeof(magic))) {
        error_set(errp, "Volume is not in LUKS format");
        return false;
    }
    if (be16_get(d.version) != 1) {
        error_set(errp, "LUKS version %u is not supported",
                  be16_get(d.version));
        return false;
    }
    if (!parse_words(h, &d, errp)) {
        return false;
    }
    h->payload_sector = be32_get(d.payload_sector);
    h->key_bytes = be32_get(d.key_bytes);
    h->digest_iters = be32_get(d.digest_iters);
    if (!h->digest_iters) {
        error_set(errp, "LUKS key iteration count is zero");
        return false;
    }
    memcpy(h->digest, d.digest, sizeof(h->digest));
    memcpy(h->digest_salt, d.digest_salt, sizeof(h->digest_salt));
    memcpy(h->uuid, d.uuid, sizeof(d.uuid));
    return parse_slots(h, &d, errp);
}

void luks_header_write(const LuksHeader *h, uint8_t *buf)
{
    DiskHeader d = {
        .version = be16(1),
        .payload_sector = be32(h->payload_sector),
        .key_bytes = be32(h->key_bytes),
        .digest_iters = be32(h->digest_iters),
    };
    const LuksSpec *spec = &h->spec;
    bool essiv = spec->ivgen == QCRYPTO_IVGEN_ALG_ESSIV;

    memcpy(d.magic, magic, sizeof(magic));
    for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
        if (ciphers[i].alg == spec->alg) {
            g_strlcpy(d.cipher, ciphers[i].name, sizeof(d.cipher));
        }
    }
    g_snprintf(d.mode, sizeof(d.mode), "%s-%s%s%s",
               QCryptoCipherMode_str(spec->mode),
               QCryptoIVGenAlgorithm_str(spec->ivgen), essiv ? ":" : "",
               essiv ? QCryptoHashAlgorithm_str(spec->ivgen_hash) : "");
    g_strlcpy(d.hash, QCryptoHashAlgorithm_str(spec->hash), sizeof(d.hash));
    memcpy(d.digest, h->digest, sizeof(d.digest));
    memcpy(d.digest_salt, h->digest_salt, sizeof(d.digest_salt));
    memcpy(d.uuid, h->uuid, sizeof(d.uuid));
    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        const LuksSlot *slot = &h->slots[i];

        d.slots[i] = (DiskSlot){
            .active = be32(slot->active ? LUKS_SLOT_ACTIVE : LUKS_SLOT_EMPTY),
            .iters = be32(slot->iters),
            .key_sector = be32(slot->key_sector),
            .stripes = be32(slot->stripes),
        };
        memcpy(d.slots[i].salt, slot->salt, LUKS_SALT_BYTES);
    }
    memcpy(buf, &d, sizeof(d));
}

void luks_header_lay_out(LuksHeader *h)
{
    const uint32_t align = LUKS_ALIGN_BYTES / LUKS_SECTOR;
    uint32_t at = align;
    uint32_t step =
        ROUND_UP(luks_material_bytes(h), LUKS_ALIGN_BYTES) / LUKS_SECTOR;

    for (unsigned i = 0; i < LUKS_SLOTS; i++, at += step) {
        h->slots[i] = (LuksSlot){.key_sector = at, .stripes = LUKS_STRIPES};
    }
    h->payload_sector = at;
}
