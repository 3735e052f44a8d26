/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the driver `quorum` share. Nobody else includes this. */
#ifndef BLOCK_TEST_DRIVERS_QUORUM_INT_H
#define BLOCK_TEST_DRIVERS_QUORUM_INT_H

#include "block/graph/driver.h"
#include "qapi/qapi-events.h"

typedef struct QuorumState {
    /* CONST */
    unsigned threshold;
    bool blkverify; /* who differs ends the program */
    bool rewrite;   /* who differs gets what the others have */
    bool fifo;      /* the first child that can be read is believed */
    /* CONTROL; changes while it is quiesced */
    Edge **children;
    unsigned n;
    unsigned next_number; /* of the next child that is added */
} QuorumState;

/* One request to one child. */
typedef struct QuorumPart QuorumPart;
typedef struct QuorumRequest {
    Node *node;
    /* What each child is asked; 0 or -errno. */
    int (*co_run)(QuorumPart *part);
    QuorumOpType type;
    uint64_t offset_bytes, bytes;
    Iov *iov;
    size_t iov_offset;
    ReqFlags flags;
    bool quiet; /* nobody hears of errors */
    CoCount running;
    QuorumPart *parts;
    unsigned n;
} QuorumRequest;

struct QuorumPart {
    QuorumRequest *request;
    Edge *edge;
    int ret;
    bool skip;
    /* reads only: what this child says */
    uint8_t *buf;
    Iov iov;
};

/* --- quorum-request.c ---------------------------------------------------- */

/* Parts for all children of @req->node. */
void quorum_request_begin(QuorumRequest *req);
void quorum_request_end(QuorumRequest *req);
/* Asks all children at once, but those to be skipped, and tells of those that
 * fail. How many did not. */
unsigned co_quorum_run(QuorumRequest *req) COROUTINE_ONLY;
/* The error that most of them had. */
int quorum_vote_error(const QuorumRequest *req);

void quorum_report_bad(const QuorumRequest *req, const Edge *child, int ret);
void quorum_report_failure(const QuorumRequest *req);

/* --- quorum-read.c ------------------------------------------------------- */

int co_quorum_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset,
                     ReqFlags flags) COROUTINE_ONLY;

/* --- quorum-write.c ------------------------------------------------------ */

/* The part's child gets @part->iov, or else the request's. */
int co_quorum_part_pwritev(QuorumPart *part) COROUTINE_ONLY;
int co_quorum_pwritev(Node *node, uint64_t offset_bytes, uint64_t bytes,
                      Iov *iov, size_t iov_offset,
                      ReqFlags flags) COROUTINE_ONLY;
int co_quorum_pwrite_zeroes(Node *node, uint64_t offset_bytes, uint64_t bytes,
                            ReqFlags flags) COROUTINE_ONLY;
int co_quorum_flush(Node *node) COROUTINE_ONLY;

#endif
