/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chardevs that no monitor speaks on: files, terminals, ring buffers, and
 * those that are nothing at all. What a guest would say is not said.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "monitor/chardev-int.h"
#include "objects/fd-set.h"
#include "qapi/qapi-commands.h"

#define RING_DEFAULT_BYTES 65536
#define RING_MAX_BYTES (UINT64_C(1) << 30)

/* --- files --------------------------------------------------------------- */

/* Programs that keep logs of their own give descriptors for them. */
CONTROL_ONLY
static int open_output(const char *path, bool append, const char *verb,
                       Error **errp)
{
    int flags = O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), fd;

    if (fd_set_is_path(path)) {
        return fd_set_open(path, flags, errp);
    }
    fd = io_open(path, flags, 0666);
    if (fd < 0) {
        error_set(errp, "Could not %s '%s': %s", verb, path, strerror(-fd));
    }
    return fd;
}

CONTROL_ONLY
static bool open_file(Chardev *chr, Error **errp)
{
    const ChardevFileOptions *o = &chr->options->u.file;

    chr->held_fd =
        open_output(o->path, o->has_append && o->append, "open", errp);
    return chr->held_fd >= 0;
}

/* The file is there, as who asked for it expects, and stays empty. */
CONTROL_ONLY
static bool open_log(Chardev *chr, Error **errp)
{
    const ChardevOptions *o = chr->options;

    if (!o->logfile) {
        return true;
    }
    chr->log_fd = open_output(o->logfile, o->has_logappend && o->logappend,
                              "create", errp);
    return chr->log_fd >= 0;
}

/* --- terminals ----------------------------------------------------------- */

static bool open_pty(Chardev *chr, Error **errp)
{
    char name[64];

    chr->held_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (chr->held_fd < 0 || grantpt(chr->held_fd) || unlockpt(chr->held_fd) ||
        ptsname_r(chr->held_fd, name, sizeof(name))) {
        error_set(errp, "Failed to create PTY: %s", strerror(errno));
        return false;
    }
    chr->pty_name = g_strdup(name);
    return true;
}

/* --- ring buffers -------------------------------------------------------- */

struct RingBuffer {
    uint64_t size, written, taken; /* bytes; size is a power of two */
    uint8_t data[];
};

static bool open_ring(Chardev *chr, Error **errp)
{
    const ChardevRingbufOptions *o = &chr->options->u.ringbuf;
    uint64_t size = o->has_size ? o->size : RING_DEFAULT_BYTES;

    if (!size || size & (size - 1)) {
        error_set(errp, "size of ringbuf chardev must be power of two");
        return false;
    }
    chr->ring = size <= RING_MAX_BYTES
                    ? g_try_malloc0(sizeof(RingBuffer) + size)
                    : NULL;
    if (!chr->ring) {
        error_set(errp, "size of ringbuf chardev is too large");
        return false;
    }
    chr->ring->size = size;
    return true;
}

static void ring_put(RingBuffer *ring, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ring->data[ring->written++ & (ring->size - 1)] = data[i];
    }
    if (ring->written - ring->taken > ring->size) {
        ring->taken = ring->written - ring->size;
    }
}

static GByteArray *ring_take(RingBuffer *ring, uint64_t max)
{
    GByteArray *out = g_byte_array_new();

    while (max-- && ring->taken < ring->written) {
        g_byte_array_append(out, &ring->data[ring->taken++ & (ring->size - 1)],
                            1);
    }
    return out;
}

CONTROL_ONLY
static RingBuffer *ring_of(const char *id, Error **errp)
{
    Chardev *chr = chardev_find(id);

    if (!chr) {
        error_set(errp, "Device '%s' not found", id);
        return NULL;
    }
    if (!chr->ring) {
        error_set(errp, "%s is not a ringbuf device", id);
    }
    return chr->ring;
}

bool qmp_ringbuf_write(const QmpRingbufWriteArgs *args, Error **errp)
{
    bool base64 = args->has_format && args->format == DATA_FORMAT_BASE64;
    RingBuffer *ring = ring_of(args->device, errp);
    g_autofree uint8_t *decoded = NULL;
    size_t n;

    if (!ring) {
        return false;
    }
    if (base64) {
        decoded = g_base64_decode(args->data, &n);
        ring_put(ring, decoded, n);
    } else {
        ring_put(ring, (const uint8_t *)args->data, strlen(args->data));
    }
    return true;
}

char *qmp_ringbuf_read(const QmpRingbufReadArgs *args, Error **errp)
{
    bool base64 = args->has_format && args->format == DATA_FORMAT_BASE64;
    RingBuffer *ring = ring_of(args->device, errp);
    g_autoptr(GByteArray) taken = NULL;

    if (!ring) {
        return NULL;
    }
    if (args->size <= 0) {
        error_set(errp, "size must be greater than zero");
        return NULL;
    }
    taken = ring_take(ring, args->size);
    if (!taken->len) {
        return g_strdup("");
    }
    return base64 ? g_base64_encode(taken->data, taken->len)
                  : g_utf8_make_valid((const char *)taken->data, taken->len);
}

/* --- all ----------------------------------------------------------------- */

bool chardev_silent_open(Chardev *chr, Error **errp)
{
    if (!open_log(chr, errp)) {
        return false;
    }
    switch (chr->options->backend) {
    case CHARDEV_BACKEND_KIND_FILE:
        return open_file(chr, errp);
    case CHARDEV_BACKEND_KIND_PTY:
        return open_pty(chr, errp);
    case CHARDEV_BACKEND_KIND_RINGBUF:
    case CHARDEV_BACKEND_KIND_MEMORY:
        return open_ring(chr, errp);
    default:
        return true;
    }
}

void chardev_silent_close(Chardev *chr)
{
    if (chr->held_fd >= 0) {
        fd_set_close(chr->held_fd);
    }
    if (chr->log_fd >= 0) {
        fd_set_close(chr->log_fd);
    }
    g_free(chr->pty_name);
    g_free(chr->ring);
}
