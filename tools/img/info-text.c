/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `info` prints for people. What only the format knows is printed from
 * its JSON form, in the order in which QEMU prints JSON.
 */
#include "tools/img/info-text.h"

#include <stdio.h>

#include "qapi/qapi-types.h"
#include "tools/img/snapshot-list.h"
#include "tools/size-text.h"
#include "util/json/json-print.h"

#define INDENT 4

typedef struct Member {
    const char *key;
    json_object *value;
    unsigned bucket;
    int number;
} Member;

static void print_value(json_object *value, int indent);

/* "key: value", or "key:" and what is in it below. */
static void print_item(const char *label, json_object *value, int indent)
{
    bool nested = json_object_is_type(value, json_type_object) ||
                  json_object_is_type(value, json_type_array);

    printf("%*s%s:", indent * INDENT, "", label);
    if (nested) {
        printf("\n");
        print_value(value, indent + 1);
    } else {
        printf(" %s\n", value ? json_object_get_string(value) : "null");
    }
}

/* As the JSON printer: by bucket, the newest first. */
static gint compare(gconstpointer a, gconstpointer b)
{
    const Member *x = a, *y = b;

    return x->bucket != y->bucket ? (gint)x->bucket - (gint)y->bucket
                                  : y->number - x->number;
}

static void print_object(json_object *object, int indent)
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

        print_item(label, member->value, indent);
    }
}

static void print_value(json_object *value, int indent)
{
    if (json_object_is_type(value, json_type_object)) {
        print_object(value, indent);
        return;
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        g_autofree char *label = g_strdup_printf("[%zu]", i);

        print_item(label, json_object_array_get_idx(value, i), indent);
    }
}

static void print_format_specific(const ImageInfo *info)
{
    json_object *json, *data;

    if (!info->format_specific) {
        return;
    }
    json = ImageInfoSpecific_to_json(info->format_specific);
    if (json_object_object_get_ex(json, "data", &data)) {
        printf("Format specific information:\n");
        print_value(data, 1);
    }
    json_object_put(json);
}

static void print_sizes(const ImageInfo *info)
{
    g_autofree char *size = size_text_short(info->virtual_size);

    printf("image: %s\n"
           "file format: %s\n"
           "virtual size: %s (%" PRId64 " bytes)\n",
           info->filename, info->format, size, info->virtual_size);
    if (info->has_actual_size) {
        g_autofree char *disk = size_text_short(info->actual_size);

        printf("disk size: %s\n", disk);
    } else {
        printf("disk size: unavailable\n");
    }
}

static void print_backing(const ImageInfo *info)
{
    if (!info->backing_filename) {
        return;
    }
    printf("backing file: %s", info->backing_filename);
    if (!info->full_backing_filename) {
        printf(" (cannot determine actual path)");
    } else if (strcmp(info->backing_filename, info->full_backing_filename)) {
        printf(" (actual path: %s)", info->full_backing_filename);
    }
    printf("\n");
    if (info->backing_filename_format) {
        printf("backing file format: %s\n", info->backing_filename_format);
    }
}

void img_print_info(const ImageInfo *info)
{
    print_sizes(info);
    if (info->has_encrypted && info->encrypted) {
        printf("encrypted: yes\n");
    }
    if (info->has_cluster_size) {
        printf("cluster_size: %" PRId64 "\n", info->cluster_size);
    }
    if (info->has_dirty_flag && info->dirty_flag) {
        printf("cleanly shut down: no\n");
    }
    print_backing(info);
    img_print_snapshots(info->snapshots);
    print_format_specific(info);
}
