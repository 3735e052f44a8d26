/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding models and their properties; help on them. */
#include "devices/model.h"

#include <stdio.h>

static const DeviceModel *const tables[] = {
    device_models_disk, device_models_asked, device_models_plain};

static bool is_called(const DeviceModel *model, const char *name)
{
    return !strcmp(model->name, name) ||
           (model->alias && !strcmp(model->alias, name)) ||
           /* What the buses of other machines call it. */
           (model->alias && g_str_has_suffix(name, "-ccw") &&
            strlen(name) == strlen(model->alias) + 4 &&
            g_str_has_prefix(name, model->alias));
}

const DeviceModel *device_model_at(unsigned index)
{
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        for (const DeviceModel *m = tables[t]; m->name; m++) {
            if (index-- == 0) {
                return m;
            }
        }
    }
    return NULL;
}

const DeviceModel *device_model_find(const char *name)
{
    const DeviceModel *model;

    for (unsigned i = 0; (model = device_model_at(i)); i++) {
        if (is_called(model, name)) {
            return model;
        }
    }
    return NULL;
}

const DeviceProperty *device_model_property(const DeviceModel *model,
                                            const char *name)
{
    for (size_t i = 0; i < DEVICE_SETS_MAX && model->sets[i]; i++) {
        for (const DeviceProperty *p = model->sets[i]; p->name; p++) {
            if (!strcmp(p->name, name)) {
                return p;
            }
        }
    }
    return NULL;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    const DeviceProperty *const *pa = a, *const *pb = b;

    return strcmp((*pa)->name, (*pb)->name);
}

GPtrArray *device_model_properties(const DeviceModel *model)
{
    GPtrArray *all = g_ptr_array_new();

    for (size_t i = 0; i < DEVICE_SETS_MAX && model->sets[i]; i++) {
        for (const DeviceProperty *p = model->sets[i]; p->name; p++) {
            g_ptr_array_add(all, (gpointer)p);
        }
    }
    g_ptr_array_sort(all, compare_names);
    return all;
}

const char *device_model_owner(const DeviceModel *model, const char *property)
{
    return model->inner_type && !strcmp(property, "drive") ? model->inner_type
                                                           : model->name;
}

/* --- help ---------------------------------------------------------------- */

static void add_model(GString *text, const DeviceModel *model)
{
    g_string_append_printf(text, "name \"%s\"", model->name);
    if (model->bus) {
        g_string_append_printf(text, ", bus %s", model->bus);
    }
    if (model->alias) {
        g_string_append_printf(text, ", alias \"%s\"", model->alias);
    }
    if (model->text) {
        g_string_append_printf(text, ", desc \"%s\"", model->text);
    }
    g_string_append(text, "\n");
}

static gint compare_models(gconstpointer a, gconstpointer b)
{
    const DeviceModel *const *ma = a, *const *mb = b;

    return g_ascii_strcasecmp((*ma)->name, (*mb)->name);
}

static GPtrArray *models_of(DeviceCategory category)
{
    GPtrArray *all = g_ptr_array_new();
    const DeviceModel *model;

    for (unsigned i = 0; (model = device_model_at(i)); i++) {
        if (model->category == category && !model->only_asked) {
            g_ptr_array_add(all, (gpointer)model);
        }
    }
    g_ptr_array_sort(all, compare_models);
    return all;
}

GString *device_models_text(void)
{
    static const char *const titles[DEVICE_CATEGORY__MAX] = {
        [DEVICE_BRIDGE] = "Controller/Bridge/Hub",
        [DEVICE_USB] = "USB",
        [DEVICE_STORAGE] = "Storage",
        [DEVICE_NETWORK] = "Network",
        [DEVICE_INPUT] = "Input",
        [DEVICE_DISPLAY] = "Display",
        [DEVICE_SOUND] = "Sound",
        [DEVICE_MISC] = "Misc",
        [DEVICE_WATCHDOG] = "Watchdog",
        [DEVICE_OTHER] = "Uncategorized",
    };
    GString *text = g_string_new(NULL);

    for (unsigned category = 0; category < DEVICE_CATEGORY__MAX; category++) {
        g_autoptr(GPtrArray) models = models_of(category);

        g_string_append_printf(text, "%s%s devices:\n", category ? "\n" : "",
                               titles[category]);
        for (guint i = 0; i < models->len; i++) {
            add_model(text, models->pdata[i]);
        }
    }
    return text;
}

static void add_property(GString *text, const DeviceProperty *p)
{
    g_autofree char *head = g_strdup_printf("%s=<%s>", p->name, p->type);

    if (!p->text && !p->value) {
        g_string_append_printf(text, "  %s\n", head);
        return;
    }
    g_string_append_printf(text, "  %-22s - %s", head, p->text ? p->text : "");
    if (p->value) {
        g_string_append_printf(text, " (default: %s)", p->value);
    }
    g_string_append(text, "\n");
}

GString *device_model_properties_text(const DeviceModel *model)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GPtrArray) all = device_model_properties(model);

    if (!all->len) {
        g_string_append_printf(text, "There are no options for %s.\n",
                               model->name);
        return text;
    }
    g_string_append_printf(text, "%s options:\n", model->name);
    for (guint i = 0; i < all->len; i++) {
        add_property(text, all->pdata[i]);
    }
    return text;
}
