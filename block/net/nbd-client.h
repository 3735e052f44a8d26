/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client of one NBD export: what the files of the driver `nbd` share. A
 * client has one link (connection) or several; each lives like this:
 *
 *           co_nbd_connect_first         nbd_link_start
 *   (down) ----------------------> ready ---------------> up
 *     ^  \_ the connector, again                          |  nbd_link_kill
 *     |     and again                                     v
 *     +------ both workers ended, calls are lost ------ dying
 *
 * While it is up two coroutines work for it, both on node->home: the sender
 * and the reader. A third, the connector, works while it is down.
 *
 * Invariants:
 * 1. A call has a slot of one link from before it is queued until it is done.
 *    It is done when its reply is complete and its request left, or lost when
 *    the link died and both workers ended: nobody touches its memory from then
 *    on.
 * 2. At most NBD_CALLS_MAX calls of a link have a slot; more wait in order of
 *    arrival.
 * 3. A read succeeds only if each of its bytes was told exactly once.
 * 4. What a server sends makes us hold one reply's text and the input buffer
 *    of each link, no more; what breaks the protocol ends the connection.
 * 5. There are several links only to a server that says that a flush over one
 *    covers what was done over all, also after a new connection.
 */
#ifndef BLOCK_NET_NBD_CLIENT_H
#define BLOCK_NET_NBD_CLIENT_H

#include "block/graph/driver.h"
#include "nbd/client.h"
#include "util/tls/tls.h"

/* Connections to one server. */
#define NBD_LINKS_MAX 16u
/* Requests in flight over one. */
#define NBD_CALLS_MAX 256u
/* Areas of one read that a server may tell out of order. */
#define NBD_AREAS_MAX 1024u
/* Chunks that answer one request. */
#define NBD_CHUNKS_MAX (1u << 17)
#define NBD_INPUT_BYTES (64u << 10)
#define NANOSECONDS INT64_C(1000000000)
/* How long a server may take to connect and negotiate, and how often to try
 * again. */
#define NBD_NEGOTIATE_NS INT64_C(30000000000)
/* At the end of the program: how long a server that owes answers may be
 * silent. */
#define NBD_SILENCE_NS INT64_C(15000000000)
/* How long a good-bye may take. */
#define NBD_GOODBYE_NS INT64_C(1000000000)
#define NBD_RETRY_MIN_NS INT64_C(100000000)
#define NBD_RETRY_MAX_NS INT64_C(1000000000)

typedef enum NbdLinkState {
    NBD_LINK_DOWN,
    NBD_LINK_READY, /* negotiated; nobody reads or sends yet */
    NBD_LINK_UP,
    NBD_LINK_DYING,
} NbdLinkState;

/* What one negotiation led to. */
typedef struct NbdSession {
    int fd;
    TlsSession *tls; /* NULL: in the clear */
    NbdExportInfo info;
    bool structured;  /* replies come in chunks */
    bool extended;    /* all headers have 64 bits; structured, then, too */
    bool has_context; /* the one that was asked for */
    uint32_t context_id;
} NbdSession;

/* A part of a read, [start, end) from its beginning. */
typedef struct NbdArea {
    uint32_t start, end;
} NbdArea;

/* One request and what became of it. Lives on its coroutine's stack. */
typedef struct NbdCall {
    union {
        NbdRequestHeader plain;
        NbdExtRequestHeader extended;
    } head; /* as sent, in the form of its link */
    Be64 cookie;
    uint16_t command;
    uint64_t offset_bytes;
    uint64_t bytes;        /* with plain headers, and of data, below 2^32 */
    Iov data;              /* payload of a write, place of a read's */
    int error;             /* errno that the server told, or 0 */
    NbdArea told;          /* of a read: the area that grows */
    GArray *areas;         /* the others, if any (NbdArea) */
    unsigned chunks;       /* of the answer, up to now */
    uint64_t extent_bytes; /* of a block status; 0: none told */
    uint64_t extent_flags;
    bool sent, replied, lost, done;
    int64_t give_up_ns; /* no new attempt from then on */
    unsigned cancels;   /* of the client, when it began */
    Coroutine *co;
    ListLink in_out;
} NbdCall;

typedef struct NbdInput {
    uint8_t buf[NBD_INPUT_BYTES];
    size_t start, end;
} NbdInput;

struct NbdClient;

typedef struct NbdLink {
    /* CONST */
    struct NbdClient *client;
    /* HOME */
    NbdLinkState state;
    NbdSession session; /* unless down */
    unsigned workers;
    NbdInput *input;
    NbdCall *slots[NBD_CALLS_MAX];
    unsigned calls; /* slots in use */
    uint64_t serial;
    ListLink out;      /* NbdCall.in_out: to be sent */
    CoQueue out_ready; /* the sender */
    bool connecting;   /* the connector runs */
    CoQueue connector_wake;
    IoPending pending; /* an attempt: of connecting */
    int talking_fd;    /* an attempt: of negotiating, or -1 */
} NbdLink;

typedef struct NbdClient {
    /* CONST */
    Node *node;
    IoAddress address; /* its texts belong to node's options, copied */
    char *export;
    char *context;       /* what to ask the status from */
    TlsCreds *tls_creds; /* NULL: in the clear */
    char *tls_hostname;  /* what the certificate must be for, or NULL */
    bool plain_context;  /* it is base:allocation */
    bool has_context;    /* the server knows it */
    bool extended;       /* it speaks extended headers */
    int64_t reconnect_ns;
    NbdExportInfo info; /* as of open */
    unsigned n_links;
    NbdLink *links;

    /* CONTROL */
    ListLink in_clients; /* all of the program */
    bool opening;

    /* HOME */
    bool closing;
    unsigned owed;       /* calls that began and did not end */
    uint64_t answers;    /* calls that were answered, ever */
    uint64_t answers_at; /* the same when release_timer was armed */
    Timer release_timer;
    CoQueue slot_freed;    /* those who want a slot */
    CoQueue changed;       /* who waits for a state or an end */
    int64_t wait_until_ns; /* how long a call waits while all are down */
    unsigned cancels;      /* how often all calls were told to give up */
    uint64_t data_start, data_end; /* known to hold data */
} NbdClient;

/* --- nbd-stream.c -------------------------------------------------------- */

/* As co_io_recv, co_io_recvv, co_io_sendv, co_io_recv_all and co_io_send_all,
 * encrypted where the session is. */
ssize_t co_nbd_recv(const NbdSession *s, void *buf,
                    size_t bytes) COROUTINE_ONLY;
ssize_t co_nbd_recvv(const NbdSession *s, const struct iovec *v,
                     unsigned n) COROUTINE_ONLY;
ssize_t co_nbd_sendv(const NbdSession *s, const struct iovec *v, unsigned n,
                     bool more) COROUTINE_ONLY;
int co_nbd_recv_all(const NbdSession *s, void *buf,
                    size_t bytes) COROUTINE_ONLY;
int co_nbd_send_all(const NbdSession *s, const void *buf,
                    size_t bytes) COROUTINE_ONLY;
/* Frees what it holds, and closes its socket. Nobody uses it any more. */
void nbd_session_close(NbdSession *s);

/* --- nbd-negotiate.c ----------------------------------------------------- */

/* What a client wants of a server. */
typedef struct NbdWish {
    const char *export;
    const char *context;
    TlsCreds *tls_creds; /* NULL: in the clear */
    const char *tls_hostname;
} NbdWish;

/* The talk before transmission over session->fd, which stays open whatever
 * comes of it, as does session->tls. */
bool co_nbd_negotiate(NbdSession *session, const NbdWish *wish,
                      Error **errp) COROUTINE_ONLY;

/* --- nbd-connect.c ------------------------------------------------------- */

/* Connects and negotiates, for NBD_NEGOTIATE_NS at most, to l->session; again
 * and again for @timeout_ns; once if that is 0. */
bool co_nbd_connect_first(NbdLink *l, int64_t timeout_ns,
                          Error **errp) COROUTINE_ONLY;
/* Makes an attempt that is under way fail soon. */
void nbd_connect_cancel(NbdLink *l);
/* Starts the connector, if it does not run: it works until there is a link, or
 * the node closes. */
void nbd_connect_later(NbdLink *l);

/* --- nbd-link.c ---------------------------------------------------------- */

/* Calls that are under way fail, whether the server answers or not: its
 * connections are dropped, and made again later. At home. */
void nbd_client_cancel(NbdClient *c);

/* Makes @n links, all down. */
void nbd_links_init(NbdClient *c, unsigned n);
void nbd_links_free(NbdClient *c);
/* From ready to up. */
void nbd_link_start(NbdLink *l);
/* Says good-bye and ends everything. No call is in flight. */
void co_nbd_links_close(NbdClient *c) COROUTINE_ONLY;
/* From now on does not wait for ever: a server that owes answers and gives none
 * for NBD_SILENCE_NS is left, and all calls fail. At home. */
void nbd_client_release(NbdClient *c);
/* A worker's last act. */
void nbd_link_worker_ended(NbdLink *l);

/* --- nbd-call.c ---------------------------------------------------------- */

/* Sends the request and waits for its reply, over the next link if one dies
 * and the node waits for another: 0, -errno of the server, or -EIO. Fills
 * @call anew each time; the caller sets command, ranges and data. */
int co_nbd_call(NbdClient *c, NbdCall *call, uint16_t flags) COROUTINE_ONLY;

/* --- nbd-send.c ---------------------------------------------------------- */

/* Over the link that is up: until the call is done. */
void co_nbd_call_once(NbdLink *l, NbdCall *call, uint16_t flags) COROUTINE_ONLY;
/* The call with that cookie, or NULL. */
NbdCall *nbd_call_find(NbdLink *l, Be64 cookie);
void nbd_call_replied(NbdLink *l, NbdCall *call);
/* All calls of the link end without a reply. */
void nbd_calls_lose(NbdLink *l);
void co_nbd_client_sender(void *opaque) COROUTINE_ONLY;

/* --- nbd-area.c ---------------------------------------------------------- */

/* Notes that [@start, +@bytes) of a read was told; false if it was before, or
 * goes beyond the end, or the parts are too many. */
bool nbd_area_add(NbdCall *call, uint64_t start, uint32_t bytes);
bool nbd_area_complete(const NbdCall *call);

/* --- nbd-input.c: for the reader; 0 or -errno, which ends the link -------- */

/* Texts and kinds of chunks that are skipped. */
#define NBD_SKIP_MAX (64u << 10)

int co_nbd_take(NbdLink *l, void *buf, size_t bytes) COROUTINE_ONLY;
int co_nbd_skip(NbdLink *l, uint32_t bytes) COROUTINE_ONLY;
/* Data of a read, to its place: @at of what it asked for. */
int co_nbd_take_data(NbdLink *l, NbdCall *call, size_t at,
                     size_t bytes) COROUTINE_ONLY;

/* --- nbd-receive.c ------------------------------------------------------- */

void co_nbd_client_reader(void *opaque) COROUTINE_ONLY;

/* --- nbd-address.c ------------------------------------------------------- */

struct SocketAddress;
/* Copies @from; the texts belong to @to, nbd_address_clear. */
bool nbd_address_set(IoAddress *to, const struct SocketAddress *from,
                     Error **errp);
void nbd_address_clear(IoAddress *address);
/* "nbd://host:port/export"; owned by the caller. */
char *nbd_address_uri(const IoAddress *address, const char *export);

#endif
