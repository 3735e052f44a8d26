/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities: what a migration is to do. */
#include "migration/migration-int.h"

#include "qapi/qapi-commands.h"

/* CONTROL */
static bool caps[MIGRATION_CAPABILITY__MAX];

bool migration_cap(MigrationCapability capability)
{
    return caps[capability];
}

/* Those that go together, with QEMU's texts. */
static bool check(const bool *new_caps, Error **errp)
{
    if (new_caps[MIGRATION_CAPABILITY_ZERO_COPY_SEND]) {
        error_set(errp, "Zero copy only available for non-compressed non-TLS "
                        "multifd migration");
        return false;
    }
    if (new_caps[MIGRATION_CAPABILITY_POSTCOPY_PREEMPT] &&
        !new_caps[MIGRATION_CAPABILITY_POSTCOPY_RAM]) {
        error_set(errp, "Postcopy preempt requires postcopy-ram");
        return false;
    }
    return true;
}

bool qmp_migrate_set_capabilities(const QmpMigrateSetCapabilitiesArgs *args,
                                  Error **errp)
{
    bool new_caps[MIGRATION_CAPABILITY__MAX];

    if (source_running()) {
        error_set(errp, "There's a migration process in progress");
        return false;
    }
    memcpy(new_caps, caps, sizeof(caps));
    for (size_t i = 0; i < args->capabilities->n; i++) {
        const MigrationCapabilityStatus *status = args->capabilities->v[i];

        new_caps[status->capability] = status->state;
    }
    if (!check(new_caps, errp)) {
        return false;
    }
    memcpy(caps, new_caps, sizeof(caps));
    return true;
}

MigrationCapabilityStatusList *qmp_query_migrate_capabilities(Error **errp)
{
    MigrationCapabilityStatusList *list =
        g_new0(MigrationCapabilityStatusList, 1);

    for (int i = 0; i < MIGRATION_CAPABILITY__MAX; i++) {
        MigrationCapabilityStatus *status =
            g_new0(MigrationCapabilityStatus, 1);

        status->capability = i;
        status->state = caps[i];
        MigrationCapabilityStatusList_append(list, status);
    }
    return list;
}
