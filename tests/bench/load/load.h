/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The load generator of the benchmarks: one thread that keeps a number of NBD
 * requests in flight on each of its connections and looks at every reply. It
 * is built to cost less than any server: many requests a send, many replies a
 * receive, no copies.
 *
 * Nothing here is part of the product; a surprise ends the program with a
 * text.
 */
#ifndef TESTS_BENCH_LOAD_LOAD_H
#define TESTS_BENCH_LOAD_LOAD_H

#include "nbd/protocol.h"

/* What to do; the same for all connections. */
typedef struct Load {
    const char *socket_path;
    const char *export_name;
    NbdCommand command; /* READ, WRITE, WRITE_ZEROES or TRIM */
    uint32_t block_bytes;
    unsigned depth; /* requests in flight on a connection */
    unsigned connections;
    bool sequential;  /* each connection its part of the disk, again and
                       * again; else anywhere */
    bool simple;      /* without structured replies */
    bool no_data;     /* the disk keeps nothing: data is not looked at */
    uint64_t version; /* of the pattern that is read or written */
    int64_t end_ns;   /* no request starts later */
    uint64_t requests_left;
    unsigned rate; /* requests a second, of all connections; 0: no limit */

    /* What came of it. */
    uint64_t size_bytes;
    uint64_t done;
    int64_t last_reply_ns;
    int64_t longest_gap_ns; /* without any reply */
    int64_t start_ns;
    uint64_t started;
    GArray *latencies; /* float, microseconds */
    uint8_t *written;  /* a byte a block */
} Load;

/* Whether requests are still to be started. */
static inline bool load_goes_on(const Load *load)
{
    return load->requests_left && load->last_reply_ns < load->end_ns;
}

/* When the next request may start, in a moment of the past if it may now. */
static inline int64_t load_next_ns(const Load *load)
{
    return load->rate
               ? load->start_ns + (int64_t)(load->started * 1e9 / load->rate)
               : 0;
}

typedef struct Conn Conn;

/* --- handshake.c --------------------------------------------------------- */

/* Connects and chooses the export; the socket. The size is stored. */
int load_connect(Load *load);

/* --- conn.c -------------------------------------------------------------- */

/* Connection @index of load->connections. */
Conn *conn_new(Load *load, unsigned index);
int conn_fd(const Conn *conn);
/* Starts what may be started and sends what can be sent at once. */
void conn_push(Conn *conn);
/* True if something is left that the socket did not take. */
bool conn_wants_write(const Conn *conn);
/* Takes all replies that are there. */
void conn_pull(Conn *conn);
bool conn_idle(const Conn *conn);
/* Says good-bye. */
void conn_free(Conn *conn);

/* --- main.c -------------------------------------------------------------- */

int64_t now_ns(void);
/* Ends the program. */
void fail(const char *format, ...) __attribute__((noreturn))
G_GNUC_PRINTF(1, 2);

#endif
