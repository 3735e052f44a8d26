/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making images: the smallest one is written by hand (header, refcount table,
 * one block), opened, and then resized to what was asked for.
 *
 * Invariant: all options are checked before the file is touched.
 */
#include "block/qcow2/create-int.h"
#include "block/qcow2/crypt.h"

#include "block/file/file-create.h"
#include "block/graph/loose-options.h"
#include "block/graph/root.h"

/* --- the smallest image -------------------------------------------------- */

static void seed_state(Qcow2State *s, const BlockdevCreateOptionsQcow2 *o,
                       const char *data_file)
{
    bool zstd = o->has_compression_type &&
                o->compression_type == QCOW2_COMPRESSION_TYPE_ZSTD;

    list_init(&s->extensions);
    s->version =
        o->has_version && o->version == BLOCKDEV_QCOW2_VERSION_V2 ? 2 : 3;
    s->cluster_bits =
        __builtin_ctzll(o->has_cluster_size ? o->cluster_size : 65536);
    s->refcount_order =
        __builtin_ctzll(o->has_refcount_bits ? o->refcount_bits : 16);
    if (o->has_extended_l2 && o->extended_l2) {
        s->incompatible |= QCOW2_INCOMPAT_EXTL2;
    }
    if (zstd) {
        s->incompatible |= QCOW2_INCOMPAT_COMPRESSION;
        s->compression = QCOW2_COMPRESSION_ZSTD;
    }
    if (o->has_lazy_refcounts && o->lazy_refcounts) {
        s->compatible |= QCOW2_COMPAT_LAZY_REFCOUNTS;
    }
    if (data_file) {
        s->incompatible |= QCOW2_INCOMPAT_DATA_FILE;
        s->has_data_file = true;
        s->data_file_name = g_strdup(data_file);
        if (o->has_data_file_raw && o->data_file_raw) {
            s->autoclear |= QCOW2_AUTOCLEAR_DATA_FILE_RAW;
        }
    }
    if (o->backing_file) {
        s->backing_file = g_strdup(o->backing_file);
        s->backing_format = o->has_backing_fmt
                                ? g_strdup(BlockdevDriver_str(o->backing_fmt))
                                : NULL;
    }
    qcow2_geometry(s);
    s->reftable_offset = s->cluster_bytes;
    s->reftable_clusters = 1;
}

/* Three clusters: the header, the refcount table, the first block. */
static uint8_t *seed_image(const BlockdevCreateOptionsQcow2 *o,
                           const char *data_file, size_t *bytes, Error **errp)
{
    Qcow2State s = {0};
    uint8_t *image;

    seed_state(&s, o, data_file);
    *bytes = 3 * s.cluster_bytes;
    image = g_malloc0(*bytes);
    if (qcow2_header_build(&s, image) < 0) {
        if (o->backing_file) {
            qcow2_cannot_assign(o, ENOSPC, errp);
        } else {
            error_set(errp, "The header does not fit into the first cluster");
        }
        g_clear_pointer(&image, g_free);
    } else {
        *(Be64 *)(image + s.cluster_bytes) = be64(2 * s.cluster_bytes);
        for (unsigned i = 0; i < 3; i++) {
            qcow2_refcount_write(&s, image + 2 * s.cluster_bytes, i, 1);
        }
    }
    qcow2_header_free(&s);
    return image;
}

/* --- nodes --------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static Node *co_open_ref(const BlockdevRef *ref,
                                                     Error **errp)
{
    Node *node;

    if (ref->kind == BLOCKDEV_REF_KIND_DEFINITION) {
        return co_node_open(ref->u.definition, errp);
    }
    node = node_lookup(ref->u.reference, ref->u.reference, errp);
    if (node) {
        node_ref(node);
    }
    return node;
}

/* A root that may do everything; it holds the node. */
CONTROL_ONLY
static Root *co_hold(Node *node, Error **errp)
{
    Root *root = root_new("root", NULL, NULL);

    if (root_attach(root, node, PERM_CONSISTENT_READ | PERM_WRITE | PERM_RESIZE,
                    PERM_ALL, errp)) {
        return root;
    }
    root_free(root);
    return NULL;
}

/* Images are made by commands that hold the graph lock, too. */
COROUTINE_ONLY CONTROL_ONLY static bool co_lock_unless_mine(void)
{
    bool lock = !graph_locked_by_me();

    if (lock) {
        co_graph_lock();
    }
    return lock;
}

CONTROL_ONLY
static void unlock_if(bool locked)
{
    if (locked) {
        graph_unlock();
    }
}

COROUTINE_ONLY CONTROL_ONLY static Root *co_hold_ref(const BlockdevRef *ref,
                                                     Error **errp)
{
    bool locked = co_lock_unless_mine();
    Root *root = NULL;
    Node *node;

    node = co_open_ref(ref, errp);
    if (node) {
        root = co_hold(node, errp);
        co_node_unref(node);
    }
    unlock_if(locked);
    return root;
}

COROUTINE_ONLY CONTROL_ONLY static void co_let_go(Root *root)
{
    if (root) {
        bool locked = co_lock_unless_mine();

        co_root_detach(root);
        unlock_if(locked);
        root_free(root);
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_write_seed(Root *root, const uint8_t *image, size_t bytes, Error **errp)
{
    Error *err = NULL;
    int ret = co_root_truncate(root, 0, false, &err);

    if (ret == 0) {
        ret = co_root_truncate(root, bytes, false, &err);
    } else if (ret == -ENOTSUP && root_size_bytes(root) >= bytes) {
        /* A device: it is as long as it is. */
        error_free(err);
        err = NULL;
        ret = 0;
    }
    if (ret == 0) {
        ret = co_root_pwrite(root, 0, bytes, image, 0);
        if (ret < 0) {
            error_set_errno(&err, -ret, "Could not write qcow2 header");
        }
    }
    error_propagate(errp, err);
    return ret == 0;
}

/* The node @root holds, by reference, as part of options. */
static BlockdevRef by_name(Root *root)
{
    return (BlockdevRef){
        .kind = BLOCKDEV_REF_KIND_REFERENCE,
        .u.reference = root_node(root)->name,
    };
}

/* It stays, but whoever opens the image may do as it likes. */
COROUTINE_ONLY CONTROL_ONLY static bool co_loosen(Root *root, Error **errp)
{
    bool ok = true;

    if (root) {
        bool locked = co_lock_unless_mine();

        ok = root_set_perms(root, 0, PERM_ALL, errp);
        unlock_if(locked);
    }
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static Root *
co_hold_image(Root *file, Root *data_file, Error **errp)
{
    BlockdevRef file_ref = by_name(file), data_ref;
    BlockdevRefOrNull none = {.kind = BLOCKDEV_REF_OR_NULL_KIND_NULL};
    BlockdevOptions options = {
        .driver = BLOCKDEV_DRIVER_QCOW2,
        .u.qcow2 = {.file = &file_ref, .backing = &none},
    };
    BlockdevRef image = {
        .kind = BLOCKDEV_REF_KIND_DEFINITION,
        .u.definition = &options,
    };

    if (data_file) {
        data_ref = by_name(data_file);
        options.u.qcow2.data_file = &data_ref;
    }
    return co_hold_ref(&image, errp);
}

static FormatPreallocation preallocation(const BlockdevCreateOptionsQcow2 *o)
{
    static const FormatPreallocation modes[] = {
        [PREALLOC_MODE_OFF] = FORMAT_PREALLOC_OFF,
        [PREALLOC_MODE_METADATA] = FORMAT_PREALLOC_METADATA,
        [PREALLOC_MODE_FALLOC] = FORMAT_PREALLOC_FALLOC,
        [PREALLOC_MODE_FULL] = FORMAT_PREALLOC_FULL,
    };
    bool raw = o->has_data_file_raw && o->data_file_raw;

    if (o->has_preallocation && o->preallocation != PREALLOC_MODE_OFF) {
        return modes[o->preallocation];
    }
    /* A data file that is a raw image shows all of itself. */
    return raw ? FORMAT_PREALLOC_METADATA : FORMAT_PREALLOC_OFF;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_grow(Qcow2State *s, const BlockdevCreateOptionsQcow2 *o, Error **errp)
{
    if (co_qcow2_resize(s->node, o->size, true, preallocation(o), errp) < 0) {
        error_prepend(errp, "Could not resize image: ");
        return false;
    }
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_fill_image(Root *file, Root *data_file, const BlockdevCreateOptionsQcow2 *o,
              Error **errp)
{
    Root *image = co_hold_image(file, data_file, errp);
    Qcow2State *s;
    bool ok;

    if (!image) {
        return false;
    }
    co_root_enter(image);
    s = qcow2_state(root_node(image));
    s->crypt_soon = o->encrypt != NULL;
    ok = co_grow(s, o, errp) &&
         (!o->encrypt || co_qcow2_crypt_create(s, o->encrypt, errp));
    if (ok) {
        int ret = co_node_flush(root_node(image));

        if (ret < 0) {
            error_set_errno(errp, -ret, "Could not flush the new image");
            ok = false;
        }
    }
    root_leave(image);
    co_let_go(image);
    return ok;
}

bool co_qcow2_create(const BlockdevCreateOptions *options, Error **errp)
{
    const BlockdevCreateOptionsQcow2 *o = &options->u.qcow2;
    Root *file = NULL, *data_file = NULL;
    uint8_t *image = NULL;
    const char *name = NULL;
    size_t bytes;
    bool ok = qcow2_create_check(o, false, errp) &&
              (file = co_hold_ref(o->file, errp));

    if (ok && o->data_file) {
        data_file = co_hold_ref(o->data_file, errp);
        ok = data_file != NULL;
        name = ok ? root_node(data_file)->filename : NULL;
    }
    if (ok) {
        image = seed_image(o, name, &bytes, errp);
        ok = image && co_write_seed(file, image, bytes, errp) &&
             co_loosen(file, errp) && co_loosen(data_file, errp) &&
             co_fill_image(file, data_file, o, errp);
    }
    g_free(image);
    co_let_go(data_file);
    co_let_go(file);
    return ok;
}

/* Other storage is used as it is. */
COROUTINE_ONLY
static bool co_create_data_file(const BlockdevRef *ref, Error **errp)
{
    const BlockdevOptions *o = ref ? ref->u.definition : NULL;

    return !o || o->driver != BLOCKDEV_DRIVER_FILE ||
           co_file_create(o->u.file.filename, 0, FILE_PREALLOC_OFF, errp) == 0;
}

bool co_qcow2_create_file(const char *filename, struct json_object *words,
                          Error **errp)
{
    json_object *file = loose_options_of_filename(filename, errp);
    BlockdevCreateOptions *options;
    bool ok;

    if (!file) {
        return false;
    }
    options = qcow2_create_words(words, file, errp);
    if (!options) {
        return false;
    }
    if (options->u.qcow2.size <= INT64_MAX - 511) {
        options->u.qcow2.size = ROUND_UP(options->u.qcow2.size, 512);
    }
    ok = qcow2_create_check(&options->u.qcow2, true, errp);
    ok = ok && co_create_data_file(options->u.qcow2.data_file, errp) &&
         co_qcow2_create(options, errp);
    BlockdevCreateOptions_free(options);
    return ok;
}
