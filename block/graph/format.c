/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats by their looks and by their options: see format.h. */
#include "block/graph/format.h"

#include <stdio.h>
#include <string.h>

/* --- making --------------------------------------------------------------- */

static const FormatOption raw_options[] = {
    {"size", "size", "Virtual disk size", NULL, false},
    {},
};

const FormatOption format_file_options[] = {
    {"size", "size", "Virtual disk size", NULL, false},
    {"nocow", "bool (on/off)", "Turn off copy-on-write (valid only on btrfs)",
     NULL, false},
    {"preallocation", "str",
     "Preallocation mode (allowed values: off, falloc, full)", NULL, false},
    {"extent_size_hint", "size",
     "Extent size hint for the image file, 0 to disable", NULL, false},
    {},
};

const FormatOption *format_create_options(const NodeDriver *driver)
{
    if (!strcmp(driver->name, "raw")) {
        return raw_options;
    }
    if (!strcmp(driver->name, "file")) {
        return format_file_options;
    }
    return driver->format && driver->format->co_create_file
               ? driver->format->create_options
               : NULL;
}

const char *node_encryption(const Node *node)
{
    const FormatOps *format = node->driver->format;

    return format && format->encryption ? format->encryption(node) : NULL;
}

void format_announce(json_object *words, const FormatOption *table,
                     const char *filename, const char *format)
{
    printf("Formatting '%s', fmt=%s", filename, format);
    for (; table->name; table++) {
        json_object *given;
        const char *value =
            json_object_object_get_ex(words, table->name, &given)
                ? json_object_get_string(given)
                : table->shown;

        if (value) {
            g_auto(GStrv) parts = g_strsplit(value, ",", -1);
            g_autofree char *doubled = g_strjoinv(",,", parts);

            printf(" %s=%s", table->name, doubled);
        }
    }
    printf("\n");
    fflush(stdout);
}

/* --- probing -------------------------------------------------------------- */

/* The first bytes of formats that would be harmed or misread as raw. */
static const struct {
    const char *format;
    size_t offset, length;
    const char *magic;
} magics[] = {
    {"qcow2", 0, 8, "QFI\xfb\0\0\0\2"},
    {"qcow2", 0, 8, "QFI\xfb\0\0\0\3"},
    {"qcow", 0, 8, "QFI\xfb\0\0\0\1"},
    {"qed", 0, 4, "QED\0"},
    {"vmdk", 0, 4, "KDMV"},
    {"vmdk", 0, 4, "COWD"},
    {"vdi", 64, 4, "\x7f\x10\xda\xbe"},
    {"vhdx", 0, 8, "vhdxfile"},
    {"vpc", 0, 8, "conectix"},
    {"luks", 0, 6, "LUKS\xba\xbe"},
    {"parallels", 0, 16, "WithoutFreeSpace"},
    {"parallels", 0, 16, "WithouFreSpacExt"},
};

const char *format_probe(const void *head, size_t bytes)
{
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
        if (magics[i].offset + magics[i].length <= bytes &&
            !memcmp((const char *)head + magics[i].offset, magics[i].magic,
                    magics[i].length)) {
            return magics[i].format;
        }
    }
    return "raw";
}
