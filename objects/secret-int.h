/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of `secret` share. */
#ifndef OBJECTS_SECRET_INT_H
#define OBJECTS_SECRET_INT_H

#include "objects/secret.h"

/* Bytes that are wiped when they are freed; a zero byte stands behind them. */
typedef struct SecretBytes {
    size_t n;
    uint8_t v[];
} SecretBytes;

SecretBytes *secret_bytes_new(const void *v, size_t n);
void secret_bytes_free(SecretBytes *bytes); /* NULL is fine */

/* The content of a file of at most SECRET_MAX bytes. Yields. */
SecretBytes *co_secret_read(const char *path, Error **errp) COROUTINE_ONLY;

/* What @text says in base64. */
SecretBytes *secret_from_base64(const uint8_t *text, size_t n, Error **errp);
/* AES-256-CBC with padding after PKCS #7, as `openssl enc -aes-256-cbc` writes
 * it. */
SecretBytes *secret_decrypt(const SecretBytes *cipher, const uint8_t *key,
                            size_t key_bytes, const SecretBytes *iv,
                            Error **errp);

#endif
