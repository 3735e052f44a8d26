/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qom-list-types and qom-list-properties know of machines, processors
 * and devices. */
#include "devices/board.h"
#include "devices/cpu.h"
#include "devices/device.h"
#include "devices/model.h"
#include "objects/qom-types.h"
#include "util/opts.h"

/* What -accel takes, although none of them does anything. */
static const char *const accels[] = {"kvm-accel", "qtest-accel", "tcg-accel"};

/* "NAME:TYPE" of what all machines have, then of those with buses. */
static const char machine_properties[] =
    "append:string boot:BootConfiguration "
    "confidential-guest-support:link<confidential-guest-support> "
    "dt-compatible:string dtb:string dump-guest-core:bool dumpdtb:string "
    "firmware:string graphics:bool initrd:string kernel:string mem-merge:bool "
    "memory:MemorySizeConfiguration memory-backend:link<memory-backend> "
    "memory-encryption:string peripheral:child<container> "
    "peripheral-anon:child<container> phandle-start:int smp:SMPConfiguration "
    "suppress-vmdesc:bool usb:bool";
static const char board_properties[] =
    "acpi:OnOffAuto bus-lock-ratelimit:uint64_t cxl:bool "
    "cxl-fmw:CXLFixedMemoryWindow default-bus-bypass-iommu:bool "
    "device-memory-region-size:int hmat:bool hpet:bool i8042:bool "
    "max-fw-size:size max-ram-below-4g:size nvdimm:bool "
    "nvdimm-persistence:string pcspk-audiodev:str pflash0:str pflash1:str "
    "pic:OnOffAuto pit:OnOffAuto sata:bool sgx-epc:SgxEPC smbus:bool "
    "smbios-entry-point-type:str smm:OnOffAuto vmport:OnOffAuto "
    "system.flash0:child<cfi.pflash01> system.flash1:child<cfi.pflash01> "
    "x-oem-id:string x-oem-table-id:string";
static const char cpu_properties[] =
    "apic-id:uint32 core-id:int32 crash-information:GuestPanicInformation "
    "die-id:int32 family:int feature-words:X86CPUFeatureWordInfo "
    "filtered-features:X86CPUFeatureWordInfo host-phys-bits-limit:uint8 "
    "hv-no-nonarch-coresharing:OnOffAuto hv-spinlocks:uint32 hv-vendor-id:str "
    "hv-version-id-build:uint32 hv-version-id-major:uint16 "
    "hv-version-id-minor:uint16 hv-version-id-sbranch:uint8 "
    "hv-version-id-snumber:uint32 hv-version-id-spack:uint32 lbr-fmt:uint64 "
    "lbr_fmt:uint64 legacy-memory:str level-func7:uint32 level:uint32 "
    "memory:link<memory-region> min-level:uint32 min-xlevel2:uint32 "
    "min-xlevel:uint32 model-id:string model:int node-id:int32 "
    "phys-bits:uint32 socket-id:int32 stepping:int thread-id:int32 "
    "tsc-frequency:int ucode-rev:uint64 unavailable-features:strList "
    "vendor:string x-hv-max-vps:int32 xlevel2:uint32 xlevel:uint32";
static const char device_properties[] =
    "parent_bus:link<bus> realized:bool hotplugged:bool hotpluggable:bool";

static const char *type_at(unsigned index, const char **parent)
{
    static const char *const parents[] = {"accel", "device", "machine",
                                          "x86_64-cpu"};
    const char *name;
    unsigned n;

    for (unsigned kind = 0; kind < ARRAY_SIZE(parents); kind++) {
        *parent = parents[kind];
        for (n = 0;; n++) {
            const DeviceModel *model = device_model_at(n);
            const Board *board = board_at(n);

            name = kind == 0   ? (n < ARRAY_SIZE(accels) ? accels[n] : NULL)
                   : kind == 1 ? (model ? model->name : NULL)
                   : kind == 2 ? (board ? board->type : NULL)
                               : cpu_type_at(n);
            if (!name || n == index) {
                break;
            }
        }
        if (name) {
            return name;
        }
        index -= n;
    }
    return NULL;
}

/* --- properties ---------------------------------------------------------- */

static void add_words(ObjectPropertyInfoList *list, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    for (char **word = words; *word; word++) {
        char *colon = strchr(*word, ':');

        *colon = '\0';
        qom_info_add(list, *word, colon + 1);
    }
}

static void add_model(ObjectPropertyInfoList *list, const DeviceModel *model)
{
    g_autoptr(GPtrArray) all = device_model_properties(model);

    add_words(list, device_properties);
    for (guint i = 0; i < all->len; i++) {
        const DeviceProperty *p = all->pdata[i];

        qom_info_add(list, p->name, p->type);
    }
}

static void properties_of(const char *type, ObjectPropertyInfoList *list)
{
    const DeviceModel *model = device_model_find(type);
    const Board *board;

    if (model) {
        add_model(list, model);
    } else if (g_str_has_suffix(type, "-cpu")) {
        add_words(list, device_properties);
        add_words(list, cpu_properties);
        cpu_switches_add(list);
        if (cpu_is_largest(type)) {
            add_words(list, "host-cache-info:bool migratable:bool");
        }
    }
    for (unsigned i = 0; (board = board_at(i)); i++) {
        if (!strcmp(board->type, type)) {
            add_words(list, machine_properties);
            if (board->pci_bus) {
                add_words(list, board_properties);
            }
        }
    }
}

/* --- values -------------------------------------------------------------- */

/* The kind of the property, or NULL; owned. */
static char *kind_of(const char *type, const char *name)
{
    ObjectPropertyInfoList *list = g_new0(ObjectPropertyInfoList, 1);
    char *kind = NULL;

    properties_of(type, list);
    for (size_t i = 0; i < list->n && !kind; i++) {
        if (!strcmp(list->v[i]->name, name)) {
            kind = g_strdup(list->v[i]->type);
        }
    }
    ObjectPropertyInfoList_free(list);
    return kind;
}

/* What a value of this kind has to be, if @value is not that. */
static const char *wanted(const char *kind, const char *value,
                          const char *integer)
{
    Opts *opts = opts_parse("", NULL, NULL);
    bool is_size = !strcmp(kind, "size"), ok = true;
    uint64_t number;

    opts_add(opts, "v", value);
    if (!strcmp(kind, "bool")) {
        ok = opts_bool_value(value) >= 0;
    } else if (is_size || strstr(kind, "int")) {
        ok = opts_take_number(opts, "v", is_size, &number, NULL);
    }
    opts_free(opts);
    return ok                      ? NULL
           : !strcmp(kind, "bool") ? "'on' or 'off'"
           : is_size               ? "size"
           : integer               ? integer
           : *kind == 'u'          ? "uint64"
                                   : "int64";
}

bool type_value_check(const char *type, const char *name, const char *value,
                      const char *integer, Error **errp)
{
    static const char *const choices[] = {"on", "off", "auto", NULL};
    g_autofree char *kind = kind_of(type, name);
    const char *want = kind ? wanted(kind, value, integer) : NULL;

    if (!kind) {
        error_set(errp, "Property '%s.%s' not found", type, name);
    } else if (want) {
        error_set(errp, "Parameter '%s' expects %s", name, want);
    } else if (!strcmp(kind, "OnOffAuto") && !g_strv_contains(choices, value)) {
        error_set(errp, "Parameter '%s' does not accept value '%s'", name,
                  value);
        want = kind;
    }
    return kind && !want;
}

void devices_init_types(void)
{
    qom_set_more_types(type_at, properties_of);
}
