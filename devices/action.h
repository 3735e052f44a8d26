/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done on a reset and on a shutdown, as -action and set-action say. A
 * guest's crash and its watchdog are accepted there, too: they do not happen.
 * All: control thread.
 */
#ifndef DEVICES_ACTION_H
#define DEVICES_ACTION_H

#include "qapi/qapi-types.h"
#include "util/annotations.h"
#include "util/error.h"

/* @fn ends the program; it was told why. Once. */
void action_on_end(void (*fn)(void *opaque), void *opaque) CONTROL_ONLY;
void action_set_reboot(RebootAction action) CONTROL_ONLY;
void action_set_shutdown(ShutdownAction action) CONTROL_ONLY;
/* "reboot=shutdown,shutdown=pause"; false with QEMU's text. */
bool action_set_words(const char *text, const char *where,
                      Error **errp) CONTROL_ONLY;

#endif
