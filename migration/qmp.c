/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands: what only a command can get wrong. Texts are QEMU's. */
#include "migration/migration-int.h"

#include "devices/run-state.h"
#include "qapi/qapi-commands.h"

CONTROL_ONLY
static bool may_begin(const QmpMigrateArgs *args, Error **errp)
{
    if (args->resume) {
        error_set(errp, "Cannot resume if there is no paused migration");
        return false;
    }
    if (source_running()) {
        error_set(errp, "There's a migration process in progress");
        return false;
    }
    switch (run_state_get()) {
    case RUN_STATE_INMIGRATE:
        error_set(errp, "Guest is waiting for an incoming migration");
        return false;
    case RUN_STATE_POSTMIGRATE:
        error_set(errp, "Can't migrate the vm that was paused due to previous "
                        "migration");
        return false;
    default:
        break;
    }
    if (args->blk || args->inc || migration_cap(MIGRATION_CAPABILITY_BLOCK)) {
        error_set(errp, "Disks are not copied by migration: use "
                        "blockdev-mirror with NBD instead");
        return false;
    }
    return true;
}

bool qmp_migrate(const QmpMigrateArgs *args, Error **errp)
{
    return may_begin(args, errp) && source_begin(args->uri, errp);
}

bool qmp_migrate_incoming(const QmpMigrateIncomingArgs *args, Error **errp)
{
    if (incoming_started()) {
        error_set(errp, "The incoming migration has already been started");
        return false;
    }
    if (!incoming_deferred()) {
        error_set(errp, "'-incoming' was not specified on the command line");
        return false;
    }
    return incoming_begin_deferred(args->uri, errp);
}

bool qmp_migrate_continue(const QmpMigrateContinueArgs *args, Error **errp)
{
    if (source_status() != args->state) {
        error_set(errp, "Migration not in expected state: %s",
                  MigrationStatus_str(source_status()));
        return false;
    }
    source_continue();
    return true;
}

bool qmp_migrate_cancel(Error **errp)
{
    source_cancel();
    return true;
}

bool qmp_migrate_start_postcopy(Error **errp)
{
    if (!migration_cap(MIGRATION_CAPABILITY_POSTCOPY_RAM) &&
        !migration_cap(MIGRATION_CAPABILITY_DIRTY_BITMAPS)) {
        error_set(errp, "Enable postcopy with migrate_set_capability before "
                        "the start of migration");
        return false;
    }
    if (source_status() == MIGRATION_STATUS_NONE) {
        error_set(errp, "Postcopy must be started after migration has been "
                        "started");
        return false;
    }
    source_postcopy();
    return true;
}

bool qmp_migrate_pause(Error **errp)
{
    error_set(errp, "migrate-pause is currently only supported during "
                    "postcopy-active state");
    return false;
}

bool qmp_migrate_recover(const QmpMigrateRecoverArgs *args, Error **errp)
{
    error_set(errp, "Migrate recover can only be run when postcopy is "
                    "paused.");
    return false;
}

MigrationInfo *qmp_query_migrate(Error **errp)
{
    MigrationInfo *info = g_new0(MigrationInfo, 1);

    if (source_status() != MIGRATION_STATUS_NONE) {
        source_info(info);
    } else {
        incoming_info(info);
    }
    return info;
}

void co_migration_shutdown(void)
{
    co_migration_shutdown_source();
    co_migration_shutdown_incoming();
}
