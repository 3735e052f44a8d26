/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a back end is made of: for the files of block/backend only. */
#ifndef BLOCK_BACKEND_BACKEND_INT_H
#define BLOCK_BACKEND_BACKEND_INT_H

#include "block/backend/accounting.h"
#include "block/backend/backend.h"
#include "block/filter/throttle-group.h"
#include "block/graph/op-blocker.h"
#include "util/list.h"

struct Backend {
    /* CONST */
    char *name; /* NULL: none */
    Root *root;
    ListLink link; /* CONTROL */
    /* CONTROL */
    unsigned refs;
    Perms perm, shared; /* what the root has when it is attached */
    /* How the last medium was open, and the next one is to be. */
    bool read_only, direct, no_flush;
    DetectZeroes detect_zeroes;
    bool writethrough; /* each write is on stable storage when it is done */
    BlockdevOnError on_read_error, on_write_error;
    BackendDevice *device;
    BlockDeviceIoStatus io_status;
    bool hurried; /* its requests are not held back */
    ThrottleMember limits;
    Account account;
};

/* errors.c: some failed request would stop the machine, so that it is of
 * interest whether one has. */
bool backend_may_stop(const Backend *backend);
/* A RootOps.request_failed. */
void backend_request_failed(Root *root, bool is_write, int os_errno);

/* --- media.c ------------------------------------------------------------- */

/* Keeps how its medium, if there is one, is open. */
void backend_remember_medium(Backend *backend) CONTROL_ONLY;
/* Whether nobody who works on its medium forbids @op; false with QEMU's
 * text. */
bool backend_node_allows(const Backend *backend, NodeOp op,
                         Error **errp) CONTROL_ONLY;
/* The medium is about to be taken out. */
void backend_tell_eject(const Backend *backend) CONTROL_ONLY;

#endif
