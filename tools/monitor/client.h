/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's side of a monitor on a unix socket, whichever of QMP and HMP
 * speaks there: the greeting says it.
 *
 * Invariants:
 * 1. One command is under way at a time.
 * 2. A reader takes what comes at any time: events are told as they come.
 * All: one coroutine thread.
 */
#ifndef TOOLS_MONITOR_CLIENT_H
#define TOOLS_MONITOR_CLIENT_H

#include <json-c/json.h>

#include "util/annotations.h"
#include "util/error.h"

typedef struct Client Client;

/* Gets each event of QMP; borrowed. */
typedef void ClientEventFn(void *opaque, json_object *event);

/* Connects, waits for the greeting, and negotiates; NULL with @errp. @event
 * may be NULL. */
Client *co_client_open(const char *path, ClientEventFn *event, void *opaque,
                       Error **errp) COROUTINE_ONLY CONTROL_ONLY;
void co_client_close(Client *client) COROUTINE_ONLY CONTROL_ONLY;

bool client_is_qmp(const Client *client);
/* The monitor has ended the connection, or is about to. */
bool client_closed(const Client *client);

/* Runs a command for people; what it printed, or NULL: the connection ended
 * before an answer came. The end itself is an answer to quit. */
char *co_client_hmp(Client *client, const char *line,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Sends a request of QMP, which it takes; the whole reply, or NULL. Only where
 * QMP is spoken. */
json_object *co_client_qmp(Client *client, json_object *request,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
