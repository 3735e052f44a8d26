/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QMP client sends the input: parser, session, visitors of all commands,
 * dispatch. The handlers below refuse everything (stub-handlers.py). What the
 * monitor answers must be JSON.
 */
#include "fuzz.h"
#include "monitor/dispatch.h"
#include "monitor/session.h"
#include "util/json/json-parse.h"

static void take_answer(void *opaque, json_object *doc, Error *err)
{
    g_assert_null(err);
    g_assert_true(json_object_is_type(doc, json_type_object));
    json_object_put(doc);
}

static void check_answers(void *opaque, const char *buf, size_t bytes)
{
    json_parser_feed(opaque, buf, bytes, take_answer, NULL);
}

static void co_body(void *opaque)
{
    FuzzInput *input = opaque;
    JsonParser *parser =
        json_parser_new(JSON_MAX_DOC_BYTES, JSON_MAX_DEPTH + 1);
    FuzzPeer peer = {.sink = check_answers, .opaque = parser};
    int fd = fuzz_peer_pair(&peer, input);
    Stream stream = {fd, fd, SIZE_MAX};
    bool pretty = input->bytes && input->data[0] == ' ';

    control_assert();
    dispatch_init();
    co_session_run(&stream, pretty);
    io_close(fd);
    co_fuzz_peer_wait(&peer);
    json_parser_free(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_run(co_body, data, bytes);
    return 0;
}
