/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of a backup: which combinations make sense. The order of the
 * checks and their texts are QEMU's, where QEMU has them; what this version
 * does not offer comes last and is named.
 */
#include "block/job/backup.h"

#include "block/copy/block-copy.h"
#include "block/graph/device.h"
#include "block/graph/format.h"

#include <limits.h>

static bool is_by_bitmap(const BlockdevBackup *args)
{
    return args->sync == BACKUP_SYNC_MODE_INCREMENTAL ||
           args->sync == BACKUP_SYNC_MODE_BITMAP;
}

static bool check_incremental_mode(const BlockdevBackup *args,
                                   BitmapSyncMode *mode, Error **errp)
{
    if (args->sync != BACKUP_SYNC_MODE_INCREMENTAL) {
        return true;
    }
    if (args->has_bitmap_mode &&
        args->bitmap_mode != BITMAP_SYNC_MODE_ON_SUCCESS) {
        error_set(errp,
                  "Bitmap sync mode must be '%s' when using sync mode "
                  "'%s'",
                  BitmapSyncMode_str(BITMAP_SYNC_MODE_ON_SUCCESS),
                  BackupSyncMode_str(args->sync));
        return false;
    }
    *mode = BITMAP_SYNC_MODE_ON_SUCCESS;
    return true;
}

static bool check_bitmap_use(const BlockdevBackup *args, BitmapSyncMode mode,
                             Error **errp)
{
    if (args->sync == BACKUP_SYNC_MODE_NONE) {
        error_set(errp,
                  "sync mode '%s' does not produce meaningful bitmap "
                  "outputs",
                  BackupSyncMode_str(args->sync));
        return false;
    }
    if (!is_by_bitmap(args) && mode == BITMAP_SYNC_MODE_NEVER) {
        error_set(errp,
                  "Bitmap sync mode '%s' has no meaningful effect when "
                  "combined with sync mode '%s'",
                  BitmapSyncMode_str(mode), BackupSyncMode_str(args->sync));
        return false;
    }
    return true;
}

static bool find_bitmap(const BlockdevBackup *args, BackupParams *p,
                        Error **errp)
{
    p->bitmap = bitmap_find(p->source, args->bitmap);
    if (!p->bitmap) {
        error_set(errp, "Bitmap '%s' could not be found", args->bitmap);
        return false;
    }
    if (!args->has_bitmap_mode && args->sync != BACKUP_SYNC_MODE_INCREMENTAL) {
        error_set(errp,
                  "Bitmap sync mode must be given when providing a bitmap");
        return false;
    }
    return true;
}

static bool check_bitmap(const BlockdevBackup *args, BackupParams *p,
                         Error **errp)
{
    p->bitmap_mode = args->bitmap_mode;
    if (is_by_bitmap(args) && !args->bitmap) {
        error_set(errp, "must provide a valid bitmap name for '%s' sync mode",
                  BackupSyncMode_str(args->sync));
        return false;
    }
    if (!check_incremental_mode(args, &p->bitmap_mode, errp)) {
        return false;
    }
    if (!args->bitmap) {
        if (args->has_bitmap_mode) {
            error_set(errp, "Cannot specify bitmap sync mode without a bitmap");
        }
        return !args->has_bitmap_mode;
    }
    return find_bitmap(args, p, errp) &&
           check_bitmap_use(args, p->bitmap_mode, errp);
}

/* A bitmap that nothing is cleared in may be read-only. */
static bool check_bitmap_state(const BackupParams *p, Error **errp)
{
    return !p->bitmap || bitmap_check(p->bitmap,
                                      p->bitmap_mode == BITMAP_SYNC_MODE_NEVER
                                          ? BITMAP_CHECK_ALLOW_RO
                                          : BITMAP_CHECK_DEFAULT,
                                      errp);
}

static bool can_compress(Node *target)
{
    const FormatOps *format = node_skip_filters(target)->driver->format;

    return format && format->co_pwritev_compressed;
}

CONTROL_ONLY
static bool check_nodes(const BackupParams *p, Error **errp)
{
    if (p->source == p->target) {
        error_set(errp, "Source and target cannot be the same");
        return false;
    }
    if (p->compress && !can_compress(p->target)) {
        error_set(errp, "Compression is not supported for this drive %s",
                  node_device_name(p->target));
        return false;
    }
    return node_op_allowed(p->source, NODE_OP_BACKUP_SOURCE, errp) &&
           node_op_allowed(p->target, NODE_OP_BACKUP_TARGET, errp);
}

static bool check_perf(const BackupPerf *perf, BackupParams *p, Error **errp)
{
    p->max_workers = BACKUP_MAX_WORKERS;
    if (!perf) {
        return true;
    }
    if (perf->has_max_workers) {
        if (perf->max_workers < 1 || perf->max_workers > INT_MAX) {
            error_set(errp, "max-workers must be between 1 and %d", INT_MAX);
            return false;
        }
        p->max_workers = perf->max_workers;
    }
    if (perf->has_max_chunk) {
        if (perf->max_chunk < 0) {
            error_set(errp, "max-chunk must be zero (which means no limit) or "
                            "positive");
            return false;
        }
        p->max_chunk_bytes = perf->max_chunk;
    }
    if (perf->has_min_cluster_size) {
        if (!is_power_of_2(perf->min_cluster_size) ||
            perf->min_cluster_size > BLOCK_COPY_MEMORY_BYTES) {
            error_set(errp,
                      "min-cluster-size needs to be a power of 2, %llu at "
                      "most",
                      (unsigned long long)BLOCK_COPY_MEMORY_BYTES);
            return false;
        }
        p->min_cluster_bytes = perf->min_cluster_size;
    }
    return true;
}

static bool check_size(const BackupParams *p, Error **errp)
{
    if (p->source->size_bytes != p->target->size_bytes) {
        error_set(errp, "Source and target image have different sizes");
        return false;
    }
    return true;
}

static BlockdevOnError on_error(bool given, BlockdevOnError value)
{
    return given ? value : BLOCKDEV_ON_ERROR_REPORT;
}

bool backup_check(const BlockdevBackup *args, BackupParams *p, Error **errp)
{
    *p = (BackupParams){
        .job_id = args->job_id ? args->job_id : "",
        .filter_name = args->filter_node_name,
        .everything = !is_by_bitmap(args),
        .only_guests = args->sync == BACKUP_SYNC_MODE_NONE,
        .on_source_error =
            on_error(args->has_on_source_error, args->on_source_error),
        .on_target_error =
            on_error(args->has_on_target_error, args->on_target_error),
        .compress = args->has_compress && args->compress,
        .discard_source = args->has_discard_source && args->discard_source,
        .break_snapshot = args->has_on_cbw_error &&
                          args->on_cbw_error == ON_CBW_ERROR_BREAK_SNAPSHOT,
        .has_speed = args->has_speed,
        .speed = args->speed,
        .manual_finalize = args->has_auto_finalize && !args->auto_finalize,
        .manual_dismiss = args->has_auto_dismiss && !args->auto_dismiss,
    };
    p->source = node_lookup(args->device, args->device, errp);
    if (!p->source) {
        return false;
    }
    if (!args->job_id) {
        p->job_id = node_device_name(p->source);
    }
    p->top_only = args->sync == BACKUP_SYNC_MODE_TOP;
    p->target = node_lookup(args->target, args->target, errp);
    if (!p->target) {
        return false;
    }
    return check_bitmap(args, p, errp) && check_nodes(p, errp) &&
           check_perf(args->x_perf, p, errp) && check_bitmap_state(p, errp) &&
           check_size(p, errp);
}
