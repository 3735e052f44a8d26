/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a file on the command line, as blockdev options. */
#include <glib/gstdio.h>

#include "block/graph/cache-mode.h"
#include "block/graph/driver.h"
#include "block/graph/loose-options.h"
#include "block/net/nbd-uri.h"
#include "tools/image-options.h"

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static void add_bool(json_object *object, const char *key, bool value)
{
    json_object_object_add(object, key, json_object_new_boolean(value));
}

/* Members that go to the node that is opened, wherever they are not given. */
static void add_common(json_object *options, const ImageOpen *open)
{
    const CacheMode *mode =
        cache_mode_find(open->cache ? open->cache : "writeback");
    json_object *cache = json_object_new_object();

    add_bool(cache, "direct", mode->direct);
    add_bool(cache, "no-flush", mode->no_flush);
    json_object_object_add(options, "cache", cache);
    add_bool(options, "read-only", !open->writable);
    add_string(options, "discard", open->unmap ? "unmap" : "ignore");
    if (open->force_share) {
        add_bool(options, "force-share", true);
    }
}

/* That of the node on top only. */
static json_object *with_detect_zeroes(json_object *options,
                                       const ImageOpen *open)
{
    if (open->detect_zeroes) {
        add_string(options, "detect-zeroes", open->detect_zeroes);
    }
    return options;
}

static bool is_device(const char *path)
{
    GStatBuf st;

    return g_stat(path, &st) == 0 &&
           (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode));
}

static json_object *options_of_path(const ImageOpen *open, Error **errp)
{
    json_object *given = NULL;
    json_object *file =
        open->more &&
                json_object_object_get_ex(open->more, "file.driver", &given)
            ? loose_options_of_name_for(json_object_get_string(given),
                                        open->filename, errp)
            : loose_options_of_filename(open->filename, errp);
    json_object *path, *image, *inner = file;

    /* blkdebug:RULES:PATH */
    while (inner && json_object_object_get_ex(inner, "image", &image)) {
        inner = image;
    }
    if (inner && json_object_object_get_ex(inner, "filename", &path)) {
        if (is_device(json_object_get_string(path))) {
            add_string(inner, "driver", "host_device");
        }
        if (open->aio) {
            add_string(inner, "aio", open->aio);
        }
    }
    return file;
}

/* Whether the file name is that of a server's export. */
static bool is_nbd_name(const char *filename)
{
    const char *colon = strchr(filename, ':');
    g_autofree char *protocol =
        colon ? g_strndup(filename, colon - filename) : NULL;

    return protocol && nbd_uri_protocol(protocol);
}

/* null-co and null-aio know one name, and need none. Takes @file. */
static json_object *options_of_null(json_object *file, const ImageOpen *open,
                                    Error **errp)
{
    g_autofree char *only = g_strdup_printf("%s://", open->format);

    if (strcmp(open->filename, only)) {
        error_set(errp, "The only allowed filename for this driver is '%s'",
                  only);
        json_object_put(file);
        return NULL;
    }
    json_object_object_del(file, "filename");
    add_string(file, "driver", open->format);
    return with_detect_zeroes(file, open);
}

json_object *image_file_options(const ImageOpen *open, Error **errp)
{
    const char *format = open->format ? open->format : "raw";
    const NodeDriver *driver = driver_find(format);
    bool protocol = driver && !driver->is_format && !driver->is_filter;
    bool nbd = !strcmp(format, "nbd");
    json_object *options, *file;

    file = nbd || is_nbd_name(open->filename)
               ? nbd_uri_options(open->filename, errp)
               : options_of_path(open, errp);
    if (!file) {
        return NULL;
    }
    add_common(file, open);
    if (protocol && !strncmp(format, "null-", 5)) {
        return options_of_null(file, open, errp);
    }
    if (protocol) {
        if (!nbd && !is_nbd_name(open->filename)) {
            add_string(file, "driver", format);
        }
        return with_detect_zeroes(file, open);
    }
    if (open->probing) {
        return file; /* looking is no event for rules of blkdebug */
    }
    options = json_object_new_object();
    add_string(options, "driver", format);
    json_object_object_add(options, "file", file);
    add_common(options, open);
    /* What the format lets go of may always be given back. */
    add_string(file, "discard", "unmap");
    if (open->no_backing && driver && driver->supports_backing) {
        json_object_object_add(options, "backing", NULL);
    }
    return with_detect_zeroes(options, open);
}
