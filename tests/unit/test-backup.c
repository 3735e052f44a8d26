/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backup jobs: what becomes of the user's bitmap in every mode and with every
 * outcome (the expected results were measured with QEMU 7.2), events, errors,
 * undo, and the point in time with a guest that writes meanwhile.
 */
#include "block/graph/action.h"
#include "block/graph/quiesce.h"
#include "block/job/backup.h"
#include "block/job/verbs.h"
#include "flaky-disk.h"
#include "qapi/event-sink.h"
#include "qapi/qapi-commands.h"
#include "ram-node.h"

#define SIZE (8 * MiB)
#define GRANULE 4096

extern const TransactionHandler txn_handler_blockdev_backup;

typedef struct Setup {
    GRand *rand;
    Node *source, *target;
    Root *guest;
    DirtyBitmap *bitmap;
    GString *events; /* "created running ..." */
    bool gone;       /* the job is null */
} Setup;

static const char *text_member(json_object *data, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(data, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

static void on_event(void *opaque, QAPIEvent event, json_object *data)
{
    Setup *s = opaque;
    const char *word = QAPIEvent_str(event);

    if (event == QAPI_EVENT_JOB_STATUS_CHANGE) {
        word = text_member(data, "status");
        s->gone = strcmp(word, "null") == 0;
    }
    g_string_append_printf(s->events, "%s ", word);
    if (event == QAPI_EVENT_BLOCK_JOB_ERROR) {
        g_string_append_printf(s->events, "(%s %s) ",
                               text_member(data, "operation"),
                               text_member(data, "action"));
    }
    if (event == QAPI_EVENT_BLOCK_JOB_COMPLETED ||
        event == QAPI_EVENT_BLOCK_JOB_CANCELLED) {
        g_string_append_printf(s->events, "(%s/%s) ",
                               text_member(data, "offset"),
                               text_member(data, "len"));
    }
}

static void set_up(Setup *s)
{
    *s = (Setup){.rand = g_rand_new_with_seed(7), .events = g_string_new(NULL)};
    qapi_event_set_sink(on_event, s);
    s->source = flaky_disk_new("disk", SIZE, 0);
    s->target = flaky_disk_new("target", SIZE, 0);
    flaky_disk(s->source)->rand = flaky_disk(s->target)->rand = s->rand;
    memset(flaky_disk(s->source)->bytes, 'A', SIZE);
    s->guest = root_new("root", NULL, NULL);
    g_assert_true(root_attach(s->guest, s->source,
                              PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL,
                              NULL));
    s->bitmap = bitmap_create(s->source, GRANULE, "b", NULL);
    for (unsigned i = 0; i < 8; i++) {
        bitmap_set(s->bitmap, i * MiB, GRANULE);
    }
}

static void co_tear_down(Setup *s)
{
    /* All that a job added is gone. */
    g_assert_true(root_node(s->guest) == s->source);
    g_assert_true(list_empty(&s->source->op_blockers) &&
                  list_empty(&s->target->op_blockers));
    co_root_detach(s->guest);
    root_free(s->guest);
    bitmap_release_all(s->source);
    co_node_unref(s->source);
    co_node_unref(s->target);
    qapi_event_set_sink(NULL, NULL);
    g_string_free(s->events, TRUE);
    g_rand_free(s->rand);
}

static void co_wait_gone(Setup *s)
{
    while (!s->gone) {
        co_reschedule();
    }
    /* The graph lock is free again when what follows the events is done. */
    co_graph_lock();
    graph_unlock();
}

static void co_wait_event(Setup *s, const char *word)
{
    while (!strstr(s->events->str, word)) {
        co_reschedule();
    }
}

/* "offset+bytes ...", in KiB. */
static void assert_dirty(const DirtyBitmap *bitmap, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    uint64_t at = 0, start, bytes;

    while (bitmap_next_dirty_run(bitmap, at, SIZE, SIZE, &start, &bytes)) {
        g_string_append_printf(text, "%s%" PRIu64 "+%" PRIu64,
                               text->len ? " " : "", start / KiB, bytes / KiB);
        at = start + bytes;
    }
    g_assert_cmpstr(text->str, ==, expected);
    g_assert_true(bitmap_enabled(bitmap) && !bitmap_busy(bitmap));
    g_assert_true(bitmap_next(bitmap_node(bitmap), NULL) == bitmap);
}

static BlockdevBackup backup_args(MirrorSyncMode sync)
{
    return (BlockdevBackup){
        .job_id = (char *)"j",
        .device = (char *)"disk",
        .target = (char *)"target",
        .sync = sync,
    };
}

/* --- what becomes of the bitmap ------------------------------------------ */

#define AS_BEFORE "0+4 1024+4 2048+4 3072+4 4096+4 5120+4 6144+4 7168+4"
#define LEFT_FROM_3M "3072+64 4096+64 5120+64 6144+64 7168+64"

enum { OK, BAD_READ, BAD_WRITE, BAD_FLUSH, CANCEL_PENDING, CANCEL_RUNNING };

typedef struct ModeCase {
    MirrorSyncMode sync;
    BitmapSyncMode mode;
    unsigned outcome;
    const char *expected;
    const char *result; /* in the last event: offset and len in bytes */
} ModeCase;

#define INC MIRROR_SYNC_MODE_INCREMENTAL
#define BMP MIRROR_SYNC_MODE_BITMAP
#define FULL MIRROR_SYNC_MODE_FULL
#define ON_SUCCESS BITMAP_SYNC_MODE_ON_SUCCESS
#define NEVER BITMAP_SYNC_MODE_NEVER
#define ALWAYS BITMAP_SYNC_MODE_ALWAYS

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

static void co_cancel(void)
{
    QmpJobCancelArgs args = {.id = (char *)"j"};

    g_assert_true(qmp_job_cancel(&args, NULL));
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

/* --- guests whose copy fails -----------------------------------------------
 */

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

static void co_turns(unsigned n)
{
    while (n--) {
        co_reschedule();
    }
}

/* A guest's copy that fails behind the walker, when all else is copied, is
 * made up for: the backup is whole or it is no success. */
static void behind_walker_body(void)
{
    BlockdevBackup args = backup_args(FULL);
    uint8_t *frozen;
    Setup s;
    GuestWrite write = {.s = &s};

    set_up(&s);
    frozen = g_memdup2(flaky_disk(s.source)->bytes, SIZE);
    flaky_disk(s.target)->hold_writes = true;
    flaky_disk(s.target)->bad_writes = (FlakyArea){0, 64 * KiB, 1};
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    coroutine_start(co_guest_write, &write);
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

    set_up(&s);
    args.x_perf = &perf;
    args.bitmap = (char *)"b";
    args.has_bitmap_mode = true;
    args.bitmap_mode = ALWAYS;
    flaky_disk(s.source)->bad_reads = (FlakyArea){0, 64 * KiB, 1};
    flaky_disk(s.target)->bad_writes = (FlakyArea){7 * MiB, 64 * KiB, 1};
    flaky_disk(s.target)->hold_writes = true;
    g_assert_true(qmp_blockdev_backup(&args, NULL));
    coroutine_start(co_guest_write, &write);
    co_turns(100);
    g_assert_false(s.gone || write.done);
    flaky_disk_release(s.target);
    co_wait_gone(&s);
    g_assert_true(write.done);
    g_assert_nonnull(strstr(s.events->str, "ERROR (read report)"));
    assert_dirty(s.bitmap, "0+64 1024+64 2048+64 3072+64 4096+64 5120+64 "
                           "6144+64 7168+64");
    co_tear_down(&s);
}

/* --- error policies ------------------------------------------------------- */

static void co_resume(void)
{
    QmpJobResumeArgs args = {.id = (char *)"j"};

    g_assert_true(qmp_job_resume(&args, NULL));
}

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
    BlockdevBackup args = backup_args(MIRROR_SYNC_MODE_NONE);
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
TEST(behind_walker)
TEST(in_flight_at_failure)
TEST(stop)
TEST(ignore)
TEST(enospc)
TEST(none)
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
    g_test_add_func("/backup/behind-walker", test_behind_walker);
    g_test_add_func("/backup/in-flight-at-failure", test_in_flight_at_failure);
    g_test_add_func("/backup/stop", test_stop);
    g_test_add_func("/backup/ignore", test_ignore);
    g_test_add_func("/backup/enospc", test_enospc);
    g_test_add_func("/backup/none", test_none);
    g_test_add_func("/backup/point-in-time", test_point_in_time);
    g_test_add_func("/backup/events", test_events);
    g_test_add_func("/backup/refused", test_refused);
    g_test_add_func("/backup/undo", test_undo);
    g_test_add_func("/backup/stacked", test_stacked);
    return g_test_run();
}
