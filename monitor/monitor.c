/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monitors and the sink of events: see monitor.h. */
#include "monitor/monitor.h"

#include <stdio.h>

#include "monitor/chardev.h"
#include "monitor/control.h"
#include "monitor/dispatch.h"
#include "monitor/event-limit.h"
#include "monitor/human.h"
#include "monitor/session.h"
#include "qapi/event-sink.h"
#include "util/json/json-print.h"
#include "util/list.h"
#include "util/reactor/reactor.h"

#define US_PER_S 1000000

typedef struct Monitor {
    /* CONST */
    Chardev *chardev;
    bool pretty, readline;
    ListLink link;
} Monitor;

/* CONTROL */
static ListLink monitors = LIST_INIT(monitors);
static CoCount running;

/* --- events -------------------------------------------------------------- */

static json_object *timestamp(void)
{
    json_object *value = json_object_new_object();
    int64_t us = reactor_wall_clock_us();

    json_object_object_add(value, "seconds",
                           json_object_new_int64(us / US_PER_S));
    json_object_object_add(value, "microseconds",
                           json_object_new_int64(us % US_PER_S));
    return value;
}

CONTROL_ONLY
static void send_event(void *opaque, QAPIEvent event, json_object *data)
{
    json_object *doc = json_object_new_object();

    json_object_object_add(doc, "event",
                           json_object_new_string(QAPIEvent_str(event)));
    if (data) {
        json_object_object_add(doc, "data", json_object_get(data));
    }
    json_object_object_add(doc, "timestamp", timestamp());
    event_limited_send(event, data, doc);
    json_object_put(doc);
}

/* --- monitors ------------------------------------------------------------ */

void monitors_init(void)
{
    cocount_init(&running);
    dispatch_init();
    qapi_event_set_sink(send_event, NULL);
}

bool monitor_add(const MonitorOptions *options, Error **errp)
{
    Chardev *chr = chardev_find(options->chardev);
    bool readline = options->has_mode && options->mode == MONITOR_MODE_READLINE;
    Monitor *mon;

    if (!chr) {
        error_set(errp, "chardev \"%s\" not found", options->chardev);
        return false;
    }
    if (readline && !human_ops()) {
        error_set(errp, "Only QMP is supported");
        return false;
    }
    if (!chardev_can_speak(chr, errp) || !chardev_claim(chr, errp)) {
        return false;
    }
    mon = g_new0(Monitor, 1);
    mon->chardev = chr;
    mon->readline = readline;
    mon->pretty = options->has_pretty && options->pretty;
    list_append(&monitors, &mon->link);
    return true;
}

COROUTINE_ONLY CONTROL_ONLY static void co_monitor(void *opaque)
{
    Monitor *mon = opaque;
    Stream stream;

    while (co_chardev_connect(mon->chardev, &stream)) {
        if (mon->readline) {
            human_ops()->co_session(&stream);
        } else {
            co_session_run(&stream, mon->pretty);
        }
        chardev_disconnect(mon->chardev, &stream);
    }
    cocount_dec(&running);
}

void monitors_greet_in_vain(void)
{
    LIST_FOREACH(mon, &monitors, Monitor, link) {
        if (!chardev_is_stdio(mon->chardev)) {
            continue;
        }
        if (mon->readline) {
            fputs(human_ops()->greeting(), stdout);
        } else {
            json_object *greeting = control_greeting();
            GString *text = json_print(greeting, mon->pretty);

            printf("%s\n", text->str);
            g_string_free(text, TRUE);
            json_object_put(greeting);
        }
        fflush(stdout);
    }
}

void monitors_start(void)
{
    LIST_FOREACH(mon, &monitors, Monitor, link) {
        cocount_inc(&running);
        coroutine_start(co_monitor, mon);
    }
}

void co_monitors_shutdown(void)
{
    ListLink *link;

    chardevs_stop();
    co_sessions_end();
    if (human_ops()) {
        human_ops()->co_end();
    }
    co_count_wait_zero(&running);
    qapi_event_set_sink(NULL, NULL);
    event_limit_shutdown();
    while ((link = list_pop(&monitors))) {
        g_free(LIST_ENTRY(link, Monitor, link));
    }
    chardevs_free();
}
