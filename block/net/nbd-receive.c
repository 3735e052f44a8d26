/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader: replies off the stream, to the calls they belong to.
 *
 * Invariants: a length from the wire is checked against what it is for before
 * anything is read by it; the stream is at the next reply's magic after each
 * reply, and whatever breaks that ends the connection. Functions return 0 or
 * -errno, where any error is such an end.
 */
#include "block/net/nbd-client.h"

/* --- simple replies ------------------------------------------------------ */

COROUTINE_ONLY
static int co_simple(NbdLink *l, const NbdSimpleReply *reply)
{
    NbdCall *call = nbd_call_find(l, reply->cookie);
    uint32_t error = be32_get(reply->error);

    /* The protocol wants reads to be answered in chunks once these were
     * agreed upon, and statuses exist in no other form. */
    if (!call || call->command == NBD_CMD_BLOCK_STATUS ||
        (l->session.structured && call->command == NBD_CMD_READ)) {
        return -EINVAL;
    }
    call->error = nbd_error_to_errno(error);
    if (!error && call->command == NBD_CMD_READ) {
        int ret = co_nbd_take_data(l, call, 0, call->bytes);

        if (ret) {
            return ret;
        }
    }
    nbd_call_replied(l, call);
    return 0;
}

/* --- chunks -------------------------------------------------------------- */

/* The place that a chunk of a read begins at. */
COROUTINE_ONLY
static int co_chunk_offset(NbdLink *l, const NbdCall *call, uint64_t *at)
{
    Be64 offset;
    int ret = co_nbd_take(l, &offset, sizeof(offset));

    if (!ret && be64_get(offset) < call->offset_bytes) {
        ret = -EINVAL;
    }
    *at = ret ? 0 : be64_get(offset) - call->offset_bytes;
    return ret;
}

COROUTINE_ONLY
static int co_chunk_data(NbdLink *l, NbdCall *call, uint32_t bytes)
{
    uint64_t at;
    int ret;

    if (call->command != NBD_CMD_READ || bytes <= sizeof(Be64)) {
        return -EINVAL;
    }
    ret = co_chunk_offset(l, call, &at);
    if (ret) {
        return ret;
    }
    if (!nbd_area_add(call, at, bytes - sizeof(Be64))) {
        return -EINVAL;
    }
    return co_nbd_take_data(l, call, at, bytes - sizeof(Be64));
}

COROUTINE_ONLY
static int co_chunk_hole(NbdLink *l, NbdCall *call, uint32_t bytes)
{
    uint64_t at;
    Be32 length;
    int ret;

    if (call->command != NBD_CMD_READ || bytes != sizeof(Be64) + sizeof(Be32)) {
        return -EINVAL;
    }
    ret = co_chunk_offset(l, call, &at);
    ret = ret ? ret : co_nbd_take(l, &length, sizeof(length));
    if (ret) {
        return ret;
    }
    if (!nbd_area_add(call, at, be32_get(length))) {
        return -EINVAL;
    }
    iov_memset(&call->data, at, 0, be32_get(length));
    return 0;
}

/* The first extent of a status, in the form of the link. */
typedef struct Extent {
    uint32_t context_id;
    uint64_t bytes, flags;
} Extent;

COROUTINE_ONLY
static int co_take_extent(NbdLink *l, Extent *e)
{
    struct {
        Be32 context_id;
        NbdExtent first;
    } wire;
    int ret = co_nbd_take(l, &wire, sizeof(wire));

    *e = (Extent){0};
    if (ret == 0) {
        *e = (Extent){be32_get(wire.context_id), be32_get(wire.first.bytes),
                      be32_get(wire.first.flags)};
    }
    return ret;
}

COROUTINE_ONLY
static int co_take_ext_extent(NbdLink *l, Extent *e, uint32_t *n)
{
    struct {
        NbdExtStatus head;
        NbdExtExtent first;
    } wire;
    int ret = co_nbd_take(l, &wire, sizeof(wire));

    *e = (Extent){0};
    *n = 0;
    if (ret == 0) {
        *e = (Extent){be32_get(wire.head.context_id),
                      be64_get(wire.first.bytes), be64_get(wire.first.flags)};
        *n = be32_get(wire.head.n);
    }
    return ret;
}

/* One extent was asked for; servers may tell more, which are skipped. */
COROUTINE_ONLY
static int co_chunk_status(NbdLink *l, NbdCall *call, uint32_t bytes)
{
    bool extended = l->session.extended;
    uint32_t head = extended ? sizeof(NbdExtStatus) : sizeof(Be32);
    uint32_t each = extended ? sizeof(NbdExtExtent) : sizeof(NbdExtent);
    uint32_t n;
    Extent e;
    int ret;

    if (call->command != NBD_CMD_BLOCK_STATUS || call->extent_bytes ||
        bytes < head + each || (bytes - head) % each) {
        return -EINVAL;
    }
    n = (bytes - head) / each;
    ret = extended ? co_take_ext_extent(l, &e, &n) : co_take_extent(l, &e);
    if (ret) {
        return ret;
    }
    if (e.context_id != l->session.context_id || !e.bytes ||
        n != (bytes - head) / each) {
        return -EINVAL;
    }
    call->extent_bytes = MIN(e.bytes, call->bytes);
    call->extent_flags = e.flags;
    return co_nbd_skip(l, bytes - head - each);
}

COROUTINE_ONLY
static int co_chunk_error(NbdLink *l, NbdCall *call, uint16_t type,
                          uint32_t bytes)
{
    struct {
        Be32 error;
        Be16 text_bytes;
    } head;
    uint32_t rest = bytes - sizeof(head);
    int ret;

    if (bytes < sizeof(head)) {
        return -EINVAL;
    }
    ret = co_nbd_take(l, &head, sizeof(head));
    if (ret) {
        return ret;
    }
    if (!be32_get(head.error) ||
        (type == NBD_CHUNK_ERROR && be16_get(head.text_bytes) != rest) ||
        be16_get(head.text_bytes) > rest) {
        return -EINVAL;
    }
    /* The first of several errors counts. */
    if (!call->error) {
        call->error = nbd_error_to_errno(be32_get(head.error));
    }
    return co_nbd_skip(l, rest);
}

COROUTINE_ONLY
static int co_chunk_content(NbdLink *l, NbdCall *call, uint16_t type,
                            uint32_t bytes)
{
    switch (type) {
    case NBD_CHUNK_NONE:
        return bytes ? -EINVAL : 0;
    case NBD_CHUNK_OFFSET_DATA:
        return co_chunk_data(l, call, bytes);
    case NBD_CHUNK_OFFSET_HOLE:
        return co_chunk_hole(l, call, bytes);
    case NBD_CHUNK_BLOCK_STATUS:
    case NBD_CHUNK_BLOCK_STATUS_EXT:
        if ((type == NBD_CHUNK_BLOCK_STATUS_EXT) != l->session.extended) {
            return -EINVAL;
        }
        return co_chunk_status(l, call, bytes);
    default:
        /* Errors of kinds yet unknown begin as the known ones do. */
        return type & NBD_CHUNK_IS_ERROR ? co_chunk_error(l, call, type, bytes)
                                         : -EINVAL;
    }
}

/* A call without an error has been told all that it asked for. */
static bool answered(const NbdCall *call)
{
    switch (call->error ? NBD_CMD_FLUSH : call->command) {
    case NBD_CMD_READ:
        return nbd_area_complete(call);
    case NBD_CMD_BLOCK_STATUS:
        return call->extent_bytes;
    default:
        return true;
    }
}

/* The longest chunk that can mean anything for a call: who announces more is
 * not waited for. */
static uint64_t chunk_max(const NbdCall *call)
{
    return call->command == NBD_CMD_READ
               ? MAX(call->bytes + sizeof(Be64), NBD_SKIP_MAX)
               : NBD_SKIP_MAX;
}

/* The header of a chunk, in whatever form it came. */
typedef struct Chunk {
    uint16_t flags, type;
    Be64 cookie;
    uint64_t bytes;
} Chunk;

COROUTINE_ONLY
static int co_chunk(NbdLink *l, const Chunk *head)
{
    NbdCall *call = nbd_call_find(l, head->cookie);
    bool last = head->flags & NBD_CHUNK_FLAG_DONE;
    int ret;

    if (!call || (head->type == NBD_CHUNK_NONE && !last) ||
        head->bytes > chunk_max(call) || ++call->chunks > NBD_CHUNKS_MAX) {
        return -EINVAL;
    }
    ret = co_chunk_content(l, call, head->type, head->bytes);
    if (ret || !last) {
        return ret;
    }
    if (!answered(call)) {
        return -EINVAL;
    }
    nbd_call_replied(l, call);
    return 0;
}

/* --- the loop ------------------------------------------------------------ */

typedef union ReplyHead {
    Be32 magic;
    NbdSimpleReply simple;
    NbdChunkHeader chunk;
    NbdExtChunkHeader extended;
} ReplyHead;

/* What follows the magic of a header of @bytes. */
COROUTINE_ONLY
static int co_take_head(NbdLink *l, ReplyHead *head, size_t bytes)
{
    return co_nbd_take(l, (uint8_t *)head + sizeof(head->magic),
                       bytes - sizeof(head->magic));
}

COROUTINE_ONLY
static int co_plain_chunk(NbdLink *l, ReplyHead *head)
{
    const NbdChunkHeader *wire = &head->chunk;
    int ret = co_take_head(l, head, sizeof(*wire));
    Chunk chunk;

    if (ret) {
        return ret;
    }
    chunk = (Chunk){be16_get(wire->flags), be16_get(wire->type), wire->cookie,
                    be32_get(wire->bytes)};
    return co_chunk(l, &chunk);
}

COROUTINE_ONLY
static int co_extended_chunk(NbdLink *l, ReplyHead *head)
{
    const NbdExtChunkHeader *wire = &head->extended;
    int ret = co_take_head(l, head, sizeof(*wire));
    Chunk chunk;

    if (ret) {
        return ret;
    }
    chunk = (Chunk){be16_get(wire->flags), be16_get(wire->type), wire->cookie,
                    be64_get(wire->bytes)};
    return co_chunk(l, &chunk);
}

COROUTINE_ONLY
static int co_one_reply(NbdLink *l)
{
    const NbdSession *s = &l->session;
    ReplyHead head;
    int ret = co_nbd_take(l, &head, sizeof(head.magic));

    if (ret) {
        return ret;
    }
    switch (be32_get(head.magic)) {
    case NBD_MAGIC_SIMPLE_REPLY:
        if (s->extended) {
            return -EINVAL;
        }
        ret = co_take_head(l, &head, sizeof(head.simple));
        return ret ? ret : co_simple(l, &head.simple);
    case NBD_MAGIC_CHUNK:
        return s->structured && !s->extended ? co_plain_chunk(l, &head)
                                             : -EINVAL;
    case NBD_MAGIC_EXT_CHUNK:
        return s->extended ? co_extended_chunk(l, &head) : -EINVAL;
    default:
        return -EINVAL;
    }
}

void co_nbd_client_reader(void *opaque)
{
    NbdLink *l = opaque;

    coroutine_assert();
    while (co_one_reply(l) == 0) {
        /* The next one. */
    }
    nbd_link_worker_ended(l);
}
