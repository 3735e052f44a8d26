/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one sink of events: see qapi/event-sink.h. */
#include "qapi/event-sink.h"

/* CONTROL */
static QapiEventSink *event_sink;
static void *event_sink_opaque;

void qapi_event_set_sink(QapiEventSink *sink, void *opaque)
{
    event_sink = sink;
    event_sink_opaque = opaque;
}

void qapi_event_emit(QAPIEvent event, json_object *data)
{
    if (event_sink) {
        event_sink(event_sink_opaque, event, data);
    }
    json_object_put(data);
}
