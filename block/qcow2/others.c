/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files beside the image: the one of external data and the image behind,
 * by options or by the names that the image has for them.
 *
 * Invariants:
 * 1. The name of an image behind is relative to the image's own file unless it
 *    is absolute or begins with a protocol.
 * 2. The name of an external data file is that of a file, and nothing else: an
 *    image from a stranger must not open more than files. It is relative to
 *    the program's folder, as QEMU has it.
 */
#include "block/qcow2/open-int.h"

#include <glib/gstdio.h>

#include "block/graph/filename.h"
#include "block/graph/fill-options.h"
#include "block/graph/loose-options.h"
#include "block/graph/probe.h"

static void add(json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value));
}

/* --- the external data file ---------------------------------------------- */

/* Loose options become a child. */
COROUTINE_ONLY CONTROL_ONLY static Edge *
co_open_loose(Qcow2State *s, json_object *loose, const char *format,
              const char *edge, unsigned role, Error **errp)
{
    BlockdevRef ref = {.kind = BLOCKDEV_REF_KIND_DEFINITION};
    json_object *plain;
    Edge *child;

    plain = loose_options_plain(loose, errp);
    if (plain && (!json_object_object_get_ex(plain, "driver", NULL) ||
                  co_fill_options(plain, errp))) {
        ref.u.definition = loose_options_read(plain, format, errp);
    }
    json_object_put(plain);
    if (!ref.u.definition) {
        return NULL;
    }
    child = co_node_open_child(s->node, &ref, edge, role, errp);
    if (child) {
        node_spell_options(child->child, loose);
    }
    BlockdevOptions_free(ref.u.definition);
    return child;
}

static bool is_device(const char *path)
{
    GStatBuf st;

    return g_stat(path, &st) == 0 &&
           (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode));
}

COROUTINE_ONLY CONTROL_ONLY static Edge *co_data_file_by_name(Qcow2State *s,
                                                              Error **errp)
{
    json_object *loose = json_object_new_object();
    Edge *edge;

    add(loose, "driver", is_device(s->data_file_name) ? "host_device" : "file");
    add(loose, "filename", s->data_file_name);
    edge = co_open_loose(s, loose, "file", "data-file", EDGE_DATA, errp);
    json_object_put(loose);
    return edge;
}

bool co_qcow2_open_data_file(Qcow2State *s, const BlockdevOptionsQcow2 *o,
                             Error **errp)
{
    s->has_data_file = s->incompatible & QCOW2_INCOMPAT_DATA_FILE;
    if (!s->has_data_file) {
        if (o->data_file && !format_opening_to_look) {
            error_set(errp, "'data-file' can only be set for images with an "
                            "external data file");
            return false;
        }
        if ((s->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW) &&
            !format_opening_to_look) {
            error_set(errp, "data-file-raw requires a data file");
            return false;
        }
        return true;
    }
    s->data_file_raw = s->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW;
    s->file->role = EDGE_METADATA | EDGE_PRIMARY;
    if (format_opening_to_look) {
        return true; /* nobody is going to ask for data */
    }
    if (o->data_file) {
        s->data_file = co_node_open_child(s->node, o->data_file, "data-file",
                                          EDGE_DATA, errp);
    } else if (s->data_file_name) {
        s->data_file = co_data_file_by_name(s, errp);
    } else {
        error_set(errp, "'data-file' is required for this image");
        s->data_file = NULL;
    }
    return s->data_file != NULL;
}

/* --- the image behind ---------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static bool co_backing_by_name(Qcow2State *s,
                                                           Error **errp)
{
    g_autofree char *name = filename_beside(node_plain_filename(s->file->child),
                                            s->backing_file, errp);
    const char *format = s->backing_format;
    json_object *loose, *top;
    Edge *edge = NULL;

    if (!name) {
        return false;
    }
    if (g_str_has_prefix(name, "json:")) {
        loose = loose_options_of_json_name(name, errp);
        if (loose) {
            add(loose, "read-only", "on");
            if (format) {
                add(loose, "driver", format); /* it counts more */
            }
            edge = co_open_loose(s, loose, format ? format : "raw", "backing",
                                 EDGE_COW, errp);
            json_object_put(loose);
        }
        return edge != NULL;
    }
    loose = loose_options_of_filename(name, errp);
    if (!loose) {
        return false;
    }
    add(loose, "read-only", "on");
    format = format ? format : co_probe_loose(loose, errp);
    if (!format) {
        json_object_put(loose);
        return false;
    }
    top = json_object_new_object();
    add(top, "driver", format);
    add(top, "read-only", "on");
    json_object_object_add(top, "file", loose);
    edge = co_open_loose(s, top, format, "backing", EDGE_COW, errp);
    json_object_put(top);
    return edge != NULL;
}

/* Then what is wrong is not in what was opened. */
CONTROL_ONLY
static bool is_there(const BlockdevRefOrNull *ref)
{
    return ref && ref->kind == BLOCKDEV_REF_OR_NULL_KIND_REFERENCE &&
           node_lookup(ref->u.reference, ref->u.reference, NULL);
}

bool co_qcow2_open_backing(Qcow2State *s, const BlockdevOptionsQcow2 *o,
                           Error **errp)
{
    Error *err = NULL;
    bool ok = true;

    if (o->backing &&
        (o->backing->kind == BLOCKDEV_REF_OR_NULL_KIND_NULL ||
         (o->backing->kind == BLOCKDEV_REF_OR_NULL_KIND_REFERENCE &&
          !*o->backing->u.reference))) {
        return true; /* the empty name is the old way to say it */
    }
    if (o->backing) {
        BlockdevRef ref;

        if (o->backing->kind == BLOCKDEV_REF_OR_NULL_KIND_REFERENCE) {
            ref.kind = BLOCKDEV_REF_KIND_REFERENCE;
            ref.u.reference = o->backing->u.reference;
        } else {
            ref.kind = BLOCKDEV_REF_KIND_DEFINITION;
            ref.u.definition = o->backing->u.definition;
        }
        ok = co_node_open_child(s->node, &ref, "backing", EDGE_COW, &err);
    } else if (s->backing_file) {
        ok = co_backing_by_name(s, &err);
    }
    if (!ok) {
        if (!is_there(o->backing)) {
            error_prepend(&err, "Could not open backing file: ");
        }
        error_propagate(errp, err);
    }
    return ok;
}
