/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of drives share: for block/backend/drive*.c only. */
#ifndef BLOCK_BACKEND_DRIVE_INT_H
#define BLOCK_BACKEND_DRIVE_INT_H

#include <json-c/json.h>

#include "block/backend/drive.h"
#include "block/backend/io-limits.h"

/* What a drive's options say of its medium. */
typedef struct DriveMedium {
    char *file;   /* a name, or NULL */
    char *format; /* a driver, or NULL: look at the image */
    char *aio;
    bool read_only, snapshot, copy_on_read;
    bool direct, no_flush, writethrough;
    bool cache_given; /* something was said of these */
    char *detect_zeroes, *discard;
    Opts *rest; /* the options of its nodes; borrowed */
} DriveMedium;

static inline bool detects_to_unmap(const DriveMedium *medium)
{
    return medium->detect_zeroes && !strcmp(medium->detect_zeroes, "unmap");
}

/* Whether there is anything in the drive. */
bool drive_medium_given(const DriveMedium *medium);
/* Opens the medium; one reference for the caller, or NULL with @errp. Under
 * the graph lock. */
Node *co_drive_open(const DriveMedium *medium,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* --- drive-medium.c ------------------------------------------------------ */

/* Takes what @opts say of a medium out of them; what is left are options of
 * nodes. drive_medium_clear() frees it, also after an error. */
bool drive_medium_take(DriveMedium *medium, Opts *opts, const DriveDefaults *d,
                       bool cdrom, Error **errp);
void drive_medium_clear(DriveMedium *medium);
/* A drive may be empty if nothing is said of how its medium is opened; else
 * false with @errp. */
bool drive_medium_empty_ok(const DriveMedium *medium, Error **errp);

/* --- drive-place.c ------------------------------------------------------- */

/* Takes if=, index=, bus=, unit=, media= from @opts into @drive. */
bool drive_take_place(Drive *drive, Opts *opts, const DriveDefaults *defaults,
                      Error **errp) CONTROL_ONLY;
/* The name of a drive that has none: "ide0-hd1". The caller frees it. */
char *drive_default_id(const Drive *drive);

#endif
