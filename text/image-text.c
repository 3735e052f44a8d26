/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `info` shows to people. What only the format knows is shown from its
 * JSON form, in the order in which QEMU prints JSON.
 */
#include "text/image-text.h"

#include "text/snapshot-text.h"
#include "text/size-text.h"
#include "util/json/json-print.h"

#define INDENT 4

typedef struct Member {
    const char *key;
    json_object *value;
    unsigned bucket;
    int number;
} Member;

static void add_value(GString *text, json_object *value, int indent);

/* "key: value", or "key:" and what is in it below. */
static void add_item(GString *text, const char *label, json_object *value,
                     int indent)
{
    bool nested = json_object_is_type(value, json_type_object) ||
                  json_object_is_type(value, json_type_array);

    g_string_append_printf(text, "%*s%s:", indent * INDENT, "", label);
    if (nested) {
        g_string_append_c(text, '\n');
        add_value(text, value, indent + 1);
    } else {
        g_string_append_printf(text, " %s\n",
                               value ? json_object_get_string(value) : "null");
    }
}

/* As the JSON printer: by bucket, the newest first. */
static gint compare(gconstpointer a, gconstpointer b)
{
    const Member *x = a, *y = b;

    return x->bucket != y->bucket ? (gint)x->bucket - (gint)y->bucket
                                  : y->number - x->number;
}

static void add_object(GString *text, json_object *object, int indent)
{
    g_autoptr(GArray) members = g_array_new(false, false, sizeof(Member));

    json_object_object_foreach(object, key, value)
    {
        Member member = {key, value, json_key_bucket(key), (int)members->len};

        g_array_append_val(members, member);
    }
    g_array_sort(members, compare);
    for (guint i = 0; i < members->len; i++) {
        const Member *member = &g_array_index(members, Member, i);
        g_autofree char *label = g_strdelimit(g_strdup(member->key), "-", ' ');

        add_item(text, label, member->value, indent);
    }
}

static void add_value(GString *text, json_object *value, int indent)
{
    if (json_object_is_type(value, json_type_object)) {
        add_object(text, value, indent);
        return;
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        g_autofree char *label = g_strdup_printf("[%zu]", i);

        add_item(text, label, json_object_array_get_idx(value, i), indent);
    }
}

void image_text_specific(GString *text, const ImageInfoSpecific *specific)
{
    json_object *json, *data;

    if (!specific) {
        return;
    }
    json = ImageInfoSpecific_to_json(specific);
    if (json_object_object_get_ex(json, "data", &data)) {
        g_string_append(text, "Format specific information:\n");
        add_value(text, data, 1);
    }
    json_object_put(json);
}

static void add_sizes(GString *text, const ImageInfo *info)
{
    g_autofree char *size = size_text_short(info->virtual_size);
    g_autofree char *disk =
        info->has_actual_size ? size_text_short(info->actual_size) : NULL;

    g_string_append_printf(text,
                           "image: %s\n"
                           "file format: %s\n"
                           "virtual size: %s (%" PRId64 " bytes)\n"
                           "disk size: %s\n",
                           info->filename, info->format, size,
                           info->virtual_size, disk ? disk : "unavailable");
}

static void add_backing(GString *text, const ImageInfo *info)
{
    if (!info->backing_filename) {
        return;
    }
    g_string_append_printf(text, "backing file: %s", info->backing_filename);
    if (!info->full_backing_filename) {
        g_string_append(text, " (cannot determine actual path)");
    } else if (strcmp(info->backing_filename, info->full_backing_filename)) {
        g_string_append_printf(text, " (actual path: %s)",
                               info->full_backing_filename);
    }
    g_string_append_c(text, '\n');
    if (info->backing_filename_format) {
        g_string_append_printf(text, "backing file format: %s\n",
                               info->backing_filename_format);
    }
}

void image_text(GString *text, const ImageInfo *info)
{
    add_sizes(text, info);
    if (info->has_encrypted && info->encrypted) {
        g_string_append(text, "encrypted: yes\n");
    }
    if (info->has_cluster_size) {
        g_string_append_printf(text, "cluster_size: %" PRId64 "\n",
                               info->cluster_size);
    }
    if (info->has_dirty_flag && info->dirty_flag) {
        g_string_append(text, "cleanly shut down: no\n");
    }
    add_backing(text, info);
    snapshot_text_list(text, info->snapshots);
    image_text_specific(text, info->format_specific);
}
