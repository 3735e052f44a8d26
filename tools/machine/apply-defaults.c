/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine has without being told, unless the command line has one of
 * that kind: drives, ports, a screen, a network card. The last three are only
 * counted: disks are named by their place among the machine's parts.
 */
#include "devices/about.h"
#include "devices/board.h"
#include "tools/machine/apply.h"
#include "util/json/json-parse.h"
#include "util/opts.h"

#define PORTS_MAX 4

typedef enum Default {
    DEFAULT_CDROM = 1 << 0,
    DEFAULT_FLOPPY = 1 << 1,
    DEFAULT_SD = 1 << 2,
    DEFAULT_SERIAL = 1 << 3,
    DEFAULT_PARALLEL = 1 << 4,
    DEFAULT_SCREEN = 1 << 5,
    DEFAULT_NETWORK = 1 << 6,
    DEFAULT_ALL = (1 << 7) - 1,
} Default;

/* Who names one of these, in -device or -global, wants no other. */
static const struct {
    const char *driver;
    Default instead_of;
} instead[] = {
    {"isa-serial", DEFAULT_SERIAL},    {"isa-parallel", DEFAULT_PARALLEL},
    {"isa-fdc", DEFAULT_FLOPPY},       {"floppy", DEFAULT_FLOPPY},
    {"ide-cd", DEFAULT_CDROM},         {"ide-hd", DEFAULT_CDROM},
    {"scsi-cd", DEFAULT_CDROM},        {"scsi-hd", DEFAULT_CDROM},
    {"VGA", DEFAULT_SCREEN},           {"isa-vga", DEFAULT_SCREEN},
    {"cirrus-vga", DEFAULT_SCREEN},    {"isa-cirrus-vga", DEFAULT_SCREEN},
    {"qxl-vga", DEFAULT_SCREEN},       {"virtio-vga", DEFAULT_SCREEN},
    {"vmware-svga", DEFAULT_SCREEN},   {"ati-vga", DEFAULT_SCREEN},
    {"virtio-vga-gl", DEFAULT_SCREEN},
};

/* What -device or -global names; owned, NULL: it cannot be told. */
static char *driver_of(const MachineOption *option)
{
    Opts *opts;
    char *driver;

    if (*option->text == '{') {
        json_object *json = json_parse_string(option->text, NULL);
        json_object *value = json_object_object_get(json, "driver");

        driver = g_strdup(value ? json_object_get_string(value) : NULL);
        json_object_put(json);
        return driver;
    }
    opts = opts_parse(option->text, "driver", NULL);
    driver = opts_take(opts, "driver");
    opts_free(opts);
    if (!driver && !strcmp(option->name, "global")) {
        /* "DRIVER.PROPERTY=VALUE" */
        driver = g_strndup(option->text, strcspn(option->text, ".,="));
    }
    return driver;
}

static unsigned replaced_by(const MachineOption *option)
{
    g_autofree char *driver = driver_of(option);

    for (size_t i = 0; driver && i < ARRAY_SIZE(instead); i++) {
        if (!strcmp(instead[i].driver, driver)) {
            return instead[i].instead_of;
        }
    }
    return 0;
}

/* The defaults that @option does away with. */
static unsigned done_away(const MachineOption *option)
{
    const char *name = option->name;

    return !strcmp(name, "nodefaults") ? DEFAULT_ALL
           : !strcmp(name, "serial")   ? DEFAULT_SERIAL
           : !strcmp(name, "parallel") ? DEFAULT_PARALLEL
           : !strcmp(name, "vga")      ? DEFAULT_SCREEN
           : !strcmp(name, "net") || !strcmp(name, "nic") ||
                   !strcmp(name, "netdev")
               ? DEFAULT_NETWORK
           : option->kind == MOPT_DEVICE || !strcmp(name, "global")
               ? replaced_by(option)
               : 0;
}

static unsigned defaults_of(const Apply *apply)
{
    unsigned defaults = DEFAULT_ALL;

    for (guint i = 0; i < apply->options->len; i++) {
        defaults &= ~done_away(apply->options->pdata[i]);
    }
    return defaults;
}

/* --- parts that stand before the disks ----------------------------------- */

/* How many of -@name there are that are not "none". */
static unsigned count(const Apply *apply, const char *name)
{
    unsigned n = 0;

    for (guint i = 0; i < apply->options->len; i++) {
        const MachineOption *option = apply->options->pdata[i];

        n += !strcmp(option->name, name) &&
             (!option->text || strcmp(option->text, "none") != 0);
    }
    return n;
}

/* "-net nic" brings a card, other words of -net do not. */
static unsigned count_cards(const Apply *apply)
{
    unsigned n = count(apply, "nic");

    for (guint i = 0; i < apply->options->len; i++) {
        const MachineOption *option = apply->options->pdata[i];

        n += !strcmp(option->name, "net") &&
             g_str_has_prefix(option->text, "nic");
    }
    return n;
}

/* The PC with PCI only has its screen and its cards later than its disks. */
CONTROL_ONLY
static void count_parts(const Apply *apply, unsigned defaults)
{
    bool late_screen = board_chosen()->no_floppy;
    int early = MIN(count(apply, "serial"), PORTS_MAX) +
                count(apply, "parallel") + !!(defaults & DEFAULT_SERIAL) +
                !!(defaults & DEFAULT_PARALLEL) + machine_cpus() - 1;
    unsigned late = count_cards(apply) + !!(defaults & DEFAULT_NETWORK);

    if (board_chosen()->pci_bus && count(apply, "no-hpet")) {
        early--;
    }
    if (!late_screen) {
        early += !!count(apply, "vga") || (defaults & DEFAULT_SCREEN);
    }
    board_count_parts(early, late_screen ? 0 : late);
}

/* --- making -------------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_default_drive(Apply *apply,
                                                         const char *words)
{
    Opts *opts = opts_parse(words, NULL, NULL);
    Error *err = NULL;
    Drive *drive = co_drive_new(opts, &apply->drives, &err);

    if (drive && drive->interface == DRIVE_IF_SD) {
        drive->claimed = true; /* for who plugs in a card reader */
    }
    /* That somebody has taken the place is fine. */
    error_free(err);
    opts_free(opts);
}

COROUTINE_ONLY CONTROL_ONLY static bool co_default_port(const char *id,
                                                        Error **errp)
{
    Chardev *chr;

    return co_machine_channel("vc", id, &chr, errp) && chardev_claim(chr, errp);
}

bool co_default_parts(Apply *apply, Error **errp)
{
    const Board *board = board_chosen();
    unsigned defaults = defaults_of(apply);

    count_parts(apply, defaults);
    if (board->has_ide && (defaults & DEFAULT_CDROM)) {
        co_default_drive(apply, "if=ide,index=2,media=cdrom");
    }
    if (board->has_ide && !board->no_floppy && (defaults & DEFAULT_FLOPPY)) {
        co_default_drive(apply, "if=floppy,index=0");
    }
    if (board->has_isa && (defaults & DEFAULT_SD)) {
        co_default_drive(apply, "if=sd,index=0");
    }
    return !board->has_isa || ((!(defaults & DEFAULT_SERIAL) ||
                                co_default_port("serial0", errp)) &&
                               (!(defaults & DEFAULT_PARALLEL) ||
                                co_default_port("parallel0", errp)));
}
