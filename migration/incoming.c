/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way in.
 *
 *     expected -> waits at a URI -> a source is there -> loaded: it runs
 *             \-> deferred -^              \-> failed: the program ends
 */
#include "migration/migration-int.h"

#include <poll.h>

#include "block/graph/activity.h"
#include "devices/run-state.h"
#include "qapi/qapi-events.h"
#include "util/json/json-parse.h"

typedef struct Incoming {
    bool deferred; /* waits for migrate-incoming */
    bool started;
    bool live; /* its coroutine */
    bool ended;
    bool left;      /* the source, in the middle */
    bool refused;   /* a bitmap of its */
    bool awaits;    /* what bitmaps there will be */
    bool answer;    /* the source waits for one */
    RunState state; /* of the machine, at the source */
    bool postcopy;
    MigrationStatus status;
    char *error;
    Channel channel;
    LoadedBitmaps bitmaps;
    CoQueue changed;
    void (*fail)(void *opaque);
    void *fail_opaque;
} Incoming;

/* CONTROL */
static Incoming incoming = {
    .channel = {.fd = -1, .write_fd = -1, .listen_fd = -1}};

bool incoming_deferred(void)
{
    return incoming.deferred;
}

bool incoming_started(void)
{
    return incoming.started;
}

void migration_expect(void)
{
    graph_set_incoming(true);
}

void migration_on_failure(void (*fn)(void *opaque), void *opaque)
{
    incoming.fail = fn;
    incoming.fail_opaque = opaque;
}

static void set_status(MigrationStatus next)
{
    migration_set_status(&incoming.status, next);
}

/* --- what comes ---------------------------------------------------------- */

static bool flag(const Record *record, const char *name)
{
    json_object *json = json_parse_string((const char *)record->data, NULL);
    json_object *value = NULL;
    bool on;

    json_object_object_get_ex(json, name, &value);
    on = json_object_get_boolean(value);
    json_object_put(json);
    return on;
}

static bool take_state(const Record *record, Error **errp)
{
    json_object *json = json_parse_string((const char *)record->data, errp);
    json_object *value = NULL;
    const char *text;
    bool ok;

    if (!json) {
        return false;
    }
    json_object_object_get_ex(json, "state", &value);
    text = json_object_get_string(value);
    ok = text && RunState_parse(text, &incoming.state);
    if (!ok) {
        error_set(errp, "Unknown state of the machine in the migration stream");
    }
    json_object_put(json);
    return ok;
}

/* *@end: it was the last one. */
COROUTINE_ONLY CONTROL_ONLY static bool co_take_record(const Record *record,
                                                       bool *end, Error **errp)
{
    switch (record->kind) {
    case RECORD_HELLO:
        incoming.answer = flag(record, "answer");
        incoming.awaits = flag(record, "bitmaps");
        return true;
    case RECORD_BITMAP:
        incoming.refused = !loaded_begin(&incoming.bitmaps, record, errp);
        return !incoming.refused;
    case RECORD_RUNS:
        return loaded_runs(&incoming.bitmaps, record, errp);
    case RECORD_BITMAP_END:
        loaded_next(&incoming.bitmaps);
        return true;
    case RECORD_POSTCOPY:
        incoming.postcopy = true;
        set_status(MIGRATION_STATUS_POSTCOPY_ACTIVE);
        return true;
    case RECORD_CHECK:
        incoming.awaits = false;
        return !incoming.answer ||
               co_record_send(&incoming.channel, RECORD_READY, NULL, 0, errp);
    case RECORD_END:
        *end = true;
        return take_state(record, errp);
    default:
        error_set(errp, "Unknown record in the migration stream");
        return false;
    }
}

COROUTINE_ONLY CONTROL_ONLY static bool co_load(Error **errp)
{
    bool end = false;

    while (!end) {
        Record record;
        bool ok;

        if (!co_record_receive(&incoming.channel, &record, &incoming.left,
                               errp)) {
            return false;
        }
        ok = co_take_record(&record, &end, errp);
        record_free(&record);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* --- the end ------------------------------------------------------------- */

/* The images stay where they are until `cont` if that is wanted, and nobody
 * is to run at once. */
COROUTINE_ONLY CONTROL_ONLY static bool co_take_images(bool run, Error **errp)
{
    if (!run && migration_cap(MIGRATION_CAPABILITY_LATE_BLOCK_ACTIVATE) &&
        !incoming.bitmaps.list->len) {
        return true;
    }
    return co_graph_activate_all(errp) &&
           co_loaded_install(&incoming.bitmaps, errp);
}

COROUTINE_ONLY CONTROL_ONLY static void co_complete(void)
{
    /* After postcopy it goes on, whatever it did there. */
    bool was_running = incoming.postcopy || incoming.state == RUN_STATE_RUNNING;
    bool run = run_state_runs_after() && was_running;
    Error *err = NULL;

    if (!co_take_images(run, &err)) {
        /* The source has let go: a person has to see to it. */
        error_report_err(err);
        run = false;
    }
    if (incoming.postcopy) {
        set_status(MIGRATION_STATUS_COMPLETED);
    }
    run_state_set(run           ? RUN_STATE_RUNNING
                  : was_running ? RUN_STATE_PAUSED
                                : incoming.state);
    if (!incoming.postcopy) {
        set_status(MIGRATION_STATUS_COMPLETED);
    }
}

static void fail(Error *err)
{
    incoming.error = g_strdup(error_text(err));
    if (incoming.left && incoming.awaits) {
        /* The source could not take one along: QEMU's words for that. */
        error_report("Unable to read node alias string");
    } else if (!incoming.left) {
        error_report("%s", error_text(err));
    }
    error_free(err);
    if (incoming.refused || (incoming.left && incoming.awaits)) {
        error_report("error while loading state for instance 0x0 of device "
                     "'dirty-bitmap'");
    }
    error_report("load of migration failed: %s",
                 incoming.left && !incoming.awaits ? "Input/output error"
                                                   : "Invalid argument");
    set_status(MIGRATION_STATUS_FAILED);
}

COROUTINE_ONLY CONTROL_ONLY static void co_incoming(void *opaque)
{
    Error *err = NULL;
    bool ok = co_channel_accept(&incoming.channel, &err);

    if (ok && incoming.channel.fd >= 0) {
        /* A command's output is open from the first; the source is there with
         * its first byte. */
        co_io_poll(incoming.channel.fd, POLLIN);
    }
    if (ok) {
        set_status(MIGRATION_STATUS_ACTIVE);
        ok = co_stream_expect_begin(&incoming.channel, &err) && co_load(&err);
    }
    if (ok) {
        co_complete();
    } else if (incoming.ended) {
        error_free(err);
    } else {
        fail(err);
    }
    channel_close(&incoming.channel);
    loaded_free(&incoming.bitmaps);
    incoming.live = false;
    coqueue_wake_all(&incoming.changed);
    if (!ok && !incoming.ended && incoming.fail) {
        incoming.fail(incoming.fail_opaque);
    }
}

CONTROL_ONLY
static bool incoming_begin(const char *uri, Error **errp)
{
    if (!channel_parse(&incoming.channel, uri, false, errp) ||
        !channel_listen(&incoming.channel, errp)) {
        channel_close(&incoming.channel);
        return false;
    }
    incoming.started = true;
    incoming.live = true;
    coqueue_init(&incoming.changed);
    loaded_init(&incoming.bitmaps);
    incoming.status = MIGRATION_STATUS_SETUP;
    coroutine_start(co_incoming, NULL);
    return true;
}

bool migration_incoming_begin(const char *uri, Error **errp)
{
    incoming.deferred = !strcmp(uri, "defer");
    return incoming.deferred || incoming_begin(uri, errp);
}

bool incoming_begin_deferred(const char *uri, Error **errp)
{
    QapiEventMigration data = {.status = MIGRATION_STATUS_SETUP};

    /* QEMU tells of this one whether events are asked for or not, and also if
     * it comes to nothing. */
    qapi_event_migration(&data);
    return incoming_begin(uri, errp);
}

void incoming_info(MigrationInfo *info)
{
    if (incoming.status != MIGRATION_STATUS_NONE &&
        incoming.status != MIGRATION_STATUS_SETUP) {
        info->has_status = true;
        info->status = incoming.status;
        info->error_desc = g_strdup(incoming.error);
    }
    if (incoming.channel.address) {
        info->socket_address = g_new0(SocketAddressList, 1);
        SocketAddressList_append(info->socket_address,
                                 SocketAddress_clone(incoming.channel.address));
    }
}

void co_migration_shutdown_incoming(void)
{
    incoming.ended = true;
    if (incoming.live) {
        channel_give_up(&incoming.channel);
    }
    while (incoming.live) {
        co_queue_wait(&incoming.changed);
    }
    g_clear_pointer(&incoming.error, g_free);
}
