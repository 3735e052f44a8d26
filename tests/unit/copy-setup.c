/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See copy-setup.h. */
#include "copy-setup.h"

const CbwInsertOptions copy_plain;

static void on_progress(void *opaque, uint64_t bytes)
{
    ((CopySetup *)opaque)->progress += bytes;
}

void copy_set_up(CopySetup *s, uint32_t seed, uint64_t size,
                 uint32_t target_cluster)
{
    *s = (CopySetup){.rand = g_rand_new_with_seed(seed), .size = size};
    s->source = flaky_disk_new("disk", size, 0);
    s->target = flaky_disk_new("target", size, target_cluster);
    flaky_disk(s->source)->rand = flaky_disk(s->target)->rand = s->rand;
    s->guest = root_new("root", NULL, NULL);
    g_assert_true(root_attach(s->guest, s->source,
                              PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL,
                              NULL));
}

void copy_insert_filter(CopySetup *s)
{
    Quiesce *section = co_quiesce_begin(&s->source, 1);
    Error *err = NULL;

    s->frozen = g_memdup2(flaky_disk(s->source)->bytes, s->size);
    s->filter = co_cbw_insert(s->source, s->target, "cbw", &copy_plain, &err);
    if (err) {
        g_error("%s", error_text(err));
    }
    s->copy = cbw_block_copy(s->filter);
    bitmap_set_all(block_copy_todo(s->copy));
    block_copy_set_progress(s->copy, on_progress, s);
    quiesce_end(section);
    g_assert_true(root_node(s->guest) == s->filter);
}

void co_copy_drop_filter(CopySetup *s)
{
    co_cbw_drop(s->filter);
    g_assert_true(root_node(s->guest) == s->source);
}

void co_copy_drop_disks(CopySetup *s)
{
    co_root_detach(s->guest);
    root_free(s->guest);
    co_node_unref(s->source);
    co_node_unref(s->target);
    g_free(s->frozen);
    g_rand_free(s->rand);
}

void co_copy_tear_down(CopySetup *s)
{
    co_copy_drop_filter(s);
    g_assert_null(bitmap_next(s->source, NULL));
    co_copy_drop_disks(s);
}

int co_copy_rest(CopySetup *s)
{
    uint64_t at = 0;
    BlockCopyRun *run;
    int ret;

    while ((ret = co_block_copy_claim(s->copy, at, GiB, &run)) > 0) {
        at = ROUND_UP(block_copy_run_offset(run) + block_copy_run_bytes(run),
                      block_copy_cluster_bytes(s->copy));
        ret = co_block_copy_finish(run, NULL);
        if (ret < 0) {
            break;
        }
    }
    return ret;
}

void copy_assert_frozen(const CopySetup *s)
{
    g_assert_cmpuint(bitmap_count_bytes(block_copy_todo(s->copy)), ==, 0);
    g_assert_cmpmem(flaky_disk(s->target)->bytes, s->size, s->frozen, s->size);
}
