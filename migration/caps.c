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

/* What a snapshot in the background does not go with, in QEMU's order. */
static const MigrationCapability not_in_background[] = {
    MIGRATION_CAPABILITY_POSTCOPY_RAM,
    MIGRATION_CAPABILITY_DIRTY_BITMAPS,
    MIGRATION_CAPABILITY_POSTCOPY_BLOCKTIME,
    MIGRATION_CAPABILITY_LATE_BLOCK_ACTIVATE,
    MIGRATION_CAPABILITY_RETURN_PATH,
    MIGRATION_CAPABILITY_MULTIFD,
    MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER,
    MIGRATION_CAPABILITY_AUTO_CONVERGE,
    MIGRATION_CAPABILITY_RELEASE_RAM,
    MIGRATION_CAPABILITY_RDMA_PIN_ALL,
    MIGRATION_CAPABILITY_COMPRESS,
    MIGRATION_CAPABILITY_XBZRLE,
    MIGRATION_CAPABILITY_X_COLO,
    MIGRATION_CAPABILITY_VALIDATE_UUID,
    MIGRATION_CAPABILITY_ZERO_COPY_SEND,
};

static bool check_background(const bool *new_caps, Error **errp)
{
    if (!new_caps[MIGRATION_CAPABILITY_BACKGROUND_SNAPSHOT]) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(not_in_background); i++) {
        if (new_caps[not_in_background[i]]) {
            error_set(errp, "Background-snapshot is not compatible with %s",
                      MigrationCapability_str(not_in_background[i]));
            return false;
        }
    }
    return true;
}

static bool check_zero_copy(const bool *new_caps, Error **errp)
{
    if (new_caps[MIGRATION_CAPABILITY_ZERO_COPY_SEND] &&
        (!new_caps[MIGRATION_CAPABILITY_MULTIFD] ||
         new_caps[MIGRATION_CAPABILITY_COMPRESS] ||
         new_caps[MIGRATION_CAPABILITY_XBZRLE] ||
         !migration_params_plain(migration_params()))) {
        error_set(errp, ZERO_COPY_REFUSED);
        return false;
    }
    return true;
}

static bool check_preempt(const bool *new_caps, Error **errp)
{
    if (!new_caps[MIGRATION_CAPABILITY_POSTCOPY_PREEMPT]) {
        return true;
    }
    if (!new_caps[MIGRATION_CAPABILITY_POSTCOPY_RAM]) {
        error_set(errp, "Postcopy preempt requires postcopy-ram");
        return false;
    }
    if (new_caps[MIGRATION_CAPABILITY_COMPRESS]) {
        error_set(errp, "Postcopy preempt not compatible with compress");
        return false;
    }
    return true;
}

/* Those that go together, with QEMU's texts, in its order. */
static bool check(const bool *new_caps, Error **errp)
{
    if (new_caps[MIGRATION_CAPABILITY_POSTCOPY_RAM] &&
        new_caps[MIGRATION_CAPABILITY_X_IGNORE_SHARED]) {
        error_set(errp, "Postcopy is not compatible with ignore-shared");
        return false;
    }
    if (!check_background(new_caps, errp) || !check_zero_copy(new_caps, errp) ||
        !check_preempt(new_caps, errp)) {
        return false;
    }
    if (new_caps[MIGRATION_CAPABILITY_MULTIFD] &&
        new_caps[MIGRATION_CAPABILITY_COMPRESS]) {
        error_set(errp, "Multifd is not compatible with compress");
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
