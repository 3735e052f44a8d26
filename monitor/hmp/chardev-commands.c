/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of chardevs and of descriptors with names. */
#include "monitor/hmp/commands.h"
#include "qapi/qapi-types.h"
#include "util/json/json-keyval.h"

/* --- words of -chardev as what chardev-add takes ------------------------- */

static json_object *take(json_object *words, const char *name)
{
    json_object *value = NULL;

    if (json_object_object_get_ex(words, name, &value)) {
        json_object_get(value);
        json_object_object_del(words, name);
    }
    return value;
}

static json_object *take_bool(json_object *words, const char *name)
{
    json_object *word = take(words, name);
    const char *text = json_object_get_string(word);
    bool on = text && (!strcmp(text, "on") || !strcmp(text, "yes") ||
                       !strcmp(text, "true"));

    json_object_put(word);
    return text ? hmp_new_bool(on) : NULL;
}

static json_object *take_int(json_object *words, const char *name)
{
    json_object *word = take(words, name), *number;

    number = word ? hmp_new_int(json_object_get_int64(word)) : NULL;
    json_object_put(word);
    return number;
}

static json_object *address_of(json_object *words)
{
    json_object *path = take(words, "path"), *fd = take(words, "fd");
    const char *type = path ? "unix" : fd ? "fd" : "inet";
    json_object *data = path ? hmp_object("path", path, NULL)
                        : fd ? hmp_object("str", fd, NULL)
                             : hmp_object("host", take(words, "host"), "port",
                                          take(words, "port"), NULL);

    return hmp_object("type", hmp_new_string(type), "data", data, NULL);
}

static json_object *socket_data(json_object *words)
{
    json_object *server = take_bool(words, "server");
    bool listens = json_object_get_boolean(server);
    json_object *wait = take_bool(words, "wait");

    json_object_put(server);
    return hmp_object("addr", address_of(words), "server",
                      hmp_new_bool(listens), "wait",
                      wait      ? wait
                      : listens ? hmp_new_bool(true)
                                : NULL,
                      "nodelay", take_bool(words, "nodelay"), "reconnect",
                      take_int(words, "reconnect"), NULL);
}

static json_object *data_of(const char *kind, json_object *words)
{
    if (!strcmp(kind, "socket")) {
        return socket_data(words);
    }
    if (!strcmp(kind, "file")) {
        return hmp_object("out", take(words, "path"), "append",
                          take_bool(words, "append"), NULL);
    }
    return hmp_object("size", take_int(words, "size"), NULL);
}

/* NULL with @errp set. */
static json_object *backend_of(json_object *words, Error **errp)
{
    g_autofree char *kind = g_strdup(hmp_str(words, "backend"));
    ChardevBackendKind known;
    json_object *data;

    if (!kind || !ChardevBackendKind_parse(kind, &known)) {
        error_set(errp, "'%s' is not a valid char driver name",
                  kind ? kind : "");
        return NULL;
    }
    json_object_object_del(words, "backend");
    data = data_of(kind, words);
    json_object_object_foreach(words, key, value)
    {
        (void)value;
        error_set(errp, "Invalid parameter '%s'", key);
        json_object_put(data);
        return NULL;
    }
    return hmp_object("type", hmp_new_string(kind), "data", data, NULL);
}

COROUTINE_ONLY CONTROL_ONLY static void
co_make(Hmp *hmp, const char *command, const char *id, const char *text)
{
    Error *err = NULL;
    json_object *words = json_keyval_parse(text, "backend", NULL, &err);
    json_object *backend = NULL, *given = words ? take(words, "id") : NULL;
    g_autofree char *name = g_strdup(id ? id : json_object_get_string(given));

    if (words && !name) {
        error_set(&err, "chardev: no id specified");
    } else if (words) {
        backend = backend_of(words, &err);
    }
    if (backend) {
        co_hmp_try(
            command,
            hmp_object("id", hmp_new_string(name), "backend", backend, NULL),
            NULL, &err);
    }
    hmp_error(hmp, err);
    json_object_put(given);
    json_object_put(words);
}

/* --- chardevs ------------------------------------------------------------ */

COROUTINE_ONLY CONTROL_ONLY static void co_chardev_add(Hmp *hmp,
                                                       json_object *args)
{
    co_make(hmp, "chardev-add", NULL, hmp_str(args, "args"));
}

const HmpCommand hmp_chardev_add = {
    .name = "chardev-add",
    .args = {{"args", HMP_STRING}},
    .params = "args",
    .help = "add chardev",
    .co_run = co_chardev_add,
};

COROUTINE_ONLY CONTROL_ONLY static void co_chardev_change(Hmp *hmp,
                                                          json_object *args)
{
    co_make(hmp, "chardev-change", hmp_str(args, "id"), hmp_str(args, "args"));
}

const HmpCommand hmp_chardev_change = {
    .name = "chardev-change",
    .args = {{"id", HMP_STRING}, {"args", HMP_STRING}},
    .params = "id args",
    .help = "change chardev",
    .co_run = co_chardev_change,
};

const HmpCommand hmp_chardev_remove = {
    .name = "chardev-remove",
    .args = {{"id", HMP_STRING}},
    .params = "id",
    .help = "remove chardev",
    .qmp = "chardev-remove",
};

const HmpCommand hmp_chardev_send_break = {
    .name = "chardev-send-break",
    .args = {{"id", HMP_STRING}},
    .params = "id",
    .help = "send a break on chardev",
    .qmp = "chardev-send-break",
};

/* --- ring buffers -------------------------------------------------------- */

const HmpCommand hmp_ringbuf_write = {
    .name = "ringbuf_write",
    .args = {{"device", HMP_STRING}, {"data", HMP_STRING}},
    .params = "device data",
    .help = "Write to a ring buffer character device",
    .qmp = "ringbuf-write",
};

static void show_byte(Hmp *hmp, char c)
{
    if (c == '\\') {
        hmp_printf(hmp, "\\\\");
    } else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
        hmp_printf(hmp, "\\u%04X", c);
    } else {
        hmp_printf(hmp, "%c", c);
    }
}

COROUTINE_ONLY CONTROL_ONLY static void co_ringbuf_read(Hmp *hmp,
                                                        json_object *args)
{
    json_object *text = NULL;

    if (!co_hmp_call(hmp, "ringbuf-read", json_object_get(args), &text)) {
        return;
    }
    for (const char *p = json_object_get_string(text); *p; p++) {
        show_byte(hmp, *p);
    }
    hmp_printf(hmp, "\n");
    json_object_put(text);
}

const HmpCommand hmp_ringbuf_read = {
    .name = "ringbuf_read",
    .args = {{"device", HMP_STRING}, {"size", HMP_INT}},
    .params = "device size",
    .help = "Read from a ring buffer character device",
    .co_run = co_ringbuf_read,
};

/* --- descriptors --------------------------------------------------------- */

const HmpCommand hmp_getfd = {
    .name = "getfd",
    .args = {{"fdname", HMP_STRING}},
    .params = "getfd name",
    .help = "receive a file descriptor via SCM rights and assign it a name",
    .qmp = "getfd",
};

const HmpCommand hmp_closefd = {
    .name = "closefd",
    .args = {{"fdname", HMP_STRING}},
    .params = "closefd name",
    .help = "close a file descriptor previously passed via SCM rights",
    .qmp = "closefd",
};
