/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of the NBD protocol and what they are called here.
 *
 * Invariant: the tables follow the specification; a number without an entry
 * is legal input and gets the documented default.
 */
#include "nbd/protocol.h"

uint32_t nbd_error_from_errno(int os_errno)
{
    switch (os_errno) {
    case 0:
        return NBD_SUCCESS;
    case EPERM:
    case EROFS:
        return NBD_EPERM;
    case EIO:
        return NBD_EIO;
    case ENOMEM:
        return NBD_ENOMEM;
    case EFBIG:
    case EDQUOT:
    case ENOSPC:
        return NBD_ENOSPC;
    case EOVERFLOW:
        return NBD_EOVERFLOW;
    case ENOTSUP:
        return NBD_ENOTSUP;
    case ESHUTDOWN:
        return NBD_ESHUTDOWN;
    default:
        return NBD_EINVAL;
    }
}

int nbd_error_to_errno(uint32_t wire_error)
{
    switch (wire_error) {
    case NBD_SUCCESS:
        return 0;
    case NBD_EPERM:
        return EPERM;
    case NBD_EIO:
        return EIO;
    case NBD_ENOMEM:
        return ENOMEM;
    case NBD_ENOSPC:
        return ENOSPC;
    case NBD_EOVERFLOW:
        return EOVERFLOW;
    case NBD_ENOTSUP:
        return ENOTSUP;
    case NBD_ESHUTDOWN:
        return ESHUTDOWN;
    default:
        return EINVAL;
    }
}

const char *nbd_option_name(uint32_t option)
{
    static const char *const names[] = {
        [NBD_OPT_EXPORT_NAME] = "export name",
        [NBD_OPT_ABORT] = "abort",
        [NBD_OPT_LIST] = "list",
        [NBD_OPT_STARTTLS] = "starttls",
        [NBD_OPT_INFO] = "info",
        [NBD_OPT_GO] = "go",
        [NBD_OPT_STRUCTURED_REPLY] = "structured reply",
        [NBD_OPT_LIST_META_CONTEXT] = "list meta context",
        [NBD_OPT_SET_META_CONTEXT] = "set meta context",
        [NBD_OPT_EXTENDED_HEADERS] = "extended headers",
    };

    return option < ARRAY_SIZE(names) && names[option] ? names[option]
                                                       : "<unknown>";
}

const char *nbd_reply_name(uint32_t type)
{
    static const char *const names[] = {
        [NBD_REP_ACK] = "ack",
        [NBD_REP_SERVER] = "server",
        [NBD_REP_INFO] = "info",
        [NBD_REP_META_CONTEXT] = "meta context",
    };
    static const char *const errors[] = {
        [NBD_REP_ERR_UNSUP & 15] = "unsupported",
        [NBD_REP_ERR_POLICY & 15] = "denied by policy",
        [NBD_REP_ERR_INVALID & 15] = "invalid",
        [NBD_REP_ERR_PLATFORM & 15] = "platform lacks support",
        [NBD_REP_ERR_TLS_REQD & 15] = "TLS required",
        [NBD_REP_ERR_UNKNOWN & 15] = "export unknown",
        [NBD_REP_ERR_SHUTDOWN & 15] = "server shutting down",
        [NBD_REP_ERR_BLOCK_SIZE_REQD & 15] = "block size required",
        [NBD_REP_ERR_TOO_BIG & 15] = "option payload too big",
        [NBD_REP_ERR_EXT_HEADER_REQD & 15] = "extended headers required",
    };
    uint32_t number = type & ~NBD_REP_IS_ERROR;
    const char *name = NULL;

    if (type & NBD_REP_IS_ERROR) {
        name = number < ARRAY_SIZE(errors) ? errors[number] : NULL;
    } else if (number < ARRAY_SIZE(names)) {
        name = names[number];
    }
    return name ? name : "<unknown>";
}

const char *nbd_command_name(uint16_t command)
{
    static const char *const names[] = {
        [NBD_CMD_READ] = "read",
        [NBD_CMD_WRITE] = "write",
        [NBD_CMD_DISC] = "disconnect",
        [NBD_CMD_FLUSH] = "flush",
        [NBD_CMD_TRIM] = "trim",
        [NBD_CMD_CACHE] = "cache",
        [NBD_CMD_WRITE_ZEROES] = "write zeroes",
        [NBD_CMD_BLOCK_STATUS] = "block status",
    };

    return command < ARRAY_SIZE(names) ? names[command] : "<unknown>";
}
