/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the text of an option, JSON or key=value, to what it asks for: what the
 * daemon and the machine have in common.
 *
 * All: coroutine on control; false with @errp, whose text is QEMU's.
 */
#ifndef TOOLS_APPLY_TEXT_H
#define TOOLS_APPLY_TEXT_H

#include "qapi/qapi-types.h"
#include "util/annotations.h"
#include "util/error.h"
#include "util/json/json-keyval.h"

/* A value of type T from the option's text, as JSON or key=value. */
#define PARSE_OPTION(T, text, implied_key, errp)                    \
    ({                                                              \
        bool is_json_;                                              \
        T *value_ = NULL;                                           \
        json_object *o_ =                                           \
            json_options_parse(text, implied_key, &is_json_, errp); \
        if (o_) {                                                   \
            value_ = is_json_ ? T##_from_json(o_, errp)             \
                              : T##_from_keyval(o_, errp);          \
            json_object_put(o_);                                    \
        }                                                           \
        value_;                                                     \
    })

bool co_apply_blockdev_text(const char *text,
                            Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* @no_stdio: standard input and output will not be there. */
bool co_apply_chardev_text(const char *text, bool no_stdio,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;
/* True if @text asks for the kinds of chardevs, which it prints. */
bool apply_chardev_help(const char *text);
/* @mode: of a monitor whose text does not say. */
bool apply_monitor_text(const char *text, MonitorMode mode,
                        Error **errp) CONTROL_ONLY;

#endif
