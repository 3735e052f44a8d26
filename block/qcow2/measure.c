/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much an image will take: all tables of a disk that is full, and the
 * data that there is.
 */
#include "block/qcow2/bitmap-int.h"
#include "block/qcow2/create-int.h"
#include "block/qcow2/crypt.h"

extern const NodeDriver driver_qcow2;

/* Blocks and table for @clusters others, and for themselves. */
static uint64_t refcount_bytes(const Qcow2State *s, uint64_t clusters)
{
    uint64_t per_block = UINT64_C(1) << s->refblock_bits;
    uint64_t per_table = s->cluster_bytes / 8, blocks = 0, table = 0, before;

    do {
        before = blocks + table;
        blocks = DIV_ROUND_UP(clusters + table + blocks, per_block);
        table = DIV_ROUND_UP(blocks, per_table);
    } while (blocks + table != before);
    return (blocks + table) * s->cluster_bytes;
}

static uint64_t table_bytes(const Qcow2State *s, uint64_t disk_bytes)
{
    uint64_t entries = disk_bytes / s->cluster_bytes;
    uint64_t l2 =
        ROUND_UP(entries, UINT64_C(1) << s->l2_bits) * s->l2_entry_bytes;
    uint64_t l1 = ROUND_UP(l2 / s->cluster_bytes * 8, s->cluster_bytes);
    uint64_t bytes = s->cluster_bytes + l2 + l1;

    return bytes + refcount_bytes(s, (bytes + disk_bytes) / s->cluster_bytes);
}

/* Clusters of @source that will hold data. */
COROUTINE_ONLY
static int co_data_bytes(Node *source, const Qcow2State *s, uint64_t *data)
{
    uint64_t size = source->size_bytes, counted = 0;

    *data = 0;
    for (uint64_t at = 0; at < size;) {
        BlockStatus status;
        unsigned depth;
        uint64_t from, to;
        int ret = co_node_block_status_above(source, NULL, true, at, size - at,
                                             &status, &depth);

        if (ret < 0) {
            return ret;
        }
        if ((status.flags & STATUS_DATA) && !(status.flags & STATUS_ZERO)) {
            from = MAX(ROUND_DOWN(at, s->cluster_bytes), counted);
            to = ROUND_UP(at + status.bytes, s->cluster_bytes);
            *data += to > from ? to - from : 0;
            counted = MAX(counted, to);
        }
        at += status.bytes;
    }
    return 0;
}

/* As QEMU has it only LUKS takes room; nothing is said of other words. */
static bool is_luks(json_object *words)
{
    json_object *format;

    return json_object_object_get_ex(words, "encrypt.format", &format) &&
           !strcmp(json_object_get_string(format), "luks");
}

static void drop_encryption(json_object *words)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    json_object_object_foreach(words, name, value)
    {
        (void)value;
        if (g_str_has_prefix(name, "encrypt")) {
            g_ptr_array_add(names, g_strdup(name));
        }
    }
    for (guint i = 0; i < names->len; i++) {
        json_object_object_del(words, names->pdata[i]);
    }
    g_ptr_array_unref(names);
}

/* What takes no space is not looked at, whatever it is. */
static void drop_idle(json_object *words)
{
    static const char *const names[] = {"lazy_refcounts", "data_file",
                                        "data_file_raw", "compression_type",
                                        "backing_fmt"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        json_object_object_del(words, names[i]);
    }
}

/* As QEMU has it: the newer names of versions are for creation only. */
static bool check_words(json_object *words, Error **errp)
{
    json_object *word;

    if (json_object_object_get_ex(words, "compat", &word) &&
        strcmp(json_object_get_string(word), "0.10") &&
        strcmp(json_object_get_string(word), "1.1")) {
        error_set(errp, "Invalid compatibility level: '%s'",
                  json_object_get_string(word));
        return false;
    }
    if (json_object_object_get_ex(words, "preallocation", &word) &&
        qapi_enum_parse(&qapi_type_PreallocMode, json_object_get_string(word)) <
            0) {
        error_set(errp, "invalid parameter value: %s",
                  json_object_get_string(word));
        return false;
    }
    return true;
}

bool co_qcow2_measure(struct json_object *words, Node *source,
                      FormatMeasure *measure, Error **errp)
{
    json_object *file;
    BlockdevCreateOptions *options;
    BlockdevCreateOptionsQcow2 *o;
    Qcow2State s = {0};
    uint64_t disk, data = 0;
    size_t header = 0;
    int ret = 0;
    bool v2;

    if (!check_words(words, errp)) {
        return false;
    }
    if (!is_luks(words)) {
        drop_encryption(words);
    }
    drop_idle(words);
    file = json_object_new_object();
    json_object_object_add(file, "driver", json_object_new_string("null-co"));
    options = qcow2_create_words(words, file, errp);
    if (!options) {
        return false;
    }
    o = &options->u.qcow2;
    o->size = ROUND_UP(o->size, 512);
    v2 = o->has_version && o->version == BLOCKDEV_QCOW2_VERSION_V2;
    if (!qcow2_measure_check(o, errp) ||
        (o->encrypt && !qcow2_crypt_check(o->encrypt, &header, errp))) {
        BlockdevCreateOptions_free(options);
        return false;
    }
    s.cluster_bits =
        __builtin_ctzll(o->has_cluster_size ? o->cluster_size : 65536);
    s.refcount_order =
        __builtin_ctzll(o->has_refcount_bits ? o->refcount_bits : 16);
    s.incompatible =
        o->has_extended_l2 && o->extended_l2 ? QCOW2_INCOMPAT_EXTL2 : 0;
    qcow2_geometry(&s);
    disk = ROUND_UP(o->size, s.cluster_bytes);
    if ((source && o->backing_file) ||
        (o->has_preallocation && (o->preallocation == PREALLOC_MODE_FULL ||
                                  o->preallocation == PREALLOC_MODE_FALLOC))) {
        data = disk; /* what is behind it may show anything */
    } else if (source) {
        ret = co_data_bytes(source, &s, &data);
    }
    BlockdevCreateOptions_free(options);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Unable to get block status");
        return false;
    }
    measure->fully_allocated_bytes =
        table_bytes(&s, disk) + ROUND_UP(header, s.cluster_bytes) + disk;
    measure->required_bytes = measure->fully_allocated_bytes - disk + data;
    measure->has_bitmaps = source && source->driver == &driver_qcow2 && !v2 &&
                           qcow2_state(source)->version >= 3;
    measure->bitmaps_bytes =
        measure->has_bitmaps ? qcow2_bitmaps_measure(&s, source) : 0;
    return true;
}
