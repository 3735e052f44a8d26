/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What header.c, header-ext.c and header-write.c share. */
#ifndef BLOCK_QCOW2_HEADER_INT_H
#define BLOCK_QCOW2_HEADER_INT_H

#include "block/qcow2/qcow2-int.h"

/* Reads the extensions from [@start, @end) of the first cluster. */
int qcow2_extensions_read(Qcow2State *s, const uint8_t *cluster, uint64_t start,
                          uint64_t end, Error **errp);
/* Writes them from @start on; where they end, or -ENOSPC. */
int64_t qcow2_extensions_write(const Qcow2State *s, uint8_t *cluster,
                               uint64_t start, bool features);
/* "Unsupported qcow2 feature(s): ..." with the names the image gives. */
void qcow2_unknown_features(const Qcow2State *s, Error **errp);

#endif
