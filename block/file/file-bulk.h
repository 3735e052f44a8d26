/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For programs that move much data between files: requests of the page cache
 * that are large are copied by worker threads, on all processors. (The kernel
 * runs one io_uring worker as long as that does not sleep.)
 */
#ifndef BLOCK_FILE_FILE_BULK_H
#define BLOCK_FILE_FILE_BULK_H

#include "util/common.h"

/* Below this, what is won is less than what handing over costs. */
#define FILE_BULK_BYTES (256 * KiB)

/* For files that are opened from now on, without the option aio and without
 * O_DIRECT. CONTROL. */
extern bool file_bulk_in_workers;

#endif
