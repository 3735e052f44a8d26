/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the largest model of processors has and has not, as a program is told
 * that wants to choose one: nothing here runs. */
#include <json-c/json.h>

#include "devices/cpu.h"
#include "objects/qom-types.h"
#include "qapi/qapi-commands.h"

static const char has[] =
    "3dnow 3dnowext abm acpi adx aes apic arat avx avx2 bmi1 bmi2 clflush "
    "clflushopt clwb cmov cr8legacy cx16 cx8 de erms f16c fma fpu fsgsbase "
    "fxsr hypervisor la57 lahf-lm lm mca mce mmx mmxext monitor movbe mpx msr "
    "mtrr npt nx pae pat pclmulqdq pcommit pdpe1gb pge pks pku pni popcnt pse "
    "pse36 rdrand rdtscp sep smap smep ss sse sse2 sse4.1 sse4.2 sse4a ssse3 "
    "svm svme-addr-chk syscall tsc umip vaes vgif xgetbv1 xsave xsaveopt";

static const char has_not[] =
    "3dnowprefetch ace2 ace2-en amd-no-ssb amd-ssbd amd-stibp amx-bf16 "
    "amx-int8 amx-tile arch-capabilities arch-lbr avic avx-vnni avx512-4fmaps "
    "avx512-4vnniw avx512-bf16 avx512-fp16 avx512-vp2intersect "
    "avx512-vpopcntdq avx512bitalg avx512bw avx512cd avx512dq avx512er "
    "avx512f avx512ifma avx512pf avx512vbmi avx512vbmi2 avx512vl avx512vnni "
    "bus-lock-detect cid cldemote clzero cmp-legacy core-capability dca "
    "decodeassists ds ds-cpl dtes64 est extapic flushbyasid fma4 fsrm "
    "full-width-write fxsr-opt gfni hle ht ia64 ibpb ibrs ibrs-all ibs "
    "intel-pt intel-pt-lip invpcid invtsc kvm-asyncpf kvm-asyncpf-int "
    "kvm-hint-dedicated kvm-mmu kvm-msi-ext-dest-id kvm-nopiodelay "
    "kvm-poll-control kvm-pv-eoi kvm-pv-ipi kvm-pv-sched-yield "
    "kvm-pv-tlb-flush kvm-pv-unhalt kvm-steal-time kvmclock "
    "kvmclock-stable-bit lbrv lmce lwp md-clear mds-no misalignsse movdir64b "
    "movdiri nodeid-msr nrip-save osvw pause-filter pbe pcid pdcm "
    "perfctr-core perfctr-nb pfthreshold phe phe-en pmm pmm-en pn "
    "pschange-mc-no rdctl-no rdpid rdseed rsba rtm serialize sgx sgx-debug "
    "sgx-exinfo sgx-kss sgx-mode64 sgx-provisionkey sgx-tokenkey sgx1 sgx2 "
    "sgxlc sha-ni skinit skip-l1dfl-vmentry smx spec-ctrl split-lock-detect "
    "ssb-no ssbd stibp svm-lock taa-no tbm tce tm tm2 topoext tsc-adjust "
    "tsc-deadline tsc-scale tsx-ctrl tsx-ldtrk v-vmsave-vmload virt-ssbd "
    "vmcb-clean vme vmx vmx-activity-hlt vmx-activity-shutdown "
    "vmx-activity-wait-sipi vmx-apicv-register vmx-apicv-vid vmx-apicv-x2apic "
    "vmx-apicv-xapic vmx-cr3-load-noexit vmx-cr3-store-noexit "
    "vmx-cr8-load-exit vmx-cr8-store-exit vmx-desc-exit vmx-encls-exit "
    "vmx-entry-ia32e-mode vmx-entry-load-bndcfgs vmx-entry-load-efer "
    "vmx-entry-load-pat vmx-entry-load-perf-global-ctrl vmx-entry-load-pkrs "
    "vmx-entry-load-rtit-ctl vmx-entry-noload-debugctl vmx-ept vmx-ept-1gb "
    "vmx-ept-2mb vmx-ept-advanced-exitinfo vmx-ept-execonly vmx-eptad "
    "vmx-eptp-switching vmx-exit-ack-intr vmx-exit-clear-bndcfgs "
    "vmx-exit-clear-rtit-ctl vmx-exit-load-efer vmx-exit-load-pat "
    "vmx-exit-load-perf-global-ctrl vmx-exit-load-pkrs "
    "vmx-exit-nosave-debugctl vmx-exit-save-efer vmx-exit-save-pat "
    "vmx-exit-save-preemption-timer vmx-flexpriority vmx-hlt-exit "
    "vmx-ins-outs vmx-intr-exit vmx-invept vmx-invept-all-context "
    "vmx-invept-single-context vmx-invept-single-context-noglobals "
    "vmx-invlpg-exit vmx-invpcid-exit vmx-invvpid vmx-invvpid-all-context "
    "vmx-invvpid-single-addr vmx-io-bitmap vmx-io-exit vmx-monitor-exit "
    "vmx-movdr-exit vmx-msr-bitmap vmx-mtf vmx-mwait-exit vmx-nmi-exit "
    "vmx-page-walk-4 vmx-page-walk-5 vmx-pause-exit vmx-ple vmx-pml "
    "vmx-posted-intr vmx-preemption-timer vmx-rdpmc-exit vmx-rdrand-exit "
    "vmx-rdseed-exit vmx-rdtsc-exit vmx-rdtscp-exit vmx-secondary-ctls "
    "vmx-shadow-vmcs vmx-store-lma vmx-true-ctls vmx-tsc-offset "
    "vmx-tsc-scaling vmx-unrestricted-guest vmx-vintr-pending vmx-vmfunc "
    "vmx-vmwrite-vmexit-fields vmx-vnmi vmx-vnmi-pending vmx-vpid "
    "vmx-wbinvd-exit vmx-xsaves vmx-zero-len-inject vpclmulqdq waitpkg "
    "wbnoinvd wdt x2apic xcrypt xcrypt-en xfd xop xsavec xsaveerptr xsaves "
    "xstore xstore-en xtpr";

/* What else is on or off in a processor's object. */
static const char switches[] =
    "check cmp_legacy cpuid-0xb ds_cpl enforce ffxsr fill-mtrr-mask "
    "full-cpuid-auto-level fxsr_opt host-phys-bits hv-apicv hv-avic hv-crash "
    "hv-emsr-bitmap hv-enforce-cpuid hv-evmcs hv-frequencies hv-ipi "
    "hv-passthrough hv-reenlightenment hv-relaxed hv-reset hv-runtime "
    "hv-stimer hv-stimer-direct hv-syndbg hv-synic hv-time hv-tlbflush "
    "hv-tlbflush-direct hv-tlbflush-ext hv-vapic hv-vpindex hv-xmm-input i64 "
    "kvm kvm-no-smi-migration kvm-pv-enforce-cpuid kvm_asyncpf "
    "kvm_asyncpf_int kvm_mmu kvm_nopiodelay kvm_poll_control kvm_pv_eoi "
    "kvm_pv_unhalt kvm_steal_time l3-cache lahf_lm legacy-cache nodeid_msr "
    "nrip_save pause_filter pclmuldq perfctr_core perfctr_nb pmu sse3 sse4-1 "
    "sse4-2 sse4_1 sse4_2 start-powered-off svm_lock tcg-cpuid tsc_adjust "
    "tsc_scale vmcb_clean vmware-cpuid-freq x-force-features "
    "x-hv-synic-kvm-only x-intel-pt-auto-level x-migrate-smi-count "
    "x-vendor-cpuid-only xd";

/* What is on in the one that machines have. */
static const char on[] =
    "apic check clflush cmov cpuid-0xb cx16 cx8 de fill-mtrr-mask fpu "
    "full-cpuid-auto-level fxsr hypervisor i64 kvm l3-cache lahf-lm lahf_lm "
    "legacy-cache lm mca mce mmx msr mtrr nx pae pat pge pni pse pse36 sep "
    "sse sse2 sse3 svm syscall tcg-cpuid tsc vmware-cpuid-freq "
    "x-intel-pt-auto-level x-migrate-smi-count x-vendor-cpuid-only xd";

static void add_all(json_object *props, const char *words, bool value)
{
    g_auto(GStrv) names = g_strsplit(words, " ", -1);

    for (char **name = names; *name; name++) {
        json_object_object_add(props, *name, json_object_new_boolean(value));
    }
}

static void add_identity(json_object *props)
{
    json_object_object_add(props, "family", json_object_new_int(15));
    json_object_object_add(props, "model", json_object_new_int(107));
    json_object_object_add(props, "stepping", json_object_new_int(1));
    json_object_object_add(props, "min-level", json_object_new_int(13));
    json_object_object_add(props, "min-xlevel",
                           json_object_new_int64(INT64_C(0x8000000a)));
    json_object_object_add(props, "vendor",
                           json_object_new_string("AuthenticAMD"));
    json_object_object_add(props, "model-id",
                           json_object_new_string("QEMU TCG CPU version 2.5+"));
}

static void add_flags(ObjectPropertyInfoList *list, const char *words)
{
    g_auto(GStrv) names = g_strsplit(words, " ", -1);

    for (char **name = names; *name; name++) {
        qom_info_add(list, *name, "bool");
    }
}

void cpu_switches_add(ObjectPropertyInfoList *list)
{
    add_flags(list, has);
    add_flags(list, has_not);
    add_flags(list, switches);
}

static bool is_word_of(const char *words, const char *name)
{
    g_auto(GStrv) names = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)names, name);
}

bool cpu_switch_get(const char *name, bool *value)
{
    *value = is_word_of(on, name);
    return *value || is_word_of(has, name) || is_word_of(has_not, name) ||
           is_word_of(switches, name);
}

bool cpu_is_largest(const char *name)
{
    static const char *const largest[] = {"max", "host", "max-x86_64-cpu",
                                          "host-x86_64-cpu", NULL};

    return g_strv_contains(largest, name);
}

CpuModelExpansionInfo *
qmp_query_cpu_model_expansion(const QmpQueryCpuModelExpansionArgs *args,
                              Error **errp)
{
    const char *name = args->model->name;
    CpuModelExpansionInfo *info;

    if (!cpu_model_exists(name)) {
        error_set(errp, "CPU model '%s' not found", name);
        return NULL;
    }
    info = g_new0(CpuModelExpansionInfo, 1);
    info->model = g_new0(CpuModelInfo, 1);
    info->model->name =
        g_strdup(args->type == CPU_MODEL_EXPANSION_TYPE_STATIC ? "base" : name);
    info->model->props = json_object_new_object();
    if (cpu_is_largest(name)) {
        add_all(info->model->props, has, true);
        add_all(info->model->props, has_not, false);
        add_identity(info->model->props);
    }
    return info;
}
