/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info bitmaps: a table of all dirty bitmaps, or a picture of where one is
 * dirty.
 *
 * Invariant: the work is bounded by the picture's size, not by the number of
 * runs in the bitmap (RUNS_MAX a character).
 */
#include "block/bitmap/bitmap.h"
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"
#include "text/size-text.h"

#define COLUMNS 80
#define COLUMNS_MIN 30
#define COLUMNS_MAX 1024
#define ROWS 16
#define RUNS_MAX 256
/* "   1023 KiB |" and the bar at the end. */
#define MARGIN 14
/* A row has a multiple of it: offsets are round. */
#define STEP 16u

static void add_word(GString *flags, bool is, const char *word)
{
    if (is) {
        g_string_append_printf(flags, "%s%s", flags->len ? "," : "", word);
    }
}

static char *flags_of(const BlockDirtyInfo *info)
{
    GString *flags = g_string_new(NULL);

    add_word(flags, info->recording, "recording");
    add_word(flags, info->busy, "busy");
    add_word(flags, info->persistent, "persistent");
    add_word(flags, info->inconsistent, "inconsistent");
    add_word(flags, !flags->len, "-");
    return g_string_free(flags, false);
}

/* --- the table ----------------------------------------------------------- */

static void show_row(Hmp *hmp, const char *node, const BlockDirtyInfo *info)
{
    g_autofree char *granularity = size_text_short(info->granularity);
    g_autofree char *count = size_text_short(info->count);
    g_autofree char *flags = flags_of(info);

    hmp_printf(hmp, "%-20s %-24s %11s %10s  %s\n", node,
               info->name ? info->name : "(anonymous)", granularity, count,
               flags);
}

CONTROL_ONLY
static void show_table(Hmp *hmp, const char *wanted)
{
    bool any = false;

    for (Node *node = node_next(NULL); node; node = node_next(node)) {
        BlockDirtyInfoList *list;

        if (wanted && strcmp(wanted, node_name(node))) {
            continue;
        }
        list = bitmaps_query(node);
        for (size_t i = 0; list && i < list->n; i++) {
            if (!any) {
                hmp_printf(hmp, "%-20s %-24s %11s %10s  %s\n", "NODE", "BITMAP",
                           "GRANULARITY", "DIRTY", "FLAGS");
            }
            any = true;
            show_row(hmp, node_name(node), list->v[i]);
        }
        BlockDirtyInfoList_free(list);
    }
    if (!any) {
        hmp_printf(hmp, "No bitmaps\n");
    }
}

/* --- the picture --------------------------------------------------------- */

typedef struct Picture {
    const DirtyBitmap *bitmap;
    uint64_t size, cell; /* bytes: of all, of one character */
    unsigned columns;    /* characters in a row */
} Picture;

/* '.' clean, '#' dirty all of it, '-' less and '+' more than half. */
static char draw_cell(const Picture *p, uint64_t at)
{
    uint64_t end = MIN(at + p->cell, p->size), from = at, dirty = 0, begin, run;
    unsigned runs = 0;

    while (
        from < end && runs++ < RUNS_MAX &&
        bitmap_next_dirty_run(p->bitmap, from, end, end - from, &begin, &run)) {
        dirty += run;
        from = begin + run;
    }
    if (!dirty) {
        return '.';
    }
    if (dirty == end - at) {
        return '#';
    }
    return dirty * 2 < end - at ? '-' : '+';
}

static void draw_row(Hmp *hmp, const Picture *p, uint64_t at)
{
    g_autofree char *offset = size_text_short(at);

    hmp_printf(hmp, "%11s |", offset);
    for (unsigned i = 0; i < p->columns && at < p->size; i++) {
        g_string_append_c(hmp->out, draw_cell(p, at));
        at += p->cell;
    }
    hmp_printf(hmp, "|\n");
}

/* As few bytes a character as fit into the rows, a power of two granules. */
static uint64_t choose_cell(uint64_t size, uint64_t granularity,
                            unsigned columns)
{
    uint64_t cell = granularity;

    while (DIV_ROUND_UP(size, cell) > (uint64_t)columns * ROWS) {
        cell *= 2;
    }
    return cell;
}

static void draw(Hmp *hmp, const DirtyBitmap *bitmap, unsigned columns)
{
    Picture p = {.bitmap = bitmap,
                 .size = bitmap_size_bytes(bitmap),
                 .columns = ROUND_DOWN(columns - MARGIN, STEP)};
    g_autofree char *cell = NULL;

    p.cell = choose_cell(p.size, bitmap_granularity_bytes(bitmap), p.columns);
    cell = size_text_short(p.cell);
    for (uint64_t at = 0; at < p.size; at += p.cell * p.columns) {
        draw_row(hmp, &p, at);
    }
    hmp_printf(hmp,
               "a character is %s: . clean, # dirty, - less and + more "
               "than half of it\n",
               cell);
}

CONTROL_ONLY
static void show_one(Hmp *hmp, const char *node_name_, const char *name,
                     unsigned columns)
{
    Error *err = NULL;
    DirtyBitmap *bitmap = bitmap_lookup(node_name_, name, NULL, &err);
    g_autofree char *count = NULL, *size = NULL, *granularity = NULL;
    double percent;

    if (!bitmap) {
        hmp_error(hmp, err);
        return;
    }
    count = size_text_short(bitmap_count_bytes(bitmap));
    size = size_text_short(bitmap_size_bytes(bitmap));
    granularity = size_text_short(bitmap_granularity_bytes(bitmap));
    percent = bitmap_size_bytes(bitmap) ? 100.0 * bitmap_count_bytes(bitmap) /
                                              bitmap_size_bytes(bitmap)
                                        : 0;
    hmp_printf(
        hmp, "%s, bitmap %s: %s of %s dirty (%.1f %%), granularity %s%s%s%s\n",
        node_name(bitmap_node(bitmap)), name, count, size, MIN(percent, 100.0),
        granularity, bitmap_recording(bitmap) ? "" : ", disabled",
        bitmap_busy(bitmap) ? ", busy" : "",
        bitmap_inconsistent(bitmap) ? ", inconsistent" : "");
    if (!bitmap_inconsistent(bitmap)) {
        draw(hmp, bitmap, columns);
    }
}

CONTROL_ONLY
static void co_info_bitmaps(Hmp *hmp, json_object *args)
{
    const char *node = hmp_str(args, "node"), *name = hmp_str(args, "name");
    int64_t columns = hmp_int(args, "columns", COLUMNS);
    Error *err = NULL;
    Node *found = node ? node_lookup(node, node, &err) : NULL;

    if (err) {
        hmp_error(hmp, err);
    } else if (name) {
        show_one(hmp, node, name, CLAMP(columns, COLUMNS_MIN, COLUMNS_MAX));
    } else {
        show_table(hmp, found ? node_name(found) : NULL);
    }
}

const HmpCommand hmp_info_bitmaps = {
    .name = "bitmaps",
    .args = {{"node", HMP_DEVICE, true},
             {"name", HMP_STRING, true},
             {"columns", HMP_INT, true}},
    .params = "[node [bitmap [columns]]]",
    .help = "a table of dirty bitmaps, or a picture of where one is dirty",
    .co_run = co_info_bitmaps,
};
