/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events reach the sink with their data; the schema's own text is JSON. */
#include "qapi/event-sink.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-print.h"

static void record(void *opaque, QAPIEvent event, json_object *data)
{
    GString *log = opaque, *text = json_print(data, false);

    g_string_append_printf(log, "%s %s\n", QAPIEvent_str(event), text->str);
    g_string_free(text, TRUE);
}

static void test_events(void)
{
    GString *log = g_string_new(NULL);
    char *id = g_strdup("job0");
    QapiEventJobStatusChange change = {.id = id, .status = JOB_STATUS_RUNNING};
    QapiEventBlockExportDeleted deleted = {.id = id};

    qapi_event_job_status_change(&change); /* dropped: no sink yet */
    qapi_event_set_sink(record, log);
    qapi_event_job_status_change(&change);
    qapi_event_block_export_deleted(&deleted);
    qapi_event_set_sink(NULL, NULL);
    qapi_event_block_export_deleted(&deleted);
    g_assert_cmpstr(log->str, ==,
                    "JOB_STATUS_CHANGE {\"status\": \"running\", "
                    "\"id\": \"job0\"}\n"
                    "BLOCK_EXPORT_DELETED {\"id\": \"job0\"}\n");
    g_free(id);
    g_string_free(log, TRUE);
}

/* The answer to query-qmp-schema has the form that the schema gives it. */
static void test_introspection(void)
{
    Error *err = NULL;
    json_object *json = qmp_query_qmp_schema(&err);
    SchemaInfoList *list;
    unsigned commands = 0;

    g_assert_null(err);
    list = SchemaInfoList_from_json(json, &err);
    g_assert_null(err);
    for (size_t i = 0; i < list->n; i++) {
        commands += list->v[i]->meta_type == SCHEMA_META_TYPE_COMMAND;
    }
    g_assert_cmpuint(commands, >, 30);
    SchemaInfoList_free(list);
    json_object_put(json);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi-events/events", test_events);
    g_test_add_func("/qapi-events/introspection", test_introspection);
    return g_test_run();
}
