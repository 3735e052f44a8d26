/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breaks of a blkdebug node.
 *
 *   break --its event--> hold of the request --resume--> gone
 *
 * Invariant: a request goes on when none of its holds is on the list.
 */
#include "block/filter/blkdebug-break.h"

#include <stdio.h>

typedef struct Break {
    ListLink link; /* in breaks */
    BlkdebugEvent event;
    char *tag;
} Break;

typedef struct Hold {
    ListLink link; /* in holds; none: resumed */
    char *tag;
    CoQueue *resumed; /* of the request */
} Hold;

void blkdebug_breaks_init(BlkdebugBreaks *b)
{
    list_init(&b->breaks);
    list_init(&b->holds);
    coqueue_init(&b->suspended);
}

static void break_free(Break *brk)
{
    list_remove(&brk->link);
    g_free(brk->tag);
    g_free(brk);
}

void blkdebug_breaks_clear(BlkdebugBreaks *b)
{
    assert(list_empty(&b->holds));
    while (!list_empty(&b->breaks)) {
        break_free(LIST_ENTRY(b->breaks.next, Break, link));
    }
}

void blkdebug_breaks_add(BlkdebugBreaks *b, BlkdebugEvent event,
                         const char *tag)
{
    Break *brk = g_new0(Break, 1);

    brk->event = event;
    brk->tag = g_strdup(tag);
    list_prepend(&b->breaks, &brk->link);
}

bool blkdebug_breaks_remove(BlkdebugBreaks *b, const char *tag)
{
    ListLink *next;
    bool any = false;

    for (ListLink *link = b->breaks.next; link != &b->breaks; link = next) {
        Break *brk = LIST_ENTRY(link, Break, link);

        next = link->next;
        if (!strcmp(brk->tag, tag)) {
            break_free(brk);
            any = true;
        }
    }
    while (blkdebug_breaks_resume(b, tag)) {
    }
    return any;
}

/* --- holds --------------------------------------------------------------- */

static Hold *find_hold(const BlkdebugBreaks *b, const char *tag)
{
    LIST_FOREACH(hold, &b->holds, Hold, link) {
        if (!tag || !strcmp(hold->tag, tag)) {
            return hold;
        }
    }
    return NULL;
}

/* The texts are QEMU's, and its tests wait for them on standard output. */
static void hold_resume(Hold *hold)
{
    printf("blkdebug: Resuming request '%s'\n", hold->tag);
    fflush(stdout);
    list_remove(&hold->link);
    coqueue_wake_all(hold->resumed);
}

bool blkdebug_breaks_resume(BlkdebugBreaks *b, const char *tag)
{
    Hold *hold = find_hold(b, tag);

    if (hold) {
        hold_resume(hold);
    }
    return hold != NULL;
}

void blkdebug_breaks_resume_all(BlkdebugBreaks *b)
{
    while (blkdebug_breaks_resume(b, NULL)) {
    }
}

void co_blkdebug_breaks_wait(BlkdebugBreaks *b, const char *tag)
{
    while (!find_hold(b, tag)) {
        co_queue_wait(&b->suspended);
    }
}

static void hold_begin(BlkdebugBreaks *b, Hold *hold, Break *brk,
                       CoQueue *resumed)
{
    *hold = (Hold){.tag = g_steal_pointer(&brk->tag), .resumed = resumed};
    list_prepend(&b->holds, &hold->link);
    break_free(brk);
    printf("blkdebug: Suspended request '%s'\n", hold->tag);
    fflush(stdout);
    coqueue_wake_all(&b->suspended);
}

COROUTINE_ONLY
static void co_hold_wait(Hold *hold)
{
    while (list_linked(&hold->link)) {
        co_queue_wait(hold->resumed);
    }
    g_free(hold->tag);
    g_free(hold);
}

void co_blkdebug_breaks_event(BlkdebugBreaks *b, BlkdebugEvent event)
{
    g_autoptr(GPtrArray) holds = NULL;
    CoQueue resumed;
    ListLink *next;

    for (ListLink *link = b->breaks.next; link != &b->breaks; link = next) {
        Break *brk = LIST_ENTRY(link, Break, link);

        next = link->next;
        if (brk->event != event) {
            continue;
        }
        if (!holds) {
            holds = g_ptr_array_new();
            coqueue_init(&resumed);
        }
        g_ptr_array_add(holds, g_new(Hold, 1));
        hold_begin(b, g_ptr_array_index(holds, holds->len - 1), brk, &resumed);
    }
    for (guint i = 0; holds && i < holds->len; i++) {
        co_hold_wait(g_ptr_array_index(holds, i));
    }
}
