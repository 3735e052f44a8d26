/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quorum: reads. All children are read, those that say the same are one
 * version, and the version that most of them have is what is read.
 *
 * Invariant: what is returned was said by at least @threshold children, or by
 * the first that could be read if the pattern is fifo.
 */
#include "block/test-drivers/quorum-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "block/io/io.h"

/* What lies beyond the end of a child that is shorter reads as zeroes. */
COROUTINE_ONLY
static int co_read_child(Edge *edge, uint64_t offset_bytes, uint64_t bytes,
                         Iov *iov, size_t iov_offset, ReqFlags flags)
{
    uint64_t size = edge->child->size_bytes;
    uint64_t inside = offset_bytes < size ? MIN(bytes, size - offset_bytes) : 0;

    iov_memset(iov, iov_offset + inside, 0, bytes - inside);
    return co_edge_preadv(edge, offset_bytes, inside, iov, iov_offset, flags);
}

COROUTINE_ONLY
static int co_part_read(QuorumPart *part)
{
    const QuorumRequest *req = part->request;

    part->buf = io_buffer_alloc(part->edge->child, req->bytes);
    if (!part->buf) {
        return -ENOMEM;
    }
    iov_init_buf(&part->iov, part->buf, req->bytes);
    return co_read_child(part->edge, req->offset_bytes, req->bytes, &part->iov,
                         0, req->flags);
}

static void free_buffers(QuorumRequest *req)
{
    for (unsigned i = 0; i < req->n; i++) {
        if (req->parts[i].buf) {
            iov_free(&req->parts[i].iov);
            io_buffer_free(req->parts[i].buf);
        }
    }
}

/* --- votes --------------------------------------------------------------- */

static bool same(const QuorumRequest *req, unsigned i, unsigned j)
{
    return req->parts[i].ret == 0 && req->parts[j].ret == 0 &&
           !memcmp(req->parts[i].buf, req->parts[j].buf, req->bytes);
}

/* The first child that says what @i says. */
static unsigned version_of(const QuorumRequest *req, unsigned i)
{
    unsigned first = 0;

    while (!same(req, first, i)) {
        first++;
    }
    return first;
}

static unsigned votes_for(const QuorumRequest *req, unsigned version)
{
    unsigned votes = 0;

    for (unsigned i = 0; i < req->n; i++) {
        votes += same(req, version, i);
    }
    return votes;
}

/* The version that most have; of several the one that was met last. */
static unsigned winner_of(const QuorumRequest *req, unsigned *most)
{
    unsigned winner = 0;

    *most = 0;
    for (unsigned i = 0; i < req->n; i++) {
        unsigned votes;

        if (req->parts[i].ret < 0 || version_of(req, i) != i) {
            continue;
        }
        votes = votes_for(req, i);
        if (votes >= *most) {
            *most = votes;
            winner = i;
        }
    }
    return winner;
}

/* Versions newest first, and in each the children that have it from the last
 * on, as QEMU tells of them. */
static void report_losers(const QuorumRequest *req, unsigned winner)
{
    for (unsigned v = req->n; v-- > 0;) {
        if (v == winner || req->parts[v].ret < 0 || version_of(req, v) != v) {
            continue;
        }
        for (unsigned i = req->n; i-- > 0;) {
            if (same(req, v, i)) {
                quorum_report_bad(req, req->parts[i].edge, 0);
            }
        }
    }
}

/* Nobody waits for it to be right: what cannot be written stays bad. */
COROUTINE_ONLY
static void co_rewrite_losers(QuorumRequest *read, unsigned winner)
{
    QuorumRequest req = {
        .node = read->node,
        .co_run = co_quorum_part_pwritev,
        .type = QUORUM_OP_TYPE_WRITE,
        .offset_bytes = read->offset_bytes,
        .bytes = read->bytes,
        .iov = &read->parts[winner].iov,
        .quiet = true,
    };

    quorum_request_begin(&req);
    for (unsigned i = 0; i < req.n; i++) {
        req.parts[i].skip = read->parts[i].ret < 0 || same(read, winner, i);
    }
    co_quorum_run(&req);
    quorum_request_end(&req);
}

/* --- the other mode: who differs ends the program ------------------------ */

static void verify(const QuorumRequest *req)
{
    const uint8_t *a = req->parts[0].buf, *b = req->parts[1].buf;
    uint64_t at = 0;

    while (at < req->bytes && a[at] == b[at]) {
        at++;
    }
    if (at < req->bytes) {
        fprintf(stderr,
                "quorum: offset=%" PRIu64 " bytes=%" PRIu64
                " contents mismatch at offset %" PRIu64 "\n",
                req->offset_bytes, req->bytes, req->offset_bytes + at);
        fflush(NULL);
        _exit(1);
    }
}

/* --- reads --------------------------------------------------------------- */

/* What the children say, of whom at least @threshold could be read. */
COROUTINE_ONLY
static int co_vote(QuorumRequest *req)
{
    const QuorumState *s = req->node->state;
    unsigned most, winner = winner_of(req, &most);

    if (s->blkverify) {
        verify(req);
    }
    if (most < s->threshold) {
        quorum_report_failure(req);
        return -EIO;
    }
    iov_from_buf(req->iov, req->iov_offset, req->parts[winner].buf, req->bytes);
    report_losers(req, winner);
    if (s->rewrite) {
        co_rewrite_losers(req, winner);
    }
    return 0;
}

COROUTINE_ONLY
static int co_read_all(QuorumRequest *req)
{
    const QuorumState *s = req->node->state;
    int ret;

    quorum_request_begin(req);
    if (co_quorum_run(req) < s->threshold) {
        ret = quorum_vote_error(req);
        quorum_report_failure(req);
    } else {
        ret = co_vote(req);
    }
    free_buffers(req);
    quorum_request_end(req);
    return ret;
}

COROUTINE_ONLY
static int co_read_first(const QuorumRequest *req)
{
    const QuorumState *s = req->node->state;
    int ret = -EIO;

    for (unsigned i = 0; i < s->n; i++) {
        ret = co_read_child(s->children[i], req->offset_bytes, req->bytes,
                            req->iov, req->iov_offset, req->flags);
        if (ret == 0) {
            break;
        }
        quorum_report_bad(req, s->children[i], ret);
    }
    return ret;
}

int co_quorum_preadv(Node *node, uint64_t offset_bytes, uint64_t bytes,
                     Iov *iov, size_t iov_offset, ReqFlags flags)
{
    const QuorumState *s = node->state;
    QuorumRequest req = {
        .node = node,
        .co_run = co_part_read,
        .type = QUORUM_OP_TYPE_READ,
        .offset_bytes = offset_bytes,
        .bytes = bytes,
        .iov = iov,
        .iov_offset = iov_offset,
        .flags = flags,
    };

    return s->fifo ? co_read_first(&req) : co_read_all(&req);
}
