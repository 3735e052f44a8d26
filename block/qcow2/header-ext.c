/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Header extensions: the names of other files and of features are taken
 * apart, everything else is kept byte by byte and written again.
 */
#include "block/qcow2/header-int.h"

static const struct {
    uint8_t type, bit;
    const char *name;
} feature_names[] = {
    {0, 0, "dirty bit"},
    {0, 1, "corrupt bit"},
    {0, 2, "external data file"},
    {0, 3, "compression type"},
    {0, 4, "extended L2 entries"},
    {1, 0, "lazy refcounts"},
    {2, 0, "bitmaps"},
    {2, 1, "raw external data"},
};

Qcow2Extension *qcow2_extension_find(Qcow2State *s, uint32_t type)
{
    LIST_FOREACH(ext, &s->extensions, Qcow2Extension, link) {
        if (ext->type == type) {
            return ext;
        }
    }
    return NULL;
}

static void extension_add(Qcow2State *s, uint32_t type, const void *data,
                          uint32_t length)
{
    Qcow2Extension *ext = g_new0(Qcow2Extension, 1);

    ext->type = type;
    ext->length = length;
    ext->data = g_memdup2(data, length);
    list_append(&s->extensions, &ext->link);
}

void qcow2_extension_set(Qcow2State *s, uint32_t type, const void *data,
                         uint32_t length)
{
    Qcow2Extension *ext = qcow2_extension_find(s, type);

    if (!ext && length) {
        extension_add(s, type, data, length);
    } else if (ext) {
        g_free(ext->data);
        ext->data = g_memdup2(data, length);
        ext->length = length;
        if (!length) {
            list_remove(&ext->link);
            g_free(ext);
        }
    }
}

/* --- reading ------------------------------------------------------------- */

static void take_feature_table(Qcow2State *s, const uint8_t *data,
                               uint32_t length)
{
    g_array_set_size(s->features, 0);
    g_array_append_vals(s->features, data, length / sizeof(Qcow2Feature));
}

static int take_crypt_header(Qcow2State *s, const uint8_t *data,
                             uint32_t length, Error **errp)
{
    Qcow2CryptHeader h;

    if (s->crypt_method != QCOW2_CRYPT_LUKS) {
        error_set(errp, "CRYPTO header extension only expected with LUKS "
                        "encryption method");
        return -EINVAL;
    }
    if (length != sizeof(h)) {
        error_set(errp,
                  "CRYPTO header extension size %u, but expected size %zu",
                  length, sizeof(h));
        return -EINVAL;
    }
    memcpy(&h, data, sizeof(h));
    s->crypt_offset = be64_get(h.offset);
    s->crypt_bytes = be64_get(h.bytes);
    if (s->crypt_offset % s->cluster_bytes) {
        error_set(errp,
                  "Encryption header offset '%" PRIu64
                  "' is not a multiple of cluster size '%" PRIu64 "'",
                  s->crypt_offset, s->cluster_bytes);
        return -EINVAL;
    }
    return 0;
}

static int take_extension(Qcow2State *s, uint32_t type, const uint8_t *data,
                          uint32_t length, Error **errp)
{
    switch (type) {
    case (uint32_t)QCOW2_EXT_BACKING_FORMAT:
        if (length >= 16) {
            error_set(errp,
                      "ERROR: ext_backing_format: len=%u too large (>=16)",
                      length);
            return -EINVAL;
        }
        g_free(s->backing_format);
        s->backing_format = g_strndup((const char *)data, length);
        return 0;
    case QCOW2_EXT_DATA_FILE:
        g_free(s->data_file_name);
        s->data_file_name = g_strndup((const char *)data, length);
        return 0;
    case QCOW2_EXT_CRYPTO:
        return take_crypt_header(s, data, length, errp);
    case QCOW2_EXT_FEATURE_TABLE:
        take_feature_table(s, data, length);
        return 0;
    default:
        if (!qcow2_extension_find(s, type)) {
            extension_add(s, type, data, length);
        }
        return 0;
    }
}

int qcow2_extensions_read(Qcow2State *s, const uint8_t *cluster, uint64_t start,
                          uint64_t end, Error **errp)
{
    uint64_t at = start;

    while (at < end) {
        Qcow2ExtensionHead head;
        uint32_t type, length;
        int ret;

        if (end - at < sizeof(head)) {
            error_set(errp, "Header extension too large");
            return -EINVAL;
        }
        memcpy(&head, cluster + at, sizeof(head));
        at += sizeof(head);
        type = be32_get(head.type);
        length = be32_get(head.length);
        /* The end has a length as all have. */
        if (length > end - at) {
            error_set(errp, "Header extension too large");
            return -EINVAL;
        }
        if (type == QCOW2_EXT_END) {
            return 0;
        }
        ret = take_extension(s, type, cluster + at, length, errp);
        if (ret < 0) {
            return ret;
        }
        at += ROUND_UP((uint64_t)length, 8);
    }
    return 0;
}

void qcow2_unknown_features(const Qcow2State *s, Error **errp)
{
    uint64_t unknown = s->incompatible & ~(uint64_t)QCOW2_INCOMPAT_KNOWN;
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < s->features->len; i++) {
        const Qcow2Feature *f = &g_array_index(s->features, Qcow2Feature, i);

        if (f->type == 0 && f->bit < 64 && (unknown & UINT64_C(1) << f->bit)) {
            g_string_append_printf(text, "%s%.46s", text->len ? ", " : "",
                                   f->name);
            unknown &= ~(UINT64_C(1) << f->bit);
        }
    }
    if (unknown) {
        g_string_append_printf(text, "%sUnknown incompatible feature: %" PRIx64,
                               text->len ? ", " : "", unknown);
    }
    error_set(errp, "Unsupported qcow2 feature(s): %s", text->str);
    g_string_free(text, TRUE);
}

/* --- writing ------------------------------------------------------------- */

typedef struct Writer {
    uint8_t *cluster;
    uint64_t at, end;
    bool full;
} Writer;

static void put(Writer *w, uint32_t type, const void *data, uint32_t length)
{
    Qcow2ExtensionHead head = {be32(type), be32(length)};

    if (w->full || w->end - w->at < sizeof(head) ||
        ROUND_UP((uint64_t)length, 8) > w->end - w->at - sizeof(head)) {
        w->full = true;
        return;
    }
    memcpy(w->cluster + w->at, &head, sizeof(head));
    w->at += sizeof(head);
    if (length) {
        memcpy(w->cluster + w->at, data, length);
    }
    w->at += ROUND_UP((uint64_t)length, 8);
}

static void put_features(Writer *w)
{
    Qcow2Feature table[ARRAY_SIZE(feature_names)];

    memset(table, 0, sizeof(table));
    for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
        table[i].type = feature_names[i].type;
        table[i].bit = feature_names[i].bit;
        memcpy(table[i].name, feature_names[i].name,
               strlen(feature_names[i].name));
    }
    put(w, QCOW2_EXT_FEATURE_TABLE, table, sizeof(table));
}

int64_t qcow2_extensions_write(const Qcow2State *s, uint8_t *cluster,
                               uint64_t start, bool features)
{
    Writer w = {cluster, start, s->cluster_bytes, false};

    if (s->backing_format) {
        put(&w, QCOW2_EXT_BACKING_FORMAT, s->backing_format,
            strlen(s->backing_format));
    }
    if (s->has_data_file && s->data_file_name) {
        put(&w, QCOW2_EXT_DATA_FILE, s->data_file_name,
            strlen(s->data_file_name));
    }
    if (s->crypt_method == QCOW2_CRYPT_LUKS) {
        Qcow2CryptHeader h = {be64(s->crypt_offset), be64(s->crypt_bytes)};

        put(&w, QCOW2_EXT_CRYPTO, &h, sizeof(h));
    }
    /* As QEMU, not in small clusters, where the name of a backing image may
     * need the room. */
    if (s->version >= 3 && features && s->cluster_bytes > 4 * KiB) {
        put_features(&w);
    }
    LIST_FOREACH(ext, &s->extensions, Qcow2Extension, link) {
        put(&w, ext->type, ext->data, ext->length);
    }
    put(&w, QCOW2_EXT_END, NULL, 0);
    return w.full ? -ENOSPC : (int64_t)w.at;
}
