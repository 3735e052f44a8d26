/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of migration/ share among themselves. Control thread. */
#ifndef MIGRATION_MIGRATION_INT_H
#define MIGRATION_MIGRATION_INT_H

#include "block/bitmap/bitmap.h"
#include "migration/migration.h"
#include "qapi/qapi-types.h"

/* --- caps.c, params.c, mapping.c ----------------------------------------- */

bool migration_cap(MigrationCapability capability);
const MigrationParameters *migration_params(void);
/* Neither compression nor TLS. */
bool migration_params_plain(const MigrationParameters *params);
#define ZERO_COPY_REFUSED \
    "Zero copy only available for non-compressed non-TLS multifd migration"

/* False with QEMU's text if names are not well-formed or not distinct. */
bool mapping_check(const BitmapMigrationNodeAliasList *mapping, Error **errp);
/* The name on the way of bitmap @name of node @node (names here). False: it
 * stays. @transform: what becomes of it, or NULL. */
bool mapping_to_alias(const char *node, const char *name, const char **node_out,
                      const char **name_out,
                      const BitmapMigrationBitmapAliasTransform **transform);
/* The names here of what came as @node, @name; false: it is to be left out, and
 * why was printed. */
bool mapping_from_alias(const char *node, const char *name,
                        const char **node_out, const char **name_out,
                        const BitmapMigrationBitmapAliasTransform **transform);

/* --- channel.c ----------------------------------------------------------- */

typedef struct Channel {
    int fd, write_fd;       /* -1: closed. Mostly the same */
    int listen_fd;          /* waits for a source, or -1 */
    char *unlink;           /* of the socket that is listened on, or NULL */
    SocketAddress *address; /* that is listened on, or NULL */
    bool both_ways;         /* the destination can answer */
    IoPending pending;
    /* What is to be done about the URI. */
    char *path, *host, *port, *command;
    int ipv4, ipv6; /* -1: unset */
    bool keep_alive;
    unsigned to; /* the last port to listen at; 0: there is but one */
} Channel;

/* Reads @uri (uri.c). An fd: is taken over; @out: it is one of getfd. */
bool channel_parse(Channel *c, const char *uri, bool out, Error **errp);
/* To the destination. */
bool co_channel_connect(Channel *c, Error **errp) COROUTINE_ONLY;
/* Waits until a command has read all, or a second; false with @errp if it ended
 * before. */
bool co_channel_drain(Channel *c, Error **errp) COROUTINE_ONLY;
/* Where the source will come. */
bool channel_listen(Channel *c, Error **errp);
bool co_channel_accept(Channel *c, Error **errp) COROUTINE_ONLY;
/* Whoever waits for it fails soon. */
void channel_give_up(Channel *c);
void channel_close(Channel *c);

/* --- stream.c ------------------------------------------------------------ */

typedef enum RecordKind {
    RECORD_HELLO = 1,  /* JSON */
    RECORD_BITMAP,     /* JSON: one that will come */
    RECORD_RUNS,       /* pairs of Be64: offset and length in bytes */
    RECORD_BITMAP_END, /* empty: the next runs are of the next bitmap */
    RECORD_CHECK,      /* empty; answered if the connection goes both ways */
    RECORD_READY,      /* the answer */
    RECORD_POSTCOPY,   /* empty: the rest is sent after the machine stopped */
    RECORD_END,        /* JSON */
} RecordKind;

#define RECORD_MAX_BYTES (1u << 20)

typedef struct Record {
    uint32_t kind, bytes;
    uint8_t *data; /* with a zero behind it; owned */
} Record;

/* The first bytes of all. */
bool co_stream_begin(Channel *c, Error **errp) COROUTINE_ONLY;
bool co_stream_expect_begin(Channel *c, Error **errp) COROUTINE_ONLY;
bool co_record_send(Channel *c, RecordKind kind, const void *data,
                    uint32_t bytes, Error **errp) COROUTINE_ONLY;
bool co_record_send_json(Channel *c, RecordKind kind, json_object *json,
                         Error **errp) COROUTINE_ONLY;
/* False with what is no record, or at an end: *@left then. */
bool co_record_receive(Channel *c, Record *record, bool *left,
                       Error **errp) COROUTINE_ONLY;
void record_free(Record *record);
/* What the source begins with. */
bool co_stream_hello(Channel *c, Error **errp) COROUTINE_ONLY;
/* Asks whether the destination can take what it got, if it can answer. */
bool co_stream_check(Channel *c, Error **errp) COROUTINE_ONLY;
/* The bytes that were sent so far. */
uint64_t stream_sent_bytes(void);

/* --- bitmaps-send.c, bitmaps-load.c -------------------------------------- */

/* A bitmap that goes along. */
typedef struct SentBitmap {
    DirtyBitmap *bitmap;
    char *node, *name; /* on the way */
    bool persistent;   /* there */
    bool was_persistent;
} SentBitmap;

/* All that go along (SentBitmap), by the mapping; NULL with QEMU's text. They
 * are busy, and their nodes stay, until co_bitmaps_release. Take the graph
 * lock. */
GPtrArray *co_bitmaps_collect(Error **errp) COROUTINE_ONLY CONTROL_ONLY;
void co_bitmaps_release(GPtrArray *list) COROUTINE_ONLY CONTROL_ONLY;
/* Which ones will come, and then their bits. */
bool co_bitmaps_announce(Channel *c, const GPtrArray *list,
                         Error **errp) COROUTINE_ONLY;
bool co_bitmaps_send(Channel *c, const GPtrArray *list,
                     Error **errp) COROUTINE_ONLY;
/* They are the destination's: the images here keep them no longer. Under the
 * graph lock. */
bool co_bitmaps_forget(const GPtrArray *list,
                       Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* They are ours again, as far as they were. */
void bitmaps_take_back(const GPtrArray *list);

/* What came, until the nodes are ours. */
typedef struct LoadedBitmaps {
    GPtrArray *list; /* LoadedBitmap */
    guint at;        /* whose bits come */
} LoadedBitmaps;

void loaded_init(LoadedBitmaps *l);
void loaded_free(LoadedBitmaps *l);
bool loaded_begin(LoadedBitmaps *l, const Record *record, Error **errp);
bool loaded_runs(LoadedBitmaps *l, const Record *record, Error **errp);
void loaded_next(LoadedBitmaps *l);
/* Makes the bitmaps; the nodes are active. */
bool co_loaded_install(LoadedBitmaps *l,
                       Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* --- source.c, incoming.c ------------------------------------------------ */

MigrationStatus source_status(void);
bool source_running(void);
bool source_begin(const char *uri, Error **errp) CONTROL_ONLY;
void source_cancel(void) CONTROL_ONLY;
void source_continue(void) CONTROL_ONLY;
void source_postcopy(void) CONTROL_ONLY;
/* Fills in what is known; nothing if none was asked for. */
void source_info(MigrationInfo *info);

/* The status and its event. */
void migration_set_status(MigrationStatus *status, MigrationStatus next);

void co_migration_shutdown_source(void) COROUTINE_ONLY CONTROL_ONLY;

bool incoming_deferred(void);
bool incoming_begin_deferred(const char *uri, Error **errp) CONTROL_ONLY;
void co_migration_shutdown_incoming(void) COROUTINE_ONLY CONTROL_ONLY;
bool incoming_started(void);
void incoming_info(MigrationInfo *info);

#endif
