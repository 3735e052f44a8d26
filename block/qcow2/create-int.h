/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What create.c, create-words.c and measure.c share. */
#ifndef BLOCK_QCOW2_CREATE_INT_H
#define BLOCK_QCOW2_CREATE_INT_H

#include "block/qcow2/qcow2-int.h"
#include "qapi/qapi-types.h"

/* What is wrong with sizes and version, whatever becomes of it. */
bool qcow2_measure_check(const BlockdevCreateOptionsQcow2 *o, Error **errp);
/* All that can be said before a file is touched; texts are QEMU's. */
bool qcow2_create_check(const BlockdevCreateOptionsQcow2 *o,
                        Error **errp) CONTROL_ONLY;
/* The words of `img create -o` as the options they stand for, with @file (an
 * option object, taken over) as the image's file. The caller frees it. */
BlockdevCreateOptions *qcow2_create_words(struct json_object *words,
                                          struct json_object *file,
                                          Error **errp);

#endif
