/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is the file of a qcow2 image with bitmaps: they are loaded, used,
 * stored and removed. Whatever is wrong with them, an image that opened opens
 * afterwards, and if nothing else is wrong with it the disk shows the same.
 */
#include "block/bitmap/bitmap.h"
#include "qcow2-image.h"

#define AUTOCLEAR_BYTE 95

static void use_all(const Node *node)
{
    DirtyBitmap *bitmap = NULL;

    while ((bitmap = bitmap_next(node, bitmap))) {
        uint64_t size = bitmap_size_bytes(bitmap);

        g_assert_cmpuint(size, ==, node->size_bytes);
        g_assert_cmpuint(bitmap_next_dirty(bitmap, 0, size), <=, size);
        bitmap_next_clean(bitmap, 0, size);
        g_assert_nonnull(bitmap_name(bitmap));
        if (size < 1 << 30) {
            g_free(bitmap_sha256(bitmap));
        }
    }
}

COROUTINE_ONLY
static void co_forget_first(Node *node)
{
    DirtyBitmap *bitmap = bitmap_next(node, NULL);
    Error *err = NULL;

    if (bitmap && bitmap_persistent(bitmap)) {
        node->driver->bitmap_store->co_forget(node, bitmap_name(bitmap), &err);
        error_free(err);
    }
}

/* Whether the image is whole but for its bitmaps: a copy without them is. */
COROUTINE_ONLY CONTROL_ONLY static bool co_sound(const FuzzInput *input)
{
    g_autofree uint8_t *copy = g_memdup2(input->data, input->bytes);
    FuzzInput without = {copy, input->bytes};
    Node *file;
    FuzzImage image;
    FormatCheck check = {0};
    bool sound;

    if (input->bytes > AUTOCLEAR_BYTE) {
        copy[AUTOCLEAR_BYTE] &= ~1;
    }
    file = fuzz_file_new(&without);
    sound = co_fuzz_image_open(&image, &without, true);
    if (sound) {
        sound = image.node->driver->format->co_check(image.node, &check,
                                                     NULL) == 0 &&
                !check.corruptions && !check.check_errors;
        co_fuzz_image_close(&image);
    }
    co_node_unref(file);
    return sound;
}

COROUTINE_ONLY CONTROL_ONLY static void co_use_image(const FuzzInput *input,
                                                     FuzzImage *image,
                                                     FuzzContent *content,
                                                     bool sound)
{
    static const char data[700] = "data";
    FuzzContent now;

    use_all(image->node);
    co_forget_first(image->node);
    if (sound) {
        co_fuzz_content(image->root, &now);
        fuzz_content_check(content, &now);
    }
    co_root_pwrite(image->root, 0,
                   MIN(root_size_bytes(image->root), sizeof(data)), data, 0);
    co_fuzz_content(image->root, content);
}

/* An image that did open. */
COROUTINE_ONLY CONTROL_ONLY static void
co_look_again(const FuzzInput *input, const FuzzContent *before, bool sound)
{
    FuzzContent now;
    FuzzImage image;

    if (!co_fuzz_image_open(&image, input, true)) {
        g_assert_false(sound);
        return;
    }
    use_all(image.node);
    co_fuzz_content(image.root, &now);
    if (sound) {
        fuzz_content_check(before, &now);
    }
    co_fuzz_image_close(&image);
}

static void co_body(void *opaque)
{
    const FuzzInput *input = opaque;
    FuzzContent content;
    FuzzImage image;
    Node *file;
    bool sound;

    coroutine_assert();
    control_assert();
    co_graph_lock();
    sound = co_sound(input);
    file = fuzz_file_new(input);
    if (co_fuzz_image_open(&image, input, true)) {
        co_fuzz_content(image.root, &content);
        use_all(image.node);
        co_fuzz_image_close(&image);
        if (co_fuzz_image_open(&image, input, false)) {
            co_use_image(input, &image, &content, sound);
            co_fuzz_image_close(&image);
        }
        co_look_again(input, &content, sound);
    }
    graph_unlock();
    co_node_unref(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_run(co_body, data, bytes);
    return 0;
}
