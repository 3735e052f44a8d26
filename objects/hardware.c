/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and random numbers: described as for other machines, shown as they
 * were described, and otherwise not there.
 */
#include "objects/hardware.h"

static bool size_ok(const ObjectOptions *options, Error **errp)
{
    bool ok = options->u.memory_backend_ram.size > 0;

    if (!ok) {
        error_set(errp, "property 'size' of %s doesn't take value '0'",
                  ObjectType_str(options->qom_type));
    }
    return ok;
}

static void *create_memory(const ObjectOptions *options, Error **errp)
{
    return size_ok(options, errp) ? g_malloc0(1) : NULL;
}

static void *create_rng(const ObjectOptions *options, Error **errp)
{
    return g_malloc0(1);
}

/* --- what shows ---------------------------------------------------------- */

static void complete_flag(bool *has, bool *value, bool otherwise)
{
    *value = *has ? *value : otherwise;
    *has = true;
}

/* Files and files without a name begin with the same members. */
static void complete_memory(ObjectOptions *options)
{
    MemoryBackendProperties *m = &options->u.memory_backend_ram;

    complete_flag(&m->has_dump, &m->dump, true);
    complete_flag(&m->has_merge, &m->merge, true);
    complete_flag(&m->has_prealloc, &m->prealloc, false);
    complete_flag(&m->has_reserve, &m->reserve, true);
    complete_flag(&m->has_share, &m->share,
                  options->qom_type == OBJECT_TYPE_MEMORY_BACKEND_MEMFD);
    m->prealloc_threads = m->has_prealloc_threads ? m->prealloc_threads : 1;
    m->has_prealloc_threads = m->has_policy = true;
    if (!m->host_nodes) {
        m->host_nodes = g_new0(Uint16List, 1);
    }
}

static void complete_file(ObjectOptions *options)
{
    MemoryBackendFileProperties *f = &options->u.memory_backend_file;

    complete_memory(options);
    f->has_align = true;
    complete_flag(&f->has_discard_data, &f->discard_data, false);
    complete_flag(&f->has_pmem, &f->pmem, false);
    complete_flag(&f->has_readonly, &f->readonly, false);
}

static void complete_memfd(ObjectOptions *options)
{
    MemoryBackendMemfdProperties *m = &options->u.memory_backend_memfd;

    complete_memory(options);
    complete_flag(&m->has_hugetlb, &m->hugetlb, false);
    complete_flag(&m->has_seal, &m->seal, true);
    m->has_hugetlbsize = true;
}

static void complete_random(ObjectOptions *options)
{
    char **filename = &options->u.rng_random.filename;

    *filename = *filename ? *filename : g_strdup("/dev/urandom");
}

/* --- classes ------------------------------------------------------------- */

#define MEMORY_PROPERTIES                                                 \
    {"share", "bool", PROPERTY_FIXED}, {"size", "int", PROPERTY_FIXED},   \
        {"dump", "bool", PROPERTY_FIXED},                                 \
        {"prealloc-threads", "int", PROPERTY_FIXED},                      \
        {"x-use-canonical-path-for-ramblock-id", "bool", PROPERTY_FIXED}, \
        {"policy", "HostMemPolicy", PROPERTY_FIXED},                      \
        {"prealloc-context", "link<thread-context>", PROPERTY_FIXED},     \
        {"prealloc", "bool", PROPERTY_FIXED},                             \
        {"reserve", "bool", PROPERTY_FIXED},                              \
        {"host-nodes", "int", PROPERTY_FIXED},                            \
    {                                                                     \
        "merge", "bool", PROPERTY_FIXED                                   \
    }

static const ObjectProperty ram_properties[] = {MEMORY_PROPERTIES, {}};
static const ObjectProperty file_properties[] = {
    MEMORY_PROPERTIES,
    {"readonly", "bool", PROPERTY_FIXED},
    {"align", "int", PROPERTY_FIXED},
    {"pmem", "bool", PROPERTY_FIXED},
    {"mem-path", "string", PROPERTY_FIXED},
    {"discard-data", "bool", PROPERTY_FIXED},
    {}};
static const ObjectProperty memfd_properties[] = {
    MEMORY_PROPERTIES,
    {"hugetlb", "bool", PROPERTY_FIXED},
    {"seal", "bool", PROPERTY_FIXED},
    {"hugetlbsize", "int", PROPERTY_FIXED},
    {}};
static const ObjectProperty builtin_properties[] = {
    {"opened", "bool", PROPERTY_READ_ONLY}, {}};
static const ObjectProperty random_properties[] = {
    {"opened", "bool", PROPERTY_READ_ONLY},
    {"filename", "string", PROPERTY_FIXED},
    {}};

const ObjectClass object_memory_backend_ram = {
    .type = OBJECT_TYPE_MEMORY_BACKEND_RAM,
    .co_create = create_memory,
    .co_free = g_free,
    .properties = ram_properties,
    .complete = complete_memory,
};

const ObjectClass object_memory_backend_file = {
    .type = OBJECT_TYPE_MEMORY_BACKEND_FILE,
    .co_create = create_memory,
    .co_free = g_free,
    .properties = file_properties,
    .complete = complete_file,
};

const ObjectClass object_memory_backend_memfd = {
    .type = OBJECT_TYPE_MEMORY_BACKEND_MEMFD,
    .co_create = create_memory,
    .co_free = g_free,
    .properties = memfd_properties,
    .complete = complete_memfd,
};

const ObjectClass object_rng_builtin = {
    .type = OBJECT_TYPE_RNG_BUILTIN,
    .co_create = create_rng,
    .co_free = g_free,
    .properties = builtin_properties,
};

const ObjectClass object_rng_random = {
    .type = OBJECT_TYPE_RNG_RANDOM,
    .co_create = create_rng,
    .co_free = g_free,
    .properties = random_properties,
    .complete = complete_random,
};
