/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions of every kind of action, one of which fails: each position in
 * turn, in every rotation of the actions. Whatever was prepared before is
 * undone: nodes, bitmaps with their bits, jobs are as they were, and nobody
 * stays busy or held still.
 */
#include "ram-node.h"

#include "block/bitmap/bitmap.h"
#include "block/graph/root.h"
#include "block/job/job.h"
#include "qapi/qapi-commands.h"

#define SIZE (1 * MiB)
#define N(action, rest)                             \
    "{\"type\": \"block-dirty-bitmap-" action "\"," \
    " \"data\": {\"node\": \"n\", " rest "}}"

/* Each works wherever it stands among the others. */
static const char *const actions[] = {
    N("add", "\"name\": \"new\", \"granularity\": 4096"),
    N("clear", "\"name\": \"cleared\""),
    N("enable", "\"name\": \"off\""),
    N("disable", "\"name\": \"on\""),
    N("merge", "\"target\": \"merged\", \"bitmaps\": [\"on2\"]"),
    N("remove", "\"name\": \"removed\""),
    ("{\"type\": \"blockdev-backup\", \"data\": {\"device\": \"n\","
     " \"target\": \"t\", \"job-id\": \"j\", \"sync\": \"bitmap\","
     " \"bitmap\": \"saved\", \"bitmap-mode\": \"on-success\"}}"),
};

/* Each fails, for a reason of its own kind. */
static const char *const failing[] = {
    "{\"type\": \"abort\", \"data\": {}}",
    N("add", "\"name\": \"on\""),
    N("clear", "\"name\": \"nosuch\""),
    N("merge", "\"target\": \"merged\", \"bitmaps\": [\"on2\", \"nosuch\"]"),
    ("{\"type\": \"blockdev-backup\", \"data\": {\"device\": \"n\","
     " \"target\": \"n\", \"job-id\": \"k\", \"sync\": \"full\"}}"),
};

static const char *const names[] = {"cleared", "off",     "on",   "merged",
                                    "on2",     "removed", "saved"};

static Node *disk, *target;
static Root *guest;

/* --- set up -------------------------------------------------------------- */

static void set_up(void)
{
    disk = ram_node_new("n", SIZE, 512);
    target = ram_node_new("t", SIZE, 512);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        DirtyBitmap *bitmap = bitmap_create(disk, 4096, names[i], NULL);

        g_assert_nonnull(bitmap);
        bitmap_set(bitmap, i * 65536, 65536);
        if (!strcmp(names[i], "off")) {
            bitmap_disable(bitmap);
        }
    }
    guest = root_new("root", NULL, NULL);
    g_assert_true(root_attach(guest, disk, PERM_CONSISTENT_READ | PERM_WRITE,
                              PERM_ALL, NULL));
}

static void tear_down(void)
{
    co_root_detach(guest);
    root_free(guest);
    bitmap_release_all(disk);
    co_node_unref(disk);
    co_node_unref(target);
}

/* All that a transaction could have changed, as the next command finds it. */
static char *describe(void)
{
    GString *text = g_string_new(NULL);
    JobInfoList *jobs = qmp_query_jobs(NULL);

    co_graph_lock();
    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        g_string_append_printf(text, "node %s %u quiesced %u\n",
                               node_name(node), node->refs, node->quiesced);
        for (DirtyBitmap *b = bitmap_next(node, NULL); b;
             b = bitmap_next(node, b)) {
            g_autofree char *hash = bitmap_sha256(b);

            g_string_append_printf(text, "  %s %d %d %d %s\n", bitmap_name(b),
                                   bitmap_enabled(b), bitmap_busy(b),
                                   bitmap_recording(b), hash);
        }
    }
    graph_unlock();
    g_string_append_printf(text, "jobs %zu\n", (size_t)jobs->n);
    JobInfoList_free(jobs);
    return g_string_free(text, false);
}

/* --- transactions -------------------------------------------------------- */

/* @fail stands at @position among the actions, which begin with @first. */
static char *actions_text(size_t first, size_t position, const char *fail)
{
    GString *text = g_string_new("{\"actions\": [");

    for (size_t i = 0; i <= ARRAY_SIZE(actions); i++) {
        if (i == position) {
            g_string_append_printf(text, "%s%s", i ? ", " : "", fail);
        }
        if (i < ARRAY_SIZE(actions)) {
            g_string_append_printf(text, "%s%s", i || !position ? ", " : "",
                                   actions[(first + i) % ARRAY_SIZE(actions)]);
        }
    }
    g_string_append(text, "]}");
    return g_string_free(text, false);
}

static void transact_fails(const char *text)
{
    json_object *json = json_tokener_parse(text);
    QmpTransactionArgs *args = QmpTransactionArgs_from_json(json, NULL);
    Error *err = NULL;

    g_assert_nonnull(args);
    g_assert_false(qmp_transaction(args, &err));
    g_assert_nonnull(err);
    error_free(err);
    QmpTransactionArgs_free(args);
    json_object_put(json);
}

/* The guest is served again, and only who records notes it. */
static void check_alive(void)
{
    char buf[512] = {1};

    g_assert_cmpint(co_root_pwrite(guest, 0, sizeof(buf), buf, 0), ==, 0);
}

static void every_position(void)
{
    co_graph_lock();
    set_up();
    graph_unlock();
    check_alive(); /* what it marks is marked from now on */
    for (size_t fail = 0; fail < ARRAY_SIZE(failing); fail++) {
        for (size_t first = 0; first < ARRAY_SIZE(actions); first++) {
            for (size_t at = 0; at <= ARRAY_SIZE(actions); at++) {
                g_autofree char *text = actions_text(first, at, failing[fail]);
                g_autofree char *before = describe();
                g_autofree char *after = NULL;

                transact_fails(text);
                check_alive();
                after = describe();
                g_assert_cmpstr(after, ==, before);
            }
        }
    }
    co_graph_lock();
    tear_down();
    graph_unlock();
}

static bool job_running(void)
{
    JobInfoList *jobs = qmp_query_jobs(NULL);
    bool running = jobs->n > 0;

    JobInfoList_free(jobs);
    return running;
}

/* Without the failing one it goes through: the loop above tried something. */
static void none_fails(void)
{
    g_autofree char *text = actions_text(0, SIZE_MAX, NULL);
    json_object *json;
    QmpTransactionArgs *args;
    Error *err = NULL;

    co_graph_lock();
    set_up();
    graph_unlock();
    json = json_tokener_parse(text);
    args = QmpTransactionArgs_from_json(json, NULL);
    g_assert_nonnull(args);
    if (!qmp_transaction(args, &err)) {
        g_error("%s", error_text(err));
    }
    while (job_running()) {
        co_reschedule();
    }
    QmpTransactionArgs_free(args);
    json_object_put(json);
    g_assert_null(bitmap_find(disk, "removed"));
    g_assert_nonnull(bitmap_find(disk, "new"));
    co_graph_lock();
    tear_down();
    graph_unlock();
}

static void run_test(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/transaction-faults/every-position", every_position,
                         run_test);
    g_test_add_data_func("/transaction-faults/none-fails", none_fails,
                         run_test);
    return g_test_run();
}
