/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing what an image is: version, width of counts, lazy refcounts, the
 * names of other files.
 *
 * Invariants: all is checked before anything changes; nothing else is in
 * flight. Each step leaves a whole image.
 */
#include "block/qcow2/check-int.h"
#include "block/qcow2/crypt.h"
#include "block/qcow2/downgrade.h"

#include <string.h>

#include "qapi/qapi-types.h"
#include "util/opts.h"

typedef struct Amend {
    Qcow2State *s;
    unsigned version, refcount_order;
    bool lazy, data_file_raw;
    const char *data_file, *size;
    QCryptoBlockAmendOptionsLUKS *encrypt; /* NULL: stays */
    bool force;
    Qcow2Progress progress;
} Amend;

/* --- checks -------------------------------------------------------------- */

static bool bad(Error **errp, const char *text)
{
    error_set(errp, "%s", text);
    return false;
}

static bool on(const char *word, bool *value, const char *name, Error **errp)
{
    int parsed = opts_bool_value(word);

    *value = parsed > 0;
    if (parsed < 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", name);
        return false;
    }
    return true;
}

static bool take_word(Amend *a, const char *name, const char *word,
                      Error **errp)
{
    if (g_str_has_prefix(name, "encrypt.")) {
        return true; /* those are taken together */
    }
    if (!strcmp(name, "compat")) {
        bool v2 = !strcmp(word, "0.10") || !strcmp(word, "v2");

        if (!v2 && strcmp(word, "1.1") && strcmp(word, "v3")) {
            error_set(errp, "Unknown compatibility level %s", word);
            return false;
        }
        a->version = v2 ? 2 : 3;
    } else if (!strcmp(name, "refcount_bits")) {
        uint64_t bits = g_ascii_strtoull(word, NULL, 10);

        if (!is_power_of_2(bits) || bits > 64) {
            return bad(errp, "Refcount width must be a power of two and may "
                             "not exceed 64 bits");
        }
        a->refcount_order = __builtin_ctzll(bits);
    } else if (!strcmp(name, "lazy_refcounts")) {
        return on(word, &a->lazy, name, errp);
    } else if (!strcmp(name, "data_file_raw")) {
        return on(word, &a->data_file_raw, name, errp);
    } else if (!strcmp(name, "backing_file") || !strcmp(name, "backing_fmt")) {
        bad(errp, "Cannot amend the backing file");
        error_append_hint(errp, "You can use 'qemu-img rebase' instead.\n");
        return false;
    } else if (!strcmp(name, "data_file")) {
        a->data_file = word;
    } else if (!strcmp(name, "size")) {
        a->size = word;
    } else {
        error_set(errp, "Invalid parameter '%s'", name);
        error_append_hint(errp, "This option is only supported for image "
                                "creation\n");
        return false;
    }
    return true;
}

/* There, a snapshot is as large as the disk, and its state of a machine is
 * less than 4 GiB. */
static bool snapshots_fit_v2(const Qcow2State *s)
{
    for (unsigned i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        if (sn->vm_state_bytes > UINT32_MAX ||
            sn->disk_bytes != s->disk_bytes) {
            return false;
        }
    }
    return true;
}

static bool check_downgrade(const Qcow2State *s, Error **errp)
{
    uint64_t others = s->incompatible & ~(uint64_t)(QCOW2_INCOMPAT_DIRTY |
                                                    QCOW2_INCOMPAT_COMPRESSION);

    if (s->has_data_file) {
        return bad(errp, "Cannot downgrade an image with a data file");
    }
    if (!snapshots_fit_v2(s)) {
        return bad(errp, "Internal snapshots prevent downgrade of image");
    }
    if (others) {
        error_set(errp,
                  "Cannot downgrade an image with incompatible features "
                  "0x%" PRIx64 " set",
                  others);
        return false;
    }
    if (s->autoclear & QCOW2_AUTOCLEAR_BITMAPS) {
        return bad(errp, "Cannot downgrade an image with bitmaps");
    }
    return true;
}

static bool check_words(const Amend *a, Error **errp)
{
    const Qcow2State *s = a->s;

    if (a->data_file && !s->has_data_file) {
        return bad(errp, "data-file can only be set for images that use an "
                         "external data file");
    }
    if (a->data_file_raw && !s->data_file_raw) {
        return bad(errp, "data-file-raw cannot be set on existing images");
    }
    if (a->version < 3 && a->refcount_order != 4 &&
        a->refcount_order != s->refcount_order) {
        return bad(errp, "Refcount widths other than 16 bits require "
                         "compatibility level 1.1 or above (use compat=1.1 "
                         "or greater)");
    }
    if (a->version < 3 && a->lazy &&
        !(s->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS)) {
        return bad(errp, "Lazy refcounts only supported with compatibility "
                         "level 1.1 and above (use compat=1.1 or greater)");
    }
    if (a->version < 3 && a->refcount_order != 4) {
        return bad(errp, "compat=0.10 requires refcount_bits=16");
    }
    return a->version >= s->version || check_downgrade(s, errp);
}

/* Data that version 2 has no word for would be lost. */
COROUTINE_ONLY
static bool co_check_compression(const Amend *a, Error **errp)
{
    int ret = a->version < a->s->version &&
                      a->s->compression != QCOW2_COMPRESSION_ZLIB
                  ? co_qcow2_find_compressed(a->s)
                  : 0;

    if (ret > 0) {
        return bad(errp, "Cannot downgrade an image with zstd compression "
                         "type and existing compressed clusters");
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not look for compressed clusters");
    }
    return ret == 0;
}

/* --- steps --------------------------------------------------------------- */

static void tell_steps(Amend *a, uint64_t steps)
{
    for (uint64_t i = 0; i < steps; i++) {
        qcow2_progress_before_step(&a->progress);
    }
    if (a->progress.done == a->progress.total) {
        qcow2_progress_tell(&a->progress);
    }
}

COROUTINE_ONLY
static int co_set_version(Amend *a)
{
    Qcow2State *s = a->s;
    unsigned old = s->version, version = a->version;
    int ret = version < old ? co_qcow2_expand_zeroes(s, &a->progress) : 0;

    if (ret == 0) {
        s->version = version;
        if (version < 3) {
            s->compatible = s->incompatible = s->autoclear = 0;
            s->compression = QCOW2_COMPRESSION_ZLIB;
        }
        ret = co_qcow2_header_write(s);
        if (ret < 0) {
            s->version = old;
        }
    }
    return ret;
}

/* To a newer version. */
COROUTINE_ONLY
static int co_upgrade(Amend *a)
{
    int ret;

    qcow2_progress_begin(&a->progress, 2);
    qcow2_progress_before_step(&a->progress);
    ret = co_set_version(a);
    tell_steps(a, 1);
    qcow2_progress_end(&a->progress);
    return ret;
}

/* All counts anew in the other width. */
COROUTINE_ONLY
static int co_set_width(Amend *a, Error **errp)
{
    Qcow2State *s = a->s;
    FormatCheck out = {.fix = 0};
    Qcow2Check c = {.s = s, .out = &out};
    unsigned old = s->refcount_order, order = a->refcount_order;
    uint32_t entries = s->reftable_entries;
    int ret = co_qcow2_settle(s);

    if (ret < 0) {
        return ret;
    }
    qcow2_progress_begin(&a->progress, 3 * (uint64_t)entries);
    ret = co_qcow2_check_count_all(&c);
    tell_steps(a, entries);
    if (ret == 0 && (out.corruptions || out.check_errors || c.needs_rebuild)) {
        error_set(errp, "The image has errors; repair it first");
        ret = -EIO;
    }
    if (ret == 0) {
        ret = co_qcow2_check_rebuild_as(&c, order);
        if (ret == -EOVERFLOW) {
            error_set(errp,
                      "Cannot decrease refcount entry width to %u bits: "
                      "Cluster at offset 0x%" PRIx64
                      " has a refcount of %" PRIu64,
                      1u << order, c.too_much << s->cluster_bits,
                      qcow2_check_count(&c, c.too_much));
            ret = -EINVAL;
        }
    }
    if (ret < 0) {
        s->refcount_order = old;
        qcow2_geometry(s);
    }
    qcow2_check_refs_free(&c);
    if (ret == 0) {
        tell_steps(a, 2 * entries);
    }
    qcow2_progress_end(&a->progress);
    return ret;
}

COROUTINE_ONLY
static int co_set_names(const Amend *a, Error **errp)
{
    Qcow2State *s = a->s;

    if (a->lazy) {
        s->compatible |= QCOW2_COMPAT_LAZY_REFCOUNTS;
    } else {
        s->lazy = false;
        s->compatible &= ~(uint64_t)QCOW2_COMPAT_LAZY_REFCOUNTS;
    }
    if (!a->data_file_raw) {
        s->data_file_raw = false;
        s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_DATA_FILE_RAW;
    }
    if (a->data_file) {
        g_free(s->data_file_name);
        s->data_file_name = *a->data_file ? g_strdup(a->data_file) : NULL;
    }
    return co_qcow2_header_write(s);
}

COROUTINE_ONLY CONTROL_ONLY static int co_amend_steps(Amend *a, Error **errp)
{
    Qcow2State *s = a->s;
    uint64_t size = a->size ? g_ascii_strtoull(a->size, NULL, 10) : 0;
    int ret = 0;

    if (a->encrypt && !co_qcow2_crypt_amend(s, a->encrypt, a->force, errp)) {
        return -EINVAL;
    }
    if (a->version > s->version) {
        ret = co_upgrade(a);
    }
    if (ret == 0 && a->refcount_order != s->refcount_order) {
        ret = co_set_width(a, errp);
    }
    if (ret == 0) {
        ret = co_set_names(a, errp);
    }
    if (ret == 0 && a->version < s->version) {
        ret = co_set_version(a);
    }
    if (ret == 0 && size) { /* 0 is as if nothing was asked for */
        ret = co_qcow2_resize(s->node, size, false, FORMAT_PREALLOC_OFF, errp);
        if (ret == 0) {
            node_size_changed(s->node, ROUND_UP(size, 512));
        }
    }
    return ret == 0 ? co_edge_flush(s->file) : ret;
}

bool co_qcow2_amend(Node *node, struct json_object *words, bool force,
                    void (*progress)(void *opaque, uint64_t done,
                                     uint64_t total),
                    void *opaque, Error **errp)
{
    Qcow2State *s = qcow2_state(node);
    Amend a = {
        .s = s,
        .version = s->version,
        .refcount_order = s->refcount_order,
        .lazy = s->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS,
        .data_file_raw = s->data_file_raw,
        .force = force,
        .progress = {.tell = progress, .opaque = opaque},
    };
    Error *err = NULL;
    int ret;

    json_object_object_foreach(words, key, value)
    {
        if (!take_word(&a, key, json_object_get_string(value), errp)) {
            return false;
        }
    }
    if (!check_words(&a, errp) || !co_check_compression(&a, errp) ||
        !qcow2_crypt_amend_words(s, words, &a.encrypt, errp)) {
        return false;
    }
    a.lazy &= a.version >= 3; /* it goes with the version */
    a.progress.operations =
        (a.version != s->version) + (a.refcount_order != s->refcount_order);
    ret = co_amend_steps(&a, &err);
    QCryptoBlockAmendOptionsLUKS_free(a.encrypt);
    if (ret < 0 && !err) {
        error_set_errno(&err, -ret, "Failed to amend the image");
    }
    error_propagate(errp, err);
    return ret == 0;
}

bool co_qcow2_amend_options(Node *node, const BlockdevAmendOptions *options,
                            bool force, Error **errp)
{
    const QCryptoBlockAmendOptions *encrypt = options->u.qcow2.encrypt;
    Qcow2State *s = qcow2_state(node);

    if (!encrypt) {
        return true;
    }
    if (!s->crypt) {
        return bad(errp, "image is not encrypted, can't amend");
    }
    if (encrypt->format != QCRYPTO_BLOCK_FORMAT_LUKS) {
        return bad(errp, "Amend can't be used to change the qcow2 encryption "
                         "format");
    }
    if (s->crypt_method != QCOW2_CRYPT_LUKS) {
        return bad(errp, "Only LUKS encryption options can be amended for "
                         "qcow2 with blockdev-amend");
    }
    if (node->read_only) {
        return bad(errp, "Block node is read-only");
    }
    return co_qcow2_crypt_amend(s, &encrypt->u.luks, force, errp);
}
