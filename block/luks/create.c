/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New images, and what one would take. */
#include "block/luks/luks-int.h"

#include "block/file/file-create.h"
#include "block/graph/loose-options.h"
#include "block/graph/root.h"

const FormatOption luks_create_options[] = {
    {"size", "size", "Virtual disk size", NULL, false},
    {"key-secret", "str",
     "ID of the secret that provides the keyslot passphrase", NULL, false},
    {"cipher-alg", "str", "Name of encryption cipher algorithm", NULL, false},
    {"cipher-mode", "str", "Name of encryption cipher mode", NULL, false},
    {"ivgen-alg", "str", "Name of IV generator algorithm", NULL, false},
    {"ivgen-hash-alg", "str", "Name of IV generator hash algorithm", NULL,
     false},
    {"hash-alg", "str", "Name of encryption hash algorithm", NULL, false},
    {"iter-time", "num", "Time to spend in PBKDF in milliseconds", NULL, false},
    {},
};

/* --- the file ------------------------------------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static Root *co_hold(const BlockdevRef *ref,
                                                 Error **errp)
{
    Root *root = root_new("root", NULL, NULL);
    Node *node = NULL;
    bool lock = !graph_locked_by_me(), ok = false;

    if (lock) {
        co_graph_lock();
    }
    if (ref->kind == BLOCKDEV_REF_KIND_DEFINITION) {
        node = co_node_open(ref->u.definition, errp);
    } else if ((node = node_lookup(ref->u.reference, ref->u.reference, errp))) {
        node_ref(node);
    }
    if (node) {
        ok = root_attach(root, node,
                         PERM_CONSISTENT_READ | PERM_WRITE | PERM_RESIZE,
                         PERM_ALL, errp);
        co_node_unref(node);
    }
    if (lock) {
        graph_unlock();
    }
    if (!ok) {
        root_free(root);
        return NULL;
    }
    return root;
}

COROUTINE_ONLY CONTROL_ONLY static void co_let_go(Root *root)
{
    bool lock = !graph_locked_by_me();

    if (lock) {
        co_graph_lock();
    }
    co_root_detach(root);
    if (lock) {
        graph_unlock();
    }
    root_free(root);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_write(Root *root, const uint8_t *front, uint64_t front_bytes,
         const BlockdevCreateOptionsLUKS *o, Error **errp)
{
    Error *err = NULL;
    /* There is no metadata but what is always made. */
    bool space = o->has_preallocation &&
                 o->preallocation != PREALLOC_MODE_OFF &&
                 o->preallocation != PREALLOC_MODE_METADATA;
    int ret = co_root_truncate(root, front_bytes + o->size, false, &err);

    if (ret < 0) {
        error_propagate(errp, err);
        return false;
    }
    if (space) {
        ret = co_root_pwrite_zeroes(root, front_bytes,
                                    ROUND_DOWN(o->size, LUKS_SECTOR), 0);
    }
    if (ret == 0) {
        ret = co_root_pwrite(root, 0, front_bytes, front, 0);
    }
    if (ret == 0) {
        ret = co_root_flush(root);
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not write the LUKS header");
    }
    return ret == 0;
}

static bool check_options(const BlockdevCreateOptionsLUKS *o, Error **errp)
{
    if (o->size > BLOCK_MAX_BYTES - (64 * MiB)) {
        error_set(errp, "The requested file size is too large");
        return false;
    }
    return true;
}

/* The part of the options that any LUKS volume has. */
static QCryptoBlockCreateOptionsLUKS
volume_options(const BlockdevCreateOptionsLUKS *o)
{
    return (QCryptoBlockCreateOptionsLUKS){
        .key_secret = o->key_secret,
        .has_cipher_alg = o->has_cipher_alg,
        .cipher_alg = o->cipher_alg,
        .has_cipher_mode = o->has_cipher_mode,
        .cipher_mode = o->cipher_mode,
        .has_ivgen_alg = o->has_ivgen_alg,
        .ivgen_alg = o->ivgen_alg,
        .has_ivgen_hash_alg = o->has_ivgen_hash_alg,
        .ivgen_hash_alg = o->ivgen_hash_alg,
        .has_hash_alg = o->has_hash_alg,
        .hash_alg = o->hash_alg,
        .has_iter_time = o->has_iter_time,
        .iter_time = o->iter_time,
    };
}

bool co_luks_create(const BlockdevCreateOptions *options, Error **errp)
{
    const BlockdevCreateOptionsLUKS *o = &options->u.luks;
    QCryptoBlockCreateOptionsLUKS volume = volume_options(o);
    uint8_t *front;
    size_t bytes;
    Root *root;
    bool ok;

    if (!check_options(o, errp)) {
        return false;
    }
    front = co_luks_front_make(&volume, "", &bytes, errp);
    root = front ? co_hold(o->file, errp) : NULL;
    ok = root && co_write(root, front, bytes, o, errp);
    if (root) {
        co_let_go(root);
    }
    g_free(front);
    return ok;
}

/* --- words --------------------------------------------------------------- */

/* The options that @words stand for; the caller frees them. */
static BlockdevCreateOptions *options_of_words(json_object *words,
                                               json_object *file, Error **errp)
{
    json_object *json = json_object_new_object();
    BlockdevCreateOptions *options;

    json_object_object_foreach(words, name, value)
    {
        json_object_object_add(json, name, json_object_get(value));
    }
    json_object_object_add(json, "driver", json_object_new_string("luks"));
    json_object_object_add(json, "file", file);
    options = BlockdevCreateOptions_from_keyval(json, errp);
    json_object_put(json);
    return options;
}

/* As QEMU's tool tells it. */
static bool check_preallocation(json_object *words, Error **errp)
{
    FilePreallocation mode;
    json_object *word;

    return !json_object_object_get_ex(words, "preallocation", &word) ||
           !strcmp(json_object_get_string(word), "metadata") ||
           file_preallocation_parse(json_object_get_string(word), &mode, errp);
}

bool co_luks_create_file(const char *filename, json_object *words, Error **errp)
{
    json_object *file = check_preallocation(words, errp)
                            ? loose_options_of_filename(filename, errp)
                            : NULL;
    BlockdevCreateOptions *options =
        file ? options_of_words(words, file, errp) : NULL;
    bool ok = options && co_luks_create(options, errp);

    BlockdevCreateOptions_free(options);
    return ok;
}

bool co_luks_measure(json_object *words, Node *source, FormatMeasure *measure,
                     Error **errp)
{
    BlockdevCreateOptions *options =
        options_of_words(words, json_object_new_string("none"), errp);
    bool ok = options && check_options(&options->u.luks, errp);
    size_t bytes = 0;

    if (ok) {
        QCryptoBlockCreateOptionsLUKS volume = volume_options(&options->u.luks);

        ok = luks_front_measure(&volume, "", &bytes, errp);
    }
    if (ok) {
        measure->required_bytes = measure->fully_allocated_bytes =
            bytes + options->u.luks.size;
    }
    BlockdevCreateOptions_free(options);
    return ok;
}
