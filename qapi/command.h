/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of QMP commands that the generator fills. A row's run() checks
 * the arguments against the schema, calls the handler qmp_NAME() and turns
 * its result into JSON.
 */
#ifndef QAPI_COMMAND_H
#define QAPI_COMMAND_H

#include <json-c/json.h>

#include "util/common.h"
#include "util/error.h"

typedef struct QmpCommand {
    const char *name;
    bool allow_oob;        /* may run out of band */
    bool allow_preconfig;  /* may run before a machine is set up */
    bool coroutine;        /* the schema says so; ours all are */
    bool success_response; /* false: only errors are answered */
    /*
     * Runs the command. @args is borrowed and may be NULL (none given); on
     * success *@ret is a new value, {} where the command returns nothing.
     * Control thread, in a coroutine; yields where the handler does.
     */
    bool (*run)(json_object *args, json_object **ret, Error **errp);
} QmpCommand;

/* The command of that name, or NULL. */
const QmpCommand *qmp_command_find(const char *name);

/* All commands in the order of the schema; *@n of them. */
const QmpCommand *qmp_commands(size_t *n);

/* The whole answer to query-qmp-schema as JSON text. */
extern const char qmp_schema_json[];

#endif
