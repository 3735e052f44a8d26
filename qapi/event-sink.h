/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where events go: one sink for the process, set by the monitor. Without a
 * sink events are dropped, so rooms below the monitor may emit at any time.
 * Control thread only.
 */
#ifndef QAPI_EVENT_SINK_H
#define QAPI_EVENT_SINK_H

#include "qapi/qapi-events.h"

/* @data is borrowed, NULL for an event without data. Must not yield. */
typedef void QapiEventSink(void *opaque, QAPIEvent event, json_object *data);

/* Sets the sink; NULL removes it. */
void qapi_event_set_sink(QapiEventSink *sink, void *opaque);

#endif
