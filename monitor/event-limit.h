/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that could come in floods are sent once a second at most: the first
 * at once, of those that follow the last one when the second is over.
 */
#ifndef MONITOR_EVENT_LIMIT_H
#define MONITOR_EVENT_LIMIT_H

#include "qapi/qapi-events.h"
#include "util/annotations.h"

/* Sends @doc (borrowed), the event @event with @data, now or later. */
void event_limited_send(QAPIEvent event, json_object *data,
                        json_object *doc) CONTROL_ONLY;
/* Forgets what is to be sent later. */
void event_limit_shutdown(void) CONTROL_ONLY;

#endif
