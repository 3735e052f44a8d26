/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data that is encrypted: as LUKS, whose header lies in clusters of the image,
 * or, for old images, as AES-CBC with the password as its key. Metadata never
 * is. Source: the specification of the format; for the old way QEMU 7.2.
 */
#ifndef BLOCK_QCOW2_CRYPT_H
#define BLOCK_QCOW2_CRYPT_H

#include "block/qcow2/qcow2-int.h"
#include "qapi/qapi-types.h"

/* After the header was read; nothing happens if the image is not encrypted and
 * @o (NULL: not given) does not say it was. */
bool co_qcow2_crypt_open(Qcow2State *s, const BlockdevQcow2Encryption *o,
                         Error **errp) COROUTINE_ONLY CONTROL_ONLY;
void qcow2_crypt_close(Qcow2State *s);
/* NULL if the image is not encrypted. */
ImageInfoSpecificQCow2Encryption *qcow2_crypt_info(const Qcow2State *s);
/* "luks", "aes" or NULL */
const char *qcow2_crypt_format(const Node *node);

/* Makes the image of @s, which holds no data yet, an encrypted one. */
bool co_qcow2_crypt_create(Qcow2State *s, const QCryptoBlockCreateOptions *o,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Whether that can be done, before anything is touched; *@bytes: how much its
 * header takes in the image. */
bool qcow2_crypt_check(const QCryptoBlockCreateOptions *o, size_t *bytes,
                       Error **errp) CONTROL_ONLY;
/* *@o: what the words "encrypt.x" of `img amend` stand for, or NULL if there
 * are none; the caller frees it. */
bool qcow2_crypt_amend_words(const Qcow2State *s, struct json_object *words,
                             QCryptoBlockAmendOptionsLUKS **o, Error **errp);
bool co_qcow2_crypt_amend(Qcow2State *s, const QCryptoBlockAmendOptionsLUKS *o,
                          bool force, Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
