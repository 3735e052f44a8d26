/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is the file of a qcow2 image: it is checked, its leaks are mended,
 * then everything. What could be read before can be read afterwards, and what
 * was mended is found whole.
 */
#include "qcow2-image.h"

static void count_message(void *opaque, const char *text)
{
    g_assert_cmpuint(strlen(text), >, 0);
    ++*(unsigned *)opaque;
}

/* True if everything is whole now. */
COROUTINE_ONLY CONTROL_ONLY static bool co_check(const FuzzInput *input,
                                                 unsigned fix)
{
    unsigned messages = 0;
    FormatCheck check = {
        .message = count_message, .opaque = &messages, .fix = fix};
    FuzzImage image;
    Error *err = NULL;
    bool opened;
    int ret;

    format_opening_for_repair = true;
    opened = co_fuzz_image_open(&image, input, !fix);
    if (!opened) {
        format_opening_for_repair = false;
        return false;
    }
    ret = image.node->driver->format->co_check(image.node, &check, &err);
    format_opening_for_repair = false;
    if (ret < 0) {
        g_assert_nonnull(err);
    } else if (check.corruptions || check.corruptions_fixed || check.leaks ||
               check.leaks_fixed) {
        g_assert_cmpuint(messages, >, 0);
    }
    error_free(err);
    co_fuzz_image_close(&image);
    return ret == 0 && !check.corruptions && !check.leaks &&
           !check.check_errors && (fix || !messages);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_content(const FuzzInput *input,
                                                   FuzzContent *content)
{
    FuzzImage image;

    if (!co_fuzz_image_open(&image, input, true)) {
        return false;
    }
    co_fuzz_content(image.root, content);
    co_fuzz_image_close(&image);
    return true;
}

/* It is readable as before. */
COROUTINE_ONLY CONTROL_ONLY static void co_compare(const FuzzInput *input,
                                                   const FuzzContent *before)
{
    FuzzContent now;

    if (!co_content(input, &now)) {
        fuzz_broken("the image does not open any more");
    }
    fuzz_content_check(before, &now);
}

static void co_body(void *opaque)
{
    const FuzzInput *input = opaque;
    FuzzContent before;
    Node *file;

    coroutine_assert();
    control_assert();
    file = fuzz_file_new(input);
    co_graph_lock();
    if (co_content(input, &before)) {
        co_check(input, 0);
        co_check(input, CHECK_FIX_LEAKS);
        co_compare(input, &before);
        if (co_check(input, CHECK_FIX_LEAKS | CHECK_FIX_ERRORS) &&
            !co_check(input, 0)) {
            fuzz_broken("it was mended and is damaged");
        }
        co_compare(input, &before);
    }
    graph_unlock();
    co_node_unref(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_run(co_body, data, bytes);
    return 0;
}
