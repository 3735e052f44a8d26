/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives: back ends as `-drive` and HMP's drive_add describe them, with the
 * place that they get in a machine.
 *
 * All: control thread.
 */
#ifndef BLOCK_BACKEND_DRIVE_H
#define BLOCK_BACKEND_DRIVE_H

#include "block/backend/backend.h"
#include "util/opts.h"

typedef enum DriveInterface {
    DRIVE_IF_NONE,
    DRIVE_IF_IDE,
    DRIVE_IF_SCSI,
    DRIVE_IF_FLOPPY,
    DRIVE_IF_PFLASH,
    DRIVE_IF_MTD,
    DRIVE_IF_SD,
    DRIVE_IF_VIRTIO,
    DRIVE_IF_XEN,
    DRIVE_IF__MAX,
} DriveInterface;

typedef struct Drive {
    /* CONST */
    Backend *backend; /* a reference of its own */
    DriveInterface interface;
    unsigned bus, unit;
    bool cdrom;
    /* CONTROL */
    bool claimed; /* a device of the machine has it */
    char *shown;  /* the option that made it, for messages; or NULL */
    ListLink link;
} Drive;

/* What the command line says for all drives. */
typedef struct DriveDefaults {
    DriveInterface interface; /* of a drive that does not name one */
    bool snapshot;            /* nothing is written to the image */
    unsigned ide_units;       /* of a bus; 0: two */
} DriveDefaults;

const char *drive_interface_name(DriveInterface interface);

/* Makes a drive from @opts, which it empties. NULL with QEMU's text. Takes the
 * graph lock. */
Drive *co_drive_new(Opts *opts, const DriveDefaults *defaults,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* Gives up the drive's reference; the back end stays while a device has it. */
void co_drive_free(Drive *drive) COROUTINE_ONLY CONTROL_ONLY;

/* A user takes it away: it has neither medium nor name any more, whether a
 * device has it or not. False with QEMU's text if somebody who works on its
 * medium, a job, forbids it. Under the graph lock. */
bool co_drive_delete(Drive *drive, Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* In the order in which they were made; NULL ends. */
Drive *drive_next(Drive *drive) CONTROL_ONLY;
Drive *drive_of_backend(const Backend *backend) CONTROL_ONLY;

/* The names of formats as `format=help` prints them: two lines. */
char *drive_formats_text(void);

#endif
