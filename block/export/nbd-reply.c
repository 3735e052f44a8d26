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

/* --- headers ------------------------------------------------------------- */

size_t nbd_chunk_put(const NbdRequest *req, void *at, uint16_t flags,
                     uint16_t type, uint64_t bytes)
{
    if (LIKELY(!req->conn->extended)) {
        nbd_chunk_init(at, flags, type, req->cookie, bytes);
        return sizeof(NbdChunkHeader);
    }
    nbd_ext_chunk_init(at, flags, type, req->cookie, req->offset_bytes, bytes);
    return sizeof(NbdExtChunkHeader);
}

/* Done, with nothing to tell. */
static void none_chunk(NbdRequest *req)
{
    void *at = req->head.chunk.b;

    iov_add(&req->reply, at,
            nbd_chunk_put(req, at, NBD_CHUNK_FLAG_DONE, NBD_CHUNK_NONE, 0));
}

void nbd_reply_done(NbdRequest *req)
{
    if (req->conn->extended) {
        none_chunk(req);
        return;
    }
    nbd_simple_reply_init(&req->head.simple, NBD_SUCCESS, req->cookie);
    iov_add(&req->reply, &req->head.simple, sizeof(req->head.simple));
}

/* --- errors -------------------------------------------------------------- */

static void error_chunk(NbdRequest *req, uint32_t wire_error, const char *text)
{
    uint16_t text_bytes = MIN(strlen(text), NBD_MAX_STRING);
    Be32 error = be32(wire_error);
    Be16 length = be16(text_bytes);
    size_t bytes = sizeof(error) + sizeof(length) + text_bytes, n;
    uint8_t *p = g_malloc(NBD_CHUNK_HEADER_MAX + bytes);

    n = nbd_chunk_put(req, p, NBD_CHUNK_FLAG_DONE, NBD_CHUNK_ERROR, bytes);
    memcpy(p + n, &error, sizeof(error));
    memcpy(p + n + sizeof(error), &length, sizeof(length));
    memcpy(p + n + sizeof(error) + sizeof(length), text, text_bytes);
    req->heads = p;
    iov_add(&req->reply, p, n + bytes);
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

static void add_data_chunk(NbdRequest *req, NbdReadChunk *chunk, const Run *run,
                           uint16_t flags)
{
    Be64 offset = be64(req->offset_bytes + run->start);
    size_t n = nbd_chunk_put(req, chunk->b, flags, NBD_CHUNK_OFFSET_DATA,
                             sizeof(offset) + run->bytes);

    memcpy(chunk->b + n, &offset, sizeof(offset));
    iov_add(&req->reply, chunk->b, n + sizeof(offset));
    iov_add(&req->reply, (char *)req->buf + run->start, run->bytes);
}

static void add_hole_chunk(NbdRequest *req, NbdReadChunk *chunk, const Run *run,
                           uint16_t flags)
{
    Be64 offset = be64(req->offset_bytes + run->start);
    Be32 bytes = be32(run->bytes);
    size_t n = nbd_chunk_put(req, chunk->b, flags, NBD_CHUNK_OFFSET_HOLE,
                             sizeof(offset) + sizeof(bytes));

    memcpy(chunk->b + n, &offset, sizeof(offset));
    memcpy(chunk->b + n + sizeof(offset), &bytes, sizeof(bytes));
    iov_add(&req->reply, chunk->b, n + sizeof(offset) + sizeof(bytes));
}

/* Memory for that many chunks: in the request if it is one. */
static NbdReadChunk *chunks_alloc(NbdRequest *req, unsigned n)
{
    if (n == 1) {
        return &req->head.chunk;
    }
    req->heads = g_new(NbdReadChunk, n);
    return req->heads;
}

static void read_chunks(NbdRequest *req)
{
    uint32_t unit =
        MAX(HOLE_UNIT_BYTES, ROUND_UP(DIV_ROUND_UP(req->bytes, MAX_READ_CHUNKS),
                                      HOLE_UNIT_BYTES));
    uint64_t last = req->offset_bytes + req->bytes - 1;
    unsigned units = last / unit - req->offset_bytes / unit + 1;
    NbdReadChunk *chunks = chunks_alloc(req, units);
    uint32_t at = 0;

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
    NbdReadChunk *chunk = chunks_alloc(req, 1);

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
        none_chunk(req);
    } else if ((req->flags & NBD_CMD_FLAG_DF) ||
               req->bytes < MIN_HOLE_READ_BYTES) {
        read_one_chunk(req);
    } else {
        read_chunks(req);
    }
}
