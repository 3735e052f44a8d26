/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See qcow2-image.h. */
#include "qcow2-image.h"

#include "block/io/io.h"
#include "tests/unit/ram-node.h"

#define FEATURES_BYTE 72
#define DATA_FILE_BIT 4u
#define STEP_BYTES 4096u

/* --- the file ------------------------------------------------------------ */

typedef struct FuzzFile {
    uint8_t *bytes; /* FUZZ_FILE_MAX */
} FuzzFile;

static int co_file_preadv(Node *node, uint64_t offset, uint64_t bytes, Iov *iov,
                          size_t iov_offset, ReqFlags flags)
{
    FuzzFile *f = node->state;

    iov_from_buf(iov, iov_offset, f->bytes + offset, bytes);
    return 0;
}

static int co_file_pwritev(Node *node, uint64_t offset, uint64_t bytes,
                           Iov *iov, size_t iov_offset, ReqFlags flags)
{
    FuzzFile *f = node->state;

    iov_to_buf(iov, iov_offset, f->bytes + offset, bytes);
    return 0;
}

static int co_file_zeroes(Node *node, uint64_t offset, uint64_t bytes,
                          ReqFlags flags)
{
    FuzzFile *f = node->state;

    memset(f->bytes + offset, 0, bytes);
    return 0;
}

static int co_file_discard(Node *node, uint64_t offset, uint64_t bytes)
{
    return co_file_zeroes(node, offset, bytes, 0);
}

static int co_file_truncate(Node *node, uint64_t size_bytes, bool exact,
                            Error **errp)
{
    FuzzFile *f = node->state;

    if (size_bytes > FUZZ_FILE_MAX) {
        error_set(errp, "The file would be too long");
        return -EFBIG;
    }
    if (size_bytes < node->size_bytes) {
        memset(f->bytes + size_bytes, 0, node->size_bytes - size_bytes);
    }
    return 0;
}

static void co_file_close(Node *node)
{
    g_free(((FuzzFile *)node->state)->bytes);
}

static const NodeDriver file_driver = {
    .name = "file",
    .state_bytes = sizeof(FuzzFile),
    .co_preadv = co_file_preadv,
    .co_pwritev = co_file_pwritev,
    .co_pwrite_zeroes = co_file_zeroes,
    .co_pdiscard = co_file_discard,
    .co_truncate = co_file_truncate,
    .co_close = co_file_close,
};

static Node *file_new(const char *name, const void *data, size_t bytes)
{
    Node *node = node_new(&file_driver, name, NULL);
    FuzzFile *f = node->state;

    f->bytes = g_malloc0(FUZZ_FILE_MAX);
    if (bytes) {
        memcpy(f->bytes, data, bytes);
    }
    node->size_bytes = bytes;
    node->discard_unmap = true;
    node_refresh_limits(node);
    return node;
}

Node *fuzz_file_new(const FuzzInput *input)
{
    return file_new("file", input->data, input->bytes);
}

/* --- the image ----------------------------------------------------------- */

static bool wants_data_file(const FuzzInput *input)
{
    return input->bytes > FEATURES_BYTE + 8 && input->data[7] >= 3 &&
           (input->data[FEATURES_BYTE + 7] & DATA_FILE_BIT);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_attach(FuzzImage *image,
                                                  bool read_only)
{
    Perms perm =
        PERM_CONSISTENT_READ | (read_only ? 0 : PERM_WRITE | PERM_RESIZE);

    image->root = root_new("root", NULL, NULL);
    if (!root_attach(image->root, image->node, perm, PERM_ALL, NULL)) {
        fuzz_broken("no permission for an image that was opened");
    }
    return true;
}

bool co_fuzz_image_open(FuzzImage *image, const FuzzInput *input,
                        bool read_only)
{
    g_autofree char *text = NULL;
    Error *err = NULL;

    *image = (FuzzImage){0};
    if (wants_data_file(input)) {
        image->data_file = file_new("data", NULL, 0);
    }
    text = g_strdup_printf(
        "{'driver': 'qcow2', 'node-name': 'n', 'read-only': %s,"
        " 'discard': 'unmap', 'file': 'file', 'backing': null%s,"
        " 'l2-cache-size': 16384, 'l2-cache-entry-size': 512}",
        read_only ? "true" : "false",
        image->data_file ? ", 'data-file': 'data'" : "");
    image->node = open_json(text, &err);
    if (image->node) {
        return co_attach(image, read_only);
    }
    g_assert_nonnull(err);
    g_assert_cmpuint(strlen(error_text(err)), >, 0);
    error_free(err);
    co_fuzz_image_close(image);
    return false;
}

void co_fuzz_image_close(FuzzImage *image)
{
    if (image->root) {
        co_root_detach(image->root);
        root_free(image->root);
    }
    if (image->node) {
        co_node_unref(image->node);
    }
    if (image->data_file) {
        co_node_unref(image->data_file);
    }
    *image = (FuzzImage){0};
}

/* --- its content --------------------------------------------------------- */

/* Without the first bit of each word: a damaged image may show its own tables
 * as data, and their flags may be mended. */
static uint64_t hash_of(const uint8_t *data, size_t bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = i % 8 ? data[i] : data[i] & 0x7f;

        hash = (hash ^ byte) * UINT64_C(0x100000001b3);
    }
    return hash;
}

COROUTINE_ONLY
static void co_look(Root *root, FuzzContent *c, uint64_t at)
{
    uint8_t buf[STEP_BYTES];
    uint64_t size = root_size_bytes(root);
    uint64_t n = MIN(sizeof(buf), size - MIN(at, size));

    c->ret[c->n] = n ? co_root_pread(root, at, n, buf) : 0;
    c->hash[c->n] = c->ret[c->n] == 0 ? hash_of(buf, n) : 0;
    c->n++;
}

void co_fuzz_content(Root *root, FuzzContent *content)
{
    uint64_t size = root_size_bytes(root);

    content->n = 0;
    for (unsigned i = 0; i < 64; i++) {
        co_look(root, content, i * (uint64_t)STEP_BYTES);
    }
    for (unsigned i = 0; i < 8; i++) {
        co_look(root, content, size / 8 * i);
    }
}

void fuzz_content_check(const FuzzContent *before, const FuzzContent *now)
{
    g_assert_cmpuint(before->n, ==, now->n);
    for (unsigned i = 0; i < now->n; i++) {
        if (before->ret[i] == 0 &&
            (now->ret[i] < 0 || now->hash[i] != before->hash[i])) {
            fuzz_broken("something could be read and is lost");
        }
    }
}
