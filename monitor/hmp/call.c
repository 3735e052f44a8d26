/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands of HMP share: output, and calls of QMP's commands. */
#include <stdarg.h>

#include "monitor/hmp/hmp-int.h"
#include "qapi/command.h"

void hmp_printf(Hmp *hmp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_string_append_vprintf(hmp->out, fmt, ap);
    va_end(ap);
}

void hmp_error(Hmp *hmp, Error *err)
{
    if (!err) {
        return;
    }
    hmp_printf(hmp, "Error: %s\n", error_text(err));
    if (error_hint(err)) {
        hmp_printf(hmp, "%s", error_hint(err));
    }
    error_free(err);
}

bool co_hmp_try(const char *name, json_object *args, json_object **ret,
                Error **errp)
{
    const QmpCommand *command = qmp_command_find(name);
    json_object *value = NULL;
    bool ok = false;

    if (command) {
        ok = command->run(args, &value, errp);
    } else {
        error_set(errp, "The command %s has not been found", name);
    }
    json_object_put(args);
    if (ret && ok) {
        *ret = value;
    } else {
        json_object_put(value);
    }
    return ok;
}

bool co_hmp_call(Hmp *hmp, const char *name, json_object *args,
                 json_object **ret)
{
    Error *err = NULL;
    bool ok = co_hmp_try(name, args, ret, &err);

    hmp_error(hmp, err);
    return ok;
}

/* --- arguments ----------------------------------------------------------- */

json_object *hmp_object(const char *key, ...)
{
    json_object *object = json_object_new_object();
    va_list ap;

    va_start(ap, key);
    for (; key; key = va_arg(ap, const char *)) {
        json_object *value = va_arg(ap, json_object *);

        if (value) {
            json_object_object_add(object, key, value);
        }
    }
    va_end(ap);
    return object;
}

json_object *hmp_new_string(const char *text)
{
    return text ? json_object_new_string(text) : NULL;
}

json_object *hmp_new_bool(bool value)
{
    return json_object_new_boolean(value);
}

json_object *hmp_new_int(int64_t value)
{
    return json_object_new_int64(value);
}

const char *hmp_str(json_object *args, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(args, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

bool hmp_flag(json_object *args, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(args, name, &value) &&
           json_object_get_boolean(value);
}

int64_t hmp_int(json_object *args, const char *name, int64_t missing)
{
    json_object *value;

    return json_object_object_get_ex(args, name, &value)
               ? json_object_get_int64(value)
               : missing;
}
