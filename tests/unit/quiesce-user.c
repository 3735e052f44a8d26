/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See quiesce-user.h. */
#include "quiesce-user.h"

#include "block/io/io.h"

unsigned quiesce_writes;

static void hook_begin(Root *root)
{
    ((User *)root_opaque(root))->begun++;
}

static void hook_end(Root *root)
{
    ((User *)root_opaque(root))->ended++;
}

static const RootOps ops = {
    .quiesce_begin = hook_begin,
    .quiesce_end = hook_end,
};

Root *user_root(Node *node, User *user)
{
    Root *root = root_new("root", &ops, user);

    *user = (User){0};
    if (node) {
        g_assert_true(root_attach(root, node, RW, PERM_ALL, NULL));
    }
    return root;
}

void drop_root(Root *root)
{
    co_root_detach(root);
    root_free(root);
}

static void write_entry(void *opaque)
{
    Write *w = opaque;

    w->ret = co_root_pwrite(w->root, 0, 1, &w->byte, 0);
    w->order = quiesce_writes++;
    w->done = true;
}

void start_write(Write *w, Root *root, uint8_t byte)
{
    *w = (Write){.root = root, .byte = byte};
    coroutine_start(write_entry, w);
}

void turns(unsigned n)
{
    while (n--) {
        co_reschedule();
    }
}
