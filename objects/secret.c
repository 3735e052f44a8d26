/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `secret` objects: from options to bytes, and looking them up. Texts are QEMU
 * 7.2's.
 *
 *   data or file -> [base64] -> [decrypted with another secret] -> the state
 */
#include "objects/secret-int.h"

#include "util/coroutine/coroutine.h"

/* --- making -------------------------------------------------------------- */

COROUTINE_ONLY
static SecretBytes *co_input(const SecretProperties *o, Error **errp)
{
    if (o->file && o->data) {
        error_set(errp, "'file' and 'data' are mutually exclusive");
        return NULL;
    }
    if (o->file) {
        return co_secret_read(o->file, errp);
    }
    if (!o->data) {
        error_set(errp, "Either 'file' or 'data' must be provided");
        return NULL;
    }
    if (strlen(o->data) > SECRET_MAX) {
        error_set(errp, "'data' is longer than %u bytes", SECRET_MAX);
        return NULL;
    }
    return secret_bytes_new(o->data, strlen(o->data));
}

/* Takes @input, here and below. */
static SecretBytes *decode(SecretBytes *input, const SecretProperties *o,
                           Error **errp)
{
    SecretBytes *bytes;

    if (!o->has_format || o->format == QCRYPTO_SECRET_FORMAT_RAW) {
        return input;
    }
    bytes = secret_from_base64(input->v, input->n, errp);
    secret_bytes_free(input);
    return bytes;
}

/* Decrypted with the secret o->keyid. */
static SecretBytes *decrypt_by(const SecretBytes *cipher,
                               const SecretProperties *o, Error **errp)
{
    SecretBytes *iv, *plain;
    const uint8_t *key;
    size_t key_bytes;

    if (!secret_lookup(o->keyid, &key, &key_bytes, errp)) {
        return NULL;
    }
    if (!o->iv) {
        error_set(errp, "IV is required to decrypt secret");
        return NULL;
    }
    iv = secret_from_base64((const uint8_t *)o->iv, strlen(o->iv), errp);
    if (!iv) {
        return NULL;
    }
    plain = secret_decrypt(cipher, key, key_bytes, iv, errp);
    secret_bytes_free(iv);
    return plain;
}

static SecretBytes *decrypt(SecretBytes *input, const SecretProperties *o,
                            Error **errp)
{
    SecretBytes *plain;

    if (!o->keyid) {
        return input;
    }
    plain = decrypt_by(input, o, errp);
    secret_bytes_free(input);
    return plain;
}

static void *co_create_secret(const ObjectOptions *options, Error **errp)
{
    const SecretProperties *o = &options->u.secret;
    SecretBytes *bytes;

    coroutine_assert();
    bytes = co_input(o, errp);
    bytes = bytes ? decode(bytes, o, errp) : NULL;
    return bytes ? decrypt(bytes, o, errp) : NULL;
}

static void free_secret(void *state)
{
    secret_bytes_free(state);
}

/* Keeps no copy of the secret (objects/README.md, 4). */
static void complete_secret(ObjectOptions *options)
{
    SecretProperties *o = &options->u.secret;

    secret_text_free(o->data);
    o->data = NULL;
    o->has_format = true;
    object_complete_text(&o->iv);
    object_complete_text(&o->keyid);
    object_complete_text(&o->file);
}

static const ObjectProperty properties[] = {
    {"iv", "string", PROPERTY_FIXED},
    {"keyid", "string", PROPERTY_FIXED},
    {"loaded", "bool", PROPERTY_READ_ONLY},
    {"format", "QCryptoSecretFormat", PROPERTY_FIXED},
    {"file", "string", PROPERTY_FIXED},
    {"data", "string", PROPERTY_SECRET},
    {}};

const ObjectClass object_secret = {
    .type = OBJECT_TYPE_SECRET,
    .co_create = co_create_secret,
    .co_free = free_secret,
    .properties = properties,
    .complete = complete_secret,
};

/* --- secret_keyring ------------------------------------------------------ */

static void *create_keyring(const ObjectOptions *options, Error **errp)
{
    error_set(errp, "secret_keyring is not supported: keep the secret in a "
                    "file, and name that in an object of type 'secret'");
    return NULL;
}

static const ObjectProperty keyring_properties[] = {
    {"iv", "string", PROPERTY_FIXED},
    {"keyid", "string", PROPERTY_FIXED},
    {"loaded", "bool", PROPERTY_READ_ONLY},
    {"format", "QCryptoSecretFormat", PROPERTY_FIXED},
    {"serial", "int32_t", PROPERTY_FIXED},
    {}};

const ObjectClass object_secret_keyring = {
    .type = OBJECT_TYPE_SECRET_KEYRING,
    .co_create = create_keyring,
    .co_free = free_secret,
    .properties = keyring_properties,
};

/* --- looking up ---------------------------------------------------------- */

bool secret_lookup(const char *id, const uint8_t **bytes, size_t *n,
                   Error **errp)
{
    const Object *obj = object_find(id);
    const SecretBytes *secret;

    if (!obj) {
        error_set(errp, "No secret with id '%s'", id);
        return false;
    }
    if (obj->class != &object_secret) {
        error_set(errp, "Object with id '%s' is not a secret", id);
        return false;
    }
    secret = obj->state;
    *bytes = secret->v;
    *n = secret->n;
    return true;
}

char *secret_lookup_text(const char *id, Error **errp)
{
    const uint8_t *bytes;
    size_t n;

    if (!secret_lookup(id, &bytes, &n, errp)) {
        return NULL;
    }
    if (!g_utf8_validate((const char *)bytes, n, NULL)) {
        error_set(errp, "Data from secret %s is not valid UTF-8", id);
        return NULL;
    }
    return g_strndup((const char *)bytes, n);
}

void secret_text_free(char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        g_free(text);
    }
}
