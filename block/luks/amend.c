/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passwords that come and go. */
#include "block/luks/luks-int.h"

#include "objects/secret.h"

#define DEFAULT_ITER_MS 2000

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
    LuksState *s;
    const char *old_secret, *new_secret;
    bool force;
    int slot; /* -1: not given */
    uint64_t iter_ms;
} Amend;

static const char *word(json_object *words, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(words, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

static bool take_number(json_object *words, const char *name, uint64_t *number,
                        Error **errp)
{
    const char *text = word(words, name);

    if (text &&
        !g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, number, NULL)) {
        error_set(errp, "Parameter '%s' expects a number", name);
        return false;
    }
    return true;
}

static bool take_words(Amend *a, json_object *words, Error **errp)
{
    uint64_t slot = UINT64_MAX;

    a->old_secret = word(words, "old-secret");
    a->new_secret = word(words, "new-secret");
    a->iter_ms = DEFAULT_ITER_MS;
    if (!take_number(words, "keyslot", &slot, errp) ||
        !take_number(words, "iter-time", &a->iter_ms, errp)) {
        return false;
    }
    if (slot != UINT64_MAX && slot >= LUKS_SLOTS) {
        error_set(errp,
                  "Invalid keyslot %" PRIu64
                  " specified, must be between 0 and %d",
                  slot, LUKS_SLOTS - 1);
        return false;
    }
    a->slot = slot == UINT64_MAX ? -1 : (int)slot;
    a->iter_ms = MAX(a->iter_ms, 1);
    return true;
}

/* --- the file ------------------------------------------------------------ */

COROUTINE_ONLY
static int co_put(Edge *file, uint64_t at, uint8_t *buf, size_t bytes)
{
    Iov iov;
    int ret;

    iov_init_buf(&iov, buf, bytes);
    ret = co_edge_pwritev(file, at, bytes, &iov, 0, 0);
    iov_free(&iov);
    return ret == 0 ? co_edge_flush(file) : ret;
}

COROUTINE_ONLY
static int co_put_header(LuksState *s)
{
    uint8_t buf[LUKS_HEADER_BYTES];

    luks_header_write(&s->header, buf);
    return co_put(s->file, 0, buf, sizeof(buf));
}

COROUTINE_ONLY
static int co_put_material(LuksState *s, unsigned slot, uint8_t *material)
{
    return co_put(s->file,
                  (uint64_t)s->header.slots[slot].key_sector * LUKS_SECTOR,
                  material, luks_material_bytes(&s->header));
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
    const LuksSlot *slots = a->s->header.slots;
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

COROUTINE_ONLY CONTROL_ONLY static bool co_activate(Amend *a, Error **errp)
{
    LuksState *s = a->s;
    LuksHeader old = s->header;
    uint8_t *material;
    char *password;
    bool ok;

    if (!a->new_secret) {
        error_set(errp, "'new-secret' is required to activate a keyslot");
        return false;
    }
    if (a->old_secret) {
        error_set(errp,
                  "'old-secret' must not be given when activating keyslots");
        return false;
    }
    if (!choose_slot(a, errp) ||
        !(password = secret_lookup_text(a->new_secret, errp))) {
        return false;
    }
    material = co_luks_make_slot(&s->header, a->slot, password, a->iter_ms,
                                 s->key, errp);
    secret_text_free(password);
    ok = material && written(co_put_material(s, a->slot, material), errp) &&
         written(co_put_header(s), errp);
    g_free(material);
    if (!ok) {
        s->header = old;
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
COROUTINE_ONLY CONTROL_ONLY static bool co_erase(LuksState *s, unsigned slot,
                                                 Error **errp)
{
    size_t bytes = luks_material_bytes(&s->header);
    g_autofree uint8_t *random = g_malloc(bytes);
    LuksSlot *h = &s->header.slots[slot];

    h->active = false;
    h->iters = 0;
    memset(h->salt, 0, sizeof(h->salt));
    if (!written(co_put_header(s), errp)) {
        return false;
    }
    reactor_random(random, bytes);
    return written(co_put_material(s, slot, random), errp);
}

/* Which slots @password opens. */
COROUTINE_ONLY CONTROL_ONLY static bool co_find_slots(LuksState *s,
                                                      const char *password,
                                                      bool *found, unsigned *n,
                                                      Error **errp)
{
    uint8_t key[LUKS_MAX_KEY];

    *n = 0;
    for (unsigned slot = 0; slot < LUKS_SLOTS; slot++) {
        int ret = co_luks_unlock(s->file, &s->header, password, &slot, key);

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
    char *password = secret_lookup_text(a->old_secret, errp);
    bool found[LUKS_SLOTS] = {false}, ok;
    unsigned n;

    if (!password) {
        return false;
    }
    ok = co_find_slots(a->s, password, found, &n, errp);
    secret_text_free(password);
    if (!ok) {
        return false;
    }
    if (!n) {
        error_set(errp,
                  "No keyslots match given (old) password for erase operation");
        return false;
    }
    if (n == count_active(&a->s->header) && !a->force) {
        error_set(errp,
                  "All the active keyslots match the (old) password that was "
                  "given and erasing them will erase all the data in the "
                  "image irreversibly - refusing operation");
        return false;
    }
    for (unsigned i = 0; ok && i < LUKS_SLOTS; i++) {
        ok = !found[i] || co_erase(a->s, i, errp);
    }
    return ok;
}

/* A password that is given, too, must be the slot's. */
COROUTINE_ONLY CONTROL_ONLY static bool co_erase_slot(Amend *a, Error **errp)
{
    const LuksHeader *h = &a->s->header;

    if (a->old_secret) {
        char *password = secret_lookup_text(a->old_secret, errp);
        uint8_t key[LUKS_MAX_KEY];
        unsigned slot = (unsigned)a->slot;
        int ret = password ? co_luks_unlock(a->s->file, h, password, &slot, key)
                           : -EINVAL;

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
    return co_erase(a->s, a->slot, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_deactivate(Amend *a, Error **errp)
{
    if (a->new_secret) {
        error_set(errp, "'new-secret' must not be given when erasing keyslots");
        return false;
    }
    if (a->slot >= 0) {
        return co_erase_slot(a, errp);
    }
    if (a->old_secret) {
        return co_erase_by_password(a, errp);
    }
    error_set(errp, "To erase keyslot(s), either explicit keyslot index or the "
                    "password currently contained in them must be given");
    return false;
}

bool co_luks_amend(Node *node, json_object *words, bool force,
                   void (*progress)(void *opaque, uint64_t done,
                                    uint64_t total),
                   void *opaque, Error **errp)
{
    Amend a = {.s = node->state, .force = force};
    const char *text = word(words, "state");
    int state;

    if (!text) {
        error_set(errp, "Parameter 'state' is missing");
        return false;
    }
    state = qapi_enum_parse(&qapi_type_QCryptoBlockLUKSKeyslotState, text);
    if (state < 0) {
        error_set(errp, "Parameter 'state' does not accept value '%s'", text);
        return false;
    }
    if (!take_words(&a, words, errp)) {
        return false;
    }
    return state == Q_CRYPTO_BLOCK_LUKS_KEYSLOT_STATE_ACTIVE
               ? co_activate(&a, errp)
               : co_deactivate(&a, errp);
}
