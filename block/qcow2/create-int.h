/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What create*.c and measure.c share. */
#ifndef BLOCK_QCOW2_CREATE_INT_H
#define BLOCK_QCOW2_CREATE_INT_H

#include "block/qcow2/qcow2-int.h"
#include "qapi/qapi-types.h"

/* What is wrong with sizes and version, whatever becomes of it. */
bool qcow2_measure_check(const BlockdevCreateOptionsQcow2 *o, Error **errp);
/* All that can be said before a file is touched; texts are those of QEMU's
 * tool or of its command. */
bool qcow2_create_check(const BlockdevCreateOptionsQcow2 *o, bool tool,
                        Error **errp) CONTROL_ONLY;
/* The header has no place for the name of the image behind; returns false. */
bool qcow2_cannot_assign(const BlockdevCreateOptionsQcow2 *o, int os_errno,
                         Error **errp);
/* The words of `img create -o` as the options they stand for, with @file (an
 * option object, taken over) as the image's file. The caller frees it. */
BlockdevCreateOptions *qcow2_create_words(struct json_object *words,
                                          struct json_object *file,
                                          Error **errp);

#endif
