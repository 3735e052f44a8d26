/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backup jobs: what becomes of the user's bitmap in every mode and with every
 * outcome (the expected results were measured with QEMU 7.2), events, errors,
 * undo, and the point in time with a guest that writes meanwhile.
 */
#include "backup-setup.h"
#include "block/graph/action.h"
#include "block/graph/quiesce.h"
#include "block/job/verbs.h"
#include "qapi/qapi-commands.h"
#include "ram-node.h"

extern const TransactionHandler txn_handler_blockdev_backup;

/* --- what becomes of the bitmap ------------------------------------------ */

#define LEFT_FROM_3M "3072+64 4096+64 5120+64 6144+64 7168+64"

enum { OK, BAD_READ, BAD_WRITE, BAD_FLUSH, CANCEL_PENDING, CANCEL_RUNNING };

typedef struct ModeCase {
    BackupSyncMode sync;
    BitmapSyncMode mode;
    unsigned outcome;
    const char *expected;
    const char *result; /* in the last event: offset and len in bytes */
} ModeCase;

static const ModeCase mode_cases[] = {
    {INC, ON_SUCCESS, OK, "", "(524288/524288)"},
    {INC, ON_SUCCESS, BAD_READ, AS_BEFORE, "(196608/524288)"},
    {INC, ON_SUCCESS, BAD_WRITE, AS_BEFORE, "(196608/524288)"},
    {INC, ON_SUCCESS, BAD_FLUSH, AS_BEFORE, "(524288/524288)"},
    {INC, ON_SUCCESS, CANCEL_PENDING, AS_BEFORE, "(524288/524288)"},
    {INC, ON_SUCCESS, CANCEL_RUNNING, AS_BEFORE, "(65536/524288)"},
    {BMP, ON_SUCCESS, OK, "", "(524288/524288)"},
    {BMP, ON_SUCCESS, BAD_WRITE, AS_BEFORE, "(196608/524288)"},
    {BMP, ON_SUCCESS, CANCEL_PENDING, AS_BEFORE, "(524288/524288)"},
    {BMP, ON_SUCCESS, CANCEL_RUNNING, AS_BEFORE, "(65536/524288)"},
    {BMP, NEVER, OK, AS_BEFORE, "(524288/524288)"},
    {BMP, NEVER, BAD_READ, AS_BEFORE, "(196608/524288)"},
    {BMP, NEVER, CANCEL_PENDING, AS_BEFORE, "(524288/524288)"},
    {BMP, NEVER, CANCEL_RUNNING, AS_BEFORE, "(65536/524288)"},
    {BMP, ALWAYS, OK, "", "(524288/524288)"},
    {BMP, ALWAYS, BAD_READ, LEFT_FROM_3M, "(196608/524288)"},
    {BMP, ALWAYS, BAD_WRITE, LEFT_FROM_3M, "(196608/524288)"},
    {BMP, ALWAYS, CANCEL_PENDING, "", "(524288/524288)"},
    {BMP, ALWAYS, CANCEL_RUNNING,
     "1024+64 2048+64 3072+64 4096+64 5120+64 6144+64 7168+64",
     "(65536/524288)"},
    {FULL, ON_SUCCESS, OK, "", "(8388608/8388608)"},
    {FULL, ON_SUCCESS, BAD_WRITE, AS_BEFORE, "(3145728/8388608)"},
    {FULL, ON_SUCCESS, CANCEL_PENDING, AS_BEFORE, "(8388608/8388608)"},
    {FULL, ALWAYS, OK, "", "(8388608/8388608)"},
    {FULL, ALWAYS, BAD_READ, "3072+5120", "(3145728/8388608)"},
    {FULL, ALWAYS, BAD_WRITE, "3072+5120", "(3145728/8388608)"},
    {FULL, ALWAYS, CANCEL_PENDING, "", "(8388608/8388608)"},
    {FULL, ALWAYS, CANCEL_RUNNING, "1024+7168", "(1048576/8388608)"},
};

static void cause(Setup *s, unsigned outcome)
{
    FlakyArea area = {3 * MiB, 64 * KiB, 1};

    switch (outcome) {
    case BAD_READ:
        flaky_disk(s->source)->bad_reads = area;
        break;
    case BAD_WRITE:
        flaky_disk(s->target)->bad_writes = area;
        break;
    case BAD_FLUSH:
        flaky_disk(s->target)->bad_flush = true;
        break;
    case CANCEL_RUNNING:
        flaky_disk(s->target)->hold_writes = true;
        break;
    }
}

static const char *ending(unsigned outcome)
{
    return outcome >= CANCEL_PENDING ? "BLOCK_JOB_CANCELLED"
                                     : "BLOCK_JOB_COMPLETED";
}

static void co_run_mode_case(const ModeCase *c)
{
    BackupPerf perf = {.has_max_workers = true, .max_workers = 1};
    BlockdevBackup args = backup_args(c->sync);
    g_autofree char *end =
        g_strdup_printf("%s %s", ending(c->outcome), c->result);
    Error *err = NULL;
    Setup s;

    set_up(&s);
    args.x_perf = &perf;
    args.bitmap = (char *)"b";
    args.has_bitmap_mode = true;
    args.bitmap_mode = c->mode;
    args.has_auto_finalize = c->outcome == CANCEL_PENDING;
    cause(&s, c->outcome);
    if (!qmp_blockdev_backup(&args, &err)) {
        g_error("%s", error_text(err));
    }
    if (c->outcome == CANCEL_PENDING) {
        co_wait_event(&s, "PENDING");
        co_cancel();
    } else if (c->outcome == CANCEL_RUNNING) {
        while (!flaky_disk(s.source)->reads) {
            co_reschedule();
        }
        co_cancel();
        flaky_disk_release(s.target);
    }
    co_wait_gone(&s);
    g_test_message("%s", s.events->str);
    g_assert_nonnull(strstr(s.events->str, end));
    assert_dirty(s.bitmap, c->expected);
    co_tear_down(&s);
}

static void modes_body(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(mode_cases); i++) {
        g_test_message("case %u", i);
        co_run_mode_case(&mode_cases[i]);
    }
}

/* What the guest writes while the job has the bitmap is not lost, and does
 * not reach the target. */
static void guest_body(void)
{
    BlockdevBackup args = backup_args(BMP);
    uint8_t *frozen;
    Setup s;

    set_up(&s);
    frozen = g_memdup2(flaky_disk(s.source)->bytes, SIZE);
    args.bitmap = (char *)"b";
    args.has_bitmap_mode = true;
    args.bitmap_mode = ON_SUCCESS;
    args.has_auto_finalize = true;
    flaky_disk(s.target)->max_delay = 5;
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, 7 * MiB, GRANULE, 0), ==, 0);
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, MiB / 2, 1, 0), ==, 0);
    co_wait_event(&s, "PENDING");
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, 2 * MiB, GRANULE, 0), ==, 0);
    co_graph_lock();
    g_assert_true(co_job_user_finalize(job_lookup("j", NULL), NULL));
    graph_unlock();
    co_wait_gone(&s);
    assert_dirty(s.bitmap, "512+4 2048+4 7168+4");
    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmpmem(flaky_disk(s.target)->bytes + i * MiB, 64 * KiB,
                        frozen + i * MiB, 64 * KiB);
    }
    g_free(frozen);
    co_tear_down(&s);
}

/* --- random guests ------------------------------------------------------- */

typedef struct Guest {
    Setup *s;
    CoCount *running;
} Guest;

static void co_guest(void *opaque)
{
    Guest *g = opaque;
    Setup *s = g->s;

    for (unsigned i = 0; i < 60; i++) {
        uint64_t offset = g_rand_int_range(s->rand, 0, SIZE);
        uint64_t most = g_rand_int_range(s->rand, 1, 300 * KiB);
        uint64_t bytes = MIN(most, SIZE - offset);

        g_assert_cmpint(co_root_pwrite_zeroes(s->guest, offset, bytes, 0), ==,
                        0);
    }
    cocount_dec(g->running);
}

static void point_in_time_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    CoCount running;
    uint8_t *frozen;
    Setup s;
    Guest g = {&s, &running};

    set_up(&s);
    flaky_disk_fill(s.source, s.rand, MiB / 2, 3 * MiB);
    flaky_disk(s.source)->max_delay = flaky_disk(s.target)->max_delay = 4;
    frozen = g_memdup2(flaky_disk(s.source)->bytes, SIZE);
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    cocount_init(&running);
    for (unsigned i = 0; i < 3; i++) {
        cocount_inc(&running);
        coroutine_start(co_guest, &g);
    }
    co_count_wait_zero(&running);
    co_wait_gone(&s);
    g_assert_nonnull(strstr(s.events->str, "COMPLETED (8388608/8388608)"));
    g_assert_cmpmem(flaky_disk(s.target)->bytes, SIZE, frozen, SIZE);
    g_assert_cmpuint(flaky_disk(s.target)->flushes, >, 0);
    g_free(frozen);
    co_tear_down(&s);
}

/* --- events, errors, undo ------------------------------------------------ */

static void events_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    Setup s;

    set_up(&s);
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    g_assert_cmpstr(s.events->str, ==, "created running paused running ");
    co_wait_gone(&s);
    g_assert_cmpstr(s.events->str, ==,
                    "created running paused running waiting pending "
                    "BLOCK_JOB_COMPLETED (8388608/8388608) concluded null ");
    g_string_truncate(s.events, 0);
    s.gone = false;
    flaky_disk(s.target)->bad_writes = (FlakyArea){0, SIZE, 1000};
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    co_wait_gone(&s);
    g_assert_cmpstr(s.events->str, ==,
                    "created running paused running BLOCK_JOB_ERROR (write "
                    "report) aborting BLOCK_JOB_COMPLETED (0/8388608) "
                    "concluded null ");
    co_tear_down(&s);
}

static void assert_refused(const BlockdevBackup *args, const char *text)
{
    Error *err = NULL;

    g_assert_false(qmp_blockdev_backup(args, &err));
    g_assert_cmpstr(error_text(err), ==, text);
    error_free(err);
}

static void refused_body(void)
{
    BackupPerf perf = {.has_max_chunk = true, .max_chunk = 4096};
    BlockdevBackup args = backup_args(BMP);
    Node *small;
    Setup s;

    set_up(&s);
    small = flaky_disk_new("small", MiB, 0);
    args.bitmap = (char *)"b";
    args.has_bitmap_mode = true;
    args.bitmap_mode = ALWAYS;
    args.target = (char *)"disk";
    assert_refused(&args, "Source and target cannot be the same");
    args.target = (char *)"small";
    assert_refused(&args, "Source and target image have different sizes");
    args.target = (char *)"target";
    args.x_perf = &perf;
    assert_refused(&args, "Required max-chunk (4096) is less than backup "
                          "cluster size (65536)");
    args.x_perf = NULL;
    args.job_id = NULL;
    assert_refused(&args, "Invalid job ID ''");
    args.job_id = (char *)"j";
    args.has_speed = true;
    args.speed = -1;
    assert_refused(&args, "Parameter 'speed' expects a non-negative value");
    args.has_speed = false;
    args.filter_node_name = (char *)"1x";
    assert_refused(&args, "Could not create node: Invalid node-name: '1x'");
    co_node_unref(small);
    co_graph_lock(); /* the job that got as far as "created" is cleaned up */
    graph_unlock();
    assert_dirty(s.bitmap, AS_BEFORE);
    co_tear_down(&s);
}

/* A transaction that fails later leaves nothing of the backup behind. */
static void undo_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    TransactionAction action = {
        .type = TRANSACTION_ACTION_KIND_BLOCKDEV_BACKUP,
        .u.blockdev_backup.data = &args,
    };
    TransactionContext ctx = {.txn = txn_new()};
    Quiesce *section;
    Setup s;

    set_up(&s);
    args.bitmap = (char *)"b";
    args.has_bitmap_mode = true;
    args.bitmap_mode = ALWAYS;
    args.filter_node_name = (char *)"filter";
    co_graph_lock();
    section = co_quiesce_begin(&s.source, 1);
    g_assert_true(txn_handler_blockdev_backup.co_prepare(&action, &ctx, NULL));
    g_assert_true(bitmap_busy(s.bitmap));
    g_assert_cmpstr(node_name(root_node(s.guest)), ==, "filter");
    txn_abort(ctx.txn);
    g_assert_true(root_node(s.guest) == s.source);
    g_assert_false(bitmap_busy(s.bitmap));
    g_assert_cmpstr(s.events->str, ==, "created aborting concluded null ");
    quiesce_end(section);
    graph_unlock();
    co_graph_lock();
    graph_unlock();
    g_assert_null(node_find("filter"));
    assert_dirty(s.bitmap, AS_BEFORE);
    co_tear_down(&s);
}

/* Two backups of one disk at a time: their filters stack. */
static void stacked_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    Node *other;
    uint8_t *frozen;
    Setup s;

    set_up(&s);
    other = flaky_disk_new("other", SIZE, 0);
    frozen = g_memdup2(flaky_disk(s.source)->bytes, SIZE);
    args.has_auto_finalize = true; /* j stays until the end */
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    args.has_auto_finalize = false;
    args.job_id = (char *)"k";
    args.target = (char *)"other";
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    co_wait_gone(&s); /* k */
    g_assert_cmpmem(flaky_disk(other)->bytes, SIZE, frozen, SIZE);
    s.gone = false;
    g_assert_cmpint(co_root_pwrite_zeroes(s.guest, 0, SIZE, 0), ==, 0);
    co_wait_event(&s, "PENDING");
    co_graph_lock();
    g_assert_true(co_job_user_finalize(job_lookup("j", NULL), NULL));
    graph_unlock();
    co_wait_gone(&s); /* j */
    g_assert_cmpmem(flaky_disk(s.target)->bytes, SIZE, frozen, SIZE);
    g_assert_null(bitmap_next(s.source, s.bitmap));
    co_node_unref(other);
    g_free(frozen);
    co_tear_down(&s);
}

#define TEST(body)                     \
    static void test_##body(void)      \
    {                                  \
        run_in_coroutine(body##_body); \
    }
TEST(modes)
TEST(guest)
TEST(point_in_time)
TEST(events)
TEST(refused)
TEST(undo)
TEST(stacked)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backup/bitmap-modes", test_modes);
    g_test_add_func("/backup/guest-writes", test_guest);
    g_test_add_func("/backup/point-in-time", test_point_in_time);
    g_test_add_func("/backup/events", test_events);
    g_test_add_func("/backup/refused", test_refused);
    g_test_add_func("/backup/undo", test_undo);
    g_test_add_func("/backup/stacked", test_stacked);
    return g_test_run();
}
