/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img rebase`: puts another image behind an image. In the safe mode what the
 * new one shows differently is copied into the image first, so that its
 * content stays; with -u only the name changes.
 *
 * Invariant: until the name changes the image has the old one behind it, which
 * is what the rest of a cluster is filled from where a part of it is copied.
 */
#include <getopt.h>
#include <stdio.h>

#include "block/graph/filename.h"
#include "block/graph/format.h"
#include "block/io/io.h"
#include "tools/img/args.h"
#include "tools/img/layers.h"

#define PIECE_BYTES (1 * MiB)
#define UNIT_BYTES 512u

typedef struct Rebase {
    ImageOpen open;
    const char *source_cache, *backing, *backing_format;
    bool unsafe, progress, quiet;
    bool force_share; /* of what is read: the image is written to */
    Root *root;       /* the image; with -u without what is behind it */
    Root *old, *new;  /* what is and what shall be behind it, or NULL */
    uint8_t *old_buf, *new_buf;
    ImgProgress shown;
} Rebase;

COROUTINE_ONLY
static int co_parse_arguments(Rebase *r, int argc, char **argv)
{
    const ImgOption options[] = {
        IMG_OPTION_OBJECT,
        IMG_OPTION_IMAGE_OPTS(&r->open.image_opts),
        IMG_OPTION_FORCE_SHARE(&r->force_share),
        IMG_OPTION_FORMAT(&r->open.format),
        IMG_OPTION_CACHE(&r->open.cache),
        IMG_OPTION_SOURCE_CACHE(&r->source_cache),
        {'u', NULL, NULL, "change the name only: the content must be the same",
         .flag = &r->unsafe},
        {'b', NULL, "FILE", "the new backing image; \"\": none",
         .word = &r->backing},
        {'F', NULL, "FMT", "format of the new backing image",
         .word = &r->backing_format},
        IMG_OPTION_PROGRESS(&r->progress),
        IMG_OPTION_QUIET(&r->quiet),
        {},
    };
    const ImgUsage usage = {"-b BACKING FILE",
                            "Put another image behind an image.", options};
    int status = co_img_args(&usage, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (optind != argc - 1) {
        return img_usage_error("Expecting one image file name");
    }
    if (!r->unsafe && !r->backing) {
        return img_usage_error(
            "Must specify backing file (-b) or use unsafe mode (-u)");
    }
    r->open.filename = argv[optind];
    r->open.writable = true;
    r->open.no_backing = r->unsafe;
    return img_check_format(&r->open) ? -1 : 1;
}

/* --- the images behind it ------------------------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static Root *
co_open_old(const Rebase *r, const char *name, const char *format)
{
    g_autofree char *path = img_path_behind(r->root, r->open.filename, name);
    json_object *more = image_options_behind(&r->open);
    ImageOpen open = {
        .filename = path,
        .format = format,
        .cache = r->source_cache,
        .force_share = r->force_share,
        .more = more,
    };
    Root *root = co_layers_open_behind(r->open.filename, &open);

    json_object_put(more);
    return root;
}

/* Where the new one is, which is to lie beside an image that has a name. */
CONTROL_ONLY
static char *path_of_new(const Rebase *r, Error **errp)
{
    const char *own = root_node(r->root)->filename;

    return own && g_str_has_prefix(own, "json:")
               ? filename_beside(own, r->backing, errp)
               : img_path_behind(r->root, r->open.filename, r->backing);
}

COROUTINE_ONLY CONTROL_ONLY static Root *co_open_new(const Rebase *r)
{
    Error *err = NULL;
    g_autofree char *path = path_of_new(r, &err);
    ImageOpen open = {
        .filename = path,
        .format = r->backing_format,
        .cache = r->source_cache,
        .force_share = r->force_share,
    };
    Root *root;

    if (!path) {
        error_prepend(&err, "Could not resolve backing filename: ");
        error_report_err(err);
        return NULL;
    }
    root = co_image_open(&open, &err);
    if (!root) {
        error_prepend(&err,
                      "Could not open new backing file '%s': ", r->backing);
        error_report_err(err);
    }
    return root;
}

COROUTINE_ONLY CONTROL_ONLY static bool co_open_both(Rebase *r)
{
    Node *node = root_node(r->root);
    const FormatOps *format = node->driver->format;
    const char *old =
        format && format->backing_file ? format->backing_file(node) : NULL;

    if (old && !image_options_cut(&r->open)) {
        r->old = co_open_old(r, old, format->backing_format(node));
        if (!r->old) {
            return false;
        }
    }
    if (r->backing[0]) {
        r->new = co_open_new(r);
        return r->new != NULL;
    }
    return true;
}

/* --- copying what differs ------------------------------------------------ */

/* Reads what an image shows behind its overlay: zeroes beyond its end. */
COROUTINE_ONLY
static int co_read(Root *root, uint64_t at, uint64_t bytes, uint8_t *buf)
{
    uint64_t size = root ? root_size_bytes(root) : 0;
    uint64_t there = at < size ? MIN(bytes, size - at) : 0;

    memset(buf + there, 0, bytes - there);
    return there ? co_root_pread(root, at, there, buf) : 0;
}

static bool differs(const Rebase *r, uint64_t at, uint64_t bytes)
{
    return memcmp(r->old_buf + at, r->new_buf + at,
                  MIN(UNIT_BYTES, bytes - at)) != 0;
}

COROUTINE_ONLY
static int co_write_differences(Rebase *r, uint64_t at, uint64_t bytes)
{
    uint64_t from, to;
    int ret;

    for (from = 0; from < bytes; from = to) {
        bool differ = differs(r, from, bytes);

        for (to = from; to < bytes && differs(r, to, bytes) == differ;) {
            to = MIN(to + UNIT_BYTES, bytes);
        }
        if (differ) {
            /* Zeroes too: QEMU's maps show them as data. */
            ret = co_root_pwrite(r->root, at + from, to - from,
                                 r->old_buf + from, 0);
            if (ret < 0) {
                error_report("Error while writing to COW image: %s",
                             strerror(-ret));
                return ret;
            }
        }
    }
    return 0;
}

COROUTINE_ONLY
static bool is_zero_in(Root *root, uint64_t at, uint64_t bytes, uint64_t *run)
{
    uint64_t size = root ? root_size_bytes(root) : 0;
    BlockStatus status;

    *run = bytes;
    if (at >= size) {
        return true;
    }
    if (co_root_block_status(root, at, MIN(bytes, size - at), &status) < 0) {
        return false;
    }
    *run = status.bytes;
    return status.flags & STATUS_ZERO;
}

/* What is to be looked at of [@at, +*@bytes): *@bytes shrinks; false: it stays
 * as it is. */
COROUTINE_ONLY
static int co_find_work(const Rebase *r, uint64_t at, uint64_t *bytes,
                        bool *work)
{
    unsigned depth;
    uint64_t a, b;
    int ret = co_root_allocation_depth(r->root, at, *bytes, bytes, &depth);

    *work = ret >= 0 && depth != 1;
    if (*work && is_zero_in(r->old, at, *bytes, &a) &&
        is_zero_in(r->new, at, *bytes, &b)) {
        *work = false;
        *bytes = MIN(a, b);
    }
    return ret;
}

COROUTINE_ONLY
static int co_rebase_area(Rebase *r, uint64_t at, uint64_t *bytes)
{
    bool work;
    int ret = co_find_work(r, at, bytes, &work);

    if (ret < 0) {
        error_report("error while reading image metadata: %s", strerror(-ret));
        return ret;
    }
    if (!work) {
        return 0;
    }
    *bytes = MIN(*bytes, PIECE_BYTES);
    ret = co_read(r->old, at, *bytes, r->old_buf);
    if (ret < 0) {
        error_report("error while reading from old backing file");
        return ret;
    }
    ret = co_read(r->new, at, *bytes, r->new_buf);
    if (ret < 0) {
        error_report("error while reading from new backing file");
        return ret;
    }
    return co_write_differences(r, at, *bytes);
}

COROUTINE_ONLY
static bool co_copy_differences(Rebase *r)
{
    uint64_t size = root_size_bytes(r->root), at, bytes;
    int ret = 0;

    r->old_buf = io_buffer_alloc(root_node(r->root), PIECE_BYTES);
    r->new_buf = io_buffer_alloc(root_node(r->root), PIECE_BYTES);
    if (!r->old_buf || !r->new_buf) {
        error_report("Could not allocate a buffer: %s", strerror(ENOMEM));
        ret = -ENOMEM;
    }
    for (at = 0; ret == 0 && at < size; at += bytes) {
        bytes = size - at;
        ret = co_rebase_area(r, at, &bytes);
        img_progress(&r->shown, at + bytes, size);
    }
    io_buffer_free(r->old_buf);
    io_buffer_free(r->new_buf);
    /* The data is safe before the image forgets where it was. */
    return ret == 0 && co_root_flush(r->root) == 0;
}

/* --- the name ------------------------------------------------------------ */

/* False, reported, if the format could not keep the name. */
static bool check_name(const Rebase *r)
{
    const FormatOps *format = root_node(r->root)->driver->format;

    if (r->backing && r->backing[0] && !r->backing_format) {
        error_report("Could not change the backing file to '%s': backing "
                     "format must be specified",
                     r->backing);
        return false;
    }
    if (!format || !format->co_change_backing_file) {
        error_report("Could not change the backing file to '%s': %s",
                     r->backing ? r->backing : "", strerror(ENOTSUP));
        return false;
    }
    return true;
}

static bool co_change_name(const Rebase *r)
{
    Node *node = root_node(r->root);
    const char *name = r->backing && r->backing[0] ? r->backing : NULL;
    Error *err = NULL;
    int ret = node->driver->format->co_change_backing_file(
        node, name, name ? r->backing_format : NULL, &err);

    if (ret == -ENOSPC) {
        error_report("Could not change the backing file to '%s': No space left "
                     "in the file header",
                     r->backing);
    } else if (ret < 0) {
        error_report("Could not change the backing file to '%s': %s",
                     r->backing ? r->backing : "", strerror(-ret));
    }
    error_free(err);
    return ret == 0;
}

COROUTINE_ONLY CONTROL_ONLY static int co_run(Rebase *r)
{
    if (!img_check_cache("cache option", r->open.cache) ||
        !img_check_cache("source cache option", r->source_cache)) {
        return 1;
    }
    r->root = co_img_open_or_report(&r->open);
    if (!r->root) {
        return 1;
    }
    if (r->backing_format && !image_format_known(r->backing_format)) {
        error_report("Invalid format name: '%s'", r->backing_format);
        return 1;
    }
    if (!r->unsafe && !co_open_both(r)) {
        return 1;
    }
    if (!r->unsafe && !co_copy_differences(r)) {
        return 1;
    }
    img_progress(&r->shown, 1, 1);
    return !(check_name(r) && co_change_name(r));
}

int co_img_rebase(int argc, char **argv)
{
    Rebase rebase = {0};
    int status = co_parse_arguments(&rebase, argc, argv);

    if (status >= 0) {
        return status;
    }
    img_progress_begin(&rebase.shown, rebase.progress && !rebase.quiet);
    status = co_run(&rebase);
    img_progress_end(&rebase.shown, false);
    co_image_close(rebase.new);
    co_image_close(rebase.old);
    co_image_close(rebase.root);
    return status;
}
