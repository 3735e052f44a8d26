/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img snapshot`: snapshots inside an image. */
#include <getopt.h>
#include <stdio.h>

#include "block/bitmap/bitmap.h"
#include "block/graph/format.h"
#include "qapi/qapi-types.h"
#include "text/snapshot-text.h"
#include "tools/img/args.h"
#include "tools/img/img.h"

typedef struct Snapshot {
    ImageOpen open;
    char action; /* l, c, a, d, or 0 */
    const char *name;
    bool quiet;
    Root *root;
} Snapshot;

static int set_action(Snapshot *s, char action, const char *name)
{
    if (s->action) {
        return img_usage_error("Cannot mix '-l', '-a', '-c', '-d'");
    }
    s->action = action;
    s->name = name;
    return -1;
}

static int take_apply(void *opaque, const char *word)
{
    return set_action(opaque, 'a', word);
}

static int take_create(void *opaque, const char *word)
{
    return set_action(opaque, 'c', word);
}

static int take_delete(void *opaque, const char *word)
{
    return set_action(opaque, 'd', word);
}

static int take_list(void *opaque, const char *word)
{
    return set_action(opaque, 'l', word);
}

COROUTINE_ONLY
static int co_parse_arguments(Snapshot *s, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&s->open.image_opts),
        IMG_OPTION_FORCE_SHARE(&s->open.force_share),
        IMG_OPTION_QUIET(&s->quiet),
        {'l', NULL, NULL, "list them", .take = take_list, .opaque = s},
        {'c', NULL, "NAME", "take one", .take = take_create, .opaque = s},
        {'a', NULL, "NAME", "make the image what it was then",
         .take = take_apply, .opaque = s},
        {'d', NULL, "NAME", "delete one", .take = take_delete, .opaque = s},
        {},
    };
    const ImgUsage usage = {"FILE", "Work on the snapshots inside an image.",
                            options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    s->open.filename = argv[optind];
    s->open.writable = s->open.resize = s->action != 'l';
    return img_check_format(&s->open) ? -1 : 1;
}

static SnapshotInfoList *co_list(const FormatOps *format, Node *node)
{
    Error *err = NULL;
    SnapshotInfoList *list = NULL;

    if (format && format->co_snapshot_list) {
        list = format->co_snapshot_list(node, &err);
        error_free(err);
    }
    /* cppcheck-suppress returnDanglingLifetime ; it is nothing of err's */
    return list;
}

static bool co_create(const Snapshot *s, const FormatOps *format, Node *node)
{
    int64_t now_us = reactor_wall_clock_us();
    Error *err = NULL;
    int ret = -ENOTSUP;

    if (format && format->co_snapshot_create) {
        /* No machine ran: it has counted nothing. */
        const SnapshotMoment moment = {
            .date_sec = now_us / 1000000,
            .date_nsec = now_us % 1000000 * 1000,
        };

        ret = format->co_snapshot_create(node, s->name, &moment, NULL, &err);
        error_free(err);
    }
    if (ret < 0) {
        error_report("Could not create snapshot '%s': %d (%s)", s->name, ret,
                     strerror(-ret));
    }
    return ret == 0;
}

static bool co_apply(const Snapshot *s, const FormatOps *format, Node *node)
{
    Error *err = NULL;
    int ret;

    if (!format || !format->co_snapshot_apply) {
        error_report("Could not apply snapshot '%s': Block driver does not "
                     "support snapshots",
                     s->name);
        return false;
    }
    if (bitmap_next(node, NULL)) {
        error_report("Could not apply snapshot '%s': Device has active dirty "
                     "bitmaps",
                     s->name);
        return false;
    }
    ret = format->co_snapshot_apply(node, s->name, &err);
    error_free(err);
    if (ret < 0) {
        error_report("Could not apply snapshot '%s': Failed to load snapshot: "
                     "%s",
                     s->name, strerror(-ret));
    }
    return ret == 0;
}

/* By name only: ids are not looked at. */
static char *co_find_id(const FormatOps *format, Node *node, const char *name)
{
    SnapshotInfoList *list = co_list(format, node);
    char *id = NULL;

    for (size_t i = 0; list && !id && i < list->n; i++) {
        if (!strcmp(list->v[i]->name, name)) {
            id = g_strdup(list->v[i]->id);
        }
    }
    SnapshotInfoList_free(list);
    return id;
}

static bool co_delete(const Snapshot *s, const FormatOps *format, Node *node)
{
    g_autofree char *id = co_find_id(format, node, s->name);
    Error *err = NULL;

    if (!id) {
        error_set(&err, "snapshot not found");
    } else {
        format->co_snapshot_delete(node, id, s->name, &err);
    }
    if (err) {
        error_prepend(&err, "Could not delete snapshot '%s': ", s->name);
        error_report_err(err);
        return false;
    }
    return true;
}

static int co_run(const Snapshot *s)
{
    Node *node = root_node(s->root);
    const FormatOps *format = node->driver->format;
    g_autoptr(GString) text = NULL;
    SnapshotInfoList *list;

    switch (s->action) {
    case 'l':
        list = co_list(format, node);
        text = g_string_new(NULL);
        snapshot_text_list(text, list);
        fputs(text->str, stdout);
        SnapshotInfoList_free(list);
        return 0;
    case 'c':
        return !co_create(s, format, node);
    case 'a':
        return !co_apply(s, format, node);
    case 'd':
        return !co_delete(s, format, node);
    default:
        return 0;
    }
}

int co_img_snapshot(int argc, char **argv)
{
    Snapshot snapshot = {0};
    int status = co_parse_arguments(&snapshot, argc, argv);

    if (status >= 0) {
        return status;
    }
    snapshot.root = co_img_open_or_report(&snapshot.open);
    if (!snapshot.root) {
        return 1;
    }
    status = co_run(&snapshot);
    co_image_close(snapshot.root);
    return status;
}
