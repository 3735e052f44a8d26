/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies in wire form.
 *
 * Invariants: req->reply points only into memory that the request owns. A
 * reply of read data has at most MAX_READ_CHUNKS + 1 chunks, so that the areas
 * of all replies in flight fit a few system calls.
 */
#include "block/export/nbd-conn.h"

/* Zeroes in what was read go as hole chunks, in units of at least this. */
#define HOLE_UNIT_BYTES 32768u
#define MAX_READ_CHUNKS 64u
/* Below this a hole chunk saves nothing worth the look at the data. */
#define MIN_HOLE_READ_BYTES 512u

void nbd_reply_done(NbdRequest *req)
{
    nbd_simple_reply_init(&req->head.simple, NBD_SUCCESS, req->cookie);
    iov_add(&req->reply, &req->head.simple, sizeof(req->head.simple));
}

/* --- errors -------------------------------------------------------------- */

static void error_chunk(NbdRequest *req, uint32_t wire_error, const char *text)
{
    size_t text_bytes = MIN(strlen(text), NBD_MAX_STRING);
    size_t bytes = sizeof(NbdChunkError) + text_bytes;
    NbdChunkError *chunk = g_malloc(bytes);

    nbd_chunk_init(&chunk->head, NBD_CHUNK_FLAG_DONE, NBD_CHUNK_ERROR,
                   req->cookie, bytes - sizeof(chunk->head));
    chunk->error = be32(wire_error);
    chunk->text_bytes = be16(text_bytes);
    memcpy(chunk + 1, text, text_bytes);
    req->heads = chunk;
    iov_add(&req->reply, chunk, bytes);
}

void nbd_reply_error(NbdRequest *req, int os_errno, Error *err)
{
    uint32_t wire_error = nbd_error_from_errno(os_errno);

    assert(os_errno > 0 && !req->reply.n);
    if (req->conn->structured) {
        error_chunk(req, wire_error, err ? error_text(err) : "");
    } else {
        nbd_simple_reply_init(&req->head.simple, wire_error, req->cookie);
        iov_add(&req->reply, &req->head.simple, sizeof(req->head.simple));
    }
    error_free(err);
}

/* --- read data ----------------------------------------------------------- */

/* One run of data or of zeroes in what was read. */
typedef struct Run {
    uint32_t start, bytes;
    bool zero;
} Run;

typedef union ReadChunk {
    NbdChunkData data;
    NbdChunkHole hole;
} ReadChunk;

/* The run at @start; units are aligned on the disk, so that the same area
 * looks the same in every request. */
static Run next_run(const NbdRequest *req, uint32_t unit, uint32_t start)
{
    const char *buf = req->buf;
    Run run = {.start = start};

    while (start < req->bytes) {
        uint64_t at = req->offset_bytes + start;
        uint32_t n = MIN(unit - at % unit, req->bytes - start);
        bool zero = buffer_is_zero(buf + start, n);

        if (run.bytes && zero != run.zero) {
            break;
        }
        run.zero = zero;
        run.bytes += n;
        start += n;
    }
    return run;
}

static void add_data_chunk(NbdRequest *req, ReadChunk *chunk, const Run *run,
                           uint16_t flags)
{
    nbd_chunk_init(&chunk->data.head, flags, NBD_CHUNK_OFFSET_DATA, req->cookie,
                   sizeof(chunk->data.offset_bytes) + run->bytes);
    chunk->data.offset_bytes = be64(req->offset_bytes + run->start);
    iov_add(&req->reply, &chunk->data, sizeof(chunk->data));
    iov_add(&req->reply, (char *)req->buf + run->start, run->bytes);
}

static void add_hole_chunk(NbdRequest *req, ReadChunk *chunk, const Run *run,
                           uint16_t flags)
{
    nbd_chunk_init(&chunk->hole.head, flags, NBD_CHUNK_OFFSET_HOLE, req->cookie,
                   sizeof(chunk->hole) - sizeof(chunk->hole.head));
    chunk->hole.offset_bytes = be64(req->offset_bytes + run->start);
    chunk->hole.bytes = be32(run->bytes);
    iov_add(&req->reply, &chunk->hole, sizeof(chunk->hole));
}

static void read_chunks(NbdRequest *req)
{
    uint32_t unit =
        MAX(HOLE_UNIT_BYTES, ROUND_UP(DIV_ROUND_UP(req->bytes, MAX_READ_CHUNKS),
                                      HOLE_UNIT_BYTES));
    ReadChunk *chunks = g_new(ReadChunk, MAX_READ_CHUNKS + 1);
    uint32_t at = 0;

    req->heads = chunks;
    while (at < req->bytes) {
        Run run = next_run(req, unit, at);
        uint16_t flags;

        at += run.bytes;
        flags = at == req->bytes ? NBD_CHUNK_FLAG_DONE : 0;
        if (run.zero) {
            add_hole_chunk(req, chunks++, &run, flags);
        } else {
            add_data_chunk(req, chunks++, &run, flags);
        }
    }
}

/* All of it as one chunk, which is what DF asks for. */
static void read_one_chunk(NbdRequest *req)
{
    Run run = {.start = 0, .bytes = req->bytes};
    ReadChunk *chunk = g_new(ReadChunk, 1);

    req->heads = chunk;
    add_data_chunk(req, chunk, &run, NBD_CHUNK_FLAG_DONE);
}

void nbd_reply_read(NbdRequest *req)
{
    if (!req->conn->structured) {
        nbd_reply_done(req);
        if (req->bytes) {
            iov_add(&req->reply, req->buf, req->bytes);
        }
    } else if (!req->bytes) {
        nbd_chunk_init(&req->head.chunk, NBD_CHUNK_FLAG_DONE, NBD_CHUNK_NONE,
                       req->cookie, 0);
        iov_add(&req->reply, &req->head.chunk, sizeof(req->head.chunk));
    } else if ((req->flags & NBD_CMD_FLAG_DF) ||
               req->bytes < MIN_HOLE_READ_BYTES) {
        read_one_chunk(req);
    } else {
        read_chunks(req);
    }
}
