/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encrypted images: opening, making and changing them. Their requests are
 * data.c.
 */
#include "block/qcow2/crypt.h"

#include "block/luks/luks.h"
#include "block/qcow2/crypt-int.h"
#include "objects/secret.h"

#define OLD_KEY_BYTES 16

static const char *format_name(const Qcow2State *s)
{
    return s->crypt_method == QCOW2_CRYPT_LUKS  ? "luks"
           : s->crypt_method == QCOW2_CRYPT_AES ? "aes"
                                                : NULL;
}

const char *qcow2_crypt_format(const Node *node)
{
    return format_name(qcow2_state(node));
}

/* --- the old way --------------------------------------------------------- */

/* The first characters of the password are the key. */
CONTROL_ONLY
static LuksCipher *old_cipher(const char *secret, Error **errp)
{
    const LuksSpec spec = {
        .alg = QCRYPTO_CIPHER_ALG_AES_128,
        .mode = QCRYPTO_CIPHER_MODE_CBC,
        .ivgen = QCRYPTO_IVGEN_ALG_PLAIN64,
    };
    char *password = secret_lookup_text(secret, errp);
    uint8_t key[OLD_KEY_BYTES] = {0};
    LuksCipher *cipher;

    if (!password) {
        return NULL;
    }
    memcpy(key, password, MIN(strlen(password), sizeof(key)));
    secret_text_free(password);
    cipher = luks_cipher_new(&spec, key, sizeof(key), errp);
    explicit_bzero(key, sizeof(key));
    return cipher;
}

CONTROL_ONLY
static bool open_old(Qcow2Crypt *c, const char *secret, Error **errp)
{
    if (format_for_machine) {
        error_set(errp, "Use of AES-CBC encrypted qcow2 images is no longer "
                        "supported in system emulators");
        error_append_hint(errp,
                          "You can use 'qemu-img convert' to convert your "
                          "image to an alternative supported format, such as "
                          "unencrypted qcow2, or raw with the LUKS format "
                          "instead.\n");
        return false;
    }
    if (format_opening_to_look) {
        return true; /* nothing will be read */
    }
    if (!secret) {
        error_set(errp, "Parameter 'encrypt.key-secret' is required for "
                        "cipher");
        return false;
    }
    c->old = old_cipher(secret, errp);
    return c->old != NULL;
}

/* --- opening ------------------------------------------------------------- */

static bool check_format(const Qcow2State *s, const BlockdevQcow2Encryption *o,
                         Error **errp)
{
    const char *given = BlockdevQcow2EncryptionFormat_str(o->format);
    const char *own = format_name(s);

    if (!own) {
        error_set(errp,
                  "No encryption in image header, but options specified "
                  "format '%s'",
                  given);
        return false;
    }
    if (strcmp(own, given)) {
        error_set(errp,
                  "Header reported '%s' encryption format but options specify "
                  "'%s'",
                  own, given);
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_open_luks(Qcow2State *s, const char *secret, Error **errp)
{
    LuksVolume *v = &s->crypt->luks;

    v->file = s->file;
    v->header_offset = s->crypt_offset;
    v->header_bytes = s->crypt_bytes;
    return co_luks_volume_read(v, errp) &&
           co_luks_volume_unlock(v, secret, "encrypt.", errp);
}

bool co_qcow2_crypt_open(Qcow2State *s, const BlockdevQcow2Encryption *o,
                         Error **errp)
{
    const char *secret = NULL;

    if (o && !check_format(s, o, errp)) {
        return false;
    }
    if (s->crypt_method == QCOW2_CRYPT_NONE) {
        return true;
    }
    if (o) {
        secret = o->format == BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_LUKS
                     ? o->u.luks.key_secret
                     : o->u.aes.key_secret;
    }
    s->crypt = g_new0(Qcow2Crypt, 1);
    return s->crypt_method == QCOW2_CRYPT_LUKS
               ? co_open_luks(s, secret, errp)
               : open_old(s->crypt, secret, errp);
}

void qcow2_crypt_close(Qcow2State *s)
{
    if (s->crypt) {
        luks_volume_close(&s->crypt->luks);
        luks_cipher_free(s->crypt->old);
        g_free(s->crypt);
        s->crypt = NULL;
    }
}

ImageInfoSpecificQCow2Encryption *qcow2_crypt_info(const Qcow2State *s)
{
    ImageInfoSpecificQCow2Encryption *info;

    if (!s->crypt) {
        return NULL;
    }
    info = g_new0(ImageInfoSpecificQCow2Encryption, 1);
    info->format = BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_AES;
    if (s->crypt_method == QCOW2_CRYPT_LUKS) {
        info->format = BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_LUKS;
        luks_volume_describe(&s->crypt->luks, &info->u.luks);
    }
    return info;
}

/* --- new images ---------------------------------------------------------- */

bool qcow2_crypt_check(const QCryptoBlockCreateOptions *o, size_t *bytes,
                       Error **errp)
{
    LuksCipher *cipher;

    *bytes = 0;
    if (o->format == QCRYPTO_BLOCK_FORMAT_LUKS) {
        return luks_front_measure(&o->u.luks, "encrypt.", bytes, errp);
    }
    if (!o->u.qcow.key_secret) {
        error_set(errp, "Parameter 'encrypt.key-secret' is required for "
                        "cipher");
        return false;
    }
    cipher = old_cipher(o->u.qcow.key_secret, errp);
    luks_cipher_free(cipher);
    return cipher != NULL;
}

/* The header of LUKS, in clusters of its own. */
COROUTINE_ONLY CONTROL_ONLY static int
co_put_front(Qcow2State *s, const QCryptoBlockCreateOptionsLUKS *o,
             Error **errp)
{
    size_t bytes;
    uint8_t *front = co_luks_front_make(o, "encrypt.", &bytes, errp);
    int ret;

    if (!front) {
        return -EINVAL;
    }
    ret = co_qcow2_alloc_bytes(s, "encryption header", bytes, true,
                               &s->crypt_offset);
    if (ret == 0) {
        ret = co_qcow2_file_write(s, s->crypt_offset, front, bytes);
    }
    if (ret == 0) {
        ret = co_qcow2_commit(s, true);
    }
    g_free(front);
    s->crypt_bytes = bytes;
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not write the encryption header");
    }
    return ret;
}

bool co_qcow2_crypt_create(Qcow2State *s, const QCryptoBlockCreateOptions *o,
                           Error **errp)
{
    bool luks = o->format == QCRYPTO_BLOCK_FORMAT_LUKS;
    int ret;

    if (luks && co_put_front(s, &o->u.luks, errp) < 0) {
        return false;
    }
    s->crypt_method = luks ? QCOW2_CRYPT_LUKS : QCOW2_CRYPT_AES;
    ret = co_qcow2_header_write(s);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not write qcow2 header");
    }
    return ret == 0;
}

/* --- changing ------------------------------------------------------------ */

static bool can_amend(const Qcow2State *s, Error **errp)
{
    if (s->crypt_method == QCOW2_CRYPT_NONE) {
        error_set(errp, "Can't amend encryption options - encryption not "
                        "present");
    } else if (s->crypt_method != QCOW2_CRYPT_LUKS) {
        error_set(errp, "Only LUKS encryption options can be amended");
    }
    return s->crypt_method == QCOW2_CRYPT_LUKS;
}

bool qcow2_crypt_amend_words(const Qcow2State *s, json_object *words,
                             QCryptoBlockAmendOptionsLUKS **o, Error **errp)
{
    json_object *own = json_object_new_object();
    bool ok = true;

    *o = NULL;
    json_object_object_foreach(words, name, value)
    {
        if (g_str_has_prefix(name, "encrypt.")) {
            json_object_object_add(own, name + strlen("encrypt."),
                                   json_object_get(value));
        }
    }
    if (json_object_object_length(own)) {
        ok = can_amend(s, errp);
        *o = ok ? QCryptoBlockAmendOptionsLUKS_from_keyval(own, errp) : NULL;
        ok = *o != NULL;
    }
    json_object_put(own);
    return ok;
}

bool co_qcow2_crypt_amend(Qcow2State *s, const QCryptoBlockAmendOptionsLUKS *o,
                          bool force, Error **errp)
{
    return can_amend(s, errp) &&
           co_luks_volume_amend(&s->crypt->luks, o, force, errp);
}
