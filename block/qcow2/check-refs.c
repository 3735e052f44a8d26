/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * References counted by cluster: pages of counts, made when first touched, so
 * that memory follows what an image refers to and not how long its file says
 * it is.
 */
#include "block/qcow2/check-int.h"

#define PAGE_COUNTS 65536
#define MAX_PAGES (1 << 22)

bool qcow2_check_refs_init(Qcow2Check *c)
{
    uint64_t pages = DIV_ROUND_UP(c->clusters, PAGE_COUNTS) + 1;

    if (pages > MAX_PAGES) {
        return false;
    }
    c->pages = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_set_size(c->pages, pages);
    c->beyond = g_array_new(FALSE, FALSE, sizeof(Qcow2Beyond));
    return true;
}

void qcow2_check_refs_free(Qcow2Check *c)
{
    if (c->pages) {
        g_ptr_array_free(c->pages, TRUE);
        g_array_free(c->beyond, TRUE);
    }
}

uint64_t qcow2_check_known(const Qcow2Check *c)
{
    return c->pages->len * (uint64_t)PAGE_COUNTS;
}

uint64_t qcow2_check_count(const Qcow2Check *c, uint64_t cluster)
{
    const uint32_t *page;

    if (cluster / PAGE_COUNTS >= c->pages->len) {
        return 0;
    }
    page = g_ptr_array_index(c->pages, cluster / PAGE_COUNTS);
    return page ? page[cluster % PAGE_COUNTS] : 0;
}

void qcow2_check_set_count(Qcow2Check *c, uint64_t cluster, uint64_t count)
{
    void **page;

    while (cluster / PAGE_COUNTS >= c->pages->len) {
        g_ptr_array_add(c->pages, NULL);
    }
    page = &g_ptr_array_index(c->pages, cluster / PAGE_COUNTS);
    if (!*page) {
        *page = g_new0(uint32_t, PAGE_COUNTS);
    }
    ((uint32_t *)*page)[cluster % PAGE_COUNTS] = MIN(count, UINT32_MAX);
}

/* Of too many the last one kept stands for all the rest. */
static void note_beyond(Qcow2Check *c, uint64_t offset, uint64_t bytes)
{
    unsigned bits = c->s->cluster_bits;
    Qcow2Beyond b = {offset >> bits, ((offset + bytes - 1) >> bits) + 1};

    if (offset > INT64_MAX - bytes) {
        return; /* nothing can be there */
    }
    if (c->beyond->len < QCOW2_BEYOND_MAX) {
        g_array_append_val(c->beyond, b);
    } else {
        Qcow2Beyond *last =
            &g_array_index(c->beyond, Qcow2Beyond, QCOW2_BEYOND_MAX - 1);

        last->first = MIN(last->first, b.first);
        last->end = MAX(last->end, b.end);
    }
}

void qcow2_check_ref(Qcow2Check *c, uint64_t offset, uint64_t bytes)
{
    const Qcow2State *s = c->s;
    uint64_t end = c->clusters << s->cluster_bits;
    uint64_t first = offset >> s->cluster_bits, last;

    if (!bytes) {
        return;
    }
    if (offset > INT64_MAX - bytes ||
        offset + bytes > end + s->cluster_bytes - 1) {
        qcow2_check_say(c,
                        "ERROR: counting reference for region exceeding the "
                        "end of the file by one cluster or more: offset "
                        "0x%" PRIx64 " size 0x%" PRIx64,
                        offset, bytes);
        c->out->corruptions++;
        note_beyond(c, offset, bytes);
        return;
    }
    last = (offset + bytes - 1) >> s->cluster_bits;
    c->counted = MAX(c->counted, last + 1);
    for (uint64_t i = first; i <= last; i++) {
        uint64_t count = qcow2_check_count(c, i);

        if (count == s->refcount_max) {
            qcow2_check_say(c,
                            "ERROR: overflow cluster offset=0x%" PRIx64 "\n"
                            "Use qemu-img amend to increase the refcount entry "
                            "width or qemu-img convert to create a clean copy "
                            "if the image cannot be opened for writing",
                            i << s->cluster_bits);
            c->out->corruptions++;
            continue;
        }
        qcow2_check_set_count(c, i, count + 1);
    }
}
