/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of backup jobs share: see backup-setup.h. */
#include "backup-setup.h"

#include "qapi/event-sink.h"
#include "qapi/qapi-commands.h"

static const char *text_member(json_object *data, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(data, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

static void on_event(void *opaque, QAPIEvent event, json_object *data)
{
    Setup *s = opaque;
    const char *word = QAPIEvent_str(event);

    if (event == QAPI_EVENT_JOB_STATUS_CHANGE) {
        word = text_member(data, "status");
        s->gone = strcmp(word, "null") == 0;
    }
    g_string_append_printf(s->events, "%s ", word);
    if (event == QAPI_EVENT_BLOCK_JOB_ERROR) {
        g_string_append_printf(s->events, "(%s %s) ",
                               text_member(data, "operation"),
                               text_member(data, "action"));
    }
    if (event == QAPI_EVENT_BLOCK_JOB_COMPLETED ||
        event == QAPI_EVENT_BLOCK_JOB_CANCELLED) {
        g_string_append_printf(s->events, "(%s/%s) ",
                               text_member(data, "offset"),
                               text_member(data, "len"));
    }
}

void set_up(Setup *s)
{
    *s = (Setup){.rand = g_rand_new_with_seed(7), .events = g_string_new(NULL)};
    qapi_event_set_sink(on_event, s);
    s->source = flaky_disk_new("disk", SIZE, 0);
    s->target = flaky_disk_new("target", SIZE, 0);
    flaky_disk(s->source)->rand = flaky_disk(s->target)->rand = s->rand;
    memset(flaky_disk(s->source)->bytes, 'A', SIZE);
    s->guest = root_new("root", NULL, NULL);
    g_assert_true(root_attach(s->guest, s->source,
                              PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL,
                              NULL));
    s->bitmap = bitmap_create(s->source, GRANULE, "b", NULL);
    for (unsigned i = 0; i < 8; i++) {
        bitmap_set(s->bitmap, i * MiB, GRANULE);
    }
}

void co_tear_down(Setup *s)
{
    /* All that a job added is gone. */
    g_assert_true(root_node(s->guest) == s->source);
    g_assert_true(list_empty(&s->source->op_blockers) &&
                  list_empty(&s->target->op_blockers));
    co_root_detach(s->guest);
    root_free(s->guest);
    bitmap_release_all(s->source);
    co_node_unref(s->source);
    co_node_unref(s->target);
    qapi_event_set_sink(NULL, NULL);
    g_string_free(s->events, TRUE);
    g_rand_free(s->rand);
}

void co_wait_gone(Setup *s)
{
    while (!s->gone) {
        co_reschedule();
    }
    /* The graph lock is free again when what follows the events is done. */
    co_graph_lock();
    graph_unlock();
}

void co_wait_event(Setup *s, const char *word)
{
    while (!strstr(s->events->str, word)) {
        co_reschedule();
    }
}

void co_turns(unsigned n)
{
    while (n--) {
        co_reschedule();
    }
}

void co_cancel(void)
{
    QmpJobCancelArgs args = {.id = (char *)"j"};

    g_assert_true(qmp_job_cancel(&args, NULL));
}

void co_resume(void)
{
    QmpJobResumeArgs args = {.id = (char *)"j"};

    g_assert_true(qmp_job_resume(&args, NULL));
}

/* "offset+bytes ...", in KiB. */
void assert_dirty(const DirtyBitmap *bitmap, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    uint64_t at = 0, start, bytes;

    while (bitmap_next_dirty_run(bitmap, at, SIZE, SIZE, &start, &bytes)) {
        g_string_append_printf(text, "%s%" PRIu64 "+%" PRIu64,
                               text->len ? " " : "", start / KiB, bytes / KiB);
        at = start + bytes;
    }
    g_assert_cmpstr(text->str, ==, expected);
    g_assert_true(bitmap_enabled(bitmap) && !bitmap_busy(bitmap));
    g_assert_true(bitmap_next(bitmap_node(bitmap), NULL) == bitmap);
}

BlockdevBackup backup_args(BackupSyncMode sync)
{
    return (BlockdevBackup){
        .job_id = (char *)"j",
        .device = (char *)"disk",
        .target = (char *)"target",
        .sync = sync,
    };
}
