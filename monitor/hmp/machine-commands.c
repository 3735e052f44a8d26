/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands about the machine, its devices and objects. */
#include "devices/model.h"
#include "monitor/hmp/commands.h"
#include "qapi/qapi-commands.h"
#include "util/json/json-keyval.h"
#include "util/json/json-parse.h"
#include "util/json/json-print.h"

/* --- the machine's life -------------------------------------------------- */

const HmpCommand hmp_cont = {
    .name = "cont|c",
    .params = "",
    .help = "resume emulation",
    .qmp = "cont",
};

const HmpCommand hmp_stop = {
    .name = "stop|s",
    .params = "",
    .help = "stop emulation",
    .qmp = "stop",
};

const HmpCommand hmp_system_reset = {
    .name = "system_reset",
    .params = "",
    .help = "reset the system",
    .qmp = "system_reset",
};

const HmpCommand hmp_system_powerdown = {
    .name = "system_powerdown",
    .params = "",
    .help = "send system power down event",
    .qmp = "system_powerdown",
};

const HmpCommand hmp_system_wakeup = {
    .name = "system_wakeup",
    .params = "",
    .help = "wakeup guest from suspend",
    .qmp = "system_wakeup",
};

COROUTINE_ONLY CONTROL_ONLY static void co_watchdog_action(Hmp *hmp,
                                                           json_object *args)
{
    const char *name = hmp_str(args, "action");
    WatchdogAction action;

    if (WatchdogAction_parse(name, &action)) {
        co_hmp_call(hmp, "watchdog-set-action", json_object_get(args), NULL);
    } else {
        hmp_printf(hmp, "Error: invalid parameter value: %s\n", name);
    }
}

const HmpCommand hmp_watchdog_action = {
    .name = "watchdog_action",
    .args = {{"action", HMP_STRING}},
    .params = "[reset|shutdown|poweroff|pause|debug|none]",
    .help = "change watchdog action",
    .co_run = co_watchdog_action,
};

/* CONTROL */
static bool quits;

bool hmp_quits(void)
{
    return quits;
}

COROUTINE_ONLY CONTROL_ONLY static void co_quit(Hmp *hmp, json_object *args)
{
    quits = true;
    quits = co_hmp_call(hmp, "quit", NULL, NULL);
}

const HmpCommand hmp_quit = {
    .name = "quit|q",
    .params = "",
    .help = "quit the emulator",
    .co_run = co_quit,
};

static void co_help(Hmp *hmp, json_object *args)
{
    hmp_help(hmp, hmp_str(args, "topic"));
}

const HmpCommand hmp_help_command = {
    .name = "help|?",
    .args = {{"topic", HMP_REST, true}},
    .params = "[cmd]",
    .help = "show the help",
    .co_run = co_help,
};

/* --- devices ------------------------------------------------------------- */

/* "MODEL,help". */
static void show_properties(Hmp *hmp, const char *text)
{
    g_autofree char *name = g_strndup(text, strcspn(text, ","));
    const DeviceModel *model = device_model_find(name);
    GString *shown;

    if (!model) {
        hmp_printf(hmp, "Error: '%s' is not a valid device model name\n", name);
        return;
    }
    shown = device_model_properties_text(model);
    hmp_printf(hmp, "%s", shown->str);
    g_string_free(shown, true);
}

static void show_models(Hmp *hmp)
{
    g_autoptr(GString) shown = device_models_text();

    hmp_printf(hmp, "%s", shown->str);
}

COROUTINE_ONLY CONTROL_ONLY static void co_device_add(Hmp *hmp,
                                                      json_object *args)
{
    const char *text = hmp_str(args, "device") ?: "";
    Error *err = NULL;
    json_object *words;

    if (!strcmp(text, "help") || !strcmp(text, "?")) {
        show_models(hmp);
        return;
    }
    if (g_str_has_suffix(text, ",help") || g_str_has_suffix(text, ",?")) {
        show_properties(hmp, text);
        return;
    }
    words = json_keyval_parse(text, "driver", NULL, &err);
    if (words) {
        co_hmp_call(hmp, "device_add", words, NULL);
    } else {
        hmp_error(hmp, err);
    }
}

const HmpCommand hmp_device_add = {
    .name = "device_add",
    .args = {{"device", HMP_OPTIONS}},
    .params = "driver[,prop=value][,...]",
    .help = "add device, like -device on the command line",
    .co_run = co_device_add,
};

const HmpCommand hmp_device_del = {
    .name = "device_del",
    .args = {{"id", HMP_STRING}},
    .params = "device",
    .help = "remove device",
    .qmp = "device_del",
};

/* --- objects ------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_object_add(Hmp *hmp,
                                                      json_object *args)
{
    ObjectOptions *options = NULL;
    Error *err = NULL;
    json_object *words =
        json_keyval_parse(hmp_str(args, "object"), "qom-type", NULL, &err);

    if (words) {
        options = ObjectOptions_from_keyval(words, &err);
    }
    if (options) {
        qmp_object_add(options, &err);
    }
    hmp_error(hmp, err);
    ObjectOptions_free(options);
    json_object_put(words);
}

const HmpCommand hmp_object_add = {
    .name = "object_add",
    .args = {{"object", HMP_REST}},
    .params = "[qom-type=]type,id=str[,prop=value][,...]",
    .help = "create QOM object",
    .co_run = co_object_add,
};

const HmpCommand hmp_object_del = {
    .name = "object_del",
    .args = {{"id", HMP_STRING}},
    .params = "id",
    .help = "destroy QOM object",
    .qmp = "object-del",
};

COROUTINE_ONLY CONTROL_ONLY static void co_qom_list(Hmp *hmp, json_object *args)
{
    const char *path = hmp_str(args, "path");
    json_object *list = NULL;

    if (!path) {
        hmp_printf(hmp, "/\n");
        return;
    }
    if (!co_hmp_call(hmp, "qom-list",
                     hmp_object("path", hmp_new_string(path), NULL), &list)) {
        return;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *property = json_object_array_get_idx(list, i);

        hmp_printf(hmp, "%s (%s)\n", hmp_str(property, "name"),
                   hmp_str(property, "type"));
    }
    json_object_put(list);
}

const HmpCommand hmp_qom_list = {
    .name = "qom-list",
    .args = {{"path", HMP_STRING, true}},
    .params = "path",
    .help = "list QOM properties",
    .co_run = co_qom_list,
};

COROUTINE_ONLY CONTROL_ONLY static void co_qom_get(Hmp *hmp, json_object *args)
{
    json_object *value = NULL;
    GString *text;

    if (!co_hmp_call(hmp, "qom-get", json_object_get(args), &value)) {
        return;
    }
    text = json_print(value, true);
    hmp_printf(hmp, "%s\n", text->str);
    g_string_free(text, true);
    json_object_put(value);
}

const HmpCommand hmp_qom_get = {
    .name = "qom-get",
    .args = {{"path", HMP_STRING}, {"property", HMP_STRING}},
    .params = "path property",
    .help = "print QOM property",
    .co_run = co_qom_get,
};

/* What is no number stays a word: there may be more wrong with the property
 * than that. */
static json_object *typed_number(const char *word)
{
    char *end;
    gint64 number = g_ascii_strtoll(word, &end, 0);

    return end == word || *end ? hmp_new_string(word) : hmp_new_int(number);
}

/* The word as the type that the property has now. */
COROUTINE_ONLY CONTROL_ONLY static json_object *
co_typed_value(json_object *args, const char *word)
{
    json_object *path =
        hmp_object("path", hmp_new_string(hmp_str(args, "path")), "property",
                   hmp_new_string(hmp_str(args, "property")), NULL);
    json_object *old = NULL, *value;

    co_hmp_try("qom-get", path, &old, NULL);
    switch (json_object_get_type(old)) {
    case json_type_boolean:
        value = hmp_new_bool(!strcmp(word, "on") || !strcmp(word, "true") ||
                             !strcmp(word, "yes"));
        break;
    case json_type_int:
        value = typed_number(word);
        break;
    default:
        value = hmp_new_string(word);
    }
    json_object_put(old);
    return value;
}

COROUTINE_ONLY CONTROL_ONLY static void co_qom_set(Hmp *hmp, json_object *args)
{
    const char *word = hmp_str(args, "value");
    bool json = hmp_flag(args, "json");
    Error *err = NULL;
    json_object *value =
        json ? json_parse_string(word, &err) : co_typed_value(args, word);
    bool bad_number = !json && json_object_is_type(value, json_type_string);

    if (err) {
        hmp_error(hmp, err);
        return;
    }
    json_object_object_add(args, "value", value);
    json_object_object_del(args, "json");
    if (co_hmp_try("qom-set", json_object_get(args), NULL, &err)) {
        return;
    }
    if (bad_number && g_str_has_suffix(error_text(err), "expected: integer")) {
        hmp_printf(hmp, "Error: Parameter '%s' expects int64\n",
                   hmp_str(args, "property"));
        error_free(err);
        return;
    }
    hmp_error(hmp, err);
}

const HmpCommand hmp_qom_set = {
    .name = "qom-set",
    .args = {{"json", HMP_FLAG, .flag = 'j'},
             {"path", HMP_STRING},
             {"property", HMP_STRING},
             {"value", HMP_REST}},
    .params = "[-j] path property value",
    .help = "set QOM property.\n"
            "\t\t\t-j: the value is specified in json format.",
    .co_run = co_qom_set,
};
