/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with options of a new image, before anything is touched. */
#include "block/qcow2/create-int.h"
#include "block/qcow2/crypt.h"

/* The largest disk that QEMU has; larger ones than what the rest here bears are
 * too large for the tables of any image anyway. */
#define SIZE_MAX_BYTES (INT64_MAX - (1 * GiB) + 1)

static bool bad(Error **errp, const char *text)
{
    error_set(errp, "%s", text);
    return false;
}

static bool check_version(const BlockdevCreateOptionsQcow2 *o, Error **errp)
{
    bool v2 = o->has_version && o->version == BLOCKDEV_QCOW2_VERSION_V2;

    if (v2 && o->has_extended_l2 && o->extended_l2) {
        return bad(errp, "Extended L2 entries are only supported with "
                         "compatibility level 1.1 and above (use version=v3 "
                         "or greater)");
    }
    if (v2 && o->has_lazy_refcounts && o->lazy_refcounts) {
        return bad(errp, "Lazy refcounts only supported with compatibility "
                         "level 1.1 and above (use version=v3 or greater)");
    }
    if (v2 && o->has_refcount_bits && o->refcount_bits != 16) {
        return bad(errp, "Different refcount widths than 16 bits require "
                         "compatibility level 1.1 or above (use version=v3 or "
                         "greater)");
    }
    if (v2 && o->data_file) {
        return bad(errp, "External data files are only supported with "
                         "compatibility level 1.1 and above (use version=v3 "
                         "or greater)");
    }
    if (v2 && o->has_compression_type &&
        o->compression_type != QCOW2_COMPRESSION_TYPE_ZLIB) {
        return bad(errp, "Non-zlib compression type is only supported with "
                         "compatibility level 1.1 and above (use version=v3 "
                         "or greater)");
    }
    return true;
}

static bool check_sizes(const BlockdevCreateOptionsQcow2 *o, Error **errp)
{
    uint64_t cluster = o->has_cluster_size ? o->cluster_size : 65536;
    bool extended = o->has_extended_l2 && o->extended_l2;

    if (o->size % 512) {
        return bad(errp, "Image size must be a multiple of 512 bytes");
    }
    if (!is_power_of_2(cluster) || cluster < 512 || cluster > 2 * MiB) {
        return bad(errp, "Cluster size must be a power of two between 512 and "
                         "2048k");
    }
    if (extended && cluster < 512 * QCOW2_SUBCLUSTERS) {
        error_set(errp,
                  "Extended L2 entries are only supported with cluster sizes "
                  "of at least %u bytes",
                  512 * QCOW2_SUBCLUSTERS);
        return false;
    }
    if (o->has_refcount_bits &&
        (o->refcount_bits < 1 || o->refcount_bits > 64 ||
         !is_power_of_2(o->refcount_bits))) {
        return bad(errp, "Refcount width must be a power of two and may not "
                         "exceed 64 bits");
    }
    return true;
}

static bool too_large(const BlockdevCreateOptionsQcow2 *o)
{
    uint64_t cluster = o->has_cluster_size ? o->cluster_size : 65536;
    bool extended = o->has_extended_l2 && o->extended_l2;

    return o->size >
           cluster * (cluster / (extended ? 16 : 8)) * (QCOW2_MAX_L1_BYTES / 8);
}

static bool say_too_large(Error **errp)
{
    return bad(errp, "The image size is too large for file format 'qcow2' (try "
                     "using a larger cluster size)");
}

/* @tool: as QEMU's tool tells it, else as its command does. */
static bool check_fits(const BlockdevCreateOptionsQcow2 *o, bool tool,
                       Error **errp)
{
    if (o->size > INT64_MAX) {
        return bad(errp, "Could not resize image: Image size cannot be "
                         "negative");
    }
    if (o->size > SIZE_MAX_BYTES) {
        error_set(errp,
                  "Could not resize image: offset(%" PRIu64
                  ") exceeds maximum(%" PRIu64 ")",
                  o->size, (uint64_t)SIZE_MAX_BYTES);
        return false;
    }
    if (too_large(o) && tool) {
        return say_too_large(errp);
    }
    if (too_large(o)) {
        return bad(errp, "Could not resize image: Failed to grow the L1 "
                         "table: File too large");
    }
    return true;
}

bool qcow2_cannot_assign(const BlockdevCreateOptionsQcow2 *o, int os_errno,
                         Error **errp)
{
    error_set_errno(
        errp, os_errno, "Could not assign backing file '%s' with format '%s'",
        o->backing_file,
        o->has_backing_fmt ? BlockdevDriver_str(o->backing_fmt) : "(null)");
    return false;
}

static bool check_combinations(const BlockdevCreateOptionsQcow2 *o,
                               Error **errp)
{
    bool extended = o->has_extended_l2 && o->extended_l2;
    bool raw = o->has_data_file_raw && o->data_file_raw;

    if (o->has_preallocation && o->preallocation != PREALLOC_MODE_OFF &&
        o->backing_file && !extended) {
        return bad(errp, "Backing file and preallocation can only be used at "
                         "the same time if extended_l2 is on");
    }
    if (o->has_backing_fmt && !o->backing_file) {
        return bad(errp, "Backing format cannot be used without backing file");
    }
    if (raw && !o->data_file) {
        return bad(errp, "data-file-raw requires data-file");
    }
    if (raw && o->backing_file) {
        return bad(errp, "Backing file and data-file-raw cannot be used at the "
                         "same time");
    }
    if (o->backing_file && strlen(o->backing_file) > QCOW2_MAX_BACKING_NAME) {
        return qcow2_cannot_assign(o, EINVAL, errp);
    }
    return true;
}

bool qcow2_measure_check(const BlockdevCreateOptionsQcow2 *o, Error **errp)
{
    if (!check_sizes(o, errp)) {
        return false;
    }
    if (o->size > BLOCK_MAX_BYTES || too_large(o)) {
        return bad(errp, "The image size is too large (try using a larger "
                         "cluster size)");
    }
    if (o->has_version && o->version == BLOCKDEV_QCOW2_VERSION_V2 &&
        o->has_refcount_bits && o->refcount_bits != 16) {
        return bad(errp, "Different refcount widths than 16 bits require "
                         "compatibility level 1.1 or above (use compat=1.1 or "
                         "greater)");
    }
    return true;
}

bool qcow2_create_check(const BlockdevCreateOptionsQcow2 *o, bool tool,
                        Error **errp)
{
    size_t bytes;

    return check_sizes(o, errp) && check_version(o, errp) &&
           check_combinations(o, errp) && check_fits(o, tool, errp) &&
           (!o->encrypt || qcow2_crypt_check(o->encrypt, &bytes, errp));
}
