/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the qcow2 targets share: the input is the file of an image, in memory,
 * and an image is opened on it.
 *
 * Invariant: nothing outside of memory is opened, whatever names the image
 * holds: the image behind is left out, the data file is one in memory.
 */
#ifndef TESTS_FUZZ_QCOW2_IMAGE_H
#define TESTS_FUZZ_QCOW2_IMAGE_H

#include "block/graph/format.h"
#include "block/graph/root.h"
#include "fuzz.h"

/* No file grows beyond. */
#define FUZZ_FILE_MAX (4u << 20)

/* A file in memory that begins with the input; node name "file". */
Node *fuzz_file_new(const FuzzInput *input);

typedef struct FuzzImage {
    Node *node, *data_file;
    Root *root;
} FuzzImage;

/* Opens the image in the node "file"; false if it is refused. */
bool co_fuzz_image_open(FuzzImage *image, const FuzzInput *input,
                        bool read_only) COROUTINE_ONLY CONTROL_ONLY;
void co_fuzz_image_close(FuzzImage *image) COROUTINE_ONLY CONTROL_ONLY;

/* What the disk shows at some places, and where it cannot be read. */
typedef struct FuzzContent {
    unsigned n;
    int ret[72];
    uint64_t hash[72];
} FuzzContent;

void co_fuzz_content(Root *root, FuzzContent *content) COROUTINE_ONLY;
/* Stops the process if something that could be read has changed. */
void fuzz_content_check(const FuzzContent *before, const FuzzContent *now);

#endif
