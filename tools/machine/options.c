/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that users of QEMU give, and what they mean here. */
#include "tools/machine/options.h"

#include "tools/machine/config.h"
#include "util/error.h"

typedef struct Known {
    const char *name;
    bool has_argument;
    MachineOptionKind kind;
} Known;

static const Known known[] = {
    {"h", false, MOPT_HELP},
    {"help", false, MOPT_HELP},
    {"version", false, MOPT_VERSION},
    {"machine", true, MOPT_MACHINE},
    {"M", true, MOPT_MACHINE},
    {"accel", true, MOPT_ACCEL},
    {"enable-kvm", false, MOPT_KVM},
    {"display", true, MOPT_DISPLAY},
    {"m", true, MOPT_MEMORY},
    {"nodefaults", false, MOPT_NODEFAULTS},
    {"nographic", false, MOPT_NOGRAPHIC},
    {"S", false, MOPT_STOPPED},
    {"snapshot", false, MOPT_SNAPSHOT},
    {"add-fd", true, MOPT_ADD_FD},
    {"trace", true, MOPT_TRACE},
    {"D", true, MOPT_LOG_FILE},
    {"object", true, MOPT_OBJECT},
    {"chardev", true, MOPT_CHARDEV},
    {"blockdev", true, MOPT_BLOCKDEV},
    {"drive", true, MOPT_DRIVE},
    {"hda", true, MOPT_HARD_DISK},
    {"hdb", true, MOPT_HARD_DISK},
    {"hdc", true, MOPT_HARD_DISK},
    {"hdd", true, MOPT_HARD_DISK},
    {"cdrom", true, MOPT_CDROM},
    {"fda", true, MOPT_FLOPPY},
    {"fdb", true, MOPT_FLOPPY},
    {"sd", true, MOPT_IF_DRIVE},
    {"pflash", true, MOPT_IF_DRIVE},
    {"mtdblock", true, MOPT_IF_DRIVE},
    {"mon", true, MOPT_MON},
    {"monitor", true, MOPT_MONITOR},
    {"qmp", true, MOPT_QMP},
    {"qmp-pretty", true, MOPT_QMP_PRETTY},
    {"serial", true, MOPT_SERIAL},
    {"parallel", true, MOPT_SERIAL},
    {"qtest", true, MOPT_QTEST},
    {"qtest-log", true, MOPT_IGNORED},
    {"device", true, MOPT_DEVICE},
    {"incoming", true, MOPT_INCOMING},
    {"no-shutdown", false, MOPT_NO_SHUTDOWN},
    {"no-reboot", false, MOPT_NO_REBOOT},
    {"pidfile", true, MOPT_PIDFILE},
    {"daemonize", false, MOPT_DAEMONIZE},
    {"name", true, MOPT_NAME},
    {"uuid", true, MOPT_UUID},
    {"preconfig", false, MOPT_IGNORED},
    {"no-user-config", false, MOPT_IGNORED},
    {"no-hpet", false, MOPT_IGNORED},
    {"no-acpi", false, MOPT_IGNORED},
    {"no-fd-bootchk", false, MOPT_IGNORED},
    {"only-migratable", false, MOPT_IGNORED},
    {"usb", false, MOPT_USB},
    {"vga", true, MOPT_WORDS},
    {"cpu", true, MOPT_CPU},
    {"smp", true, MOPT_SMP},
    {"numa", true, MOPT_IGNORED},
    {"global", true, MOPT_WORDS},
    {"rtc", true, MOPT_WORDS},
    {"boot", true, MOPT_WORDS},
    {"fw_cfg", true, MOPT_IGNORED},
    {"acpitable", true, MOPT_IGNORED},
    {"option-rom", true, MOPT_IGNORED},
    {"debugcon", true, MOPT_IGNORED},
    {"dfilter", true, MOPT_IGNORED},
    {"echr", true, MOPT_IGNORED},
    {"rotate", true, MOPT_IGNORED},
    {"portrait", false, MOPT_IGNORED},
    {"full-screen", false, MOPT_IGNORED},
    {"singlestep", false, MOPT_IGNORED},
    {"win2k-hack", false, MOPT_IGNORED},
    {"async-teardown", false, MOPT_IGNORED},
    {"enable-sync-profile", false, MOPT_IGNORED},
    {"k", true, MOPT_IGNORED},
    {"d", true, MOPT_IGNORED},
    {"msg", true, MOPT_MESSAGES},
    {"icount", true, MOPT_WORDS},
    {"net", true, MOPT_IGNORED},
    {"nic", true, MOPT_IGNORED},
    {"netdev", true, MOPT_NETDEV},
    {"smbios", true, MOPT_IGNORED},
    {"overcommit", true, MOPT_WORDS},
    {"sandbox", true, MOPT_WORDS},
    {"action", true, MOPT_ACTION},
    {"compat", true, MOPT_IGNORED},
    {"audio", true, MOPT_IGNORED},
    {"audiodev", true, MOPT_IGNORED},
    {"L", true, MOPT_IGNORED},
    {"bios", true, MOPT_IGNORED},
    {"mem-path", true, MOPT_IGNORED},
    {"mem-prealloc", false, MOPT_IGNORED},
    {"seed", true, MOPT_SEED},
    {"watchdog-action", true, MOPT_WATCHDOG},
    {"kernel", true, MOPT_GUEST_ONLY},
    {"initrd", true, MOPT_GUEST_ONLY},
    {"append", true, MOPT_GUEST_ONLY},
    {"dtb", true, MOPT_GUEST_ONLY},
    {"loadvm", true, MOPT_LOADVM},
    {"vnc", true, MOPT_GUEST_ONLY},
    {"spice", true, MOPT_GUEST_ONLY},
    {"gdb", true, MOPT_REFUSED},
    {"s", false, MOPT_REFUSED},
    {"virtfs", true, MOPT_REFUSED},
    {"fsdev", true, MOPT_REFUSED},
    {"tpmdev", true, MOPT_REFUSED},
    {"usbdevice", true, MOPT_REFUSED},
    {"readconfig", true, MOPT_READ_CONFIG},
    {"set", true, MOPT_SET},
    {"iscsi", true, MOPT_GUEST_ONLY},
    {"chroot", true, MOPT_REFUSED},
    {"runas", true, MOPT_REFUSED},
    {"plugin", true, MOPT_REFUSED},
    {"dump-vmstate", true, MOPT_REFUSED},
    {"audio-help", false, MOPT_REFUSED},
    {"xen-domid", true, MOPT_REFUSED},
    {"xen-attach", false, MOPT_REFUSED},
    {"xen-domid-restrict", false, MOPT_REFUSED},
};

static void option_free(void *opaque)
{
    MachineOption *option = opaque;

    g_free(option->name);
    g_free(option->shown);
    g_free(option->text);
    g_free(option);
}

static const Known *find(const char *word)
{
    /* Two dashes are as good as one. */
    const char *name = word + 1 + (word[1] == '-');

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (!strcmp(known[i].name, name)) {
            return &known[i];
        }
    }
    return NULL;
}

static void add(GPtrArray *list, MachineOptionKind kind, const char *name,
                const char *word, const char *text)
{
    MachineOption *option = g_new0(MachineOption, 1);

    option->kind = kind;
    option->name = g_strdup(name);
    option->text = g_strdup(text);
    option->shown = text && text != word ? g_strdup_printf("%s %s", word, text)
                                         : g_strdup(word);
    g_ptr_array_add(list, option);
}

static void option_show(MachineOption *option, const char *place)
{
    g_free(option->shown);
    option->shown = g_strdup(place);
}

/* Says that @word is an option that this machine does not have. */
static void set_refusal(Error **errp, const char *word)
{
    error_set(errp,
              "%s: this machine has no guest: the option is not supported",
              word);
}

/* From a file: it is shown by its place there. */
static bool add_read(void *opaque, const char *name, const char *text,
                     const char *place, Error **errp)
{
    g_autofree char *word = g_strconcat("-", name, NULL);
    const Known *k = find(word);
    GPtrArray *list = opaque;

    if (k->kind == MOPT_REFUSED) {
        set_refusal(errp, word);
        error_prepend(errp, "%s: ", place);
        return false;
    }
    add(list, k->kind, k->name, place, text);
    option_show(list->pdata[list->len - 1], place);
    return true;
}

static bool take_config(GPtrArray *list, MachineOptionKind kind,
                        const char *word, const char *text)
{
    Error *err = NULL;
    bool ok = kind == MOPT_SET ? config_set(list, text, &err)
                               : config_read(text, add_read, list, &err);

    if (!ok) {
        error_prepend(&err, "%s %s: ", word, text);
        error_report_err(err);
    }
    return ok;
}

/* Takes the option at argv[*@i] with its argument; false: it was said why
 * not. */
static bool take(GPtrArray *list, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *text = NULL;
    Error *err = NULL;
    const Known *k;

    if (*word != '-') {
        add(list, MOPT_HARD_DISK, "", word, word);
        return true;
    }
    k = find(word);
    if (!k) {
        error_report("%s: invalid option", word);
        return false;
    }
    if (k->has_argument) {
        if (++*i >= argc) {
            error_report("%s: requires an argument", word);
            return false;
        }
        text = argv[*i];
    }
    if (k->kind == MOPT_REFUSED) {
        set_refusal(&err, word);
        error_report_err(err);
        return false;
    }
    if (k->kind == MOPT_SET || k->kind == MOPT_READ_CONFIG) {
        return take_config(list, k->kind, word, text);
    }
    add(list, k->kind, k->name, word, text);
    return true;
}

GPtrArray *machine_options_parse(int argc, char **argv)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(option_free);

    for (int i = 1; i < argc; i++) {
        if (!take(list, argc, argv, &i)) {
            g_ptr_array_unref(list);
            return NULL;
        }
    }
    return list;
}
