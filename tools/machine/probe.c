/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that only ask: what there is, and which version this is. */
#include <stdio.h>

#include "block/backend/drive.h"
#include "devices/board.h"
#include "devices/cpu.h"
#include "devices/model.h"
#include "qapi/qapi-types.h"
#include "tools/apply-text.h"
#include "tools/machine/machine.h"
#include "tools/object-option.h"
#include "util/opts.h"

static bool asks_help(const char *text, const char *implied, const char *key)
{
    Opts *opts = opts_parse(text, implied, NULL);
    const char *value = opts_get(opts, key);
    bool asked = value && (!strcmp(value, "help") || !strcmp(value, "?"));

    opts_free(opts);
    return asked;
}

static void print_version(void)
{
    printf("QEMU emulator version 7.2.22 (tidemark-%s)\n", TIDEMARK_VERSION);
}

static void print_cpus(void)
{
    const char *type;

    printf("Available CPUs:\n");
    for (unsigned i = 0; (type = cpu_type_at(i)); i++) {
        printf("x86 %.*s\n", (int)(strlen(type) - strlen("-x86_64-cpu")), type);
    }
}

static void print_drive_formats(void)
{
    g_autofree char *text = drive_formats_text();

    fputs(text, stdout);
}

/* "MODEL,help" as an item of its own. */
static bool wants_properties(const char *text)
{
    return g_str_has_suffix(text, ",help") || g_str_has_suffix(text, ",?");
}

static void print_text(GString *text)
{
    fputs(text->str, stdout);
    g_string_free(text, true);
}

static int probe_device(const char *text)
{
    g_autofree char *name = NULL;
    const DeviceModel *model;

    if (asks_help(text, "driver", "driver")) {
        print_text(device_models_text());
        return 0;
    }
    if (!wants_properties(text)) {
        return -1;
    }
    name = g_strndup(text, strcspn(text, ","));
    model = device_model_find(name);
    if (!model) {
        error_report("-device %s: Device '%s' not found", text, name);
        return 0; /* the answer to what was asked */
    }
    print_text(device_model_properties_text(model));
    return 0;
}

CONTROL_ONLY
static int probe_object(const MachineOption *option)
{
    Error *err = NULL;
    int ret = object_option_help(option->text, &err);

    if (ret < 0) {
        error_report("%s: %s", option->shown, error_text(err));
        error_free(err);
        return 1;
    }
    return ret ? 0 : -1;
}

CONTROL_ONLY
static int probe_one(const MachineOption *option)
{
    switch (option->kind) {
    case MOPT_HELP:
        machine_help();
        return 0;
    case MOPT_VERSION:
        print_version();
        return 0;
    case MOPT_MACHINE:
        if (asks_help(option->text, "type", "type")) {
            boards_print();
            return 0;
        }
        return -1;
    case MOPT_ACCEL:
        if (!strcmp(option->text, "help")) {
            puts("Accelerators supported in QEMU binary:\nqtest\ntcg");
            return 0;
        }
        return -1;
    case MOPT_OBJECT:
        return probe_object(option);
    case MOPT_CHARDEV:
        return apply_chardev_help(option->text) ? 0 : -1;
    case MOPT_DRIVE:
        if (asks_help(option->text, NULL, "format")) {
            print_drive_formats();
            return 0;
        }
        return -1;
    case MOPT_CPU:
        if (!strcmp(option->text, "help") || !strcmp(option->text, "?")) {
            print_cpus();
            return 0;
        }
        return -1;
    case MOPT_DEVICE:
        return *option->text == '{' ? -1 : probe_device(option->text);
    default:
        return -1;
    }
}

int machine_probe(const GPtrArray *options)
{
    for (guint i = 0; i < options->len; i++) {
        int code = probe_one(options->pdata[i]);

        if (code >= 0) {
            return code;
        }
    }
    return -1;
}
