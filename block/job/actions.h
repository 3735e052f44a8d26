/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Actions of transactions, run: all or none, at one point in time of all
 * nodes that they touch. A command of the same name as an action is a
 * transaction of that action alone.
 */
#ifndef BLOCK_JOB_ACTIONS_H
#define BLOCK_JOB_ACTIONS_H

#include "block/graph/action.h"
#include "util/annotations.h"

typedef struct ActionStep {
    const TransactionHandler *handler;
    const struct TransactionAction *action;
} ActionStep;

/* @grouped: their jobs share their fate. Takes the graph lock, and lets jobs
 * take their turn. With @n 0 it only shows its pause. */
bool co_actions_run(const ActionStep *steps, size_t n, bool grouped,
                    Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
