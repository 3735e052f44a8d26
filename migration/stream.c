/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records on a connection: a kind, a length, that many bytes. Everything that
 * comes is foreign.
 */
#include "migration/migration-int.h"

#include "util/be.h"

static const char magic[8] = "TIDEMIG2";

typedef struct RecordHead {
    Be32 kind, bytes;
} RecordHead;
STATIC_ASSERT(sizeof(RecordHead) == 8);

/* CONTROL */
static uint64_t sent_bytes;

uint64_t stream_sent_bytes(void)
{
    return sent_bytes;
}

COROUTINE_ONLY
static bool co_send(Channel *c, const void *data, size_t bytes, Error **errp)
{
    int ret = co_io_send_all(c->write_fd, data, bytes);

    if (ret < 0) {
        error_set_errno(errp, -ret, "Unable to write to %s",
                        c->command ? "command" : "socket");
        return false;
    }
    sent_bytes += bytes;
    return true;
}

/* 0 or 1 for an end before the first byte; else an error. */
COROUTINE_ONLY
static int co_receive(Channel *c, void *data, size_t bytes, Error **errp)
{
    int ret = c->fd < 0 ? -EBADF : co_io_recv_all(c->fd, data, bytes);

    if (ret < 0) {
        error_set_errno(errp, -ret, "Unable to read from %s",
                        c->command ? "command" : "socket");
    }
    return ret;
}

bool co_stream_begin(Channel *c, Error **errp)
{
    sent_bytes = 0;
    return co_send(c, magic, sizeof(magic), errp);
}

bool co_stream_expect_begin(Channel *c, Error **errp)
{
    char found[sizeof(magic)];
    int ret = co_receive(c, found, sizeof(found), errp);

    if (ret < 0) {
        return false;
    }
    if (ret > 0 || memcmp(found, magic, sizeof(magic))) {
        error_set(errp, "Not a migration stream%s",
                  ret == 0 && !memcmp(found, "QEVM", 4)
                      ? " of this program, but one of QEMU's"
                      : "");
        return false;
    }
    return true;
}

bool co_record_send(Channel *c, RecordKind kind, const void *data,
                    uint32_t bytes, Error **errp)
{
    RecordHead head = {be32(kind), be32(bytes)};

    assert(bytes <= RECORD_MAX_BYTES);
    return co_send(c, &head, sizeof(head), errp) &&
           (!bytes || co_send(c, data, bytes, errp));
}

bool co_record_send_json(Channel *c, RecordKind kind, json_object *json,
                         Error **errp)
{
    const char *text =
        json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);

    return co_record_send(c, kind, text, strlen(text), errp);
}

bool co_record_receive(Channel *c, Record *record, bool *left, Error **errp)
{
    RecordHead head;
    int ret = co_receive(c, &head, sizeof(head), errp);

    *left = ret > 0;
    if (ret > 0) {
        error_set(errp, "The source has left");
    }
    if (ret) {
        return false;
    }
    record->kind = be32_get(head.kind);
    record->bytes = be32_get(head.bytes);
    if (record->bytes > RECORD_MAX_BYTES) {
        error_set(errp, "Record of %" PRIu32 " bytes in the migration stream",
                  record->bytes);
        return false;
    }
    record->data = g_malloc0(record->bytes + 1);
    ret = record->bytes ? co_receive(c, record->data, record->bytes, errp) : 0;
    *left = ret > 0;
    if (ret > 0) {
        error_set(errp, "The source has left");
    }
    if (ret) {
        record_free(record);
    }
    return !ret;
}

void record_free(Record *record)
{
    g_clear_pointer(&record->data, g_free);
}

/* --- the source's part ---------------------------------------------------- */

bool co_stream_hello(Channel *c, Error **errp)
{
    json_object *json = json_object_new_object();
    bool ok;

    json_object_object_add(json, "answer",
                           json_object_new_boolean(c->both_ways));
    json_object_object_add(json, "bitmaps",
                           json_object_new_boolean(migration_cap(
                               MIGRATION_CAPABILITY_DIRTY_BITMAPS)));
    ok = co_stream_begin(c, errp) &&
         co_record_send_json(c, RECORD_HELLO, json, errp);
    json_object_put(json);
    return ok;
}

bool co_stream_check(Channel *c, Error **errp)
{
    Record answer;
    bool ok, left;

    if (!co_record_send(c, RECORD_CHECK, NULL, 0, errp)) {
        return false;
    }
    if (!c->both_ways) {
        return true;
    }
    ok = co_record_receive(c, &answer, &left, NULL);
    if (ok) {
        ok = answer.kind == RECORD_READY;
        record_free(&answer);
    }
    if (!ok) {
        /* What QEMU finds when it writes the next time. */
        error_set_errno(errp, EPIPE, "Unable to write to socket");
    }
    return ok;
}
