/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `img bitmap`: work on the bitmaps that an image keeps. Actions are done in
 * the order in which they are given; the first that fails ends it. */
#include <getopt.h>
#include <stdio.h>

#include "qapi/qapi-commands.h"
#include "tools/img/args.h"
#include "tools/img/img.h"

typedef enum ActionKind {
    ACTION_ADD,
    ACTION_REMOVE,
    ACTION_CLEAR,
    ACTION_ENABLE,
    ACTION_DISABLE,
    ACTION_MERGE,
} ActionKind;

static const char *const action_names[] = {
    [ACTION_ADD] = "add",         [ACTION_REMOVE] = "remove",
    [ACTION_CLEAR] = "clear",     [ACTION_ENABLE] = "enable",
    [ACTION_DISABLE] = "disable", [ACTION_MERGE] = "merge",
};

typedef struct Action {
    ActionKind kind;
    const char *source; /* merge: the other bitmap */
} Action;

typedef struct Bitmap {
    ImageOpen open, source;
    const char *name;
    GArray *actions; /* Action */
    bool add, merge;
    const char *granularity_word;
    uint64_t granularity;
    Root *root, *source_root;
} Bitmap;

static int append(Bitmap *b, ActionKind kind, const char *source)
{
    Action action = {kind, source};

    g_array_append_val(b->actions, action);
    return -1;
}

static int take_add(void *opaque, const char *word)
{
    ((Bitmap *)opaque)->add = true;
    return append(opaque, ACTION_ADD, NULL);
}

static int take_remove(void *opaque, const char *word)
{
    return append(opaque, ACTION_REMOVE, NULL);
}

static int take_clear(void *opaque, const char *word)
{
    return append(opaque, ACTION_CLEAR, NULL);
}

static int take_enable(void *opaque, const char *word)
{
    return append(opaque, ACTION_ENABLE, NULL);
}

static int take_disable(void *opaque, const char *word)
{
    return append(opaque, ACTION_DISABLE, NULL);
}

static int take_merge(void *opaque, const char *word)
{
    ((Bitmap *)opaque)->merge = true;
    return append(opaque, ACTION_MERGE, word);
}

static int take_granularity(void *opaque, const char *word)
{
    Bitmap *b = opaque;

    b->granularity_word = word;
    return img_parse_size("granularity", word, &b->granularity) ? -1 : 1;
}

static bool check(const Bitmap *b, int names)
{
    if (!b->actions->len) {
        error_report("Need at least one of --add, --remove, --clear, --enable, "
                     "--disable, or --merge");
    } else if (names != 2) {
        error_report("Expecting filename and bitmap name");
    } else if (b->granularity_word && !b->add) {
        error_report("granularity only supported with --add");
    } else if (b->source.format && !b->source.filename) {
        error_report("-F only supported with -b");
    } else if (b->source.filename && !b->merge) {
        error_report("Merge bitmap source file only supported with --merge");
    } else {
        return img_check_format(&b->open);
    }
    return false;
}

COROUTINE_ONLY
static int co_parse_arguments(Bitmap *b, int argc, char **argv)
{
    const ImgOption options[] = {
        {0, "add", NULL, "make it", .take = take_add, .opaque = b},
        {0, "remove", NULL, "delete it", .take = take_remove, .opaque = b},
        {0, "clear", NULL, "clear all its bits", .take = take_clear,
         .opaque = b},
        {0, "enable", NULL, "from now on it records writes",
         .take = take_enable, .opaque = b},
        {0, "disable", NULL, "from now on it does not", .take = take_disable,
         .opaque = b},
        {0, "merge", "SOURCE", "add the bits of another bitmap",
         .take = take_merge, .opaque = b},
        {'b', "source-file", "FILE", "where --merge finds the other one",
         .word = &b->source.filename},
        {'F', "source-format", "FMT", "format of that FILE",
         .word = &b->source.format},
        {'g', "granularity", "BYTES", "of --add: bytes that a bit stands for",
         .take = take_granularity, .opaque = b},
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&b->open.image_opts),
        IMG_OPTION_FORMAT(&b->open.format),
        {},
    };
    const ImgUsage usage = {
        "FILE BITMAP", "Work on a bitmap that an image keeps.", options,
        "Several actions are done in the order in which they are given.\n"};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (!check(b, argc - optind)) {
        return 1;
    }
    b->open.filename = argv[optind];
    b->open.writable = b->open.no_backing = true;
    b->name = argv[optind + 1];
    return -1;
}

/* --- actions ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool add(const Bitmap *b, const char *node,
                                            Error **errp)
{
    BlockDirtyBitmapAdd args = {
        .node = (char *)node,
        .name = (char *)b->name,
        .has_granularity = b->granularity != 0,
        /* What is too large is no power of two either. */
        .granularity = MIN(b->granularity, UINT32_MAX),
        .has_persistent = true,
        .persistent = true,
    };

    return qmp_block_dirty_bitmap_add(&args, errp);
}

bool img_bitmap_merge(const char *node, const char *target,
                      const char *source_node, const char *source, Error **errp)
{
    json_object *json = json_object_new_object();
    json_object *list = json_object_new_array();
    json_object *item = json_object_new_object();
    BlockDirtyBitmapMerge *args;
    bool ok = false;

    json_object_object_add(item, "node", json_object_new_string(source_node));
    json_object_object_add(item, "name", json_object_new_string(source));
    json_object_array_add(list, item);
    json_object_object_add(json, "node", json_object_new_string(node));
    json_object_object_add(json, "target", json_object_new_string(target));
    json_object_object_add(json, "bitmaps", list);
    args = BlockDirtyBitmapMerge_from_json(json, errp);
    json_object_put(json);
    if (args) {
        ok = qmp_block_dirty_bitmap_merge(args, errp);
        BlockDirtyBitmapMerge_free(args);
    }
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static bool
run_action(const Bitmap *b, const Action *action, Error **errp)
{
    const char *node = node_name(root_node(b->root));
    BlockDirtyBitmap which = {.node = (char *)node, .name = (char *)b->name};

    switch (action->kind) {
    case ACTION_ADD:
        return add(b, node, errp);
    case ACTION_REMOVE:
        return qmp_block_dirty_bitmap_remove(&which, errp);
    case ACTION_CLEAR:
        return qmp_block_dirty_bitmap_clear(&which, errp);
    case ACTION_ENABLE:
        return qmp_block_dirty_bitmap_enable(&which, errp);
    case ACTION_DISABLE:
        return qmp_block_dirty_bitmap_disable(&which, errp);
    default:
        return img_bitmap_merge(
            node, b->name,
            b->source_root ? node_name(root_node(b->source_root)) : node,
            action->source, errp);
    }
}

COROUTINE_ONLY CONTROL_ONLY static int co_run(const Bitmap *b)
{
    for (guint i = 0; i < b->actions->len; i++) {
        const Action *action = &g_array_index(b->actions, Action, i);
        Error *err = NULL;

        if (!run_action(b, action, &err)) {
            error_prepend(&err, "Operation %s on bitmap %s failed: ",
                          action_names[action->kind], b->name);
            error_report_err(err);
            return 1;
        }
    }
    return 0;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open(Bitmap *b)
{
    b->root = co_img_open_or_report(&b->open);
    if (b->root && b->source.filename) {
        b->source_root = co_img_open_or_report(&b->source);
        return b->source_root != NULL;
    }
    return b->root != NULL;
}

int co_img_bitmap(int argc, char **argv)
{
    Bitmap bitmap = {.actions = g_array_new(false, false, sizeof(Action))};
    int status = co_parse_arguments(&bitmap, argc, argv);

    if (status < 0) {
        status = co_open(&bitmap) ? co_run(&bitmap) : 1;
    }
    co_image_close(bitmap.source_root);
    co_image_close(bitmap.root);
    g_array_free(bitmap.actions, true);
    return status;
}
