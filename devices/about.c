/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was said of the machine, and the queries that show it. */
#include "devices/about.h"

#include <unistd.h>

#include "devices/board.h"
#include "qapi/qapi-commands.h"
#include "util/opts.h"
#include "util/reactor/reactor.h"

/* CONTROL */
static About about = {.cpus = 1};

const About *machine_about(void)
{
    return &about;
}

/* The value of @key, or the first word if it has no key; owned. */
static char *take_word(const char *text, const char *key)
{
    Opts *opts = opts_parse(text, key, NULL);
    char *word = opts_take(opts, key);

    opts_free(opts);
    return word;
}

void about_set_name(const char *text)
{
    g_free(about.name);
    about.name = take_word(text, "guest");
}

bool about_set_uuid(const char *text, Error **errp)
{
    if (!g_uuid_string_is_valid(text)) {
        error_set(errp, "failed to parse UUID string: wrong format");
        return false;
    }
    g_free(about.uuid);
    about.uuid = g_ascii_strdown(text, -1);
    return true;
}

void about_set_memory(uint64_t bytes)
{
    about.memory_bytes = bytes;
}

/* How they lie is looked at, and of no effect. */
static bool cpu_words_ok(const char *text, Error **errp)
{
    static const char *const keys[] = {"cpus",     "sockets", "dies",
                                       "clusters", "cores",   "threads",
                                       "maxcpus",  NULL};
    Opts *opts = opts_parse(text, "cpus", NULL);
    bool ok = true;

    for (guint i = 0; ok && i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];
        char *end;

        if (!g_strv_contains(keys, opt->name)) {
            error_set(errp, "Parameter 'smp.%s' is unexpected", opt->name);
            ok = false;
            continue;
        }
        (void)g_ascii_strtoll(opt->value, &end, 10);
        ok = end != opt->value && !*end;
        if (!ok) {
            error_set(errp, "Parameter 'smp.%s' expects integer", opt->name);
        }
    }
    opts_free(opts);
    return ok;
}

bool about_set_cpus(const char *text, Error **errp)
{
    g_autofree char *word = take_word(text, "cpus");
    guint64 n = 1;

    if (!cpu_words_ok(text, errp)) {
        return false;
    }
    if (word &&
        !g_ascii_string_to_unsigned(word, 10, 0, UINT32_MAX, &n, NULL)) {
        error_set(errp, "Parameter 'smp.cpus' expects integer");
        return false;
    }
    if (!n) {
        warn_report("Deprecated CPU topology (considered invalid): CPU "
                    "topology parameters must be greater than zero");
        n = 1;
    }
    about.cpus = n;
    return true;
}

bool about_check_cpus(Error **errp)
{
    const Board *board = board_chosen();

    if (about.cpus > board->cpu_max) {
        error_set(errp,
                  "Invalid SMP CPUs %u. The max CPUs supported by machine "
                  "'%s' is %u",
                  about.cpus, board->name, board->cpu_max);
        return false;
    }
    return true;
}

void about_use_kvm(void)
{
    about.kvm = access("/dev/kvm", R_OK | W_OK) == 0;
}

unsigned machine_cpus(void)
{
    return board_chosen()->has_isa ? about.cpus : 0;
}

/* --- queries ------------------------------------------------------------- */

NameInfo *qmp_query_name(Error **errp)
{
    NameInfo *info = g_new0(NameInfo, 1);

    info->name = g_strdup(about.name);
    return info;
}

UuidInfo *qmp_query_uuid(Error **errp)
{
    UuidInfo *info = g_new0(UuidInfo, 1);

    info->UUID = g_strdup(about.uuid ? about.uuid
                                     : "00000000-0000-0000-0000-000000000000");
    return info;
}

uint64_t machine_memory_bytes(void)
{
    return about.memory_bytes ? about.memory_bytes
           : machine_cpus()   ? MEMORY_DEFAULT_BYTES
                              : 0;
}

MemoryInfo *qmp_query_memory_size_summary(Error **errp)
{
    MemoryInfo *info = g_new0(MemoryInfo, 1);

    info->base_memory = machine_memory_bytes();
    info->has_plugged_memory = true;
    return info;
}

CurrentMachineParams *qmp_query_current_machine(Error **errp)
{
    CurrentMachineParams *info = g_new0(CurrentMachineParams, 1);

    control_assert();
    info->wakeup_suspend_support = board_chosen()->pci_bus != NULL;
    return info;
}
