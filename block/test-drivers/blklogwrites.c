/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blklogwrites: shows its file, and records all that changes it in a log, in
 * the format of the kernel's dm-log-writes
 * (Documentation/admin-guide/device-mapper/log-writes.rst): tools replay it up
 * to any point, to see what a crash there would leave.
 *
 *   sector 0     the super block: how many entries there are
 *   then, each   a sector that describes the entry, and its data
 *
 * Invariants:
 * 1. Entries stand one behind the other in the order in which they began.
 * 2. The super block on disk counts entries only that were written before it.
 */
#include "block/graph/query.h"
#include "block/io/io.h"
#include "block/test-drivers/blklogwrites-int.h"
#include "qapi/qapi-types.h"

extern const NodeDriver driver_blklogwrites;

#define DEFAULT_SECTOR 512
#define MAX_SECTOR (8 * MiB)
#define DEFAULT_INTERVAL 4096

/* --- opening ------------------------------------------------------------- */

static bool sector_ok(uint64_t bytes, Error **errp)
{
    if (bytes < 256 || bytes > MAX_SECTOR || !is_power_of_2(bytes)) {
        error_set(errp, "Invalid log sector size %" PRIu64, bytes);
        return false;
    }
    return true;
}

COROUTINE_ONLY
static int co_log_read(Edge *log, uint64_t offset_bytes, void *buf,
                       size_t bytes)
{
    uint64_t size = log->child->size_bytes;
    size_t inside = offset_bytes < size ? MIN(bytes, size - offset_bytes) : 0;
    Iov iov;
    int ret;

    memset((char *)buf + inside, 0, bytes - inside);
    iov_init_buf(&iov, buf, bytes);
    ret = co_edge_preadv(log, offset_bytes, inside, &iov, 0, 0);
    iov_free(&iov);
    return ret;
}

/* Goes over all entries: their lengths lead from one to the next. */
COROUTINE_ONLY
static int co_find_end(LogState *s)
{
    s->next = 1;
    for (uint64_t i = 0; i < s->entries; i++) {
        uint64_t at = s->next * s->sector;
        LogEntry entry;
        int ret;

        if (at >= s->log->child->size_bytes) {
            return -EINVAL;
        }
        ret = co_log_read(s->log, at, &entry, sizeof(entry));
        if (ret < 0) {
            return ret;
        }
        s->next++;
        if (!(le64_get(entry.flags) & LOG_DISCARD)) {
            if (le64_get(entry.sectors) > BLOCK_MAX_BYTES / s->sector) {
                return -EINVAL;
            }
            s->next += le64_get(entry.sectors);
        }
    }
    return 0;
}

COROUTINE_ONLY
static bool co_open_old_log(LogState *s, Error **errp)
{
    LogSuper super;
    int ret = co_log_read(s->log, 0, &super, sizeof(super));

    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read log superblock");
        return false;
    }
    if (le64_get(super.magic) != LOG_MAGIC) {
        error_set(errp, "Invalid log superblock magic");
        return false;
    }
    if (le64_get(super.version) != LOG_VERSION) {
        error_set(errp, "Unsupported log version %" PRIu64,
                  le64_get(super.version));
        return false;
    }
    if (!sector_ok(le32_get(super.sector_bytes), errp)) {
        return false;
    }
    s->sector = le32_get(super.sector_bytes);
    s->entries = le64_get(super.entries);
    ret = co_find_end(s);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not find the end of the log");
        return false;
    }
    return true;
}

static bool take_options(LogState *s, const BlockdevOptionsBlklogwrites *o,
                         Error **errp)
{
    s->sector = DEFAULT_SECTOR;
    s->interval = o->has_log_super_update_interval
                      ? o->log_super_update_interval
                      : DEFAULT_INTERVAL;
    s->next = 1;
    if (!s->interval) {
        error_set(errp, "Invalid log superblock update interval 0");
        return false;
    }
    if (!o->has_log_sector_size) {
        return true;
    }
    s->sector = o->log_sector_size;
    if (o->has_log_append && o->log_append) {
        error_set(errp,
                  "log-append and log-sector-size are mutually exclusive");
        return false;
    }
    return sector_ok(o->log_sector_size, errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_log_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsBlklogwrites *o = &options->u.blklogwrites;
    LogState *s = node->state;

    comutex_init(&s->super);
    comutex_init(&s->growing);
    if (!take_options(s, o, errp)) {
        return false;
    }
    s->file = co_node_open_child(node, o->file, "file",
                                 EDGE_FILTERED | EDGE_PRIMARY, errp);
    s->log = s->file
                 ? co_node_open_child(node, o->log, "log", EDGE_METADATA, errp)
                 : NULL;
    if (!s->log) {
        return false;
    }
    node->size_bytes = s->file->child->size_bytes;
    return !o->has_log_append || !o->log_append || co_open_old_log(s, errp);
}

static void log_refresh_limits(Node *node)
{
    const LogState *s = node->state;

    node->limits.request_align = s->sector;
}

COROUTINE_ONLY
static void co_log_close(Node *node)
{
    LogState *s = node->state;

    if (!node->read_only && s->entries) {
        co_log_write_super(s);
    }
}

/* --- requests ------------------------------------------------------------ */

/* What the caller padded beyond the disk's end. */
static uint64_t within(const Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    uint64_t size = node->size_bytes;

    return offset_bytes < size ? MIN(bytes, size - offset_bytes) : 0;
}

COROUTINE_ONLY
static int co_log_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                         Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const LogState *s = node->state;
    uint64_t inside = within(node, offset_bytes, bytes);

    iov_memset(iov, iov_offset + inside, 0, bytes - inside);
    return co_edge_preadv(s->file, offset_bytes, inside, iov, iov_offset,
                          flags);
}

COROUTINE_ONLY
static int co_log_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                          Iov *iov, size_t iov_offset, ReqFlags flags)
{
    LogState *s = node->state;
    int ret = co_edge_pwritev(s->file, offset_bytes,
                              within(node, offset_bytes, bytes), iov,
                              iov_offset, flags);

    return ret < 0
               ? ret
               : co_log_entry(s, offset_bytes, bytes,
                              flags & REQ_FUA ? LOG_FUA : 0, iov, iov_offset);
}

COROUTINE_ONLY
static int co_log_pwrite_zeroes(Node *node, uint64_t offset_bytes,
                                uint64_t bytes, ReqFlags flags)
{
    LogState *s = node->state;
    int ret = co_edge_pwrite_zeroes(s->file, offset_bytes,
                                    within(node, offset_bytes, bytes), flags);

    return ret < 0 ? ret
                   : co_log_entry(s, offset_bytes, bytes,
                                  flags & REQ_FUA ? LOG_FUA : 0, NULL, 0);
}

COROUTINE_ONLY CONTROL_ONLY static int
co_log_truncate(Node *node, uint64_t size_bytes, bool exact, Error **errp)
{
    const LogState *s = node->state;

    return co_edge_truncate_along(s->file, size_bytes, exact, errp);
}

COROUTINE_ONLY
static int co_log_pdiscard(Node *node, uint64_t offset_bytes, uint64_t bytes)
{
    LogState *s = node->state;
    int ret = co_edge_pdiscard(s->file, offset_bytes,
                               within(node, offset_bytes, bytes));

    return ret < 0 ? ret
                   : co_log_entry(s, offset_bytes, bytes, LOG_DISCARD, NULL, 0);
}

COROUTINE_ONLY
static int co_log_flush(Node *node)
{
    LogState *s = node->state;
    int ret = co_edge_flush(s->file);

    return ret < 0 ? ret : co_log_entry(s, 0, 0, LOG_FLUSH, NULL, 0);
}

COROUTINE_ONLY CONTROL_ONLY static int64_t co_log_allocated_bytes(Node *node)
{
    const LogState *s = node->state;

    return co_node_allocated_bytes(s->file->child);
}

static const char *const log_identity[] = {
    "log-append",
    "log-sector-size",
    NULL,
};

const NodeDriver driver_blklogwrites = {
    .name = "blklogwrites",
    .state_bytes = sizeof(LogState),
    .threading = NODE_HOMED,
    .is_filter = true,
    .shown_by_options = true,
    .identity_options = log_identity,
    .supports_fua = true,
    .flushes_children = true,
    .co_open = co_log_open,
    .co_close = co_log_close,
    .refresh_limits = log_refresh_limits,
    .co_preadv = co_log_preadv,
    .co_pwritev = co_log_pwritev,
    .co_pwrite_zeroes = co_log_pwrite_zeroes,
    .co_pdiscard = co_log_pdiscard,
    .co_flush = co_log_flush,
    .co_truncate = co_log_truncate,
    .co_allocated_bytes = co_log_allocated_bytes,
};
