/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of images, as loose options: paths, PROTOCOL:REST and "json:". */
#include "block/graph/driver.h"
#include "block/graph/loose-options.h"
#include "util/json/json-parse.h"

#define MAX_NAME_DEPTH 16

static void add_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

json_object *loose_options_of_json_name(const char *name, Error **errp)
{
    Error *err = NULL;
    json_object *json = json_parse_string(name + strlen("json:"), &err);

    if (err) {
        error_prepend(&err, "Could not parse the JSON options: ");
        error_propagate(errp, err);
        return NULL;
    }
    if (!json_object_is_type(json, json_type_object)) {
        json_object_put(json);
        error_set(errp, "Invalid JSON object given");
        return NULL;
    }
    return json;
}

static json_object *null_options(const char *driver, const char *rest,
                                 Error **errp)
{
    json_object *options;

    if (!rest || strcmp(rest, "//")) {
        error_set(errp, "The only allowed filename for this driver is '%s://'",
                  driver);
        return NULL;
    }
    options = json_object_new_object();
    add_string(options, "driver", driver);
    return options;
}

static json_object *name_options(const char *name, unsigned depth,
                                 Error **errp);

/* blkdebug:[RULES]:IMAGE */
static json_object *blkdebug_options(const char *rest, unsigned depth,
                                     Error **errp)
{
    const char *image = strchr(rest, ':');
    g_autofree char *config = image ? g_strndup(rest, image - rest) : NULL;
    json_object *options, *inner;

    if (!image) {
        error_set(errp, "blkdebug requires both config file and image path");
        return NULL;
    }
    inner = name_options(image + 1, depth + 1, errp);
    if (!inner) {
        return NULL;
    }
    options = json_object_new_object();
    add_string(options, "driver", "blkdebug");
    if (*config) {
        add_string(options, "config", config);
    }
    json_object_object_add(options, "image", inner);
    return options;
}

/* blkverify:RAW:IMAGE; what format the image has is found out. */
static json_object *blkverify_options(const char *rest, unsigned depth,
                                      Error **errp)
{
    const char *image = strchr(rest, ':');
    g_autofree char *raw = image ? g_strndup(rest, image - rest) : NULL;
    json_object *options, *inner, *copy, *test;

    if (!image) {
        error_set(errp, "blkverify requires raw copy and original image path");
        return NULL;
    }
    inner = name_options(image + 1, depth + 1, errp);
    copy = inner ? name_options(raw, depth + 1, errp) : NULL;
    if (!copy) {
        json_object_put(inner);
        return NULL;
    }
    test = json_object_new_object();
    json_object_object_add(test, "file", inner);
    options = json_object_new_object();
    add_string(options, "driver", "blkverify");
    json_object_object_add(options, "raw", copy);
    json_object_object_add(options, "test", test);
    return options;
}

/* The driver that names of @protocol belong to, or NULL. */
static const NodeDriver *driver_of_protocol(const char *protocol)
{
    const NodeDriver *const *d = driver_table();

    while (*d && !((*d)->takes_protocol && (*d)->takes_protocol(protocol))) {
        d++;
    }
    return *d;
}

static json_object *path_options(const char *driver, const char *path)
{
    json_object *options = json_object_new_object();

    add_string(options, "driver", driver);
    add_string(options, "filename", path);
    return options;
}

static bool has_protocol(const char *name)
{
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');

    return colon && (!slash || colon < slash);
}

/* What stands behind "file:" is a path, also when it has a colon itself. */
static json_object *rest_options(const char *driver, const char *rest)
{
    g_autofree char *path =
        g_strconcat(has_protocol(rest) ? "./" : "", rest, NULL);

    return path_options(driver, path);
}

static json_object *name_options(const char *name, unsigned depth, Error **errp)
{
    const char *colon = strchr(name, ':');
    g_autofree char *protocol = NULL;
    const NodeDriver *driver;

    if (depth > MAX_NAME_DEPTH) {
        error_set(errp, "A file name is nested deeper than %d levels",
                  MAX_NAME_DEPTH);
        return NULL;
    }
    if (!has_protocol(name)) {
        return path_options("file", name);
    }
    protocol = g_strndup(name, colon - name);
    driver = driver_of_protocol(protocol);
    if (driver) {
        return driver->options_of_name(name, errp);
    }
    if (driver_find(protocol)) {
        if (!strcmp(protocol, "file") || !strcmp(protocol, "host_device")) {
            return rest_options(protocol, colon + 1);
        }
        if (g_str_has_prefix(protocol, "null-")) {
            return null_options(protocol, colon + 1, errp);
        }
        if (!strcmp(protocol, "blkdebug")) {
            return blkdebug_options(colon + 1, depth, errp);
        }
        if (!strcmp(protocol, "blkverify")) {
            return blkverify_options(colon + 1, depth, errp);
        }
    }
    error_set(errp, "Unknown protocol '%s'", protocol);
    return NULL;
}

json_object *loose_options_of_filename(const char *name, Error **errp)
{
    return name_options(name, 0, errp);
}

/* --- a driver is given --------------------------------------------------- */

static json_object *above(const char *driver, const char *child,
                          const char *name, Error **errp)
{
    json_object *inner = name_options(name, 1, errp), *options;

    if (!inner) {
        return NULL;
    }
    options = json_object_new_object();
    add_string(options, "driver", driver);
    json_object_object_add(options, child, inner);
    return options;
}

json_object *loose_options_of_name_for(const char *driver, const char *name,
                                       Error **errp)
{
    const NodeDriver *found = driver ? driver_find(driver) : NULL;
    size_t n = driver ? strlen(driver) : 0;

    if (!found || (g_str_has_prefix(name, driver) && name[n] == ':')) {
        return name_options(name, 0, errp);
    }
    if (found->options_of_name) {
        return found->options_of_name(name, errp);
    }
    if (g_str_has_prefix(driver, "null-")) {
        return null_options(driver, NULL, errp);
    }
    if (!strcmp(driver, "blkdebug")) {
        return above(driver, "image", name, errp);
    }
    return found->is_format || found->is_filter
               ? above(driver, "file", name, errp)
               : path_options(driver, name);
}
