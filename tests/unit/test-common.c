/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers that every file includes: rounding and bounds (common.h), wire
 * integers (be.h), intrusive lists (list.h). */
#include "util/be.h"
#include "util/common.h"
#include "util/list.h"

static void test_rounding(void)
{
    g_assert_cmpuint(ROUND_UP(UINT64_C(1), 512), ==, 512);
    g_assert_cmpuint(ROUND_UP(UINT64_C(1024), 512), ==, 1024);
    g_assert_cmpuint(ROUND_DOWN(UINT64_C(1023), 512), ==, 512);
    g_assert_cmpuint(DIV_ROUND_UP(UINT64_C(1025), 512), ==, 3);
    g_assert_true(is_power_of_2(1) && is_power_of_2(UINT64_C(1) << 63));
    g_assert_false(is_power_of_2(0) || is_power_of_2(3));
    /* The largest disk can be rounded up to the largest granularity. */
    g_assert_cmpuint(ROUND_UP((uint64_t)BLOCK_MAX_BYTES, 2 * GiB), <=,
                     (uint64_t)INT64_MAX);
}

static void test_range_fits(void)
{
    g_assert_true(range_fits(0, 0, 0));
    g_assert_true(range_fits(10, 0, 10));
    g_assert_true(range_fits(4, 6, 10));
    g_assert_false(range_fits(4, 7, 10));
    g_assert_false(range_fits(11, 0, 10));
    /* Sums that overflow. */
    g_assert_false(range_fits(UINT64_MAX, 2, 10));
    g_assert_false(range_fits(2, UINT64_MAX, 10));
    g_assert_true(range_fits(1, UINT64_MAX - 1, UINT64_MAX));
}

static void test_big_endian(void)
{
    static const uint8_t bytes[] = {0x81, 2, 3, 4, 5, 6, 7, 0xf8};
    Be16 b16;
    Be32 b32;
    Be64 b64;

    memcpy(&b16, bytes, 2);
    memcpy(&b32, bytes, 4);
    memcpy(&b64, bytes, 8);
    g_assert_cmphex(be16_get(b16), ==, 0x8102);
    g_assert_cmphex(be32_get(b32), ==, 0x81020304);
    g_assert_cmphex(be64_get(b64), ==, UINT64_C(0x81020304050607f8));
    b16 = be16(0x8102);
    b32 = be32(0x81020304);
    b64 = be64(UINT64_C(0x81020304050607f8));
    g_assert_cmpmem(&b16, 2, bytes, 2);
    g_assert_cmpmem(&b32, 4, bytes, 4);
    g_assert_cmpmem(&b64, 8, bytes, 8);
}

typedef struct Item {
    int value;
    ListLink link;
} Item;

static void assert_values(ListLink *head, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    LIST_FOREACH(item, head, Item, link) {
        g_string_append_printf(text, "%d", item->value);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static void test_list(void)
{
    ListLink head;
    Item items[4] = {{1}, {2}, {3}, {4}};

    list_init(&head);
    g_assert_true(list_empty(&head));
    g_assert_null(list_first(&head));
    g_assert_null(list_pop(&head));
    list_append(&head, &items[1].link);
    list_append(&head, &items[2].link);
    list_prepend(&head, &items[0].link);
    list_insert_before(&items[2].link, &items[3].link);
    assert_values(&head, "1243");
    list_remove(&items[3].link);
    g_assert_false(list_linked(&items[3].link));
    g_assert_true(list_linked(&items[2].link));
    assert_values(&head, "123");
    LIST_FOREACH_SAFE(item, &head, Item, link) {
        if (item->value != 2) {
            list_remove(&item->link);
        }
    }
    assert_values(&head, "2");
    g_assert_true(list_pop(&head) == &items[1].link);
    g_assert_true(list_empty(&head));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/common/rounding", test_rounding);
    g_test_add_func("/common/range-fits", test_range_fits);
    g_test_add_func("/common/big-endian", test_big_endian);
    g_test_add_func("/common/list", test_list);
    return g_test_run();
}
