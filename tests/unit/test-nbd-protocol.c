/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NBD numbers and messages in wire form, compared with bytes written by hand
 * from the specification. */
#include "nbd/protocol.h"

static void test_errors(void)
{
    static const struct {
        int os;
        uint32_t wire;
    } pairs[] = {
        {0, 0},          {EPERM, 1},    {EIO, 5},
        {ENOMEM, 12},    {EINVAL, 22},  {ENOSPC, 28},
        {EOVERFLOW, 75}, {ENOTSUP, 95}, {ESHUTDOWN, 108},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        g_assert_cmpuint(nbd_error_from_errno(pairs[i].os), ==, pairs[i].wire);
        g_assert_cmpint(nbd_error_to_errno(pairs[i].wire), ==, pairs[i].os);
    }
    g_assert_cmpuint(nbd_error_from_errno(EROFS), ==, NBD_EPERM);
    g_assert_cmpuint(nbd_error_from_errno(EFBIG), ==, NBD_ENOSPC);
    g_assert_cmpuint(nbd_error_from_errno(EACCES), ==, NBD_EINVAL);
    g_assert_cmpuint(nbd_error_from_errno(ENXIO), ==, NBD_EINVAL);
    g_assert_cmpint(nbd_error_to_errno(0xffffffff), ==, EINVAL);
}

static void test_names(void)
{
    g_assert_cmpstr(nbd_option_name(NBD_OPT_GO), ==, "go");
    g_assert_cmpstr(nbd_option_name(0), ==, "<unknown>");
    g_assert_cmpstr(nbd_option_name(4), ==, "<unknown>");
    g_assert_cmpstr(nbd_option_name(UINT32_MAX), ==, "<unknown>");
    g_assert_cmpstr(nbd_command_name(NBD_CMD_READ), ==, "read");
    g_assert_cmpstr(nbd_command_name(UINT16_MAX), ==, "<unknown>");
}

static void test_chunk(void)
{
    static const uint8_t expected[] = {
        0x66, 0x8e, 0x33, 0xef, 0, 1, 0x80, 1, 1,    2,
        3,    4,    5,    6,    7, 8, 0,    0, 0x10, 0,
    };
    NbdChunkHeader head;

    nbd_chunk_init(&head, NBD_CHUNK_FLAG_DONE, NBD_CHUNK_ERROR,
                   be64(UINT64_C(0x0102030405060708)), 4096);
    g_assert_cmpmem(&head, sizeof(head), expected, sizeof(expected));
}

static void test_simple(void)
{
    static const uint8_t expected[] = {
        0x67, 0x44, 0x66, 0x98, 0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 9,
    };
    NbdSimpleReply reply;

    nbd_simple_reply_init(&reply, NBD_EINVAL, be64(9));
    g_assert_cmpmem(&reply, sizeof(reply), expected, sizeof(expected));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nbd/protocol/errors", test_errors);
    g_test_add_func("/nbd/protocol/names", test_names);
    g_test_add_func("/nbd/protocol/chunk", test_chunk);
    g_test_add_func("/nbd/protocol/simple", test_simple);
    return g_test_run();
}
