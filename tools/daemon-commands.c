/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only a machine has: commands and events that the daemon hides. */
#include "qapi/hidden.h"
#include "tools/daemon-apply.h"

static const char *const of_machines[] = {
    /* devices and their media */
    "block-latency-histogram-set",
    "block_set_io_throttle",
    "blockdev-change-medium",
    "blockdev-close-tray",
    "blockdev-insert-medium",
    "blockdev-open-tray",
    "blockdev-remove-medium",
    "device-list-properties",
    "device_add",
    "device_del",
    "eject",
    "DEVICE_DELETED",
    "DEVICE_TRAY_MOVED",
    /* its state */
    "cont",
    "inject-nmi",
    "query-status",
    "set-action",
    "stop",
    "system_powerdown",
    "system_reset",
    "system_wakeup",
    "watchdog-set-action",
    "POWERDOWN",
    "RESET",
    "RESUME",
    "SHUTDOWN",
    "STOP",
    /* what it is made of */
    "balloon",
    "query-balloon",
    "query-command-line-options",
    "query-cpu-definitions",
    "query-cpu-model-expansion",
    "query-cpus-fast",
    "query-current-machine",
    "query-hotpluggable-cpus",
    "query-kvm",
    "query-machines",
    "query-memory-size-summary",
    "query-name",
    "query-sev-capabilities",
    "query-sgx-capabilities",
    "query-stats",
    "query-stats-schemas",
    "query-target",
    "query-tpm-models",
    "query-tpm-types",
    "query-uuid",
    /* migration */
    "migrate",
    "migrate-continue",
    "migrate-incoming",
    "migrate-pause",
    "migrate-recover",
    "migrate-set-capabilities",
    "migrate-set-parameters",
    "migrate-start-postcopy",
    "migrate_cancel",
    "query-dirty-rate",
    "query-migrate",
    "query-migrate-capabilities",
    "query-migrate-parameters",
    "snapshot-delete",
    "snapshot-load",
    "snapshot-save",
    "MIGRATION",
    "MIGRATION_PASS",
    NULL,
};

void daemon_hide_commands(void)
{
    qapi_hide(of_machines);
}
