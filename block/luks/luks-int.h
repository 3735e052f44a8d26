/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the files of block/luks share. */
#ifndef BLOCK_LUKS_LUKS_INT_H
#define BLOCK_LUKS_LUKS_INT_H

#include <gcrypt.h>

#include "block/io/io.h"
#include "block/luks/luks.h"
#include "util/be.h"

#define LUKS_STRIPES 4000
#define LUKS_SLOT_ACTIVE 0x00ac71f3
#define LUKS_SLOT_EMPTY 0x0000dead
#define LUKS_ALIGN_BYTES 4096 /* of key material and payload */
#define LUKS_MIN_ITERS 1000
#define LUKS_DEFAULT_ITER_MS 2000

/* --- cipher.c ------------------------------------------------------------ */

int luks_hash_algo(QCryptoHashAlgorithm hash); /* gcrypt's number */

/* --- header.c ------------------------------------------------------------ */

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
int co_luks_find_key(const LuksVolume *v, const char *password, unsigned *slot,
                     uint8_t *key) COROUTINE_ONLY CONTROL_ONLY;
/* Fills @slot of the header, and returns what goes to its place in the file
 * (luks_material_bytes). NULL with @errp. */
uint8_t *co_luks_make_slot(LuksHeader *h, unsigned slot, const char *password,
                           uint64_t iter_ms, const uint8_t *key,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Makes the digest by which a master key is known. */
bool co_luks_set_digest(LuksHeader *h, const uint8_t *key, uint64_t iter_ms,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* --- disk.c: the driver --------------------------------------------------- */

typedef struct LuksState {
    /* CONST */
    uint64_t payload_bytes; /* where the disk begins */
    /* as in LuksVolume */
    LuksVolume volume;
} LuksState;

extern const NodeDriver driver_luks;

/* --- create.c, amend.c, volume.c ------------------------------------------ */

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
bool co_luks_amend_options(Node *node,
                           const struct BlockdevAmendOptions *options,
                           bool force,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
