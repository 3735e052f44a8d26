/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all drivers, sorted by name. */
#include "block/graph/driver.h"

extern const NodeDriver driver_blkdebug, driver_blklogwrites, driver_blkverify,
    driver_compress, driver_copy_before_write, driver_copy_on_read, driver_file,
    driver_host_device, driver_luks, driver_nbd, driver_null_aio,
    driver_null_co, driver_preallocate, driver_qcow2, driver_quorum, driver_raw,
    driver_snapshot_access, driver_throttle;

static const NodeDriver *const drivers[] = {
    &driver_blkdebug,
    &driver_blklogwrites,
    &driver_blkverify,
    &driver_compress,
    &driver_copy_before_write,
    &driver_copy_on_read,
    &driver_file,
    &driver_host_device,
    &driver_luks,
    &driver_nbd,
    &driver_null_aio,
    &driver_null_co,
    &driver_preallocate,
    &driver_qcow2,
    &driver_quorum,
    &driver_raw,
    &driver_snapshot_access,
    &driver_throttle,
    NULL,
};

const NodeDriver *driver_find(const char *name)
{
    for (const NodeDriver *const *d = drivers; *d; d++) {
        if (!strcmp((*d)->name, name)) {
            return *d;
        }
    }
    return NULL;
}

const NodeDriver *const *driver_table(void)
{
    return drivers;
}

char *driver_names(void)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const NodeDriver *const *d = drivers; *d; d++) {
        if ((*d)->co_open) {
            g_ptr_array_add(names, (gpointer)(*d)->name);
        }
    }
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}
