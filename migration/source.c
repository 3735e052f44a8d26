/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way out: see the picture in README.md. */
#include "migration/migration-int.h"

#include "block/graph/activity.h"
#include "block/job/block-job.h"
#include "devices/run-state.h"
#include "qapi/qapi-events.h"

#define NS_PER_MS INT64_C(1000000)
/* With bitmaps to take along a client has this long to ask for postcopy. */
#define POSTCOPY_CHANCE_NS (100 * NS_PER_MS)

typedef struct Source {
    MigrationStatus status;
    Channel channel;
    GPtrArray *bitmaps; /* SentBitmap; NULL: none go along */
    char *error;
    bool untold;     /* queries do not tell the error */
    CoQueue changed; /* something is asked for, or it has ended */
    bool cancelled, go_on, postcopy;
    unsigned passes;
    bool stopped;  /* the machine, by us */
    bool inactive; /* its images are not ours */
    RunState state_before;
    int64_t begun_ns, setup_ns, stopped_ns, ended_ns;
} Source;

/* CONTROL */
static Source source;

MigrationStatus source_status(void)
{
    return source.status;
}

bool source_running(void)
{
    switch (source.status) {
    case MIGRATION_STATUS_NONE:
    case MIGRATION_STATUS_CANCELLED:
    case MIGRATION_STATUS_COMPLETED:
    case MIGRATION_STATUS_FAILED:
        return false;
    default:
        return true;
    }
}

void migration_set_status(MigrationStatus *status, MigrationStatus next)
{
    QapiEventMigration data = {.status = next};

    *status = next;
    if (migration_cap(MIGRATION_CAPABILITY_EVENTS)) {
        qapi_event_migration(&data);
    }
}

static void set_status(MigrationStatus next)
{
    migration_set_status(&source.status, next);
}

/* One more look at what is to be sent. */
static void tell_pass(void)
{
    QapiEventMigrationPass data = {.pass = ++source.passes};

    if (migration_cap(MIGRATION_CAPABILITY_EVENTS)) {
        qapi_event_migration_pass(&data);
    }
}

/* --- steps --------------------------------------------------------------- */

static bool still_wanted(Error **errp)
{
    if (source.cancelled) {
        error_set(errp, "The migration was cancelled");
    }
    return !source.cancelled;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_collect(Error **errp)
{
    if (!migration_cap(MIGRATION_CAPABILITY_DIRTY_BITMAPS)) {
        return true;
    }
    source.bitmaps = co_bitmaps_collect(errp);
    source.untold = !source.bitmaps;
    return source.bitmaps != NULL;
}

COROUTINE_ONLY CONTROL_ONLY static void co_release(void)
{
    if (source.bitmaps) {
        co_bitmaps_release(g_steal_pointer(&source.bitmaps));
    }
}

/* The machine still runs: who wants postcopy says so now. */
COROUTINE_ONLY
static bool co_wait_for_postcopy(Error **errp)
{
    int64_t until = reactor_now_ns() + POSTCOPY_CHANCE_NS;
    bool any = source.bitmaps && source.bitmaps->len;

    while (!source.cancelled && !source.postcopy && any) {
        if (!co_queue_wait_until(&source.changed, until)) {
            break;
        }
    }
    if (!still_wanted(errp)) {
        return false;
    }
    if (source.postcopy) {
        set_status(MIGRATION_STATUS_POSTCOPY_ACTIVE);
        return co_record_send(&source.channel, RECORD_POSTCOPY, NULL, 0, errp);
    }
    if (any) {
        tell_pass();
    }
    return true;
}

CONTROL_ONLY
static void stop_machine(void)
{
    source.state_before = run_state_get();
    source.stopped = true;
    source.stopped_ns = reactor_now_ns();
    run_state_set(RUN_STATE_FINISH_MIGRATE);
    jobs_show_pause();
}

COROUTINE_ONLY
static bool co_pre_switchover(Error **errp)
{
    if (!migration_cap(MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER) ||
        source.postcopy) {
        return true;
    }
    source.go_on = false;
    set_status(MIGRATION_STATUS_PRE_SWITCHOVER);
    while (!source.cancelled && !source.go_on) {
        co_queue_wait(&source.changed);
    }
    if (!still_wanted(errp)) {
        return false;
    }
    set_status(MIGRATION_STATUS_DEVICE);
    return true;
}

/* A destination that cannot take them says so while the machine runs. */
COROUTINE_ONLY CONTROL_ONLY static bool co_announce(Error **errp)
{
    return co_collect(errp) &&
           (!source.bitmaps ||
            (co_bitmaps_announce(&source.channel, source.bitmaps, errp) &&
             co_stream_check(&source.channel, errp)));
}

/* Who is in the way is said beside QEMU's text. */
COROUTINE_ONLY CONTROL_ONLY static bool co_let_go(Error **errp)
{
    Error *why = NULL;

    if (co_graph_inactivate_all(&why)) {
        return true;
    }
    error_report_err(why);
    source.untold = true;
    error_set(errp, "qemu_savevm_state_complete_precopy_non_iterable: "
                    "bdrv_inactivate_all() failed (-1)");
    return false;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_hand_over(Error **errp)
{
    json_object *json;
    bool ok = true;

    if (source.bitmaps) {
        co_graph_lock();
        ok = co_bitmaps_forget(source.bitmaps, errp);
        graph_unlock();
    }
    if (!ok || !co_let_go(errp)) {
        return false;
    }
    source.inactive = true;
    json = json_object_new_object();
    json_object_object_add(
        json, "state",
        json_object_new_string(RunState_str(source.state_before)));
    ok = co_record_send_json(&source.channel, RECORD_END, json, errp) &&
         co_channel_drain(&source.channel, errp);
    json_object_put(json);
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_move(Error **errp)
{
    if (!co_channel_connect(&source.channel, errp) || !still_wanted(errp)) {
        return false;
    }
    source.setup_ns = reactor_now_ns();
    if (!co_stream_hello(&source.channel, errp)) {
        return false;
    }
    tell_pass();
    set_status(MIGRATION_STATUS_ACTIVE);
    if (!co_announce(errp) || !co_wait_for_postcopy(errp)) {
        return false;
    }
    stop_machine();
    if (!co_pre_switchover(errp)) {
        return false;
    }
    if (!source.postcopy) {
        tell_pass();
    }
    return (!source.bitmaps ||
            co_bitmaps_send(&source.channel, source.bitmaps, errp)) &&
           co_stream_check(&source.channel, errp) && still_wanted(errp) &&
           co_hand_over(errp);
}

/* --- the end ------------------------------------------------------------- */

/* The machine goes on here, if its images can be had. */
COROUTINE_ONLY CONTROL_ONLY static void co_take_back(MigrationStatus status)
{
    Error *err = NULL;
    bool ours = true;

    bitmaps_take_back(source.bitmaps);
    co_release();
    if (source.inactive) {
        ours = co_graph_activate_all(&err);
        source.inactive = !ours;
    }
    if (status == MIGRATION_STATUS_FAILED) {
        set_status(status);
    }
    if (!ours) {
        error_report_err(err);
        run_state_set(RUN_STATE_POSTMIGRATE);
    } else if (source.stopped) {
        run_state_set(source.state_before);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_fail(Error *err)
{
    if (source.cancelled) {
        co_take_back(MIGRATION_STATUS_CANCELLED);
        set_status(MIGRATION_STATUS_CANCELLED);
        error_free(err);
        return;
    }
    source.error = g_strdup(error_text(err));
    error_report_err(err);
    co_take_back(MIGRATION_STATUS_FAILED);
}

COROUTINE_ONLY CONTROL_ONLY static void co_source(void *opaque)
{
    Error *err = NULL;
    bool ok;

    co_reschedule(); /* the command's reply comes first */
    ok = co_move(&err);
    channel_close(&source.channel);
    source.ended_ns = reactor_now_ns();
    if (ok) {
        bitmaps_take_back(source.bitmaps);
        co_release();
        run_state_set(RUN_STATE_POSTMIGRATE);
        set_status(MIGRATION_STATUS_COMPLETED);
    } else {
        co_fail(err);
    }
    coqueue_wake_all(&source.changed);
}

bool source_begin(const char *uri, Error **errp)
{
    Channel channel;

    if (!channel_parse(&channel, uri, true, errp)) {
        channel_close(&channel);
        return false;
    }
    g_free(source.error);
    source = (Source){.channel = channel, .begun_ns = reactor_now_ns()};
    coqueue_init(&source.changed);
    set_status(MIGRATION_STATUS_SETUP);
    coroutine_start(co_source, NULL);
    return true;
}

char *co_migration_wait(void)
{
    while (source_running()) {
        co_queue_wait(&source.changed);
    }
    return source.status == MIGRATION_STATUS_FAILED ? g_strdup(source.error)
                                                    : NULL;
}

void source_cancel(void)
{
    if (!source_running() || source.inactive || source.cancelled) {
        return;
    }
    source.cancelled = true;
    set_status(MIGRATION_STATUS_CANCELLING);
    channel_give_up(&source.channel);
    coqueue_wake_all(&source.changed);
}

void source_continue(void)
{
    source.go_on = true;
    coqueue_wake_all(&source.changed);
}

void source_postcopy(void)
{
    source.postcopy = true;
    coqueue_wake_all(&source.changed);
}

void co_migration_shutdown_source(void)
{
    source_cancel();
    while (source_running()) {
        co_queue_wait(&source.changed);
    }
    g_clear_pointer(&source.error, g_free);
}

/* --- what queries show --------------------------------------------------- */

static MigrationStats *stats(int64_t duration_ns)
{
    MigrationStats *ram = g_new0(MigrationStats, 1);

    ram->page_size = 4096;
    ram->transferred = stream_sent_bytes();
    ram->dirty_sync_count = source.passes;
    ram->mbps = duration_ns > 0 ? ram->transferred * 8e3 / duration_ns : 0;
    return ram;
}

void source_info(MigrationInfo *info)
{
    bool running = source_running();
    int64_t now = running ? reactor_now_ns() : source.ended_ns;

    if (source.status == MIGRATION_STATUS_NONE) {
        return;
    }
    info->has_status = true;
    info->status = source.status;
    info->error_desc = source.untold ? NULL : g_strdup(source.error);
    if (source.status == MIGRATION_STATUS_SETUP ||
        (!running && source.status != MIGRATION_STATUS_COMPLETED)) {
        return;
    }
    info->has_total_time = info->has_setup_time = true;
    info->total_time = (now - source.begun_ns) / NS_PER_MS;
    info->setup_time = (source.setup_ns - source.begun_ns) / NS_PER_MS;
    if (running) {
        info->has_expected_downtime = true;
        info->expected_downtime = migration_params()->downtime_limit;
    } else {
        info->has_downtime = true;
        info->downtime = (now - source.stopped_ns) / NS_PER_MS;
    }
    info->ram = stats(now - source.begun_ns);
}
