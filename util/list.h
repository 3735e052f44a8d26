/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive doubly linked list. A head is a ListLink that points to itself
 * when empty; an element that is on no list has next == NULL.
 */
#ifndef UTIL_LIST_H
#define UTIL_LIST_H

#include "util/common.h"

typedef struct ListLink {
    struct ListLink *next, *prev;
} ListLink;

#define LIST_INIT(head)  \
    {                    \
        &(head), &(head) \
    }

static inline void list_init(ListLink *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const ListLink *head)
{
    return head->next == head;
}

static inline bool list_linked(const ListLink *link)
{
    return link->next != NULL;
}

static inline void list_insert_before(ListLink *at, ListLink *link)
{
    assert(!list_linked(link));
    link->next = at;
    link->prev = at->prev;
    at->prev->next = link;
    at->prev = link;
}

static inline void list_append(ListLink *head, ListLink *link)
{
    list_insert_before(head, link);
}

static inline void list_prepend(ListLink *head, ListLink *link)
{
    list_insert_before(head->next, link);
}

static inline void list_remove(ListLink *link)
{
    /* The analyzer takes no list for circular: what is linked has both. */
    /* NOLINTBEGIN(clang-analyzer-core.NullDereference) */
    link->prev->next = link->next;
    link->next->prev = link->prev;
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    link->next = link->prev = NULL;
}

static inline ListLink *list_first(const ListLink *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline ListLink *list_pop(ListLink *head)
{
    ListLink *link = list_first(head);

    if (link) {
        list_remove(link);
    }
    return link;
}

#define LIST_ENTRY(link, type, member) container_of(link, type, member)

/* Walks a list; the body must not remove @var. */
#define LIST_FOREACH(var, head, type, member)                \
    for (type *var = LIST_ENTRY((head)->next, type, member); \
         &var->member != (head);                             \
         var = LIST_ENTRY(var->member.next, type, member))

/* The same; the body may remove @var, but nothing else. */
#define LIST_FOREACH_SAFE(var, head, type, member)                      \
    for (type *var = LIST_ENTRY((head)->next, type, member),            \
              *var##_next = LIST_ENTRY(var->member.next, type, member); \
         &var->member != (head); var = var##_next,                      \
              var##_next = LIST_ENTRY(var->member.next, type, member))

#endif
