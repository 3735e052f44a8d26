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
