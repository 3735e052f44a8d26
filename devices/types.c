/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qom-list-types and qom-list-properties know of machines, processors
 * and devices. */
#include "devices/board.h"
#include "devices/cpu.h"
#include "devices/device.h"
#include "devices/model.h"
#include "objects/qom-types.h"

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
    "default-bus-bypass-iommu:bool hmat:bool hpet:bool i8042:bool "
    "max-fw-size:size max-ram-below-4g:size nvdimm:bool "
    "nvdimm-persistence:string pcspk-audiodev:str pflash0:str pflash1:str "
    "pic:OnOffAuto pit:OnOffAuto sata:bool sgx-epc:SgxEPC smbus:bool "
    "smbios-entry-point-type:str smm:OnOffAuto vmport:OnOffAuto "
    "x-oem-id:string x-oem-table-id:string";
static const char cpu_properties[] =
    "apic-id:uint32 check:bool core-id:int32 die-id:int32 enforce:bool "
    "feature-words:X86CPUFeatureWordInfo "
    "filtered-features:X86CPUFeatureWordInfo full-cpuid-auto-level:bool "
    "host-cache-info:bool host-phys-bits:bool host-phys-bits-limit:uint8 "
    "hv-passthrough:bool hv-relaxed:bool hv-spinlocks:uint32 hv-vapic:bool "
    "hv-vendor-id:str kvm:bool l3-cache:bool level:uint32 migratable:bool "
    "node-id:int32 phys-bits:uint32 pmu:bool socket-id:int32 "
    "tcg-cpuid:bool thread-id:int32 tsc-frequency:int "
    "unavailable-features:strList xlevel:uint32";
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
        cpu_features_add(list);
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

void devices_init_types(void)
{
    qom_set_more_types(type_at, properties_of);
}
