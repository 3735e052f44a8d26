/* SPDX-License-Identifier: GPL-2.0-or-later */
/* objects/secret-bytes.c: base64 and decryption of secrets. */
#include "objects/secret-int.h"

#include <gnutls/crypto.h>

static const uint8_t key[32] = "0123456789abcdef0123456789abcde";

static SecretBytes *bytes_of(const char *text)
{
    return secret_bytes_new(text, strlen(text));
}

static void assert_base64(const char *text, const char *plain)
{
    SecretBytes *got =
        secret_from_base64((const uint8_t *)text, strlen(text), NULL);

    g_assert_cmpmem(got->v, got->n, plain, strlen(plain));
    g_assert_cmpint(got->v[got->n], ==, 0);
    secret_bytes_free(got);
}

static void test_base64(void)
{
    assert_base64("", "");
    assert_base64("YQ==", "a");
    assert_base64("YWJj", "abc");
    assert_base64("YW\nJj\n", "abc");
}

static void test_base64_refused(void)
{
    static const char *const bad[] = {"YW Jj", "YWJj\r", "Y-_j", "\xff"};
    Error *err = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_null(
            secret_from_base64((const uint8_t *)bad[i], strlen(bad[i]), &err));
        g_assert_cmpstr(error_text(err), ==,
                        "Base64 data contains invalid characters");
        error_free(err);
        err = NULL;
    }
    g_assert_null(secret_from_base64((const uint8_t *)"YW\0j", 4, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Base64 data contains embedded NUL characters");
    error_free(err);
}

/* @blocks of plain text, whose last byte says how much of it is padding. */
static SecretBytes *encrypt(const uint8_t *plain, size_t n, SecretBytes *iv)
{
    SecretBytes *cipher = secret_bytes_new(plain, n);
    gnutls_datum_t key_data = {(uint8_t *)key, sizeof(key)};
    gnutls_datum_t iv_data = {iv->v, iv->n};
    gnutls_cipher_hd_t handle;

    g_assert_cmpint(gnutls_cipher_init(&handle, GNUTLS_CIPHER_AES_256_CBC,
                                       &key_data, &iv_data),
                    ==, 0);
    g_assert_cmpint(gnutls_cipher_encrypt(handle, cipher->v, n), ==, 0);
    gnutls_cipher_deinit(handle);
    return cipher;
}

/* Every last byte there is: 1 to 16 are lengths, nothing else. */
static void test_padding(void)
{
    SecretBytes *iv = bytes_of("sixteen bytes ..");

    for (unsigned padding = 0; padding < 256; padding++) {
        uint8_t plain[32] = {1, 2, 3};
        Error *err = NULL;
        SecretBytes *cipher, *got;

        plain[31] = padding;
        cipher = encrypt(plain, sizeof(plain), iv);
        got = secret_decrypt(cipher, key, sizeof(key), iv, &err);
        if (padding >= 1 && padding <= 16) {
            g_assert_cmpmem(got->v, got->n, plain, 32 - padding);
        } else {
            g_assert_null(got);
            g_assert_nonnull(strstr(error_text(err), "padding bytes"));
        }
        error_free(err);
        secret_bytes_free(got);
        secret_bytes_free(cipher);
    }
    secret_bytes_free(iv);
}

static void test_lengths(void)
{
    SecretBytes *iv = bytes_of("sixteen bytes .."), *one = bytes_of("x");
    Error *err = NULL;

    g_assert_null(secret_decrypt(iv, key, 31, iv, &err));
    g_assert_cmpstr(error_text(err), ==, "Key should be 32 bytes in length");
    error_free(err);
    err = NULL;
    g_assert_null(secret_decrypt(iv, key, 32, one, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "IV should be 16 bytes in length not 1");
    error_free(err);
    err = NULL;
    g_assert_null(secret_decrypt(one, key, 32, iv, &err));
    g_assert_cmpstr(error_text(err), ==,
                    "Length 1 must be a multiple of block size 16");
    error_free(err);
    secret_bytes_free(one);
    secret_bytes_free(iv);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/base64", test_base64);
    g_test_add_func("/secret/base64-refused", test_base64_refused);
    g_test_add_func("/secret/padding", test_padding);
    g_test_add_func("/secret/lengths", test_lengths);
    return g_test_run();
}
