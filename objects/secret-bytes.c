/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of secrets: read from files, from base64, decrypted. Texts are
 * QEMU 7.2's. Invariant: what was secret is wiped before its memory is freed.
 */
#include "objects/secret-int.h"

#include <gnutls/crypto.h>

#include <stdio.h>

#include "util/reactor/reactor.h"

#define KEY_BYTES 32u
#define BLOCK_BYTES 16u
#define BASE64 \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n"

/* --- memory -------------------------------------------------------------- */

static SecretBytes *new_empty(size_t n)
{
    SecretBytes *bytes = g_malloc0(sizeof(*bytes) + n + 1);

    bytes->n = n;
    return bytes;
}

SecretBytes *secret_bytes_new(const void *v, size_t n)
{
    SecretBytes *bytes = new_empty(n);

    memcpy(bytes->v, v, n);
    return bytes;
}

void secret_bytes_free(SecretBytes *bytes)
{
    if (bytes) {
        explicit_bzero(bytes->v, bytes->n);
        g_free(bytes);
    }
}

/* --- files --------------------------------------------------------------- */

typedef struct Reading {
    const char *path;
    SecretBytes *bytes; /* SECRET_MAX and one more: then it is too long */
    bool opened;
} Reading;

/* Named pipes make this wait. */
static int64_t worker_read(void *opaque)
{
    Reading *r = opaque;
    FILE *f = fopen(r->path, "re");
    int ret;

    if (!f) {
        return -errno;
    }
    r->opened = true;
    setvbuf(f, NULL, _IONBF, 0); /* no copy of it stays behind */
    errno = 0;
    r->bytes->n = fread(r->bytes->v, 1, SECRET_MAX + 1, f);
    ret = ferror(f) ? -errno : 0;
    fclose(f);
    return ret;
}

SecretBytes *co_secret_read(const char *path, Error **errp)
{
    Reading r = {path, new_empty(SECRET_MAX + 1), false};
    int64_t ret = co_worker_run(worker_read, &r);
    SecretBytes *bytes = NULL;

    if (ret < 0) {
        error_set_errno(errp, -ret, "Unable to read %s: %s “%s”", path,
                        r.opened ? "Error reading file" : "Failed to open file",
                        path);
    } else if (r.bytes->n > SECRET_MAX) {
        error_set(errp, "Unable to read %s: longer than %u bytes", path,
                  SECRET_MAX);
    } else {
        bytes = secret_bytes_new(r.bytes->v, r.bytes->n);
    }
    secret_bytes_free(r.bytes);
    return bytes;
}

/* --- base64 -------------------------------------------------------------- */

SecretBytes *secret_from_base64(const uint8_t *text, size_t n, Error **errp)
{
    SecretBytes *copy, *bytes;
    gint state = 0;
    guint save = 0;

    if (memchr(text, 0, n)) {
        error_set(errp, "Base64 data contains embedded NUL characters");
        return NULL;
    }
    copy = secret_bytes_new(text, n);
    if (strspn((char *)copy->v, BASE64) != n) {
        error_set(errp, "Base64 data contains invalid characters");
        secret_bytes_free(copy);
        return NULL;
    }
    bytes = new_empty(n / 4 * 3 + 3);
    bytes->n =
        g_base64_decode_step((char *)copy->v, n, bytes->v, &state, &save);
    bytes->v[bytes->n] = 0;
    secret_bytes_free(copy);
    return bytes;
}

/* --- decryption ---------------------------------------------------------- */

static bool check_lengths(const SecretBytes *cipher, size_t key_bytes,
                          const SecretBytes *iv, Error **errp)
{
    if (key_bytes != KEY_BYTES) {
        error_set(errp, "Key should be %u bytes in length", KEY_BYTES);
    } else if (iv->n != BLOCK_BYTES) {
        error_set(errp, "IV should be %u bytes in length not %zu", BLOCK_BYTES,
                  iv->n);
    } else if (cipher->n % BLOCK_BYTES) {
        error_set(errp, "Length %zu must be a multiple of block size %u",
                  cipher->n, BLOCK_BYTES);
    } else {
        return true;
    }
    return false;
}

/* Cuts the padding off. */
static bool cut_padding(SecretBytes *plain, Error **errp)
{
    unsigned padding = plain->n ? plain->v[plain->n - 1] : 0;

    if (plain->n && (padding == 0 || padding > BLOCK_BYTES)) {
        error_set(errp,
                  "Incorrect number of padding bytes (%u) found on decrypted "
                  "data",
                  padding);
        return false;
    }
    plain->n -= padding;
    explicit_bzero(plain->v + plain->n, padding);
    return true;
}

SecretBytes *secret_decrypt(const SecretBytes *cipher, const uint8_t *key,
                            size_t key_bytes, const SecretBytes *iv,
                            Error **errp)
{
    gnutls_datum_t key_data = {(uint8_t *)key, key_bytes};
    gnutls_datum_t iv_data = {(uint8_t *)iv->v, iv->n};
    gnutls_cipher_hd_t handle;
    SecretBytes *plain;
    int ret;

    if (!check_lengths(cipher, key_bytes, iv, errp)) {
        return NULL;
    }
    ret = gnutls_cipher_init(&handle, GNUTLS_CIPHER_AES_256_CBC, &key_data,
                             &iv_data);
    if (ret < 0) {
        error_set(errp, "Cannot decrypt secret: %s", gnutls_strerror(ret));
        return NULL;
    }
    plain = secret_bytes_new(cipher->v, cipher->n);
    ret = gnutls_cipher_decrypt(handle, plain->v, plain->n);
    gnutls_cipher_deinit(handle);
    if (ret < 0) {
        error_set(errp, "Cannot decrypt secret: %s", gnutls_strerror(ret));
    }
    if (ret < 0 || !cut_padding(plain, errp)) {
        secret_bytes_free(plain);
        return NULL;
    }
    return plain;
}
