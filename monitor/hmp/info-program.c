/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `info` tells of the program: types, events, numbers.
 */
#include "devices/model.h"
#include "monitor/hmp/commands.h"
#include "objects/qom-path.h"

static void co_info_qdm(Hmp *hmp, json_object *args)
{
    g_autoptr(GString) text = device_models_text();

    hmp_printf(hmp, "%s", text->str);
}

/* --- info qom-tree ------------------------------------------------------- */

/* The type that "child<TYPE>" names; NULL: it is no child. */
static char *child_type(json_object *property)
{
    const char *type = hmp_str(property, "type");

    return g_str_has_prefix(type, "child<")
               ? g_strndup(type + 6, strlen(type) - 7)
               : NULL;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    json_object *const *pa = a, *const *pb = b;

    return strcmp(hmp_str(*pa, "name"), hmp_str(*pb, "name"));
}

COROUTINE_ONLY CONTROL_ONLY static void
co_show_object(Hmp *hmp, const char *path, const char *name, const char *type,
               int indent)
{
    json_object *list = NULL;
    g_autoptr(GPtrArray) children = g_ptr_array_new();

    hmp_printf(hmp, "%*s/%s (%s)\n", indent, "", name, type);
    if (!co_hmp_try("qom-list", hmp_object("path", hmp_new_string(path), NULL),
                    &list, NULL)) {
        return;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        g_ptr_array_add(children, json_object_array_get_idx(list, i));
    }
    g_ptr_array_sort(children, compare_names);
    for (guint i = 0; i < children->len; i++) {
        const char *child = hmp_str(children->pdata[i], "name");
        g_autofree char *below = child_type(children->pdata[i]);
        g_autofree char *at =
            g_strconcat(path, path[1] ? "/" : "", child, NULL);

        if (below) {
            co_show_object(hmp, at, child, below, indent + 2);
        }
    }
    json_object_put(list);
}

COROUTINE_ONLY CONTROL_ONLY static void co_info_qom_tree(Hmp *hmp,
                                                         json_object *args)
{
    const char *path = hmp_str(args, "path"), *slash;
    QomPlace place;
    unsigned found;

    path = path ? path : "/machine";
    found = qom_path_resolve(path, &place);
    if (found > 1) {
        hmp_printf(hmp, "Path '%s' is ambiguous.\n", path);
    } else if (!found) {
        hmp_printf(hmp, "Path '%s' could not be resolved.\n", path);
    } else {
        slash = strrchr(path, '/');
        co_show_object(hmp, path, slash ? slash + 1 : path,
                       qom_place_type(&place), 0);
    }
}

/* --- numbers and events: there are none of a guest ----------------------- */

static void co_info_stats(Hmp *hmp, json_object *args)
{
    const char *target = hmp_str(args, "target");

    if (strcmp(target, "vm") && strcmp(target, "vcpu")) {
        hmp_printf(hmp, "invalid stats target %s\n", target);
    }
}

static void co_info_trace_events(Hmp *hmp, json_object *args)
{
    const char *name = hmp_str(args, "name");

    if (name && !strchr(name, '*')) {
        hmp_printf(hmp, "unknown event \"%s\"\n", name);
    }
}

const HmpCommand hmp_info_qdm = {
    .name = "qdm",
    .params = "",
    .help = "show qdev device model list",
    .co_run = co_info_qdm,
};

const HmpCommand hmp_info_qom_tree = {
    .name = "qom-tree",
    .args = {{"path", HMP_STRING, true}},
    .params = "[path]",
    .help = "show QOM composition tree",
    .co_run = co_info_qom_tree,
};

const HmpCommand hmp_info_stats = {
    .name = "stats",
    .args = {{"target", HMP_STRING},
             {"names", HMP_STRING, true},
             {"provider", HMP_STRING, true}},
    .params = "target [names] [provider]",
    .help = "show statistics for the given target (vm or vcpu); optionally "
            "filter byname (comma-separated list, or * for all) and provider",
    .co_run = co_info_stats,
};

const HmpCommand hmp_info_trace_events = {
    .name = "trace-events",
    .args = {{"name", HMP_STRING, true}, {"vcpu", HMP_INT, true}},
    .params = "[name] [vcpu]",
    .help = "show available trace-events & their state (name: event name "
            "pattern; vcpu: vCPU to query, default is any)",
    .co_run = co_info_trace_events,
};
