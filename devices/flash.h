/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chips that hold the firmware of a PC with PCI: users of the drives with
 * if=pflash, or of the nodes that -machine names.
 */
#ifndef DEVICES_FLASH_H
#define DEVICES_FLASH_H

#include "util/annotations.h"
#include "util/error.h"

#define FLASH_CHIPS 2

/* Chip number @index is on the node called @node (copied). Before they are
 * made. */
void flash_set_node(unsigned index, const char *node) CONTROL_ONLY;
/* Makes the chips that have something to hold, when drives and nodes are there;
 * false with QEMU's text. Once. */
bool co_flash_make(Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
