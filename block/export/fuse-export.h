/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FUSE as a kind of export: see fuse-int.h. */
#ifndef BLOCK_EXPORT_FUSE_EXPORT_H
#define BLOCK_EXPORT_FUSE_EXPORT_H

#include "block/export/export.h"

extern const ExportDriver fuse_export_driver;

#endif
