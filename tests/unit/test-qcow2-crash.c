/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a crash leaves of a qcow2 image. A disk in memory records what is
 * written to it and when it is flushed; then, at every write, the image is
 * put together as a crash might leave it: all that was flushed, and of what
 * came after any sectors by chance. Each must open, have no errors but leaks,
 * and show for each sector of the disk what it held at the last flush, or
 * what was written there since.
 */
#include "crash-disk.h"

#include <json-c/json.h>

#include "block/graph/root.h"
#include "qapi/qapi-types.h"

#define DISK_BYTES (1 * MiB)
#define SECTORS (DISK_BYTES / 512)
#define LANES 4 /* requests at a time, each in its own part of the disk */

/* --- the guest ------------------------------------------------------------ */

typedef struct Lane {
    Root *root;
    uint64_t first, sectors; /* its part of the disk */
    unsigned ops;
    unsigned *running;
} Lane;

static uint32_t last_value;

static void lane_op(Lane *lane)
{
    uint64_t n = 1 + crash_below(MIN(lane->sectors, 100));
    uint64_t at = lane->first + crash_below(lane->sectors - n + 1);
    unsigned kind = crash_below(10);
    uint32_t value = 0;
    int ret;

    if (kind < 7) {
        uint8_t *data = g_malloc(n * 512);

        value = ++last_value;
        for (uint64_t i = 0; i < n; i++) {
            memset(data + i * 512, value & 0xff, 512);
            memcpy(data + i * 512, &value, sizeof(value));
        }
        crash_record(REC_OP, at, n, NULL, value);
        ret = co_root_pwrite(lane->root, at * 512, n * 512, data, 0);
        g_free(data);
    } else if (kind < 9) {
        crash_record(REC_OP, at, n, NULL, 0);
        ret = co_root_pwrite_zeroes(lane->root, at * 512, n * 512,
                                    crash_below(2) ? REQ_MAY_UNMAP : 0);
    } else {
        at = ROUND_UP(at, 128);
        n = n / 128 * 128 + 128;
        if (at + n > lane->first + lane->sectors) {
            return;
        }
        crash_record(REC_OP, at, n, NULL, 0);
        ret = co_root_pdiscard(lane->root, at * 512, n * 512);
    }
    g_assert_cmpint(ret, ==, 0);
}

static void lane_run(void *opaque)
{
    Lane *lane = opaque;

    for (unsigned i = 0; i < lane->ops; i++) {
        lane_op(lane);
    }
    --*lane->running;
}

static void co_round(Root *root)
{
    Lane lanes[LANES];
    unsigned running = LANES;

    for (unsigned i = 0; i < LANES; i++) {
        lanes[i] = (Lane){root, i * (SECTORS / LANES), SECTORS / LANES,
                          1 + crash_below(4), &running};
        coroutine_start(lane_run, &lanes[i]);
    }
    while (running) {
        co_reschedule();
    }
    if (crash_below(2)) {
        g_assert_cmpint(co_root_flush(root), ==, 0);
        crash_record(REC_STABLE, 0, 0, NULL, 0);
    }
}

/* --- the crash ------------------------------------------------------------ */

/* What a sector of the disk may hold: up to so many values. */
typedef struct Possible {
    uint32_t values[64];
    unsigned n;
} Possible;

static Possible possible[SECTORS];

static uint32_t latest[SECTORS];

static void note_op(const Record *r)
{
    for (uint64_t i = r->offset; i < r->offset + r->bytes; i++) {
        Possible *p = &possible[i];

        latest[i] = r->value;
        g_assert_cmpuint(p->n, <, ARRAY_SIZE(p->values));
        p->values[p->n++] = r->value;
    }
}

static void note_stable(void)
{
    for (uint64_t i = 0; i < SECTORS; i++) {
        possible[i].values[0] = latest[i];
        possible[i].n = 1;
    }
}

static void apply(uint8_t *image, const Record *r, bool by_chance)
{
    for (uint64_t at = 0; at < r->bytes; at += 512) {
        uint64_t n = MIN(r->bytes - at, 512);

        if (by_chance && crash_below(2)) {
            continue;
        }
        if (r->data) {
            memcpy(image + r->offset + at, r->data + at, n);
        } else {
            memset(image + r->offset + at, 0, n);
        }
    }
}

static void say(void *opaque, const char *text)
{
    g_string_append_printf(opaque, "%s\n", text);
}

static void co_check_disk(Root *root)
{
    uint8_t *data = g_malloc(DISK_BYTES);

    g_assert_cmpint(co_root_pread(root, 0, DISK_BYTES, data), ==, 0);
    for (uint64_t i = 0; i < SECTORS; i++) {
        uint32_t value;
        bool found = false;

        memcpy(&value, data + i * 512, sizeof(value));
        for (unsigned k = 0; k < possible[i].n; k++) {
            found |= possible[i].values[k] == value;
        }
        if (!found) {
            g_error("sector %" PRIu64 " holds %u; last flushed %u", i, value,
                    possible[i].values[0]);
        }
    }
    g_free(data);
}

static void co_check_crash(const uint8_t *image, uint64_t bytes)
{
    Node *file = crash_disk_new("crash", bytes), *node;
    GString *text = g_string_new(NULL);
    FormatCheck check = {.message = say, .opaque = text};
    Root *root = root_new("root", NULL, NULL);
    Error *err = NULL;

    memcpy(((LogDisk *)file->state)->bytes, image, bytes);
    file->read_only = true;
    node = open_json("{'driver': 'qcow2', 'node-name': 'after', "
                     "'read-only': true, 'file': 'crash'}",
                     &err);
    if (!node) {
        g_error("does not open: %s", error_text(err));
    }
    g_assert_cmpint(node->driver->format->co_check(node, &check, &err), ==, 0);
    if (check.corruptions || check.check_errors) {
        g_error("damaged:\n%s", text->str);
    }
    g_assert_true(
        root_attach(root, node, PERM_CONSISTENT_READ, PERM_ALL, &err));
    co_check_disk(root);
    co_root_detach(root);
    root_free(root);
    co_node_unref(node);
    co_node_unref(file);
    g_string_free(text, TRUE);
}

/* Replays all that was recorded from @base on. */
static void co_replay(uint8_t *base, uint64_t bytes)
{
    uint8_t *image = g_malloc(bytes);
    unsigned first = 0; /* after the last flush */

    memset(latest, 0, sizeof(latest));
    note_stable();
    for (unsigned i = 0; i < crash_records->len; i++) {
        const Record *r = &g_array_index(crash_records, Record, i);

        if (r->kind == REC_OP) {
            note_op(r);
        } else if (r->kind == REC_STABLE) {
            note_stable();
        } else if (r->kind == REC_FLUSH) {
            for (unsigned k = first; k < i; k++) {
                const Record *w = &g_array_index(crash_records, Record, k);

                if (w->kind == REC_WRITE) {
                    apply(base, w, false);
                }
            }
            first = i + 1;
        } else {
            bool all =
                crash_below(3) == 0; /* a process that is killed, no more */

            memcpy(image, base, bytes);
            for (unsigned k = first; k <= i; k++) {
                const Record *w = &g_array_index(crash_records, Record, k);

                if (w->kind == REC_WRITE) {
                    apply(image, w, !all);
                }
            }
            co_check_crash(image, bytes);
        }
    }
    g_free(image);
}

/* --- the test ------------------------------------------------------------- */

typedef struct Kind {
    uint32_t cluster_bytes;
    bool extended_l2, v2;
} Kind;

static Kind kind;

static unsigned seed;

static void co_make(void)
{
    BlockdevRef file = {.kind = BLOCKDEV_REF_KIND_REFERENCE,
                        .u.reference = (char *)"disk"};
    BlockdevCreateOptions options = {
        .driver = BLOCKDEV_DRIVER_QCOW2,
        .u.qcow2 =
            {
                .file = &file,
                .size = DISK_BYTES,
                .has_cluster_size = true,
                .cluster_size = kind.cluster_bytes,
                .has_extended_l2 = true,
                .extended_l2 = kind.extended_l2,
                .has_version = kind.v2,
                .version = BLOCKDEV_QCOW2_VERSION_V2,
            },
    };
    Error *err = NULL;

    if (!driver_find("qcow2")->format->co_create(&options, &err)) {
        g_error("%s", error_text(err));
    }
}

/* Behind the last byte that was ever written; what a crash leaves is at least
 * as long as it was at first. */
static uint64_t file_end(void)
{
    uint64_t end = 1 * MiB;

    for (unsigned i = 0; i < crash_records->len; i++) {
        const Record *r = &g_array_index(crash_records, Record, i);

        if (r->kind == REC_WRITE) {
            end = MAX(end, r->offset + r->bytes);
        }
    }
    return ROUND_UP(end, kind.cluster_bytes);
}

static void crash_body(void)
{
    Node *file = crash_disk_new("disk", 0), *node;
    uint8_t *base = g_malloc(FILE_MAX);
    Root *root = root_new("root", NULL, NULL);
    Error *err = NULL;

    crash_records = g_array_new(FALSE, FALSE, sizeof(Record));
    crash_chance = g_rand_new_with_seed(seed);
    last_value = 0;
    crash_recording = false;
    co_make();
    memcpy(base, ((LogDisk *)file->state)->bytes, FILE_MAX);
    node = open_json("{'driver': 'qcow2', 'node-name': 'image', "
                     "'discard': 'unmap', 'file': 'disk', "
                     "'l2-cache-size': 65536, 'l2-cache-entry-size': 512}",
                     &err);
    g_assert_nonnull(node);
    g_assert_true(root_attach(root, node,
                              PERM_CONSISTENT_READ | PERM_WRITE | PERM_RESIZE,
                              PERM_ALL, &err));
    crash_recording = true;
    for (unsigned i = 0; i < 12; i++) {
        co_round(root);
    }
    crash_recording = false;
    co_root_detach(root);
    root_free(root);
    co_node_unref(node);
    co_node_unref(file);
    co_replay(base, file_end());
    g_free(base);
    g_rand_free(crash_chance);
    crash_records_free();
}

static void test_crash(gconstpointer data)
{
    kind = *(const Kind *)data;
    for (seed = 1; seed <= 2; seed++) {
        run_in_coroutine(crash_body);
    }
}

int main(int argc, char **argv)
{
    static const Kind kinds[] = {
        {512, false, false},  {4096, false, false}, {65536, false, false},
        {16384, true, false}, {4096, false, true},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/qcow2/crash/512", &kinds[0], test_crash);
    g_test_add_data_func("/qcow2/crash/4k", &kinds[1], test_crash);
    g_test_add_data_func("/qcow2/crash/64k", &kinds[2], test_crash);
    g_test_add_data_func("/qcow2/crash/subclusters", &kinds[3], test_crash);
    g_test_add_data_func("/qcow2/crash/v2", &kinds[4], test_crash);
    return g_test_run();
}
