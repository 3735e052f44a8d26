/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is a text that a user typed where an option string, a file name or
 * a size belongs: all readers of such texts get it.
 */
#include <unistd.h>

#include "block/graph/loose-options.h"
#include "block/net/nbd-uri.h"
#include "fuzz.h"
#include "qapi/qapi-types.h"
#include "text/size-text.h"
#include "util/json/json-keyval.h"

/* What came of it is right in itself: it can be turned into JSON and back. */
#define TAKE(type, value)                                \
    do {                                                 \
        type *v_ = (value);                              \
        if (v_) {                                        \
            json_object *json_ = type##_to_json(v_);     \
            Error *err_ = NULL;                          \
            type##_free(v_);                             \
            v_ = type##_from_json(json_, &err_);         \
            if (!v_) {                                   \
                g_error(#type ": %s", error_text(err_)); \
            }                                            \
            type##_free(v_);                             \
            json_object_put(json_);                      \
        }                                                \
    } while (0)

#define READ(type, o, is_json)                         \
    TAKE(type, (is_json) ? type##_from_json((o), NULL) \
                         : type##_from_keyval((o), NULL))

static void read_loose(json_object *loose)
{
    if (loose) {
        TAKE(BlockdevOptions, loose_options_read(loose, "raw", NULL));
        json_object_put(loose);
    }
}

static void read_options(const char *text, const char *implied)
{
    bool is_json;
    json_object *o = json_options_parse(text, implied, &is_json, NULL);

    if (!o) {
        return;
    }
    READ(BlockdevOptions, o, is_json);
    READ(BlockExportOptions, o, is_json);
    READ(NbdServerOptions, o, is_json);
    READ(ChardevOptions, o, is_json);
    READ(MonitorOptions, o, is_json);
    READ(ObjectOptions, o, is_json);
    read_loose(o);
}

static void read_text(const char *text)
{
    bool help;
    uint64_t bytes;

    read_options(text, "driver");
    read_options(text, NULL);
    json_object_put(json_keyval_parse(text, "type", &help, NULL));
    if (g_str_has_prefix(text, "json:")) {
        read_loose(loose_options_of_json_name(text, NULL));
    }
    read_loose(loose_options_of_filename(text, NULL));
    json_object_put(nbd_uri_options(text, NULL));
    size_text_parse(text, &bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = g_strndup((const char *)data, MIN(bytes, FUZZ_MAX_BYTES));

    read_text(text);
    g_free(text);
    return 0;
}
