/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Models of processors, which run nothing: their names. */
#include "devices/cpu.h"
#include "qapi/qapi-commands.h"

typedef struct CpuModel {
    const char *name, *type;
    const char *alias_of; /* NULL: it is itself */
    bool deprecated;
} CpuModel;

#define MODEL(name) name, name "-x86_64-cpu"

static const CpuModel models[] = {
    {MODEL("max"), NULL, false},
    {MODEL("host"), NULL, false},
    {MODEL("base"), NULL, false},
    {MODEL("qemu64-v1"), NULL, false},
    {MODEL("qemu64"), "qemu64-v1", false},
    {MODEL("qemu32-v1"), NULL, false},
    {MODEL("qemu32"), "qemu32-v1", false},
    {MODEL("phenom-v1"), NULL, false},
    {MODEL("phenom"), "phenom-v1", false},
    {MODEL("pentium3-v1"), NULL, false},
    {MODEL("pentium3"), "pentium3-v1", false},
    {MODEL("pentium2-v1"), NULL, false},
    {MODEL("pentium2"), "pentium2-v1", false},
    {MODEL("pentium-v1"), NULL, false},
    {MODEL("pentium"), "pentium-v1", false},
    {MODEL("n270-v1"), NULL, false},
    {MODEL("n270"), "n270-v1", false},
    {MODEL("kvm64-v1"), NULL, false},
    {MODEL("kvm64"), "kvm64-v1", false},
    {MODEL("kvm32-v1"), NULL, false},
    {MODEL("kvm32"), "kvm32-v1", false},
    {MODEL("coreduo-v1"), NULL, false},
    {MODEL("coreduo"), "coreduo-v1", false},
    {MODEL("core2duo-v1"), NULL, false},
    {MODEL("core2duo"), "core2duo-v1", false},
    {MODEL("athlon-v1"), NULL, false},
    {MODEL("athlon"), "athlon-v1", false},
    {MODEL("Westmere-v2"), NULL, false},
    {MODEL("Westmere-v1"), NULL, false},
    {MODEL("Westmere-IBRS"), "Westmere-v2", false},
    {MODEL("Westmere"), "Westmere-v1", false},
    {MODEL("Snowridge-v4"), NULL, false},
    {MODEL("Snowridge-v3"), NULL, false},
    {MODEL("Snowridge-v2"), NULL, false},
    {MODEL("Snowridge-v1"), NULL, false},
    {MODEL("Snowridge"), "Snowridge-v1", false},
    {MODEL("Skylake-Server-v5"), NULL, false},
    {MODEL("Skylake-Server-v4"), NULL, false},
    {MODEL("Skylake-Server-v3"), NULL, false},
    {MODEL("Skylake-Server-v2"), NULL, false},
    {MODEL("Skylake-Server-v1"), NULL, false},
    {MODEL("Skylake-Server-noTSX-IBRS"), "Skylake-Server-v3", false},
    {MODEL("Skylake-Server-IBRS"), "Skylake-Server-v2", false},
    {MODEL("Skylake-Server"), "Skylake-Server-v1", false},
    {MODEL("Skylake-Client-v4"), NULL, false},
    {MODEL("Skylake-Client-v3"), NULL, false},
    {MODEL("Skylake-Client-v2"), NULL, false},
    {MODEL("Skylake-Client-v1"), NULL, false},
    {MODEL("Skylake-Client-noTSX-IBRS"), "Skylake-Client-v3", false},
    {MODEL("Skylake-Client-IBRS"), "Skylake-Client-v2", false},
    {MODEL("Skylake-Client"), "Skylake-Client-v1", false},
    {MODEL("SandyBridge-v2"), NULL, false},
    {MODEL("SandyBridge-v1"), NULL, false},
    {MODEL("SandyBridge-IBRS"), "SandyBridge-v2", false},
    {MODEL("SandyBridge"), "SandyBridge-v1", false},
    {MODEL("Penryn-v1"), NULL, false},
    {MODEL("Penryn"), "Penryn-v1", false},
    {MODEL("Opteron_G5-v1"), NULL, false},
    {MODEL("Opteron_G5"), "Opteron_G5-v1", false},
    {MODEL("Opteron_G4-v1"), NULL, false},
    {MODEL("Opteron_G4"), "Opteron_G4-v1", false},
    {MODEL("Opteron_G3-v1"), NULL, false},
    {MODEL("Opteron_G3"), "Opteron_G3-v1", false},
    {MODEL("Opteron_G2-v1"), NULL, false},
    {MODEL("Opteron_G2"), "Opteron_G2-v1", false},
    {MODEL("Opteron_G1-v1"), NULL, false},
    {MODEL("Opteron_G1"), "Opteron_G1-v1", false},
    {MODEL("Nehalem-v2"), NULL, false},
    {MODEL("Nehalem-v1"), NULL, false},
    {MODEL("Nehalem-IBRS"), "Nehalem-v2", false},
    {MODEL("Nehalem"), "Nehalem-v1", false},
    {MODEL("KnightsMill-v1"), NULL, false},
    {MODEL("KnightsMill"), "KnightsMill-v1", false},
    {MODEL("IvyBridge-v2"), NULL, false},
    {MODEL("IvyBridge-v1"), NULL, false},
    {MODEL("IvyBridge-IBRS"), "IvyBridge-v2", false},
    {MODEL("IvyBridge"), "IvyBridge-v1", false},
    {MODEL("Icelake-Server-v6"), NULL, false},
    {MODEL("Icelake-Server-v5"), NULL, false},
    {MODEL("Icelake-Server-v4"), NULL, false},
    {MODEL("Icelake-Server-v3"), NULL, false},
    {MODEL("Icelake-Server-v2"), NULL, false},
    {MODEL("Icelake-Server-v1"), NULL, false},
    {MODEL("Icelake-Server-noTSX"), "Icelake-Server-v2", false},
    {MODEL("Icelake-Server"), "Icelake-Server-v1", false},
    {MODEL("Haswell-v4"), NULL, false},
    {MODEL("Haswell-v3"), NULL, false},
    {MODEL("Haswell-v2"), NULL, false},
    {MODEL("Haswell-v1"), NULL, false},
    {MODEL("Haswell-noTSX-IBRS"), "Haswell-v4", false},
    {MODEL("Haswell-noTSX"), "Haswell-v2", false},
    {MODEL("Haswell-IBRS"), "Haswell-v3", false},
    {MODEL("Haswell"), "Haswell-v1", false},
    {MODEL("EPYC-v3"), NULL, false},
    {MODEL("EPYC-v2"), NULL, false},
    {MODEL("EPYC-v1"), NULL, false},
    {MODEL("EPYC-Rome-v2"), NULL, false},
    {MODEL("EPYC-Rome-v1"), NULL, false},
    {MODEL("EPYC-Rome"), "EPYC-Rome-v1", false},
    {MODEL("EPYC-Milan-v1"), NULL, false},
    {MODEL("EPYC-Milan"), "EPYC-Milan-v1", false},
    {MODEL("EPYC-IBPB"), "EPYC-v2", false},
    {MODEL("EPYC"), "EPYC-v1", false},
    {MODEL("Dhyana-v2"), NULL, false},
    {MODEL("Dhyana-v1"), NULL, false},
    {MODEL("Dhyana"), "Dhyana-v1", false},
    {MODEL("Denverton-v3"), NULL, false},
    {MODEL("Denverton-v2"), NULL, false},
    {MODEL("Denverton-v1"), NULL, false},
    {MODEL("Denverton"), "Denverton-v1", false},
    {MODEL("Cooperlake-v2"), NULL, false},
    {MODEL("Cooperlake-v1"), NULL, false},
    {MODEL("Cooperlake"), "Cooperlake-v1", false},
    {MODEL("Conroe-v1"), NULL, false},
    {MODEL("Conroe"), "Conroe-v1", false},
    {MODEL("Cascadelake-Server-v5"), NULL, false},
    {MODEL("Cascadelake-Server-v4"), NULL, false},
    {MODEL("Cascadelake-Server-v3"), NULL, false},
    {MODEL("Cascadelake-Server-v2"), NULL, false},
    {MODEL("Cascadelake-Server-v1"), NULL, false},
    {MODEL("Cascadelake-Server-noTSX"), "Cascadelake-Server-v3", false},
    {MODEL("Cascadelake-Server"), "Cascadelake-Server-v1", false},
    {MODEL("Broadwell-v4"), NULL, false},
    {MODEL("Broadwell-v3"), NULL, false},
    {MODEL("Broadwell-v2"), NULL, false},
    {MODEL("Broadwell-v1"), NULL, false},
    {MODEL("Broadwell-noTSX-IBRS"), "Broadwell-v4", false},
    {MODEL("Broadwell-noTSX"), "Broadwell-v2", false},
    {MODEL("Broadwell-IBRS"), "Broadwell-v3", false},
    {MODEL("Broadwell"), "Broadwell-v1", false},
    {MODEL("486-v1"), NULL, false},
    {MODEL("486"), "486-v1", false},
};

bool cpu_model_exists(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        if (!strcmp(models[i].name, name)) {
            return true;
        }
    }
    return false;
}

const char *cpu_type_at(unsigned index)
{
    return index < ARRAY_SIZE(models) ? models[index].type : NULL;
}

static bool depends_on_host(const CpuModel *model)
{
    return !strcmp(model->name, "max") || !strcmp(model->name, "host");
}

static CpuDefinitionInfo *definition(const CpuModel *model)
{
    CpuDefinitionInfo *info = g_new0(CpuDefinitionInfo, 1);

    info->name = g_strdup(model->name);
    info->typename = g_strdup(model->type);
    info->q_static = !strcmp(model->name, "base");
    info->has_migration_safe = true;
    info->migration_safe = !depends_on_host(model);
    info->unavailable_features = g_new0(StrList, 1);
    info->alias_of = g_strdup(model->alias_of);
    info->deprecated = model->deprecated;
    if (!strcmp(model->name, "host")) {
        StrList_append(info->unavailable_features, g_strdup("kvm"));
    }
    return info;
}

CpuDefinitionInfoList *qmp_query_cpu_definitions(Error **errp)
{
    CpuDefinitionInfoList *list = g_new0(CpuDefinitionInfoList, 1);

    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        CpuDefinitionInfoList_append(list, definition(&models[i]));
    }
    return list;
}
