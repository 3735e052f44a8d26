/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection under load.
 *
 * Invariants: a slot is on @idle, or in @queue (to be sent; the first one may
 * be sent in part), or its reply is awaited. Its number is the cookie.
 */
#include "tests/bench/load/load.h"

#include "tests/bench/load/pattern.h"

#include <sys/socket.h>
#include <unistd.h>

/* Requests that one send takes. */
#define BATCH 64
#define INPUT_BYTES (512 * KiB)
/* All words of one reply in so many are looked at; of the others, one in each
 * sector. */
#define FULL_CHECK 16

typedef struct Slot {
    NbdRequestHeader head;
    uint64_t offset_bytes;
    int64_t start_ns;
    uint32_t got_bytes; /* of the data that is read */
    bool waiting;       /* for its reply */
    char *payload;
} Slot;

struct Conn {
    Load *load;
    int fd;
    uint64_t random;
    uint64_t next_bytes, first_bytes, end_bytes; /* sequential */
    Slot *slots;
    unsigned *idle, idle_n;
    unsigned *queue, queue_start, queue_n; /* a ring of depth entries */
    size_t sent_bytes;                     /* of the queue's first */
    char *input;
    size_t start, end;
    /* The data that comes next. */
    Slot *data_slot;
    uint64_t data_offset_bytes;
    uint32_t data_left_bytes;
    bool data_last;
};

Conn *conn_new(Load *load, unsigned index)
{
    Conn *conn = g_new0(Conn, 1);
    uint64_t part;

    conn->load = load;
    conn->fd = load_connect(load);
    conn->random = (index + 1) * UINT64_C(0x2545f4914f6cdd1d);
    part = load->size_bytes / load->connections / load->block_bytes *
           load->block_bytes;
    conn->first_bytes = conn->next_bytes = index * part;
    conn->end_bytes = conn->first_bytes + part;
    if (!part) {
        fail("the disk is too small");
    }
    conn->slots = g_new0(Slot, load->depth);
    conn->idle = g_new(unsigned, load->depth);
    conn->queue = g_new(unsigned, load->depth);
    conn->input = g_malloc(INPUT_BYTES);
    for (unsigned i = 0; i < load->depth; i++) {
        conn->idle[conn->idle_n++] = i;
        if (load->command == NBD_CMD_WRITE) {
            conn->slots[i].payload = g_malloc0(load->block_bytes);
        }
    }
    return conn;
}

int conn_fd(const Conn *conn)
{
    return conn->fd;
}

/* --- requests ------------------------------------------------------------ */

static uint64_t next_offset(Conn *conn)
{
    const Load *load = conn->load;
    uint64_t x = conn->random, offset;

    if (load->sequential) {
        offset = conn->next_bytes;
        conn->next_bytes += load->block_bytes;
        if (conn->next_bytes >= conn->end_bytes) {
            conn->next_bytes = conn->first_bytes;
        }
        return offset;
    }
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    conn->random = x;
    return (x >> 8) % (load->size_bytes / load->block_bytes) *
           load->block_bytes;
}

static void start_one(Conn *conn, int64_t now)
{
    Load *load = conn->load;
    unsigned i = conn->idle[--conn->idle_n];
    Slot *slot = &conn->slots[i];

    slot->offset_bytes = next_offset(conn);
    slot->got_bytes = 0;
    slot->start_ns = now;
    load->started++;
    slot->head = (NbdRequestHeader){
        .magic = be32(NBD_MAGIC_REQUEST),
        .command = be16(load->command),
        .cookie = be64(i),
        .offset_bytes = be64(slot->offset_bytes),
        .bytes = be32(load->block_bytes),
    };
    if (slot->payload && !load->no_data) {
        pattern_fill(slot->payload, slot->offset_bytes, load->block_bytes,
                     load->version);
        load->written[slot->offset_bytes / load->block_bytes] = 1;
    }
    conn->queue[(conn->queue_start + conn->queue_n++) % load->depth] = i;
    load->requests_left--;
}

static unsigned fill_batch(Conn *conn, struct iovec *v)
{
    const Load *load = conn->load;
    size_t skip = conn->sent_bytes;
    unsigned n = 0;

    for (unsigned i = 0; i < conn->queue_n && i < BATCH; i++) {
        unsigned at = (conn->queue_start + i) % load->depth;
        Slot *slot = &conn->slots[conn->queue[at]];
        size_t head = MIN(skip, sizeof(slot->head));

        v[n++] = (struct iovec){(char *)&slot->head + head,
                                sizeof(slot->head) - head};
        skip -= head;
        if (slot->payload) {
            v[n++] =
                (struct iovec){slot->payload + skip, load->block_bytes - skip};
            skip = 0;
        }
    }
    return n;
}

static void count_sent(Conn *conn, size_t sent)
{
    const Load *load = conn->load;
    size_t each = sizeof(NbdRequestHeader) +
                  (load->command == NBD_CMD_WRITE ? load->block_bytes : 0);

    conn->sent_bytes += sent;
    while (conn->queue_n && conn->sent_bytes >= each) {
        conn->sent_bytes -= each;
        conn->slots[conn->queue[conn->queue_start]].waiting = true;
        conn->queue_start = (conn->queue_start + 1) % load->depth;
        conn->queue_n--;
    }
}

void conn_push(Conn *conn)
{
    Load *load = conn->load;
    int64_t now = now_ns();

    while (conn->idle_n && load_goes_on(load) && now >= load_next_ns(load)) {
        start_one(conn, now);
    }
    while (conn->queue_n) {
        struct iovec v[2 * BATCH];
        struct msghdr hdr = {.msg_iov = v, .msg_iovlen = fill_batch(conn, v)};
        ssize_t n = sendmsg(conn->fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            fail("send: %s", strerror(errno));
        }
        count_sent(conn, n);
    }
}

bool conn_wants_write(const Conn *conn)
{
    return conn->queue_n > 0;
}

bool conn_idle(const Conn *conn)
{
    return conn->idle_n == conn->load->depth;
}

/* --- replies ------------------------------------------------------------- */

static void slot_done(Conn *conn, Slot *slot)
{
    const Load *load = conn->load;
    float us = (load->last_reply_ns - slot->start_ns) / 1e3;

    g_array_append_val(load->latencies, us);
    if (load->command == NBD_CMD_READ && slot->got_bytes != load->block_bytes) {
        fail("%u bytes came instead of %u", slot->got_bytes, load->block_bytes);
    }
    slot->waiting = false;
    conn->idle[conn->idle_n++] = slot - conn->slots;
    conn->load->done++;
}

static Slot *find_slot(Conn *conn, Be64 cookie)
{
    uint64_t i = be64_get(cookie);

    if (i >= conn->load->depth || !conn->slots[i].waiting) {
        fail("a reply that nobody waits for");
    }
    return &conn->slots[i];
}

static void data_begins(Conn *conn, Slot *slot, uint64_t offset_bytes,
                        uint32_t bytes, bool last)
{
    if (slot->got_bytes + bytes > conn->load->block_bytes ||
        offset_bytes < slot->offset_bytes ||
        offset_bytes + bytes > slot->offset_bytes + conn->load->block_bytes) {
        fail("data that nobody asked for");
    }
    conn->data_slot = slot;
    conn->data_offset_bytes = offset_bytes;
    conn->data_left_bytes = bytes;
    conn->data_last = last;
    slot->got_bytes += bytes;
}

static void take_data(Conn *conn)
{
    const Load *load = conn->load;
    size_t n = MIN(conn->data_left_bytes, conn->end - conn->start);
    size_t step = load->done % FULL_CHECK ? 512 : 8;

    if (!load->no_data &&
        !pattern_check(conn->input + conn->start, conn->data_offset_bytes, n,
                       load->version, step)) {
        fail("wrong data near offset %" PRIu64, conn->data_offset_bytes);
    }
    conn->start += n;
    conn->data_offset_bytes += n;
    conn->data_left_bytes -= n;
    if (!conn->data_left_bytes && conn->data_last) {
        slot_done(conn, conn->data_slot);
    }
}

/* Each takes one header; false if not all of it is there. */
static bool take_simple(Conn *conn)
{
    const NbdSimpleReply *head = (void *)(conn->input + conn->start);
    Slot *slot;

    if (conn->end - conn->start < sizeof(*head)) {
        return false;
    }
    slot = find_slot(conn, head->cookie);
    if (be32_get(head->error)) {
        fail("error %u at offset %" PRIu64, be32_get(head->error),
             slot->offset_bytes);
    }
    conn->start += sizeof(*head);
    if (conn->load->command == NBD_CMD_READ) {
        data_begins(conn, slot, slot->offset_bytes, conn->load->block_bytes,
                    true);
    } else {
        slot_done(conn, slot);
    }
    return true;
}

/* Zeroes are nowhere in the pattern. */
static void take_hole(Conn *conn, Slot *slot, const NbdChunkHole *hole)
{
    if (!conn->load->no_data) {
        fail("a hole at offset %" PRIu64, be64_get(hole->offset_bytes));
    }
    slot->got_bytes += be32_get(hole->bytes);
}

static bool take_chunk(Conn *conn)
{
    const NbdChunkHeader *head = (void *)(conn->input + conn->start);
    const NbdChunkData *data = (const void *)head;
    size_t have = conn->end - conn->start, need = sizeof(*head);
    bool last;
    Slot *slot;

    if (have < need) {
        return false;
    }
    need += be16_get(head->type) == NBD_CHUNK_OFFSET_DATA
                ? sizeof(data->offset_bytes)
                : be32_get(head->bytes);
    if (have < need) {
        return false;
    }
    slot = find_slot(conn, head->cookie);
    last = be16_get(head->flags) & NBD_CHUNK_FLAG_DONE;
    conn->start += need;
    switch (be16_get(head->type)) {
    case NBD_CHUNK_OFFSET_DATA:
        data_begins(conn, slot, be64_get(data->offset_bytes),
                    be32_get(head->bytes) - sizeof(data->offset_bytes), last);
        return true;
    case NBD_CHUNK_OFFSET_HOLE:
        take_hole(conn, slot, (const void *)head);
        break;
    case NBD_CHUNK_NONE:
        break;
    default:
        fail("an error at offset %" PRIu64, slot->offset_bytes);
    }
    if (last) {
        slot_done(conn, slot);
    }
    return true;
}

static bool take_header(Conn *conn)
{
    Be32 magic;

    if (conn->end - conn->start < sizeof(magic)) {
        return false;
    }
    memcpy(&magic, conn->input + conn->start, sizeof(magic));
    if (be32_get(magic) == NBD_MAGIC_SIMPLE_REPLY) {
        return take_simple(conn);
    }
    if (be32_get(magic) != NBD_MAGIC_CHUNK) {
        fail("no reply where one should be");
    }
    return take_chunk(conn);
}

static void take_input(Conn *conn)
{
    while (conn->start < conn->end) {
        if (conn->data_left_bytes) {
            take_data(conn);
        } else if (!take_header(conn)) {
            break;
        }
    }
    memmove(conn->input, conn->input + conn->start, conn->end - conn->start);
    conn->end -= conn->start;
    conn->start = 0;
}

static void note_time(Load *load)
{
    int64_t now = now_ns();

    load->longest_gap_ns = MAX(load->longest_gap_ns, now - load->last_reply_ns);
    load->last_reply_ns = now;
}

void conn_pull(Conn *conn)
{
    ssize_t n = recv(conn->fd, conn->input + conn->end, INPUT_BYTES - conn->end,
                     MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        fail("the server left");
    }
    conn->end += n;
    note_time(conn->load);
    take_input(conn);
}

void conn_free(Conn *conn)
{
    NbdRequestHeader head = {
        .magic = be32(NBD_MAGIC_REQUEST),
        .command = be16(NBD_CMD_DISC),
    };

    if (send(conn->fd, &head, sizeof(head), MSG_NOSIGNAL) < 0) {
        fail("send: %s", strerror(errno));
    }
    close(conn->fd);
    for (unsigned i = 0; i < conn->load->depth; i++) {
        g_free(conn->slots[i].payload);
    }
    g_free(conn->slots);
    g_free(conn->idle);
    g_free(conn->queue);
    g_free(conn->input);
    g_free(conn);
}
