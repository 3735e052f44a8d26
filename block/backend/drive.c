/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drives: from option strings to back ends with media. See drive.h. */
#include "block/backend/drive-int.h"

#include <stdio.h>

#include "block/backend/backend-int.h"
#include "block/graph/driver.h"
#include "block/io/io.h"
#include "util/id.h"

/* CONTROL */
static ListLink drives = LIST_INIT(drives);

Drive *drive_next(Drive *drive)
{
    ListLink *next = drive ? drive->link.next : drives.next;

    return next == &drives ? NULL : LIST_ENTRY(next, Drive, link);
}

Drive *drive_of_backend(const Backend *backend)
{
    LIST_FOREACH(drive, &drives, Drive, link) {
        if (drive->backend == backend) {
            return drive;
        }
    }
    return NULL;
}

void co_drive_free(Drive *drive)
{
    if (list_linked(&drive->link)) {
        list_remove(&drive->link);
    }
    co_backend_unref(drive->backend);
    g_free(drive->shown);
    g_free(drive);
}

bool co_drive_delete(Drive *drive, Error **errp)
{
    Backend *backend = drive->backend;

    if (!backend_node_allows(backend, NODE_OP_DELETE, errp)) {
        return false;
    }
    co_backend_eject(backend);
    g_free(backend->name);
    backend->name = NULL;
    co_drive_free(drive);
    return true;
}

/* --- what is said of the back end ---------------------------------------- */

static bool take_action(Opts *opts, const char *key, const char *what,
                        BlockdevOnError *action, Error **errp)
{
    g_autofree char *text = opts_take(opts, key);
    static const struct {
        const char *name;
        BlockdevOnError action;
    } actions[] = {
        {"ignore", BLOCKDEV_ON_ERROR_IGNORE},
        {"report", BLOCKDEV_ON_ERROR_REPORT},
        {"stop", BLOCKDEV_ON_ERROR_STOP},
        {"enospc", BLOCKDEV_ON_ERROR_ENOSPC},
    };

    if (!text) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        bool reading = what[0] == 'r';

        if (!strcmp(actions[i].name, text) &&
            !(reading && actions[i].action == BLOCKDEV_ON_ERROR_ENOSPC)) {
            *action = actions[i].action;
            return true;
        }
    }
    error_set(errp, "'%s' invalid %s error action", text, what);
    return false;
}

/* Only some kinds of devices can act upon errors. */
static bool actions_supported(const Drive *drive, const char *key,
                              const Opts *opts, Error **errp)
{
    if (opts_get(opts, key) && drive->interface != DRIVE_IF_IDE &&
        drive->interface != DRIVE_IF_SCSI &&
        drive->interface != DRIVE_IF_VIRTIO &&
        drive->interface != DRIVE_IF_NONE) {
        error_set(errp, "%s is not supported by this bus type", key);
        return false;
    }
    return true;
}

static bool take_actions(Drive *drive, Opts *opts, BlockdevOnError *rerror,
                         BlockdevOnError *werror, Error **errp)
{
    *rerror = BLOCKDEV_ON_ERROR_REPORT;
    *werror = BLOCKDEV_ON_ERROR_ENOSPC;
    return actions_supported(drive, "werror", opts, errp) &&
           actions_supported(drive, "rerror", opts, errp) &&
           take_action(opts, "werror", "write", werror, errp) &&
           take_action(opts, "rerror", "read", rerror, errp);
}

/* --- what is counted ----------------------------------------------------- */

/* stats-intervals.0=10 */
static bool take_intervals(Opts *opts, GArray *intervals, Error **errp)
{
    for (unsigned i = 0;; i++) {
        g_autofree char *name = g_strdup_printf("stats-intervals.%u", i);
        g_autofree char *value = opts_take(opts, name);
        int64_t length;
        char *end;

        if (!value) {
            return true;
        }
        length = g_ascii_strtoll(value, &end, 10);
        if (end == value || *end) {
            error_set(errp, "Invalid interval length: %s", value);
            return false;
        }
        g_array_append_val(intervals, length);
    }
}

static bool take_account(Opts *opts, bool *counts, GArray *intervals,
                         Error **errp)
{
    return opts_take_bool(opts, "stats-account-invalid", &counts[0], errp) &&
           opts_take_bool(opts, "stats-account-failed", &counts[1], errp) &&
           take_intervals(opts, intervals, errp);
}

static bool apply_account(Account *account, const bool *counts,
                          const GArray *intervals, Error **errp)
{
    account->account_invalid = counts[0];
    account->account_failed = counts[1];
    for (guint i = 0; i < intervals->len; i++) {
        if (!account_add_interval(account, g_array_index(intervals, int64_t, i),
                                  errp)) {
            return false;
        }
    }
    return true;
}

/* --- all ----------------------------------------------------------------- */

/* The medium's node, if there is one: *@node with a reference. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_open_medium(DriveMedium *medium, Node **node, Error **errp)
{
    *node = NULL;
    if (medium->copy_on_read && medium->read_only) {
        warn_report("disabling copy-on-read on read-only drive");
        medium->copy_on_read = false;
    }
    if (!drive_medium_given(medium)) {
        return drive_medium_empty_ok(medium, errp);
    }
    *node = co_drive_open(medium, errp);
    if (*node && detects_to_unmap(medium)) {
        (*node)->detect_zeroes = DETECT_ZEROES_UNMAP;
    }
    if (*node && medium->copy_on_read) {
        node_copy_on_read(*node, true); /* as long as it lives */
    }
    return *node != NULL;
}

/* A back end called @id with the medium in it. */
COROUTINE_ONLY CONTROL_ONLY static Backend *
co_backend_with(const char *id, DriveMedium *medium, Error **errp)
{
    Backend *backend = NULL;
    Node *node;

    co_graph_lock();
    if (co_open_medium(medium, &node, errp)) {
        backend = backend_new(id, errp);
    }
    if (backend) {
        backend->perm = PERM_CONSISTENT_READ;
    }
    if (backend && node && !backend_insert(backend, node, errp)) {
        co_backend_unref(backend);
        backend = NULL;
    }
    co_node_unref(node);
    graph_unlock();
    return backend;
}

/* Takes the options that are the drive's own, and leaves those of nodes. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_make_backend(Drive *drive, const char *id, Opts *opts,
                const DriveDefaults *defaults, Error **errp)
{
    DriveMedium medium = {0};
    BlockdevOnError rerror = BLOCKDEV_ON_ERROR_REPORT;
    BlockdevOnError werror = BLOCKDEV_ON_ERROR_ENOSPC;
    g_autofree char *group = NULL;
    ThrottleLimits *limits = NULL;
    Error *err = NULL;
    g_autoptr(GArray) intervals = g_array_new(FALSE, FALSE, sizeof(int64_t));
    bool counts[2] = {true, true};
    bool ok = drive_medium_take(&medium, opts, defaults, drive->cdrom, &err) &&
              take_actions(drive, opts, &rerror, &werror, &err) &&
              take_account(opts, counts, intervals, &err);

    if (ok) {
        limits = limits_take(opts, &group, &err);
    }
    if (!err) {
        drive->backend = co_backend_with(id, &medium, &err);
    }
    if (drive->backend) {
        backend_set_read_only(drive->backend, medium.read_only);
        backend_set_errors(drive->backend, rerror, werror);
        drive->backend->writethrough = medium.writethrough;
        ok = (!limits ||
              backend_limits_set(drive->backend, limits, group, &err)) &&
             apply_account(&drive->backend->account, counts, intervals, &err);
    }
    ThrottleLimits_free(limits);
    drive_medium_clear(&medium);
    error_propagate(errp, err);
    return ok && drive->backend;
}

CONTROL_ONLY
static bool id_ok(const char *id, Error **errp)
{
    if (!id_check(id, errp)) {
        return false;
    }
    if (backend_by_name(id)) {
        error_set(errp, "Duplicate ID '%s' for drive", id);
        return false;
    }
    return true;
}

Drive *co_drive_new(Opts *opts, const DriveDefaults *defaults, Error **errp)
{
    Drive *drive = g_new0(Drive, 1);
    g_autofree char *id = opts_take(opts, "id");
    bool ok = (!id || id_ok(id, errp)) &&
              drive_take_place(drive, opts, defaults, errp);

    if (ok && !id) {
        id = drive_default_id(drive);
    }
    if (!ok || !co_make_backend(drive, id, opts, defaults, errp)) {
        co_drive_free(drive);
        return NULL;
    }
    list_append(&drives, &drive->link);
    return drive;
}

/* --- help ---------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *drive_formats_text(void)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *list = NULL;

    for (const NodeDriver *const *d = driver_table(); *d; d++) {
        BlockdevDriver known;

        /* A job's filter cannot be asked for. */
        if (BlockdevDriver_parse((*d)->name, &known)) {
            g_ptr_array_add(names, (char *)(*d)->name);
        }
    }
    g_ptr_array_sort(names, compare);
    g_ptr_array_add(names, NULL);
    list = g_strjoinv(" ", (char **)names->pdata);
    return g_strdup_printf("Supported formats: %s\n"
                           "Supported formats (read-only): %s\n",
                           list, list);
}
