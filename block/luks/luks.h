/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encryption as LUKS1 has it, for the driver `luks` and for formats that keep
 * its header and key material somewhere in their file. Source of the format:
 * LUKS1 On-Disk Format Specification 1.2.3.
 *
 *   0       header: cipher, digest of the master key, eight key slots
 *   4096    each slot's key material: the master key, split into 4000 parts
 *           and encrypted with a key made of the slot's password
 *   payload the disk, sector by sector encrypted with the master key; formats
 *           with a header of their own keep it elsewhere
 *
 * Invariant: keys and passwords are wiped before their memory is given back.
 */
#ifndef BLOCK_LUKS_LUKS_H
#define BLOCK_LUKS_LUKS_H

#include "block/graph/format.h"
#include "qapi/qapi-types.h"

#define LUKS_SECTOR 512
#define LUKS_SLOTS 8
#define LUKS_DIGEST_BYTES 20
#define LUKS_SALT_BYTES 32
#define LUKS_MAX_KEY 64

/* --- cipher.c: sectors --------------------------------------------------- */

typedef struct LuksSpec {
    QCryptoCipherAlgorithm alg;
    QCryptoCipherMode mode;
    QCryptoIVGenAlgorithm ivgen;
    QCryptoHashAlgorithm ivgen_hash; /* of essiv */
    QCryptoHashAlgorithm hash;       /* of passwords */
} LuksSpec;

typedef struct LuksCipher LuksCipher;

/* Bytes of the key; 0 with @errp if there is no such cipher. */
size_t luks_key_bytes(const LuksSpec *spec, Error **errp);
/* False with @errp if it cannot be. */
bool luks_spec_check(const LuksSpec *spec, Error **errp);
/* NULL with @errp. Not for two threads at once. */
LuksCipher *luks_cipher_new(const LuksSpec *spec, const uint8_t *key,
                            size_t bytes, Error **errp);
void luks_cipher_free(LuksCipher *cipher); /* NULL is fine */
/* In place; whole sectors, the first of which has the number @sector. False
 * if the library failed. */
bool luks_encrypt(LuksCipher *cipher, uint64_t sector, uint8_t *buf,
                  size_t bytes);
bool luks_decrypt(LuksCipher *cipher, uint64_t sector, uint8_t *buf,
                  size_t bytes);

/* --- header.c ------------------------------------------------------------ */

typedef struct LuksSlot {
    bool active;
    uint32_t iters;
    uint8_t salt[LUKS_SALT_BYTES];
    uint32_t key_sector, stripes;
} LuksSlot;

typedef struct LuksHeader {
    LuksSpec spec;
    uint32_t payload_sector, key_bytes;
    uint8_t digest[LUKS_DIGEST_BYTES], digest_salt[LUKS_SALT_BYTES];
    uint32_t digest_iters;
    char uuid[41];
    LuksSlot slots[LUKS_SLOTS];
} LuksHeader;

/* --- volume.c: an encrypted disk ----------------------------------------- */

typedef struct LuksVolume {
    /* CONST */
    Edge *file;
    uint64_t header_offset; /* where the header is in it, in bytes */
    uint64_t header_bytes;  /* what belongs to it and its slots there */
    /* CONTROL */
    LuksHeader header;
    uint8_t key[LUKS_MAX_KEY];
    /* HOME */
    LuksCipher *cipher; /* NULL: opened only to be described */
} LuksVolume;

/* Reads and checks the header. The CONST part is set. */
bool co_luks_volume_read(LuksVolume *v, Error **errp) COROUTINE_ONLY;
/* Makes the cipher with the password that the secret object @secret has; NULL
 * is an error unless the node is only to be described. @prefix: of options in
 * texts, "" or "encrypt.". */
bool co_luks_volume_unlock(LuksVolume *v, const char *secret,
                           const char *prefix,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Wipes and frees what the two above made; may be called for either. */
void luks_volume_close(LuksVolume *v);
/* For queries; into a struct of zeroes. */
void luks_volume_describe(const LuksVolume *v, QCryptoBlockInfoLUKS *info);
/* Passwords come and go; @force: also the last one. */
bool co_luks_volume_amend(LuksVolume *v, const QCryptoBlockAmendOptionsLUKS *o,
                          bool force, Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* --- front.c: new ones --------------------------------------------------- */

/* All in front of the payload (*@bytes of it) of a new volume, for the caller
 * to write and free; NULL with @errp. */
uint8_t *co_luks_front_make(const QCryptoBlockCreateOptionsLUKS *o,
                            const char *prefix, size_t *bytes,
                            Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* How much that would be; also says what is wrong with the options. */
bool luks_front_measure(const QCryptoBlockCreateOptionsLUKS *o,
                        const char *prefix, size_t *bytes,
                        Error **errp) CONTROL_ONLY;

#endif
