/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done about requests that fail: rerror= and werror=. A guest would be
 * told, or stopped until somebody has helped.
 */
#include "block/backend/backend-int.h"
#include "qapi/qapi-events.h"
#include "util/reactor/reactor.h"

static bool stops(BlockdevOnError on_error, int os_errno)
{
    return on_error == BLOCKDEV_ON_ERROR_STOP ||
           (on_error == BLOCKDEV_ON_ERROR_ENOSPC && os_errno == ENOSPC);
}

/* CONTROL */
static void (*stop_fn)(void);

void backends_on_stop(void (*fn)(void))
{
    stop_fn = fn;
}

bool backend_may_stop(const Backend *backend)
{
    return stops(backend->on_write_error, ENOSPC) ||
           stops(backend->on_read_error, EIO);
}

const char *backend_errors_asked(const Backend *backend)
{
    if (backend->on_write_error != BLOCKDEV_ON_ERROR_ENOSPC &&
        backend->on_write_error != BLOCKDEV_ON_ERROR_REPORT) {
        return "werror";
    }
    return backend->on_read_error != BLOCKDEV_ON_ERROR_REPORT ? "rerror" : NULL;
}

CONTROL_ONLY
static void tell_and_stop(Backend *backend, bool is_write, int os_errno)
{
    Node *node = backend_node(backend);
    QapiEventBlockIoError data = {
        .device = (char *)backend_name(backend),
        .node_name = node ? (char *)node_name(node) : NULL,
        .operation =
            is_write ? IO_OPERATION_TYPE_WRITE : IO_OPERATION_TYPE_READ,
        .action = BLOCK_ERROR_ACTION_STOP,
        .has_nospace = true,
        .nospace = os_errno == ENOSPC,
        .reason = (char *)g_strerror(os_errno),
    };

    backend->io_status = os_errno == ENOSPC ? BLOCK_DEVICE_IO_STATUS_NOSPACE
                                            : BLOCK_DEVICE_IO_STATUS_FAILED;
    qapi_event_block_io_error(&data);
    if (stop_fn) {
        stop_fn();
    }
}

void backend_request_failed(Root *root, bool is_write, int os_errno)
{
    Backend *backend = root_opaque(root);

    if (backend->device && reactor_current() == reactor_control() &&
        stops(is_write ? backend->on_write_error : backend->on_read_error,
              os_errno)) {
        control_assert();
        tell_and_stop(backend, is_write, os_errno);
    }
}
