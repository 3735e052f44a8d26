/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images on simulated disks: made and opened by QMP, of kinds and with
 * caches that the seed chooses, and checked by the driver's own check.
 */
#include "sim.h"

#include "block/graph/format.h"
#include "block/graph/node.h"
#include "util/error.h"

/* So small that tables are loaded and dropped all the time. */
#define SMALL_CACHE_BYTES 2048

COROUTINE_ONLY
static void co_create(const char *options)
{
    unsigned concluded = sim_events_seen("concluded");
    unsigned aborted = sim_events_seen("aborting");
    unsigned gone = sim_events_seen("null");

    co_sim_qmp_ok("{'execute': 'blockdev-create', 'arguments': {'job-id':"
                  " 'create', 'options': {'driver': 'qcow2', %s}}}",
                  options);
    co_sim_events_wait("concluded", concluded + 1);
    sim_check(sim_events_seen("aborting") == aborted, "no image with %s",
              options);
    co_sim_qmp_ok("{'execute': 'job-dismiss', 'arguments':"
                  " {'id': 'create'}}");
    co_sim_events_wait("null", gone + 1);
}

void co_sim_image_make(unsigned n, uint64_t bytes, int base)
{
    static const unsigned clusters[] = {512, 512, 1024, 4096, 16384, 65536};
    unsigned cluster = clusters[sim_below(ARRAY_SIZE(clusters))];
    GString *options = g_string_new(NULL);
    bool old = sim_percent(15);

    g_string_printf(options,
                    "'file': 'disk%u', 'size': %" PRIu64
                    ", 'cluster-size': %u, 'version': '%s'",
                    n, bytes, cluster, old ? "v2" : "v3");
    if (!old && cluster >= 16384 && sim_percent(50)) {
        g_string_append(options, ", 'extended-l2': true");
    }
    if (!old && sim_percent(30)) {
        g_string_append(options, ", 'lazy-refcounts': true");
    }
    if (!old && sim_percent(30)) {
        g_string_append_printf(options, ", 'refcount-bits': %u",
                               1u << sim_below(7));
    }
    if (base < 0 && sim_percent(20)) {
        g_string_append(options, ", 'preallocation': 'metadata'");
    }
    if (base >= 0) {
        g_string_append_printf(options,
                               ", 'backing-fmt': 'raw',"
                               " 'backing-file': '%s'",
                               sim_disk_path(base));
    }
    co_sim_disk_add(n, 0);
    co_create(options->str);
    g_string_free(options, true);
}

Node *co_sim_image_open(unsigned n, int base)
{
    static const char *const caches[] = {
        "", "", ", 'l2-cache-size': %u, 'refcount-cache-size': %u",
        ", 'l2-cache-size': %u, 'refcount-cache-size': %u,"
        " 'l2-cache-entry-size': 512"};
    char *cache = g_strdup_printf(caches[sim_below(ARRAY_SIZE(caches))],
                                  SMALL_CACHE_BYTES, SMALL_CACHE_BYTES);
    char name[16];

    if (base >= 0) {
        co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'driver':"
                      " 'qcow2', 'node-name': 'image%u', 'file': 'disk%u',"
                      " 'discard': 'unmap', 'backing': 'disk%d'%s}}",
                      n, n, base, cache);
    } else {
        co_sim_qmp_ok("{'execute': 'blockdev-add', 'arguments': {'driver':"
                      " 'qcow2', 'node-name': 'image%u', 'file': 'disk%u',"
                      " 'discard': 'unmap'%s}}",
                      n, n, cache);
    }
    g_free(cache);
    g_snprintf(name, sizeof(name), "image%u", n);
    return node_find(name);
}

void co_sim_image_close(unsigned n)
{
    co_sim_qmp_ok("{'execute': 'blockdev-del', 'arguments':"
                  " {'node-name': 'image%u'}}",
                  n);
}

/* --- check --------------------------------------------------------------- */

static void found(void *opaque, const char *text)
{
    g_string_append_printf(opaque, "%s\n", text);
}

COROUTINE_ONLY
static void co_check(Node *node, unsigned fix, bool leaks)
{
    GString *text = g_string_new(NULL);
    FormatCheck check = {.message = found, .opaque = text, .fix = fix};
    Error *err = NULL;
    int ret = node->driver->format->co_check(node, &check, &err);

    sim_check(ret == 0, "the check of %s: %s", node_name(node),
              err ? error_text(err) : strerror(-ret));
    sim_check(!check.corruptions && !check.check_errors, "%s is damaged:\n%s",
              node_name(node), text->str);
    sim_check(leaks || !check.leaks, "%s has leaks:\n%s", node_name(node),
              text->str);
    g_string_free(text, true);
}

void co_sim_image_check(unsigned n, bool leaks)
{
    char name[16];
    Node *node;

    g_snprintf(name, sizeof(name), "image%u", n);
    node = node_find(name);
    co_check(node, 0, leaks);
    if (leaks) {
        co_check(node, CHECK_FIX_LEAKS, true);
        co_check(node, 0, false);
    }
}
