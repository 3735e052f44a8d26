/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images that commands name rather than open: drive-backup, drive-mirror and
 * blockdev-snapshot-sync make them, with the line "Formatting ..." on standard
 * output, and open them.
 */
#ifndef BLOCK_JOB_NEW_IMAGE_H
#define BLOCK_JOB_NEW_IMAGE_H

#include "block/graph/node.h"

typedef struct NewImage {
    const char *filename;
    const char *format;  /* NULL: found by its first bytes (to open only) */
    uint64_t size_bytes; /* of the disk, to make it */
    const Node *behind;  /* what it says is behind it; NULL: nothing */
    /* How it is opened. */
    const char *node_name; /* NULL: generated */
    bool unmap;            /* discards are passed on */
    bool detect_zeroes;    /* and zeroes that are written become some */
    const Node *like;      /* the host's cache is used as there; NULL: it is */
    const Node *backing;   /* opened above that node; NULL: above nothing */
} NewImage;

/* Makes the image; false with QEMU's text. Control. */
bool co_new_image_make(const NewImage *image,
                       Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Opens it for writing: a node with one reference, the caller's. NULL with
 * QEMU's text. Under the graph lock. */
Node *co_new_image_open(const NewImage *image,
                        Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* Opens, read-only, what @image itself says is behind it: *@backing gets a
 * reference, or is NULL if it says nothing. Under the graph lock. */
bool co_open_named_backing(Node *image, Node **backing,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
