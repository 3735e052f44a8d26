/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passwords that come and go. */
#include "block/luks/luks-int.h"

#include "objects/secret.h"

const FormatOption luks_amend_options[] = {
    {"state", "str", "Select new state of affected keyslots (active/inactive)",
     NULL, true},
    {"keyslot", "num", "Select a single keyslot to modify explicitly", NULL,
     true},
    {"old-secret", "str", "Select all keyslots that match this password", NULL,
     true},
    {"new-secret", "str",
     "New secret to set in the matching keyslots. Empty string to erase", NULL,
     true},
    {"iter-time", "num", "Time to spend in PBKDF in milliseconds", NULL, true},
    {},
};

typedef struct Amend {
    LuksVolume *v;
    const QCryptoBlockAmendOptionsLUKS *o;
    bool force;
    int slot; /* -1: not given */
} Amend;

static bool take_slot(Amend *a, Error **errp)
{
    if (a->o->has_keyslot &&
        (a->o->keyslot < 0 || a->o->keyslot >= LUKS_SLOTS)) {
        error_set(errp,
                  "Invalid keyslot %" PRIu32
                  " specified, must be between 0 and %d",
                  (uint32_t)a->o->keyslot, LUKS_SLOTS - 1);
        return false;
    }
    a->slot = a->o->has_keyslot ? (int)a->o->keyslot : -1;
    return true;
}

/* --- the file ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_put(LuksVolume *v, uint64_t at, uint8_t *buf, size_t bytes)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, buf, bytes);
    ret = co_edge_pwritev(v->file, v->header_offset + at, bytes, &iov, 0, 0);
    iov_free(&iov);
    return ret == 0 ? co_edge_flush(v->file) : ret;
}

COROUTINE_ONLY
static int co_put_header(LuksVolume *v)
{
    uint8_t buf[LUKS_HEADER_BYTES];

    luks_header_write(&v->header, buf);
    return co_put(v, 0, buf, sizeof(buf));
}

COROUTINE_ONLY
static int co_put_material(LuksVolume *v, unsigned slot, uint8_t *material)
{
    return co_put(v, (uint64_t)v->header.slots[slot].key_sector * LUKS_SECTOR,
                  material, luks_material_bytes(&v->header));
}

static bool written(int ret, Error **errp)
{
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not write the LUKS header");
    }
    return ret == 0;
}

/* --- activating ---------------------------------------------------------- */

static bool choose_slot(Amend *a, Error **errp)
{
    const LuksSlot *slots = a->v->header.slots;
    int i = 0;

    if (a->slot >= 0) {
        if (slots[a->slot].active && !a->force) {
            error_set(errp,
                      "Refusing to overwrite active keyslot %d - please erase "
                      "it first",
                      a->slot);
            return false;
        }
        return true;
    }
    while (i < LUKS_SLOTS && slots[i].active) {
        i++;
    }
    a->slot = i;
    if (i == LUKS_SLOTS) {
        error_set(errp, "Can't add a keyslot - all keyslots are in use");
    }
    return i < LUKS_SLOTS;
}

/* Whoever is asked for a password of the image has to have one. */
COROUTINE_ONLY CONTROL_ONLY static bool co_check_secret(const Amend *a,
                                                        Error **errp)
{
    uint8_t key[LUKS_MAX_KEY];
    unsigned slot = 0;
    char *password;
    int ret;

    if (!a->o->secret) {
        return true;
    }
    password = secret_lookup_text(a->o->secret, errp);
    if (!password) {
        return false;
    }
    ret = co_luks_find_key(a->v, password, &slot, key);
    secret_text_free(password);
    explicit_bzero(key, sizeof(key));
    if (ret < 0) {
        error_set(errp, "Invalid password, cannot unlock any keyslot");
    }
    return ret == 0;
}

static uint64_t iter_ms(const Amend *a)
{
    return a->o->has_iter_time ? (uint64_t)a->o->iter_time
                               : LUKS_DEFAULT_ITER_MS;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_activate(Amend *a, Error **errp)
{
    LuksVolume *v = a->v;
    LuksHeader old = v->header;
    uint8_t *material;
    char *password;
    bool ok;

    if (!a->o->new_secret) {
        error_set(errp, "'new-secret' is required to activate a keyslot");
        return false;
    }
    if (a->o->old_secret) {
        error_set(errp,
                  "'old-secret' must not be given when activating keyslots");
        return false;
    }
    if (!choose_slot(a, errp) || !co_check_secret(a, errp) ||
        !(password = secret_lookup_text(a->o->new_secret, errp))) {
        return false;
    }
    material = co_luks_make_slot(&v->header, a->slot, password, iter_ms(a),
                                 v->key, errp);
    secret_text_free(password);
    ok = material && written(co_put_material(v, a->slot, material), errp) &&
         written(co_put_header(v), errp);
    g_free(material);
    if (!ok) {
        v->header = old;
    }
    return ok;
}

/* --- erasing ------------------------------------------------------------- */

static unsigned count_active(const LuksHeader *h)
{
    unsigned n = 0;

    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        n += h->slots[i].active;
    }
    return n;
}

/* First so that its password opens nothing, then so that none can. */
COROUTINE_ONLY CONTROL_ONLY static bool co_erase(LuksVolume *v, unsigned slot,
                                                 Error **errp)
{
    size_t bytes = luks_material_bytes(&v->header);
    g_autofree uint8_t *random = g_malloc(bytes);
    LuksSlot *h = &v->header.slots[slot];

    h->active = false;
    h->iters = 0;
    memset(h->salt, 0, sizeof(h->salt));
    if (!written(co_put_header(v), errp)) {
        return false;
    }
    reactor_random(random, bytes);
    return written(co_put_material(v, slot, random), errp);
}

/* Which slots @password opens. */
COROUTINE_ONLY CONTROL_ONLY static bool co_find_slots(LuksVolume *v,
                                                      const char *password,
                                                      bool *found, unsigned *n,
                                                      Error **errp)
{
    uint8_t key[LUKS_MAX_KEY];

    *n = 0;
    for (unsigned slot = 0; slot < LUKS_SLOTS; slot++) {
        int ret = co_luks_find_key(v, password, &slot, key);

        if (ret < 0 && ret != -ENOKEY) {
            error_set_errno(errp, -ret, "Unable to read a keyslot");
            return false;
        }
        if (ret == 0) {
            found[slot] = true;
            (*n)++;
        }
    }
    explicit_bzero(key, sizeof(key));
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_erase_by_password(Amend *a,
                                                             Error **errp)
{
    char *password = secret_lookup_text(a->o->old_secret, errp);
    bool found[LUKS_SLOTS] = {false}, ok;
    unsigned n;

    if (!password) {
        return false;
    }
    ok = co_find_slots(a->v, password, found, &n, errp);
    secret_text_free(password);
    if (!ok) {
        return false;
    }
    if (!n) {
        error_set(errp,
                  "No keyslots match given (old) password for erase operation");
        return false;
    }
    if (n == count_active(&a->v->header) && !a->force) {
        error_set(errp,
                  "All the active keyslots match the (old) password that was "
                  "given and erasing them will erase all the data in the "
                  "image irreversibly - refusing operation");
        return false;
    }
    for (unsigned i = 0; ok && i < LUKS_SLOTS; i++) {
        ok = !found[i] || co_erase(a->v, i, errp);
    }
    return ok;
}

/* A password that is given, too, must be the slot's. */
COROUTINE_ONLY CONTROL_ONLY static bool co_erase_slot(Amend *a, Error **errp)
{
    const LuksHeader *h = &a->v->header;

    if (a->o->old_secret) {
        char *password = secret_lookup_text(a->o->old_secret, errp);
        uint8_t key[LUKS_MAX_KEY];
        unsigned slot = (unsigned)a->slot;
        int ret =
            password ? co_luks_find_key(a->v, password, &slot, key) : -EINVAL;

        explicit_bzero(key, sizeof(key));
        secret_text_free(password);
        if (!password) {
            return false;
        }
        if (ret < 0 || slot != (unsigned)a->slot) {
            error_set(errp,
                      "This keyslot contains different password than the one "
                      "given");
            return false;
        }
    }
    if (!h->slots[a->slot].active && !a->force) {
        error_set(errp, "Given keyslot %d is already erased (inactive) ",
                  a->slot);
        return false;
    }
    if (count_active(h) == 1 && !a->force) {
        error_set(errp,
                  "Attempt to erase the only active keyslot %d which will "
                  "erase all the data in the image irreversibly - refusing "
                  "operation",
                  a->slot);
        return false;
    }
    return co_erase(a->v, a->slot, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_deactivate(Amend *a, Error **errp)
{
    if (a->o->new_secret) {
        error_set(errp, "'new-secret' must not be given when erasing keyslots");
        return false;
    }
    if (a->o->secret) {
        error_set(errp, "'secret' must not be given when erasing keyslots");
        return false;
    }
    if (a->o->has_iter_time) {
        error_set(errp, "'iter-time' must not be given when erasing keyslots");
        return false;
    }
    if (a->slot >= 0) {
        return co_erase_slot(a, errp);
    }
    if (a->o->old_secret) {
        return co_erase_by_password(a, errp);
    }
    error_set(errp, "To erase keyslot(s), either explicit keyslot index or the "
                    "password currently contained in them must be given");
    return false;
}

bool co_luks_volume_amend(LuksVolume *v, const QCryptoBlockAmendOptionsLUKS *o,
                          bool force, Error **errp)
{
    Amend a = {.v = v, .o = o, .force = force};

    if (!take_slot(&a, errp)) {
        return false;
    }
    return o->state == Q_CRYPTO_BLOCK_LUKS_KEYSLOT_STATE_ACTIVE
               ? co_activate(&a, errp)
               : co_deactivate(&a, errp);
}

/* --- the driver's -------------------------------------------------------- */

bool co_luks_amend(Node *node, json_object *words, bool force,
                   void (*progress)(void *opaque, uint64_t done,
                                    uint64_t total),
                   void *opaque, Error **errp)
{
    LuksState *s = node->state;
    QCryptoBlockAmendOptionsLUKS *o =
        QCryptoBlockAmendOptionsLUKS_from_keyval(words, errp);
    bool ok = o && co_luks_volume_amend(&s->volume, o, force, errp);

    QCryptoBlockAmendOptionsLUKS_free(o);
    return ok;
}

bool co_luks_amend_options(Node *node, const BlockdevAmendOptions *options,
                           bool force, Error **errp)
{
    const BlockdevAmendOptionsLUKS *o = &options->u.luks;
    LuksState *s = node->state;
    QCryptoBlockAmendOptionsLUKS volume = {
        .state = o->state,
        .new_secret = o->new_secret,
        .old_secret = o->old_secret,
        .has_keyslot = o->has_keyslot,
        .keyslot = o->keyslot,
        .has_iter_time = o->has_iter_time,
        .iter_time = o->iter_time,
        .secret = o->secret,
    };

    if (node->read_only) {
        error_set(errp, "Block node is read-only");
        return false;
    }
    return co_luks_volume_amend(&s->volume, &volume, force, errp);
}
