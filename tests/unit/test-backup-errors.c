/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backup jobs when something fails: guests' copies, the job's own, and what
 * the error policies make of it. Whatever happens, a job that ends well has
 * copied all, and a bitmap forgets nothing that is not in the target.
 */
#include "backup-setup.h"
#include "qapi/qapi-commands.h"
#include "ram-node.h"

/* --- guests whose copy fails --------------------------------------------- */

typedef struct GuestWrite {
    Setup *s;
    uint64_t offset;
    bool done;
    int ret;
} GuestWrite;

static void co_guest_write(void *opaque)
{
    GuestWrite *w = opaque;

    w->ret = co_root_pwrite_zeroes(w->s->guest, w->offset, GRANULE, 0);
    w->done = true;
}

/* A guest's copy that fails behind the walker, when all else is copied, is
 * made up for: the backup is whole or it is no success. */
static void behind_walker_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    uint8_t *frozen;
    Setup s;
    GuestWrite write = {.s = &s, .offset = 7 * MiB};
    QmpBlockJobSetSpeedArgs no_limit = {.device = (char *)"j"};

    set_up(&s);
    frozen = g_memdup2(flaky_disk(s.source)->bytes, SIZE);
    flaky_disk(s.target)->hold_writes = true;
    flaky_disk(s.target)->bad_writes = (FlakyArea){7 * MiB, 64 * KiB, 1};
    /* The job begins at once: it is to come to that place after the guest. */
    args.has_speed = true;
    args.speed = 1;
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    coroutine_start(co_guest_write, &write);
    g_assert_true(qmp_block_job_set_speed(&no_limit, NULL));
    while (flaky_disk(s.source)->read_bytes < SIZE) {
        co_reschedule();
    }
    co_turns(50);
    g_assert_false(s.gone);
    flaky_disk_release(s.target);
    co_wait_gone(&s);
    g_assert_true(write.done);
    g_assert_cmpint(write.ret, ==, -EIO);
    g_assert_nonnull(strstr(s.events->str, "COMPLETED (8388608/8388608)"));
    g_assert_null(strstr(s.events->str, "ERROR"));
    g_assert_cmpmem(flaky_disk(s.target)->bytes, SIZE, frozen, SIZE);
    g_free(frozen);
    co_tear_down(&s);
}

/* A job that fails settles the bitmap only when no guest's copy is in flight
 * any more: this one fails after the job did, and is still to do. */
static void in_flight_at_failure_body(void)
{
    BlockdevBackup args = backup_args(BMP);
    BackupPerf perf = {.has_max_workers = true, .max_workers = 1};
    Setup s;
    GuestWrite write = {.s = &s, .offset = 7 * MiB};
    QmpBlockJobSetSpeedArgs no_limit = {.device = (char *)"j"};

    set_up(&s);
    args.x_perf = &perf;
    args.bitmap = (char *)"b";
    args.has_bitmap_mode = true;
    args.bitmap_mode = ALWAYS;
    /* The job begins at once: it is to fail after the guest has written. */
    args.has_speed = true;
    args.speed = 1;
    flaky_disk(s.source)->bad_reads = (FlakyArea){1 * MiB, 64 * KiB, 1};
    flaky_disk(s.target)->bad_writes = (FlakyArea){7 * MiB, 64 * KiB, 1};
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    co_turns(20);
    flaky_disk(s.target)->hold_writes = true;
    coroutine_start(co_guest_write, &write);
    g_assert_true(qmp_block_job_set_speed(&no_limit, NULL));
    co_turns(100);
    g_assert_false(s.gone || write.done);
    flaky_disk_release(s.target);
    co_wait_gone(&s);
    g_assert_true(write.done);
    g_assert_nonnull(strstr(s.events->str, "ERROR (read report)"));
    assert_dirty(s.bitmap, "1024+64 2048+64 3072+64 4096+64 5120+64 "
                           "6144+64 7168+64");
    co_tear_down(&s);
}

/* --- error policies ------------------------------------------------------- */

/* Stops at the error, and goes on with what is left when the user says so. */
static void stop_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    uint8_t *frozen;
    Setup s;

    set_up(&s);
    frozen = g_memdup2(flaky_disk(s.source)->bytes, SIZE);
    flaky_disk(s.source)->bad_reads = (FlakyArea){3 * MiB, 64 * KiB, 1};
    flaky_disk(s.target)->bad_writes = (FlakyArea){5 * MiB, 64 * KiB, 1};
    args.has_on_source_error = args.has_on_target_error = true;
    args.on_source_error = args.on_target_error = BLOCKDEV_ON_ERROR_STOP;
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    for (unsigned i = 0; i < 2 && !s.gone; i++) {
        co_wait_event(&s, "stop) paused ");
        g_string_append(s.events, "| ");
        /* Only the newest pause counts next time. */
        g_assert_null(strstr(s.events->str, "COMPLETED"));
        *strstr(s.events->str, "stop)") = 'S';
        co_resume();
    }
    co_wait_gone(&s);
    g_assert_nonnull(strstr(s.events->str, "COMPLETED (8388608/8388608)"));
    g_assert_cmpmem(flaky_disk(s.target)->bytes, SIZE, frozen, SIZE);
    g_free(frozen);
    co_tear_down(&s);
}

/* Tries again until it works; a clean end means that nothing is missing. */
static void ignore_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    uint8_t *frozen;
    Setup s;

    set_up(&s);
    frozen = g_memdup2(flaky_disk(s.source)->bytes, SIZE);
    flaky_disk(s.target)->bad_writes = (FlakyArea){5 * MiB, 64 * KiB, 2};
    args.has_on_target_error = true;
    args.on_target_error = BLOCKDEV_ON_ERROR_IGNORE;
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    co_wait_gone(&s);
    g_assert_cmpstr(s.events->str, ==,
                    "created running paused running BLOCK_JOB_ERROR (write "
                    "ignore) BLOCK_JOB_ERROR (write ignore) waiting pending "
                    "BLOCK_JOB_COMPLETED (8388608/8388608) concluded null ");
    g_assert_cmpmem(flaky_disk(s.target)->bytes, SIZE, frozen, SIZE);
    g_free(frozen);
    co_tear_down(&s);
}

/* enospc stops for that error only, each side has its own policy. */
static void enospc_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    Setup s;

    set_up(&s);
    flaky_disk(s.target)->bad_writes = (FlakyArea){5 * MiB, 64 * KiB, 1};
    args.has_on_source_error = args.has_on_target_error = true;
    args.on_source_error = BLOCKDEV_ON_ERROR_IGNORE;
    args.on_target_error = BLOCKDEV_ON_ERROR_ENOSPC;
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    co_wait_gone(&s);
    g_assert_nonnull(strstr(s.events->str, "(write report) aborting"));
    co_tear_down(&s);
}

/* sync=none: nothing but what the guest overwrites, until it is cancelled. */
static void none_body(void)
{
    BlockdevBackup args = backup_args(BACKUP_SYNC_MODE_NONE);
    FlakyDisk *target;
    Setup s;

    set_up(&s);
    target = flaky_disk(s.target);
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, MiB, GRANULE, 0), ==, 0);
    co_turns(50);
    g_assert_cmpuint(target->written_bytes, ==, 64 * KiB);
    g_assert_cmpint(target->bytes[MiB], ==, 'A');
    g_assert_cmpint(target->bytes[MiB + 64 * KiB - 1], ==, 'A');
    g_assert_true(buffer_is_zero(target->bytes, MiB));
    co_cancel();
    co_wait_gone(&s);
    g_assert_cmpstr(s.events->str, ==,
                    "created running paused running aborting "
                    "BLOCK_JOB_CANCELLED (65536/8388608) concluded null ");
    co_tear_down(&s);
}

#define TEST(body)                     \
    static void test_##body(void)      \
    {                                  \
        run_in_coroutine(body##_body); \
    }
TEST(behind_walker)
TEST(in_flight_at_failure)
TEST(stop)
TEST(ignore)
TEST(enospc)
TEST(none)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backup-errors/behind-walker", test_behind_walker);
    g_test_add_func("/backup-errors/in-flight-at-failure",
                    test_in_flight_at_failure);
    g_test_add_func("/backup-errors/stop", test_stop);
    g_test_add_func("/backup-errors/ignore", test_ignore);
    g_test_add_func("/backup-errors/enospc", test_enospc);
    g_test_add_func("/backup-errors/none", test_none);
    return g_test_run();
}
