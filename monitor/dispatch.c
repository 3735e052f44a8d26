/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks QMP requests and runs their commands: see dispatch.h. */
#include "monitor/dispatch.h"

#include "monitor/human.h"
#include "qapi/hidden.h"
#include "qapi/command.h"
#include "util/coroutine/sync.h"
#include "util/report-order.h"

typedef struct Request {
    const char *name;  /* of the command */
    json_object *args; /* borrowed, NULL if not given */
    bool oob;
} Request;

/* CONTROL */
static CoMutex run_lock;
static bool closed;
static QmpState *current_state;

void dispatch_init(void)
{
    comutex_init(&run_lock);
    closed = false;
    current_state = NULL;
}

QmpState *dispatch_current_state(void)
{
    assert(current_state);
    return current_state;
}

/* --- the outer form ------------------------------------------------------ */

static bool is_string(json_object *value)
{
    return json_object_is_type(value, json_type_string);
}

static bool take_command(const char *key, json_object *value, Request *request,
                         Error **errp)
{
    bool oob = !strcmp(key, "exec-oob");

    if (!is_string(value)) {
        error_set(errp, "QMP input member '%s' must be a string", key);
        return false;
    }
    if (request->name) {
        error_set(errp, "QMP input member 'execute' clashes with 'exec-oob'");
        return false;
    }
    request->name = json_object_get_string(value);
    request->oob = oob;
    return true;
}

static bool take_arguments(json_object *value, Request *request, Error **errp)
{
    if (!json_object_is_type(value, json_type_object)) {
        error_set(errp, "QMP input member 'arguments' must be an object");
        return false;
    }
    request->args = value;
    return true;
}

static bool take_member(const QmpState *state, const char *key,
                        json_object *value, Request *request, Error **errp)
{
    if (!strcmp(key, "execute") || (!strcmp(key, "exec-oob") && state->oob)) {
        return take_command(key, value, request, errp);
    }
    if (!strcmp(key, "arguments")) {
        return take_arguments(value, request, errp);
    }
    if (!strcmp(key, "id")) {
        return true;
    }
    error_set(errp, "QMP input member '%s' is unexpected", key);
    return false;
}

static bool parse_request(const QmpState *state, json_object *doc,
                          Request *request, Error **errp)
{
    *request = (Request){0};
    if (!json_object_is_type(doc, json_type_object)) {
        error_set(errp, "QMP input must be a JSON object");
        return false;
    }
    json_object_object_foreach(doc, key, value)
    {
        if (!take_member(state, key, value, request, errp)) {
            return false;
        }
    }
    if (!request->name) {
        error_set(errp, "QMP input lacks member 'execute'");
        return false;
    }
    return true;
}

bool dispatch_is_oob(const QmpState *state, json_object *doc)
{
    return state->oob && json_object_is_type(doc, json_type_object) &&
           json_object_object_get_ex(doc, "exec-oob", NULL) &&
           !json_object_object_get_ex(doc, "execute", NULL);
}

/* --- the command --------------------------------------------------------- */

static const QmpCommand *find_command(const QmpState *state,
                                      const Request *request, Error **errp)
{
    const QmpCommand *command = qmp_command_find(request->name);

    if (!state->negotiated && strcmp(request->name, "qmp_capabilities")) {
        error_set_class(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                        "Expecting capabilities negotiation with "
                        "'qmp_capabilities'");
        return NULL;
    }
    if (!command || qapi_is_hidden(request->name)) {
        error_set_class(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                        "The command %s has not been found", request->name);
        return NULL;
    }
    if (request->oob && !command->allow_oob) {
        error_set(errp, "The command %s does not support OOB", request->name);
        return NULL;
    }
    return command;
}

static json_object *make_answer(const char *key, json_object *value,
                                json_object *doc)
{
    json_object *answer = json_object_new_object(), *id;

    json_object_object_add(answer, key, value);
    if (json_object_is_type(doc, json_type_object) &&
        json_object_object_get_ex(doc, "id", &id)) {
        json_object_object_add(answer, "id", json_object_get(id));
    }
    return answer;
}

static json_object *error_value(Error *err)
{
    json_object *value = json_object_new_object();
    const char *class = error_class_name(error_class(err));

    json_object_object_add(value, "class", json_object_new_string(class));
    json_object_object_add(value, "desc",
                           json_object_new_string(error_text(err)));
    error_free(err);
    return value;
}

json_object *dispatch_error_answer(Error *err)
{
    return make_answer("error", error_value(err), NULL);
}

static json_object *co_run(const QmpCommand *command, const Request *request,
                           json_object *doc)
{
    /* No arguments are the same as none of the members. */
    json_object *args = request->args ? json_object_get(request->args)
                                      : json_object_new_object();
    json_object *ret = NULL;
    Error *err = NULL;
    bool ok = command->run(args, &ret, &err);

    json_object_put(args);
    if (!ok) {
        return make_answer("error", error_value(err), doc);
    }
    if (!command->success_response) {
        json_object_put(ret);
        return NULL;
    }
    return make_answer("return", ret, doc);
}

COROUTINE_ONLY
static json_object *co_run_in_order(QmpState *state, const QmpCommand *command,
                                    const Request *request, json_object *doc)
{
    json_object *answer = NULL;

    co_mutex_lock(&run_lock);
    if (!closed) {
        current_state = state;
        report_commanded_by(coroutine_self());
        answer = co_run(command, request, doc);
        report_commanded_by(NULL);
        current_state = NULL;
    }
    comutex_unlock(&run_lock);
    return answer;
}

json_object *co_dispatch(QmpState *state, json_object *doc)
{
    const QmpCommand *command = NULL;
    Request request;
    Error *err = NULL;

    if (parse_request(state, doc, &request, &err)) {
        command = find_command(state, &request, &err);
    }
    if (!command) {
        return make_answer("error", error_value(err), doc);
    }
    if (request.oob) {
        return co_run(command, &request, doc);
    }
    return co_run_in_order(state, command, &request, doc);
}

/* --- the end ------------------------------------------------------------- */

bool co_dispatch_begin(void)
{
    co_mutex_lock(&run_lock);
    if (closed) {
        comutex_unlock(&run_lock);
        return false;
    }
    return true;
}

void dispatch_end(void)
{
    comutex_unlock(&run_lock);
}

void co_dispatch_stand_aside(void (*co_wait)(void *opaque), void *opaque)
{
    comutex_unlock(&run_lock);
    co_wait(opaque);
    co_mutex_lock(&run_lock);
}

void dispatch_close(void)
{
    closed = true;
    if (human_ops()) {
        human_ops()->close();
    }
}

void co_dispatch_wait_idle(void)
{
    assert(closed);
    co_mutex_lock(&run_lock);
    comutex_unlock(&run_lock);
}
