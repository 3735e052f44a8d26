/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of an image: read, and checked before anything in it is used.
 * Extensions are header-ext.c; header-write.c writes both.
 *
 * Invariant: what the state holds of the header is within its limits; a field
 * that is not known is kept and written again as it was.
 */
#include "block/qcow2/header-int.h"

#include "qapi/qapi-types.h"

void qcow2_geometry(Qcow2State *s)
{
    s->cluster_bytes = UINT64_C(1) << s->cluster_bits;
    s->extended_l2 = s->incompatible & QCOW2_INCOMPAT_EXTL2;
    s->l2_entry_bytes = s->extended_l2 ? 16 : 8;
    s->l2_bits = s->cluster_bits - (s->extended_l2 ? 4 : 3);
    s->subcluster_bytes = s->extended_l2 ? s->cluster_bytes / QCOW2_SUBCLUSTERS
                                         : s->cluster_bytes;
    s->refblock_bits = s->cluster_bits + 3 - s->refcount_order;
    s->refcount_max = s->refcount_order == 6
                          ? INT64_MAX
                          : (UINT64_C(1) << (1u << s->refcount_order)) - 1;
}

void qcow2_header_free(Qcow2State *s)
{
    ListLink *link;

    while (s->extensions.next && (link = list_pop(&s->extensions))) {
        Qcow2Extension *ext = LIST_ENTRY(link, Qcow2Extension, link);

        g_free(ext->data);
        g_free(ext);
    }
    g_clear_pointer(&s->header_unknown, g_free);
    g_clear_pointer(&s->backing_file, g_free);
    g_clear_pointer(&s->backing_format, g_free);
    g_clear_pointer(&s->data_file_name, g_free);
    if (s->features) {
        g_array_free(s->features, TRUE);
        s->features = NULL;
    }
}

/* --- reading ------------------------------------------------------------- */

static int bad(Error **errp, const char *text)
{
    error_set(errp, "%s", text);
    return -EINVAL;
}

static int check_start(Qcow2State *s, const Qcow2Header *h, Error **errp)
{
    uint32_t bits = be32_get(h->v2.cluster_bits);

    if (be32_get(h->v2.magic) != QCOW2_MAGIC) {
        return bad(errp, "Image is not in qcow2 format");
    }
    s->version = be32_get(h->v2.version);
    if (s->version < 2 || s->version > 3) {
        error_set(errp, "Unsupported qcow2 version %u", s->version);
        return -ENOTSUP;
    }
    if (bits < QCOW2_MIN_CLUSTER_BITS || bits > QCOW2_MAX_CLUSTER_BITS) {
        error_set(errp, "Unsupported cluster size: 2^%u", bits);
        return -EINVAL;
    }
    s->cluster_bits = bits;
    s->cluster_bytes = UINT64_C(1) << bits;
    return 0;
}

static int take_features(Qcow2State *s, const Qcow2Header *h, Error **errp)
{
    if (s->version == 2) {
        s->header_bytes = sizeof(h->v2);
        s->refcount_order = 4;
        return 0;
    }
    s->header_bytes = be32_get(h->header_length);
    if (s->header_bytes < QCOW2_V3_MIN_HEADER_BYTES) {
        return bad(errp, "qcow2 header too short");
    }
    if (s->header_bytes > s->cluster_bytes) {
        return bad(errp, "qcow2 header exceeds cluster size");
    }
    s->incompatible = be64_get(h->incompatible_features);
    s->compatible = be64_get(h->compatible_features);
    s->autoclear = be64_get(h->autoclear_features);
    s->refcount_order = be32_get(h->refcount_order);
    if (s->header_bytes > offsetof(Qcow2Header, compression_type)) {
        s->compression = h->compression_type;
    }
    return 0;
}

static int check_features(Qcow2State *s, Error **errp)
{
    bool bit = s->incompatible & QCOW2_INCOMPAT_COMPRESSION;

    if (s->compression > QCOW2_COMPRESSION_ZSTD) {
        error_set(errp, "qcow2: unknown compression type: %u", s->compression);
        return -ENOTSUP;
    }
    if (bit != (s->compression != QCOW2_COMPRESSION_ZLIB)) {
        error_set(errp,
                  "qcow2: Compression type incompatible feature bit must %sbe "
                  "set",
                  bit ? "not " : "");
        return -EINVAL;
    }
    if (s->incompatible & ~(uint64_t)QCOW2_INCOMPAT_KNOWN) {
        qcow2_unknown_features(s, errp);
        return -ENOTSUP;
    }
    if ((s->incompatible & QCOW2_INCOMPAT_CORRUPT) && !s->node->read_only &&
        !format_opening_for_repair) {
        error_set(errp, "qcow2: Image is corrupt; cannot be opened "
                        "read/write");
        return -EACCES;
    }
    if (s->refcount_order > 6) {
        return bad(errp, "Reference count entry width too large; may not "
                         "exceed 64 bits");
    }
    if ((s->incompatible & QCOW2_INCOMPAT_EXTL2) && s->cluster_bits < 14) {
        error_set(errp, "Unsupported subcluster size: %u",
                  1u << (s->cluster_bits - 5));
        return -EINVAL;
    }
    return 0;
}

static int check_encryption(Qcow2State *s, const Qcow2Header *h, Error **errp)
{
    uint32_t method = be32_get(h->v2.crypt_method);

    if (method > QCOW2_CRYPT_LUKS) {
        error_set(errp, "Unsupported encryption method %d", (int32_t)method);
        return -EINVAL;
    }
    s->crypt_method = method;
    return 0;
}

static int check_crypt_header(const Qcow2State *s, Error **errp)
{
    if (s->crypt_method == QCOW2_CRYPT_LUKS && !s->crypt_bytes) {
        error_set(errp, "Missing CRYPTO header for crypt method %u",
                  s->crypt_method);
        return -EINVAL;
    }
    return 0;
}

static bool table_fits(const Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    return offset % s->cluster_bytes == 0 && offset < INT64_MAX - bytes;
}

const char *qcow2_snapshots_wrong(const Qcow2State *s)
{
    if (s->snapshots_found > QCOW2_MAX_SNAPSHOTS) {
        return "Snapshot table too large";
    }
    return table_fits(s, s->snapshots_offset, QCOW2_MAX_SNAPSHOT_TABLE_BYTES)
               ? NULL
               : "Snapshot table offset invalid";
}

static int take_tables(Qcow2State *s, const Qcow2Header *h, Error **errp)
{
    const char *wrong;
    uint64_t size = be64_get(h->v2.size), needed;

    qcow2_geometry(s);
    s->reftable_offset = be64_get(h->v2.refcount_table_offset);
    s->reftable_clusters = be32_get(h->v2.refcount_table_clusters);
    if (s->reftable_clusters == 0 && !format_opening_for_repair) {
        return bad(errp, "Image does not contain a reference count table");
    }
    if (s->reftable_clusters > QCOW2_MAX_REFTABLE_BYTES / s->cluster_bytes) {
        return bad(errp, "Reference count table too large");
    }
    if (!table_fits(s, s->reftable_offset,
                    s->reftable_clusters * s->cluster_bytes)) {
        return bad(errp, "Reference count table offset invalid");
    }
    s->snapshots_found = be32_get(h->v2.nb_snapshots);
    s->snapshots_offset = be64_get(h->v2.snapshots_offset);
    wrong = format_opening_for_repair ? NULL : qcow2_snapshots_wrong(s);
    if (wrong) {
        return bad(errp, wrong);
    }
    s->l1_size = be32_get(h->v2.l1_size);
    s->l1_offset = be64_get(h->v2.l1_table_offset);
    if (s->l1_size > QCOW2_MAX_L1_BYTES / 8) {
        return bad(errp, "Active L1 table too large");
    }
    if (size > UINT64_MAX - qcow2_table_reach(s)) {
        error_set(errp, "Could not refresh total sector count: %s",
                  g_strerror(EFBIG));
        return -EFBIG;
    }
    needed = DIV_ROUND_UP(size, qcow2_table_reach(s));
    if (needed > INT32_MAX) {
        return bad(errp, "Image is too big");
    }
    if (needed > s->l1_size) {
        return bad(errp, "L1 table is too small");
    }
    if (!table_fits(s, s->l1_offset, s->l1_size * UINT64_C(8))) {
        return bad(errp, "Active L1 table offset invalid");
    }
    s->disk_bytes = size;
    return 0;
}

/* Where extensions end: the backing file's name, or the cluster. */
static int extensions_end(Qcow2State *s, const Qcow2Header *h, uint64_t *end,
                          Error **errp)
{
    uint64_t backing = be64_get(h->v2.backing_file_offset);

    *end = s->cluster_bytes;
    if (backing) {
        if (backing > s->cluster_bytes) {
            return bad(errp, "Invalid backing file offset");
        }
        *end = MAX(backing, s->header_bytes);
    }
    return 0;
}

static int take_backing(Qcow2State *s, const Qcow2Header *h,
                        const uint8_t *cluster, Error **errp)
{
    uint64_t offset = be64_get(h->v2.backing_file_offset);
    uint32_t length = be32_get(h->v2.backing_file_size);

    if (!offset) {
        return 0;
    }
    if (length > MIN(QCOW2_MAX_BACKING_NAME, s->cluster_bytes - offset)) {
        return bad(errp, "Backing file name too long");
    }
    if (length && cluster[offset]) {
        s->backing_file = g_strndup((const char *)cluster + offset, length);
    }
    return 0;
}

static int take_header(Qcow2State *s, const uint8_t *cluster, Error **errp)
{
    const Qcow2Header *h = (const Qcow2Header *)cluster;
    uint64_t end;
    int ret;

    if ((ret = take_features(s, h, errp)) < 0 ||
        (ret = extensions_end(s, h, &end, errp)) < 0) {
        return ret;
    }
    if (s->header_bytes > sizeof(*h)) {
        s->header_unknown_bytes = s->header_bytes - sizeof(*h);
        s->header_unknown =
            g_memdup2(cluster + sizeof(*h), s->header_unknown_bytes);
    }
    /* The names of features first: a feature that is not known may change
     * what everything else means. */
    if (s->incompatible & ~(uint64_t)QCOW2_INCOMPAT_KNOWN) {
        qcow2_extensions_read(s, cluster, s->header_bytes, end, NULL);
        return check_features(s, errp);
    }
    if ((ret = check_features(s, errp)) < 0 ||
        (ret = check_encryption(s, h, errp)) < 0 ||
        (ret = take_tables(s, h, errp)) < 0 ||
        (ret = qcow2_extensions_read(s, cluster, s->header_bytes, end, errp)) <
            0 ||
        (ret = check_crypt_header(s, errp)) < 0) {
        return ret;
    }
    return take_backing(s, h, cluster, errp);
}

int co_qcow2_header_read(Qcow2State *s, Error **errp)
{
    Qcow2Header start;
    uint8_t *cluster;
    int ret;

    list_init(&s->extensions);
    s->features = g_array_new(FALSE, FALSE, sizeof(Qcow2Feature));
    ret = co_qcow2_file_read(s, 0, &start, sizeof(start));
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read qcow2 header");
        return ret;
    }
    ret = check_start(s, &start, errp);
    if (ret < 0) {
        return ret;
    }
    cluster = g_malloc0(s->cluster_bytes);
    ret = co_qcow2_file_read(s, 0, cluster, s->cluster_bytes);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read qcow2 header");
    } else {
        ret = take_header(s, cluster, errp);
    }
    g_free(cluster);
    return ret;
}
