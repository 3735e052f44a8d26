/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NBD wire format: message layouts and numbers. Used by the server and by
 * any client of ours.
 *
 * Source: the NBD protocol specification (doc/proto.md of the
 * NetworkBlockDevice project), sections "Newstyle negotiation", "Fixed
 * newstyle", "Transmission" and "Metadata querying".
 *
 * Invariant: the structs here are exactly what lies on the wire (no padding,
 * alignment 1), which the compiler checks below.
 */
#ifndef NBD_PROTOCOL_H
#define NBD_PROTOCOL_H

#include "util/be.h"

/* --- handshake ----------------------------------------------------------- */

#define NBD_MAGIC_INIT UINT64_C(0x4e42444d41474943) /* "NBDMAGIC" */
#define NBD_MAGIC_OLDSTYLE UINT64_C(0x00420281861253)
#define NBD_MAGIC_OPTION UINT64_C(0x49484156454F5054) /* "IHAVEOPT" */
#define NBD_MAGIC_OPTION_REPLY UINT64_C(0x0003e889045565a9)

/* Flags of the server's greeting and of the client's answer. */
enum {
    NBD_HANDSHAKE_FIXED = 1 << 0,
    NBD_HANDSHAKE_NO_ZEROES = 1 << 1,
};

typedef enum NbdOption {
    NBD_OPT_EXPORT_NAME = 1,
    NBD_OPT_ABORT = 2,
    NBD_OPT_LIST = 3,
    NBD_OPT_STARTTLS = 5,
    NBD_OPT_INFO = 6,
    NBD_OPT_GO = 7,
    NBD_OPT_STRUCTURED_REPLY = 8,
    NBD_OPT_LIST_META_CONTEXT = 9,
    NBD_OPT_SET_META_CONTEXT = 10,
    NBD_OPT_EXTENDED_HEADERS = 11,
} NbdOption;

/* Types of option replies; those with bit 31 are errors with a text. */
#define NBD_REP_ACK UINT32_C(1)
#define NBD_REP_SERVER UINT32_C(2)
#define NBD_REP_INFO UINT32_C(3)
#define NBD_REP_META_CONTEXT UINT32_C(4)
#define NBD_REP_IS_ERROR UINT32_C(0x80000000)
#define NBD_REP_ERR_UNSUP (NBD_REP_IS_ERROR | 1)
#define NBD_REP_ERR_POLICY (NBD_REP_IS_ERROR | 2)
#define NBD_REP_ERR_INVALID (NBD_REP_IS_ERROR | 3)
#define NBD_REP_ERR_PLATFORM (NBD_REP_IS_ERROR | 4)
#define NBD_REP_ERR_TLS_REQD (NBD_REP_IS_ERROR | 5)
#define NBD_REP_ERR_UNKNOWN (NBD_REP_IS_ERROR | 6)
#define NBD_REP_ERR_SHUTDOWN (NBD_REP_IS_ERROR | 7)
#define NBD_REP_ERR_BLOCK_SIZE_REQD (NBD_REP_IS_ERROR | 8)
#define NBD_REP_ERR_TOO_BIG (NBD_REP_IS_ERROR | 9)
#define NBD_REP_ERR_EXT_HEADER_REQD (NBD_REP_IS_ERROR | 10)

/* What INFO and GO ask for and NBD_REP_INFO tells. */
enum {
    NBD_INFO_EXPORT = 0,
    NBD_INFO_NAME = 1,
    NBD_INFO_DESCRIPTION = 2,
    NBD_INFO_BLOCK_SIZE = 3,
};

/* Transmission flags: what an export can do. */
enum {
    NBD_FLAG_HAS_FLAGS = 1 << 0,
    NBD_FLAG_READ_ONLY = 1 << 1,
    NBD_FLAG_SEND_FLUSH = 1 << 2,
    NBD_FLAG_SEND_FUA = 1 << 3,
    NBD_FLAG_ROTATIONAL = 1 << 4,
    NBD_FLAG_SEND_TRIM = 1 << 5,
    NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6,
    NBD_FLAG_SEND_DF = 1 << 7,
    NBD_FLAG_CAN_MULTI_CONN = 1 << 8,
    NBD_FLAG_SEND_RESIZE = 1 << 9,
    NBD_FLAG_SEND_CACHE = 1 << 10,
    NBD_FLAG_SEND_FAST_ZERO = 1 << 11,
};

/* The specification's limit of every string (names, contexts, texts). */
#define NBD_MAX_STRING 4096u

typedef struct NbdGreeting {
    Be64 magic;        /* NBD_MAGIC_INIT */
    Be64 option_magic; /* NBD_MAGIC_OPTION */
    Be16 flags;
} NbdGreeting;

/* What an oldstyle server says after the first magic, without its 124
 * zeroes. */
typedef struct NbdOldstyleGreeting {
    Be64 size_bytes;
    Be32 flags; /* transmission flags, in the low 16 bits */
} NbdOldstyleGreeting;

typedef struct NbdOptionHeader {
    Be64 magic; /* NBD_MAGIC_OPTION */
    Be32 option;
    Be32 bytes; /* of data after it */
} NbdOptionHeader;

typedef struct NbdOptionReply {
    Be64 magic; /* NBD_MAGIC_OPTION_REPLY */
    Be32 option;
    Be32 type;
    Be32 bytes;
} NbdOptionReply;

typedef struct NbdInfoExport {
    Be16 type; /* NBD_INFO_EXPORT */
    Be64 size_bytes;
    Be16 flags;
} NbdInfoExport;

typedef struct NbdInfoBlockSize {
    Be16 type; /* NBD_INFO_BLOCK_SIZE */
    Be32 min_bytes, preferred_bytes, max_bytes;
} NbdInfoBlockSize;

/* The answer to NBD_OPT_EXPORT_NAME, without its 124 zeroes. */
typedef struct NbdExportNameReply {
    Be64 size_bytes;
    Be16 flags;
} NbdExportNameReply;

#define NBD_EXPORT_NAME_ZEROES 124

/* --- transmission -------------------------------------------------------- */

#define NBD_MAGIC_REQUEST UINT32_C(0x25609513)
#define NBD_MAGIC_SIMPLE_REPLY UINT32_C(0x67446698)
#define NBD_MAGIC_CHUNK UINT32_C(0x668e33ef)
#define NBD_MAGIC_EXT_REQUEST UINT32_C(0x21e41c71)
#define NBD_MAGIC_EXT_CHUNK UINT32_C(0x6e8a278c)

/* The most that one request reads or writes, in bytes. */
#define NBD_MAX_PAYLOAD (32u << 20)

typedef enum NbdCommand {
    NBD_CMD_READ = 0,
    NBD_CMD_WRITE = 1,
    NBD_CMD_DISC = 2,
    NBD_CMD_FLUSH = 3,
    NBD_CMD_TRIM = 4,
    NBD_CMD_CACHE = 5,
    NBD_CMD_WRITE_ZEROES = 6,
    NBD_CMD_BLOCK_STATUS = 7,
} NbdCommand;

/* Flags of one command. */
enum {
    NBD_CMD_FLAG_FUA = 1 << 0,
    NBD_CMD_FLAG_NO_HOLE = 1 << 1,
    NBD_CMD_FLAG_DF = 1 << 2,
    NBD_CMD_FLAG_REQ_ONE = 1 << 3,
    NBD_CMD_FLAG_FAST_ZERO = 1 << 4,
    NBD_CMD_FLAG_PAYLOAD_LEN = 1 << 5, /* with extended headers */
};

/* Types of structured reply chunks; those with bit 15 are errors. */
enum {
    NBD_CHUNK_NONE = 0,
    NBD_CHUNK_OFFSET_DATA = 1,
    NBD_CHUNK_OFFSET_HOLE = 2,
    NBD_CHUNK_BLOCK_STATUS = 5,
    NBD_CHUNK_BLOCK_STATUS_EXT = 6, /* with extended headers */
    NBD_CHUNK_ERROR = 0x8001,
    NBD_CHUNK_ERROR_OFFSET = 0x8002,
};
#define NBD_CHUNK_IS_ERROR 0x8000u
#define NBD_CHUNK_FLAG_DONE 1

/* Flags of an extent in the context base:allocation. */
enum {
    NBD_STATE_HOLE = 1 << 0,
    NBD_STATE_ZERO = 1 << 1,
};
/* Flag of an extent in a context qemu:dirty-bitmap:NAME. */
#define NBD_STATE_DIRTY 1u

typedef struct NbdRequestHeader {
    Be32 magic; /* NBD_MAGIC_REQUEST */
    Be16 flags;
    Be16 command;
    Be64 cookie; /* chosen by the client, sent back as it is */
    Be64 offset_bytes;
    Be32 bytes;
} NbdRequestHeader;

/* With extended headers: any length, and whether it counts payload is said by
 * NBD_CMD_FLAG_PAYLOAD_LEN. */
typedef struct NbdExtRequestHeader {
    Be32 magic; /* NBD_MAGIC_EXT_REQUEST */
    Be16 flags;
    Be16 command;
    Be64 cookie;
    Be64 offset_bytes;
    Be64 bytes;
} NbdExtRequestHeader;

typedef struct NbdSimpleReply {
    Be32 magic; /* NBD_MAGIC_SIMPLE_REPLY */
    Be32 error; /* NBD_E* */
    Be64 cookie;
} NbdSimpleReply;

typedef struct NbdChunkHeader {
    Be32 magic; /* NBD_MAGIC_CHUNK */
    Be16 flags;
    Be16 type;
    Be64 cookie;
    Be32 bytes; /* of what follows */
} NbdChunkHeader;

/* The same with extended headers, where there are no simple replies. What
 * follows the header is as in the other form. */
typedef struct NbdExtChunkHeader {
    Be32 magic; /* NBD_MAGIC_EXT_CHUNK */
    Be16 flags;
    Be16 type;
    Be64 cookie;
    Be64 offset_bytes; /* the request's */
    Be64 bytes;        /* of what follows */
} NbdExtChunkHeader;

/* A data chunk, before its data. */
typedef struct NbdChunkData {
    NbdChunkHeader head;
    Be64 offset_bytes;
} NbdChunkData;

typedef struct NbdChunkHole {
    NbdChunkHeader head;
    Be64 offset_bytes;
    Be32 bytes;
} NbdChunkHole;

/* An error chunk, before its text. */
typedef struct NbdChunkError {
    NbdChunkHeader head;
    Be32 error;
    Be16 text_bytes;
} NbdChunkError;

/* A block status chunk, before its extents. */
typedef struct NbdChunkStatus {
    NbdChunkHeader head;
    Be32 context_id;
} NbdChunkStatus;

typedef struct NbdExtent {
    Be32 bytes;
    Be32 flags;
} NbdExtent;

/* What comes before the extents of NBD_CHUNK_BLOCK_STATUS_EXT. */
typedef struct NbdExtStatus {
    Be32 context_id;
    Be32 n;
} NbdExtStatus;

typedef struct NbdExtExtent {
    Be64 bytes;
    Be64 flags;
} NbdExtExtent;

STATIC_ASSERT(sizeof(NbdExtRequestHeader) == 32);
STATIC_ASSERT(sizeof(NbdExtChunkHeader) == 32);
STATIC_ASSERT(sizeof(NbdExtStatus) == 8);
STATIC_ASSERT(sizeof(NbdExtExtent) == 16);
STATIC_ASSERT(sizeof(NbdGreeting) == 18);
STATIC_ASSERT(sizeof(NbdOldstyleGreeting) == 12);
STATIC_ASSERT(sizeof(NbdOptionHeader) == 16);
STATIC_ASSERT(sizeof(NbdOptionReply) == 20);
STATIC_ASSERT(sizeof(NbdInfoExport) == 12);
STATIC_ASSERT(sizeof(NbdInfoBlockSize) == 14);
STATIC_ASSERT(sizeof(NbdExportNameReply) == 10);
STATIC_ASSERT(sizeof(NbdRequestHeader) == 28);
STATIC_ASSERT(sizeof(NbdSimpleReply) == 16);
STATIC_ASSERT(sizeof(NbdChunkHeader) == 20);
STATIC_ASSERT(sizeof(NbdChunkData) == 28);
STATIC_ASSERT(sizeof(NbdChunkHole) == 32);
STATIC_ASSERT(sizeof(NbdChunkError) == 26);
STATIC_ASSERT(sizeof(NbdChunkStatus) == 24);
STATIC_ASSERT(sizeof(NbdExtent) == 8);

/* --- numbers that mean the same on every system -------------------------- */

/* Errors on the wire. */
enum {
    NBD_SUCCESS = 0,
    NBD_EPERM = 1,
    NBD_EIO = 5,
    NBD_ENOMEM = 12,
    NBD_EINVAL = 22,
    NBD_ENOSPC = 28,
    NBD_EOVERFLOW = 75,
    NBD_ENOTSUP = 95,
    NBD_ESHUTDOWN = 108,
};

/* Between this system's errno (positive or 0) and the wire's. What the wire
 * does not know becomes NBD_EINVAL there, EINVAL here. Any thread. */
uint32_t nbd_error_from_errno(int os_errno);
int nbd_error_to_errno(uint32_t wire_error);

/* Names for texts and traces; "<unknown>" for numbers that have none. */
const char *nbd_option_name(uint32_t option);
const char *nbd_reply_name(uint32_t type);
const char *nbd_command_name(uint16_t command);

/* Fills the header of a structured reply chunk. @bytes counts what follows
 * the header. */
static inline void nbd_chunk_init(NbdChunkHeader *head, uint16_t flags,
                                  uint16_t type, Be64 cookie, uint32_t bytes)
{
    head->magic = be32(NBD_MAGIC_CHUNK);
    head->flags = be16(flags);
    head->type = be16(type);
    head->cookie = cookie;
    head->bytes = be32(bytes);
}

static inline void nbd_ext_chunk_init(NbdExtChunkHeader *head, uint16_t flags,
                                      uint16_t type, Be64 cookie,
                                      uint64_t offset_bytes, uint64_t bytes)
{
    head->magic = be32(NBD_MAGIC_EXT_CHUNK);
    head->flags = be16(flags);
    head->type = be16(type);
    head->cookie = cookie;
    head->offset_bytes = be64(offset_bytes);
    head->bytes = be64(bytes);
}

static inline void nbd_simple_reply_init(NbdSimpleReply *reply,
                                         uint32_t wire_error, Be64 cookie)
{
    reply->magic = be32(NBD_MAGIC_SIMPLE_REPLY);
    reply->error = be32(wire_error);
    reply->cookie = cookie;
}

#endif
