/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New images, and what one would take. */
#include "block/luks/luks-int.h"

#include "block/graph/loose-options.h"
#include "block/graph/root.h"
#include "objects/secret.h"

#define DEFAULT_ITER_MS 2000

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
    {"preallocation", "str",
     "Preallocation mode (allowed values: off, falloc, full)", NULL, false},
    {},
};

/* --- the header ---------------------------------------------------------- */

static bool take_spec(LuksSpec *spec, const BlockdevCreateOptionsLUKS *o,
                      Error **errp)
{
    *spec = (LuksSpec){
        .alg = o->has_cipher_alg ? o->cipher_alg : QCRYPTO_CIPHER_ALG_AES_256,
        .mode = o->has_cipher_mode ? o->cipher_mode : QCRYPTO_CIPHER_MODE_XTS,
        .ivgen = o->has_ivgen_alg ? o->ivgen_alg : QCRYPTO_IVGEN_ALG_PLAIN64,
        .ivgen_hash =
            o->has_ivgen_hash_alg ? o->ivgen_hash_alg : QCRYPTO_HASH_ALG_SHA256,
        .hash = o->has_hash_alg ? o->hash_alg : QCRYPTO_HASH_ALG_SHA256,
    };
    return luks_spec_check(spec, errp);
}

static void make_uuid(char *text)
{
    uint8_t b[16];

    reactor_random(b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    g_snprintf(text, 41,
               "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
               "%02x%02x%02x%02x%02x%02x",
               b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
               b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* All in front of the data; NULL with @errp. */
COROUTINE_ONLY CONTROL_ONLY static uint8_t *co_make_front(LuksHeader *h,
                                                          const char *password,
                                                          uint64_t iter_ms,
                                                          Error **errp)
{
    uint8_t key[LUKS_MAX_KEY], *material = NULL, *front = NULL;

    make_uuid(h->uuid);
    reactor_random(key, h->key_bytes);
    if (co_luks_set_digest(h, key, iter_ms, errp)) {
        material = co_luks_make_slot(h, 0, password, iter_ms, key, errp);
    }
    explicit_bzero(key, sizeof(key));
    if (material) {
        front = g_malloc0((size_t)h->payload_sector * LUKS_SECTOR);
        luks_header_write(h, front);
        memcpy(front + (size_t)h->slots[0].key_sector * LUKS_SECTOR, material,
               luks_material_bytes(h));
        g_free(material);
    }
    return front;
}

static bool lay_out(LuksHeader *h, const BlockdevCreateOptionsLUKS *o,
                    Error **errp)
{
    if (!take_spec(&h->spec, o, errp)) {
        return false;
    }
    h->key_bytes = (uint32_t)luks_key_bytes(&h->spec, NULL);
    luks_header_lay_out(h);
    return true;
}

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
    bool space = o->has_preallocation && o->preallocation != PREALLOC_MODE_OFF;
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
    if (o->has_preallocation && o->preallocation == PREALLOC_MODE_METADATA) {
        error_set(errp, "Unsupported preallocation mode 'metadata'");
        return false;
    }
    if (o->size > BLOCK_MAX_BYTES - (64 * MiB)) {
        error_set(errp, "The requested file size is too large");
        return false;
    }
    if (!o->key_secret) {
        error_set(errp, "Parameter 'key-secret' is required for cipher");
        return false;
    }
    if (o->has_iter_time && o->iter_time < 1) {
        error_set(errp, "iter-time must be at least 1 millisecond");
        return false;
    }
    return true;
}

bool co_luks_create(const BlockdevCreateOptions *options, Error **errp)
{
    const BlockdevCreateOptionsLUKS *o = &options->u.luks;
    LuksHeader h = {.key_bytes = 0};
    uint8_t *front;
    char *password;
    Root *root;
    bool ok;

    if (!check_options(o, errp) || !lay_out(&h, o, errp) ||
        !(password = secret_lookup_text(o->key_secret, errp))) {
        return false;
    }
    front = co_make_front(
        &h, password,
        o->has_iter_time ? (uint64_t)o->iter_time : DEFAULT_ITER_MS, errp);
    secret_text_free(password);
    root = front ? co_hold(o->file, errp) : NULL;
    ok = root && co_write(root, front, (uint64_t)h.payload_sector * LUKS_SECTOR,
                          o, errp);
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

bool co_luks_create_file(const char *filename, json_object *words, Error **errp)
{
    json_object *file = loose_options_of_filename(filename, errp);
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
    LuksHeader h = {.key_bytes = 0};
    bool ok = options && check_options(&options->u.luks, errp) &&
              lay_out(&h, &options->u.luks, errp);

    if (ok) {
        measure->required_bytes = measure->fully_allocated_bytes =
            (uint64_t)h.payload_sector * LUKS_SECTOR + options->u.luks.size;
    }
    BlockdevCreateOptions_free(options);
    return ok;
}
