/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of block/luks share. Source of the format: LUKS1 On-Disk
 * Format Specification 1.2.3.
 *
 *   0       header: cipher, digest of the master key, eight key slots
 *   4096    each slot's key material: the master key, split into 4000 parts
 *           and encrypted with a key made of the slot's password
 *   payload the disk, sector by sector encrypted with the master key
 */
#ifndef BLOCK_LUKS_LUKS_INT_H
#define BLOCK_LUKS_LUKS_INT_H

#include <gcrypt.h>

#include "block/graph/format.h"
#include "block/io/io.h"
#include "qapi/qapi-types.h"
#include "util/be.h"

#define LUKS_SECTOR 512
#define LUKS_SLOTS 8
#define LUKS_STRIPES 4000
#define LUKS_DIGEST_BYTES 20
#define LUKS_SALT_BYTES 32
#define LUKS_MAX_KEY 64
#define LUKS_SLOT_ACTIVE 0x00ac71f3
#define LUKS_SLOT_EMPTY 0x0000dead
#define LUKS_ALIGN_BYTES 4096 /* of key material and payload */
#define LUKS_MIN_ITERS 1000

/* --- cipher.c ------------------------------------------------------------ */

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
int luks_hash_algo(QCryptoHashAlgorithm hash); /* gcrypt's number */
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

#define LUKS_HEADER_BYTES 592

/* False with QEMU's texts if it is none, or one that cannot be right. */
bool luks_header_parse(LuksHeader *h, const uint8_t *buf, Error **errp);
void luks_header_write(const LuksHeader *h, uint8_t *buf);
/* Where all lies in a new image, from its spec and key length. */
void luks_header_lay_out(LuksHeader *h);
/* Bytes of a slot's key material, in whole sectors. */
size_t luks_material_bytes(const LuksHeader *h);

/* --- key.c --------------------------------------------------------------- */

/* Looks for a slot that @password opens, from *@slot on; its number is left
 * there, the master key in @key. 0, -ENOKEY if there is none, or -errno. */
int co_luks_unlock(Edge *file, const LuksHeader *h, const char *password,
                   unsigned *slot, uint8_t *key) COROUTINE_ONLY CONTROL_ONLY;
/* Fills @slot of the header, and returns what goes to its place in the file
 * (luks_material_bytes). NULL with @errp. */
uint8_t *co_luks_make_slot(LuksHeader *h, unsigned slot, const char *password,
                           uint64_t iter_ms, const uint8_t *key,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Makes the digest by which a master key is known. */
bool co_luks_set_digest(LuksHeader *h, const uint8_t *key, uint64_t iter_ms,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* --- luks.c -------------------------------------------------------------- */

typedef struct LuksState {
    /* CONST */
    Edge *file;
    uint64_t payload_bytes; /* where the disk begins */
    /* CONTROL */
    LuksHeader header;
    uint8_t key[LUKS_MAX_KEY];
    /* HOME */
    LuksCipher *cipher; /* NULL: opened only to be described */
} LuksState;

extern const NodeDriver driver_luks;

/* --- create.c, amend.c, info.c ------------------------------------------- */

extern const FormatOption luks_create_options[], luks_amend_options[];
bool co_luks_create(const struct BlockdevCreateOptions *options,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_luks_create_file(const char *filename, struct json_object *words,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_luks_measure(struct json_object *words, Node *source,
                     FormatMeasure *measure,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_luks_amend(Node *node, struct json_object *words, bool force,
                   void (*progress)(void *opaque, uint64_t done,
                                    uint64_t total),
                   void *opaque, Error **errp) COROUTINE_ONLY CONTROL_ONLY;
struct ImageInfoSpecific *co_luks_info(Node *node,
                                       Error **errp) COROUTINE_ONLY;

#endif
