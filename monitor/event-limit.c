/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See event-limit.h. A kind of event is its name and, for some, what it is
 * about.
 *
 * Invariant: a kind is in the table for as long as its second lasts, with its
 * timer armed.
 */
#include "monitor/event-limit.h"

#include "monitor/session.h"
#include "util/reactor/reactor.h"

#define LIMIT_NS 1000000000

typedef struct Kind {
    char *key;
    json_object *last; /* to be sent when the second is over, or NULL */
    Timer timer;
} Kind;

/* CONTROL */
static GHashTable *kinds; /* Kind, by its key */

static const struct {
    QAPIEvent event;
    const char *about; /* the member that tells kinds apart, or NULL */
} limited[] = {
    {QAPI_EVENT_QUORUM_FAILURE, NULL},
    {QAPI_EVENT_QUORUM_REPORT_BAD, "node-name"},
};

/* NULL if all of them are sent. */
static char *key_of(QAPIEvent event, json_object *data)
{
    for (size_t i = 0; i < ARRAY_SIZE(limited); i++) {
        json_object *about = NULL;

        if (limited[i].event != event) {
            continue;
        }
        if (limited[i].about) {
            json_object_object_get_ex(data, limited[i].about, &about);
        }
        return g_strdup_printf("%s %s", QAPIEvent_str(event),
                               about ? json_object_get_string(about) : "");
    }
    return NULL;
}

static void kind_free(gpointer opaque)
{
    Kind *kind = opaque;

    timer_cancel(&kind->timer);
    json_object_put(kind->last);
    g_free(kind->key);
    g_free(kind);
}

CONTROL_ONLY
static void second_over(void *opaque)
{
    Kind *kind = opaque;
    json_object *doc = kind->last;

    if (!doc) {
        g_hash_table_remove(kinds, kind->key);
        return;
    }
    kind->last = NULL;
    timer_arm(&kind->timer, reactor_now_ns() + LIMIT_NS);
    sessions_broadcast(doc);
    json_object_put(doc);
}

static void kind_begin(char *key)
{
    Kind *kind = g_new0(Kind, 1);

    kind->key = key;
    timer_init(&kind->timer, second_over, kind);
    timer_arm(&kind->timer, reactor_now_ns() + LIMIT_NS);
    g_hash_table_insert(kinds, kind->key, kind);
}

void event_limited_send(QAPIEvent event, json_object *data, json_object *doc)
{
    char *key = key_of(event, data);
    Kind *kind;

    if (!key) {
        sessions_broadcast(doc);
        return;
    }
    if (!kinds) {
        kinds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, kind_free);
    }
    kind = g_hash_table_lookup(kinds, key);
    if (!kind) {
        kind_begin(key);
        sessions_broadcast(doc);
        return;
    }
    g_free(key);
    json_object_put(kind->last);
    kind->last = json_object_get(doc);
}

void event_limit_shutdown(void)
{
    if (kinds) {
        g_hash_table_destroy(kinds);
        kinds = NULL;
    }
}
