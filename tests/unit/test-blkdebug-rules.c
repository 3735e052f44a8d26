/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of blkdebug: which event makes which error active, and which
 * request meets it. */
#include "block/filter/blkdebug-rules.h"

#include "util/json/json-parse.h"

/* Rules as in blockdev-add, without the image. */
static BlkdebugRules *rules_of(const char *members)
{
    g_autofree char *text =
        g_strdup_printf("{'driver': 'blkdebug', 'image': 'x'%s}", members);
    json_object *json = json_parse_string(text, NULL);
    BlockdevOptions *options = BlockdevOptions_from_json(json, NULL);
    BlkdebugRules *rules = blkdebug_rules_new();

    g_assert_nonnull(options);
    blkdebug_rules_add(rules, &options->u.blkdebug);
    blkdebug_rules_event(rules, BLKDBG_NONE);
    BlockdevOptions_free(options);
    json_object_put(json);
    return rules;
}

static int check_at(BlkdebugRules *rules, BlkdebugIOType type,
                    uint64_t offset_bytes, uint64_t bytes)
{
    bool immediately;

    return -blkdebug_rules_check(rules, type, offset_bytes, bytes,
                                 &immediately);
}

static int check(BlkdebugRules *rules, BlkdebugIOType type)
{
    return check_at(rules, type, 0, type == BLKDEBUG_IO_TYPE_FLUSH ? 0 : 512);
}

static int read_error(BlkdebugRules *rules)
{
    return check(rules, BLKDEBUG_IO_TYPE_READ);
}

/* --- errors -------------------------------------------------------------- */

static void test_none_is_active_at_once(void)
{
    BlkdebugRules *rules = rules_of(", 'inject-error': [{'event': 'none'}]");

    g_assert_cmpint(read_error(rules), ==, EIO);
    g_assert_cmpint(check(rules, BLKDEBUG_IO_TYPE_FLUSH), ==, EIO);
    blkdebug_rules_free(rules);
}

static void test_waits_for_its_event(void)
{
    BlkdebugRules *rules =
        rules_of(", 'inject-error': [{'event': 'l1_update', 'errno': 28}]");

    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_event(rules, BLKDBG_L2_UPDATE);
    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_event(rules, BLKDBG_L1_UPDATE);
    g_assert_cmpint(read_error(rules), ==, ENOSPC);
    g_assert_cmpint(read_error(rules), ==, ENOSPC);
    blkdebug_rules_free(rules);
}

static void test_once_is_gone(void)
{
    BlkdebugRules *rules = rules_of(", 'inject-error': ["
                                    "{'event': 'none', 'once': true}]");

    g_assert_cmpint(read_error(rules), ==, EIO);
    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_event(rules, BLKDBG_NONE);
    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_free(rules);
}

/* All that the event makes active are, in place of those that were. */
static void test_event_replaces(void)
{
    BlkdebugRules *rules =
        rules_of(", 'inject-error': [{'event': 'l1_update', 'errno': 5},"
                 " {'event': 'l2_update', 'errno': 28, 'once': true},"
                 " {'event': 'l2_update', 'errno': 12, 'once': true}]");

    blkdebug_rules_event(rules, BLKDBG_L1_UPDATE);
    blkdebug_rules_event(rules, BLKDBG_L2_UPDATE);
    g_assert_cmpint(read_error(rules), ==, ENOSPC);
    g_assert_cmpint(read_error(rules), ==, ENOMEM);
    g_assert_cmpint(read_error(rules), ==, 0);
    /* An event that nobody waits for leaves what is active. */
    blkdebug_rules_event(rules, BLKDBG_L1_UPDATE);
    blkdebug_rules_event(rules, BLKDBG_COW_READ);
    g_assert_cmpint(read_error(rules), ==, EIO);
    blkdebug_rules_free(rules);
}

static void test_types(void)
{
    /* Without a type: all but the question where data lies. */
    BlkdebugRules *rules = rules_of(", 'inject-error': [{'event': 'none'}]");

    for (int type = 0; type < BLKDEBUG_IO_TYPE__MAX; type++) {
        g_assert_cmpint(check(rules, type), ==,
                        type == BLKDEBUG_IO_TYPE_BLOCK_STATUS ? 0 : EIO);
    }
    blkdebug_rules_free(rules);
    for (int only = 0; only < BLKDEBUG_IO_TYPE__MAX; only++) {
        g_autofree char *text = g_strdup_printf(
            ", 'inject-error': [{'event': 'none', 'iotype': '%s'}]",
            BlkdebugIOType_str(only));

        rules = rules_of(text);
        for (int type = 0; type < BLKDEBUG_IO_TYPE__MAX; type++) {
            g_assert_cmpint(check(rules, type), ==, type == only ? EIO : 0);
        }
        blkdebug_rules_free(rules);
    }
}

static void test_sector(void)
{
    BlkdebugRules *rules =
        rules_of(", 'inject-error': [{'event': 'none', 'sector': 2}]");
    const BlkdebugIOType type = BLKDEBUG_IO_TYPE_READ;

    g_assert_cmpint(check_at(rules, type, 0, 1024), ==, 0);
    g_assert_cmpint(check_at(rules, type, 0, 1025), ==, EIO);
    g_assert_cmpint(check_at(rules, type, 1024, 1), ==, EIO);
    g_assert_cmpint(check_at(rules, type, 1025, 4096), ==, 0);
    /* A flush has no sectors. */
    g_assert_cmpint(check(rules, BLKDEBUG_IO_TYPE_FLUSH), ==, 0);
    blkdebug_rules_free(rules);
}

static void test_huge_sector(void)
{
    BlkdebugRules *rules = rules_of(
        ", 'inject-error': [{'event': 'none', 'sector': 9223372036854775807}]");

    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_free(rules);
}

static void test_immediately(void)
{
    BlkdebugRules *rules =
        rules_of(", 'inject-error': [{'event': 'none', 'once': true},"
                 " {'event': 'none', 'immediately': true}]");
    bool immediately = true;

    g_assert_cmpint(
        blkdebug_rules_check(rules, BLKDEBUG_IO_TYPE_READ, 0, 1, &immediately),
        ==, -EIO);
    g_assert_false(immediately);
    g_assert_cmpint(
        blkdebug_rules_check(rules, BLKDEBUG_IO_TYPE_READ, 0, 1, &immediately),
        ==, -EIO);
    g_assert_true(immediately);
    blkdebug_rules_free(rules);
}

/* The request does nothing, and that succeeds. */
static void test_negative_errno(void)
{
    BlkdebugRules *rules = rules_of(
        ", 'inject-error': [{'event': 'none', 'errno': -5, 'once': true}]");

    g_assert_cmpint(read_error(rules), <, 0);
    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_free(rules);
}

/* --- states -------------------------------------------------------------- */

static void test_states(void)
{
    BlkdebugRules *rules = rules_of(
        ", 'inject-error': [{'event': 'read_aio', 'state': 2}],"
        "'set-state': [{'event': 'write_aio', 'state': 1, 'new_state': 2},"
        " {'event': 'write_aio', 'state': 2, 'new_state': 3}]");

    blkdebug_rules_event(rules, BLKDBG_READ_AIO);
    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_event(rules, BLKDBG_WRITE_AIO);
    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_event(rules, BLKDBG_READ_AIO);
    g_assert_cmpint(read_error(rules), ==, EIO);
    /* In state 3 the error is not made active again, but goes on. */
    blkdebug_rules_event(rules, BLKDBG_WRITE_AIO);
    blkdebug_rules_event(rules, BLKDBG_READ_AIO);
    g_assert_cmpint(read_error(rules), ==, EIO);
    blkdebug_rules_free(rules);
}

/* One event takes one step, however many rules fit after it. */
static void test_one_step_an_event(void)
{
    BlkdebugRules *rules = rules_of(
        ", 'inject-error': [{'event': 'read_aio', 'state': 2}],"
        "'set-state': [{'event': 'read_aio', 'state': 1, 'new_state': 2},"
        " {'event': 'read_aio', 'state': 2, 'new_state': 3}]");

    blkdebug_rules_event(rules, BLKDBG_READ_AIO);
    g_assert_cmpint(read_error(rules), ==, 0);
    blkdebug_rules_event(rules, BLKDBG_READ_AIO);
    g_assert_cmpint(read_error(rules), ==, EIO);
    blkdebug_rules_free(rules);
}

/* Rules without a state fit all; of several steps the last is taken. */
static void test_any_state(void)
{
    BlkdebugRules *rules =
        rules_of(", 'inject-error': [{'event': 'cow_read', 'state': 9}],"
                 "'set-state': [{'event': 'cow_write', 'new_state': 4},"
                 " {'event': 'cow_write', 'new_state': 9}]");

    blkdebug_rules_event(rules, BLKDBG_COW_WRITE);
    blkdebug_rules_event(rules, BLKDBG_COW_READ);
    g_assert_cmpint(read_error(rules), ==, EIO);
    blkdebug_rules_free(rules);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rules/none", test_none_is_active_at_once);
    g_test_add_func("/rules/event", test_waits_for_its_event);
    g_test_add_func("/rules/once", test_once_is_gone);
    g_test_add_func("/rules/replaces", test_event_replaces);
    g_test_add_func("/rules/types", test_types);
    g_test_add_func("/rules/sector", test_sector);
    g_test_add_func("/rules/huge-sector", test_huge_sector);
    g_test_add_func("/rules/immediately", test_immediately);
    g_test_add_func("/rules/negative-errno", test_negative_errno);
    g_test_add_func("/rules/states", test_states);
    g_test_add_func("/rules/one-step", test_one_step_an_event);
    g_test_add_func("/rules/any-state", test_any_state);
    return g_test_run();
}
