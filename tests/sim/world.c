/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What scenarios share: QMP commands in process, disks as nodes, guests, the
 * events of jobs; and that nothing is left of them when a run ends.
 */
#include "sim.h"

#include "block/export/export.h"
#include "block/graph/node.h"
#include "monitor/dispatch.h"
#include "qapi/event-sink.h"
#include "qapi/qapi-events.h"
#include "qapi/qapi-types.h"
#include "util/json/json-parse.h"

#include <stdarg.h>

static QmpState qmp = {.negotiated = true};
static GPtrArray *events_seen; /* of words, which are constants */
static CoQueue events_changed;

/* --- QMP ----------------------------------------------------------------- */

static const char *answer_error(json_object *answer)
{
    json_object *error, *desc;

    return json_object_object_get_ex(answer, "error", &error) &&
                   json_object_object_get_ex(error, "desc", &desc)
               ? json_object_get_string(desc)
               : NULL;
}

/* The error's text, owned by the caller, or NULL. */
COROUTINE_ONLY
static char *co_command(const char *format, va_list args)
{
    char *text = g_strdup_vprintf(format, args), *failed;
    json_object *doc, *answer;

    for (char *p = text; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    doc = json_parse_string(text, NULL);
    sim_check(doc, "no JSON: %s", text);
    sim_trace_text("qmp", text);
    answer = co_dispatch(&qmp, doc);
    failed = g_strdup(answer_error(answer));
    sim_trace_text("qmp answer", failed ? failed : "");
    json_object_put(answer);
    json_object_put(doc);
    g_free(text);
    return failed;
}

bool co_sim_qmp(const char *format, ...)
{
    va_list args;
    char *failed;
    bool ok;

    va_start(args, format);
    failed = co_command(format, args);
    va_end(args);
    ok = !failed;
    g_free(failed);
    return ok;
}

void co_sim_qmp_ok(const char *format, ...)
{
    va_list args;
    char *failed;

    va_start(args, format);
    failed = co_command(format, args);
    va_end(args);
    sim_check(!failed, "the command %s failed: %s", format, failed);
}

/* --- nodes --------------------------------------------------------------- */

Node *co_sim_disk_open(unsigned n)
{
    char name[16];

    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'driver': 'file',"
                  " 'node-name': 'disk%u', 'filename': '%s',"
                  " 'discard': 'unmap'}}",
                  n, sim_disk_path(n));
    g_snprintf(name, sizeof(name), "disk%u", n);
    return node_find(name);
}

Node *co_sim_disk_add(unsigned n, uint64_t bytes)
{
    sim_disk_reset(n, bytes);
    return co_sim_disk_open(n);
}

void co_sim_disk_del(unsigned n)
{
    co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                  " {'node-name': 'disk%u'}}",
                  n);
}

/* Above disk @n there is one of these. */
static const char *const tops[] = {
    NULL,
    "'driver': 'raw', 'file': ",
    "'driver': 'blkdebug', 'image': ",
    "'driver': 'throttle', 'throttle-group': 'limits', 'file': ",
};
static unsigned top_of[SIM_DISKS];

const char *sim_top_name(unsigned n)
{
    static char names[SIM_DISKS][16];

    g_snprintf(names[n], sizeof(names[n]), top_of[n] ? "top%u" : "disk%u", n);
    return names[n];
}

Node *co_sim_stack_add(unsigned n, uint64_t bytes)
{
    Node *disk = co_sim_disk_add(n, bytes);

    top_of[n] = sim_below(ARRAY_SIZE(tops));
    if (!top_of[n]) {
        return disk;
    }
    if (strstr(tops[top_of[n]], "throttle")) {
        co_sim_qmp_ok("{'execute': 'object-add', 'arguments': {'qom-type':"
                      " 'throttle-group', 'id': 'limits', 'limits':"
                      " {'iops-total': %" PRIu64 "}}}",
                      1000 + sim_below(20000));
    }
    co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'node-name':"
                  " 'top%u', 'discard': 'unmap', %s'disk%u'}}",
                  n, tops[top_of[n]], n);
    return node_find(sim_top_name(n));
}

void co_sim_stack_del(unsigned n)
{
    if (top_of[n]) {
        co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                      " {'node-name': 'top%u'}}",
                      n);
        if (strstr(tops[top_of[n]], "throttle")) {
            co_sim_qmp_ok("{'execute': 'object-del', 'arguments':"
                          " {'id': 'limits'}}");
        }
    }
    co_sim_disk_del(n);
}

Root *sim_guest_new(Node *node)
{
    Root *guest = root_new("root", NULL, NULL);

    sim_check(root_attach(guest, node, PERM_CONSISTENT_READ | PERM_WRITE,
                          PERM_ALL, NULL),
              "a guest cannot attach");
    return guest;
}

void co_sim_guest_free(Root *guest)
{
    co_graph_lock();
    co_root_detach(guest);
    root_free(guest);
    graph_unlock();
}

/* --- events -------------------------------------------------------------- */

static void on_event(void *opaque, QAPIEvent event, json_object *data)
{
    const char *word = QAPIEvent_str(event);
    json_object *status;

    if (event == QAPI_EVENT_JOB_STATUS_CHANGE &&
        json_object_object_get_ex(data, "status", &status)) {
        word = g_intern_string(json_object_get_string(status));
    }
    sim_trace("event", g_str_hash(word), 0, 0);
    g_ptr_array_add(events_seen, (void *)word);
    coqueue_wake_all(&events_changed);
}

unsigned sim_events_seen(const char *word)
{
    unsigned n = 0;

    for (guint i = 0; i < events_seen->len; i++) {
        n += !strcmp(g_ptr_array_index(events_seen, i), word);
    }
    return n;
}

void co_sim_events_wait(const char *word, unsigned n)
{
    while (sim_events_seen(word) < n) {
        co_queue_wait(&events_changed);
    }
}

/* --- begin and end ------------------------------------------------------- */

void sim_world_begin(void)
{
    static bool initialised;

    if (!initialised) {
        dispatch_init();
        events_seen = g_ptr_array_new();
        initialised = true;
    }
    g_ptr_array_set_size(events_seen, 0);
    coqueue_init(&events_changed);
    qapi_event_set_sink(on_event, NULL);
}

void sim_world_end(void)
{
    qapi_event_set_sink(NULL, NULL);
    sim_check(!node_next(NULL), "node '%s' is left",
              node_name(node_next(NULL)));
    sim_check(!export_next(NULL), "an export is left");
}
