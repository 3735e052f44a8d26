/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An export as a file: a FUSE file system whose root is one regular file. What
 * the files of it share.
 *
 *     co_create: mounted --fuse_serve_start--> reads requests
 *                                                   |
 *     unmounted <--co_free_state-- no request left <--fuse_serve_stop
 *
 * Invariants:
 * 1. The session is used on @reactor only while it is read from; before that
 *    and afterwards by who makes and frees it.
 * 2. What clients can make it hold is bounded: FUSE_MAX_IN_FLIGHT requests and
 *    FUSE_MAX_BUFFERS bytes, and one request beyond. At a bound it reads no
 *    more.
 * 3. Each request is answered once, before the session is freed.
 */
#ifndef BLOCK_EXPORT_FUSE_INT_H
#define BLOCK_EXPORT_FUSE_INT_H

#define FUSE_USE_VERSION 31
#include <fuse_lowlevel.h>

#include "block/export/export.h"
#include "util/reactor/reactor.h"

#define FUSE_MAX_IN_FLIGHT 64
#define FUSE_MAX_BUFFERS (32 * MiB)
/* The greatest read or write; the kernel is told so (max_read). */
#define FUSE_MAX_PAYLOAD (64 * MiB)

typedef struct FuseExport {
    /* CONST */
    BlockExport *exp;
    char *mountpoint; /* as the user spelled it */
    char *file;       /* the same without links; what is mounted */
    bool growable;    /* writes beyond the end make it longer */
    bool allow_other; /* other users may be let in */
    struct fuse_session *session;
    int fd; /* the session's */
    Reactor *reactor;
    uint32_t memory_align; /* of buffers, so that disks take them as they are */

    /* CONTROL */
    ListLink listed; /* oldest first */
    unsigned below;  /* dead mounts below this one, which go with it */

    /* Those of @reactor */
    struct fuse_buf input;
    bool stopping, reading;
    uint64_t buffer_bytes; /* of requests in flight */
    CoQueue freed;
    mode_t mode;
    uid_t uid;
    gid_t gid;

    /* ATOMIC: written on @reactor */
    unsigned in_flight;
} FuseExport;

/* One request, which a coroutine on the export's reactor carries out. */
typedef struct FuseRequest {
    FuseExport *e;
    fuse_req_t req;
    void (*co_run)(struct FuseRequest *r);
    uint64_t offset_bytes, bytes;
    void *buf;        /* @bytes of it; NULL: the request has no payload */
    int mode;         /* of fallocate; what setattr sets; whence of lseek */
    struct stat attr; /* of setattr */
} FuseRequest;

/* fuse-serve.c. On control: begins to read requests; stops that, and once all
 * that were read have been answered runs @stopped(@e) on control. */
void fuse_serve_start(FuseExport *e) CONTROL_ONLY;
void fuse_serve_stop(FuseExport *e) CONTROL_ONLY;
/* On control, when fuse_serve_stop is done. */
void fuse_serve_stopped(FuseExport *e) CONTROL_ONLY;

/* fuse-ops.c: makes FuseRequests of what libfuse parsed. */
extern const struct fuse_lowlevel_ops fuse_export_ops;
/* Starts a copy of @r; takes over r->buf. */
void fuse_request_start(const FuseRequest *r);

/* fuse-request.c, fuse-resize.c: they answer. */
void co_fuse_getattr(FuseRequest *r) COROUTINE_ONLY;
void co_fuse_setattr(FuseRequest *r) COROUTINE_ONLY;
void co_fuse_read(FuseRequest *r) COROUTINE_ONLY;
void co_fuse_write(FuseRequest *r) COROUTINE_ONLY;
void co_fuse_flush(FuseRequest *r) COROUTINE_ONLY;
void co_fuse_fallocate(FuseRequest *r) COROUTINE_ONLY;
void co_fuse_lseek(FuseRequest *r) COROUTINE_ONLY;

uint64_t fuse_size_bytes(const FuseExport *e);

/* Makes the disk @size_bytes long, or only longer; @allocated: what is new has
 * its space. 0 or -errno. */
typedef enum FuseResizeWay {
    FUSE_RESIZE_EXACT,
    FUSE_RESIZE_GROW,
    FUSE_RESIZE_GROW_ALLOCATED,
} FuseResizeWay;
int co_fuse_resize(FuseExport *e, uint64_t size_bytes,
                   FuseResizeWay way) COROUTINE_ONLY;
/* Bytes that the disk takes on its storage, or -errno. */
int64_t co_fuse_allocated_bytes(FuseExport *e) COROUTINE_ONLY;

#endif
