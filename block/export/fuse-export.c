/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE as a kind of export: checks its options, mounts it, takes it down.
 * Invariants: see fuse-int.h.
 *
 * What asks about the mountpoint and what mounts runs on a worker: it may need
 * an answer of another export of this process.
 */
#include "block/export/fuse-export.h"

#include <glib-unix.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "block/export/fuse-int.h"

static ListLink listed = LIST_INIT(listed);

/* --- options ------------------------------------------------------------- */

typedef struct Place {
    const char *path;
    mode_t mode;
    char *file; /* without links; realpath()'s memory */
} Place;

static int64_t look_at(void *opaque)
{
    Place *place = opaque;
    struct stat st;

    if (stat(place->path, &st) < 0) {
        return -errno;
    }
    place->mode = st.st_mode;
    place->file = realpath(place->path, NULL);
    return place->file ? 0 : -errno;
}

/* The file to mount on, which the caller frees with free(); or NULL. */
COROUTINE_ONLY CONTROL_ONLY static char *co_check_mountpoint(const char *path,
                                                             Error **errp)
{
    Place place = {.path = path};
    int64_t ret;

    LIST_FOREACH(e, &listed, FuseExport, listed) {
        if (!strcmp(e->mountpoint, path)) {
            error_set(errp, "There already is a FUSE export on '%s'", path);
            return NULL;
        }
    }
    ret = co_worker_run(look_at, &place);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to stat '%s'", path);
        return NULL;
    }
    if (!S_ISREG(place.mode)) {
        error_set(errp, "'%s' is not a regular file", path);
        free(place.file);
        return NULL;
    }
    return place.file;
}

/* Unlike an NBD client, who reads a file asks for its size again; so others
 * may resize the disk, and so may clients who may write. */
CONTROL_ONLY
static bool take_permissions(BlockExport *exp, bool growable, Error **errp)
{
    Perms perm = root_perms(exp->root);

    return !(exp->writable || growable) ||
           root_set_perms(exp->root, perm | PERM_RESIZE, PERM_ALL, errp);
}

/* --- mounting ------------------------------------------------------------ */

typedef struct Mount {
    FuseExport *e;
    bool allow_other;
} Mount;

enum { MOUNT_DONE, MOUNT_NO_SESSION, MOUNT_REFUSED };

static int64_t mount_it(void *opaque)
{
    Mount *m = opaque;
    FuseExport *e = m->e;
    char *options = g_strdup_printf("max_read=%u,default_permissions%s",
                                    (unsigned)FUSE_MAX_PAYLOAD,
                                    m->allow_other ? ",allow_other" : "");
    char *argv[] = {(char *)"", (char *)"-o", options, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    int ret = MOUNT_DONE;

    e->session =
        fuse_session_new(&args, &fuse_export_ops, sizeof(fuse_export_ops), e);
    fuse_opt_free_args(&args);
    g_free(options);
    if (!e->session) {
        return MOUNT_NO_SESSION;
    }
    if (fuse_session_mount(e->session, e->file) < 0) {
        fuse_session_destroy(e->session);
        e->session = NULL;
        ret = MOUNT_REFUSED;
    }
    return ret;
}

/* The mount that is on top goes: ours, since only then this is called. */
static int64_t unmount_it(void *opaque)
{
    FuseExport *e = opaque;

    fuse_session_unmount(e->session);
    fuse_session_destroy(e->session);
    for (unsigned i = 0; i < e->below; i++) {
        umount2(e->file, MNT_DETACH);
    }
    return 0;
}

static int64_t close_it(void *opaque)
{
    fuse_session_destroy(((FuseExport *)opaque)->session);
    return 0;
}

/* Another export mounted on the same file later, by another spelling. */
static FuseExport *covering(const FuseExport *e)
{
    for (ListLink *l = e->listed.next; l != &listed; l = l->next) {
        FuseExport *later = LIST_ENTRY(l, FuseExport, listed);

        if (!strcmp(later->file, e->file)) {
            return later;
        }
    }
    return NULL;
}

/* By default others are let in if this user may do so. */
COROUTINE_ONLY CONTROL_ONLY static bool
co_mount(FuseExport *e, const BlockExportOptionsFuse *options, Error **errp)
{
    FuseExportAllowOther allow = options->has_allow_other
                                     ? options->allow_other
                                     : FUSE_EXPORT_ALLOW_OTHER_AUTO;
    Mount m = {.e = e, .allow_other = allow != FUSE_EXPORT_ALLOW_OTHER_OFF};
    int64_t ret = co_worker_run(mount_it, &m);

    if (ret == MOUNT_REFUSED && allow == FUSE_EXPORT_ALLOW_OTHER_AUTO) {
        m.allow_other = false;
        ret = co_worker_run(mount_it, &m);
    }
    if (ret != MOUNT_DONE) {
        error_set(errp, ret == MOUNT_REFUSED
                            ? "Failed to mount FUSE session to export"
                            : "Failed to set up FUSE session");
        return false;
    }
    e->allow_other = m.allow_other;
    e->fd = fuse_session_fd(e->session);
    return true;
}

/* --- life ---------------------------------------------------------------- */

static void free_export(FuseExport *e)
{
    free(e->input.mem); /* libfuse's */
    free(e->file);
    g_free(e->mountpoint);
    g_free(e);
}

/* Takes over @file. */
static FuseExport *export_new(BlockExport *exp, char *file,
                              const BlockExportOptionsFuse *options)
{
    FuseExport *e = g_new0(FuseExport, 1);

    e->exp = exp;
    e->file = file;
    e->mountpoint = g_strdup(options->mountpoint);
    e->memory_align = root_node(exp->root)->limits.memory_align;
    e->growable = options->growable;
    e->mode = S_IFREG | S_IRUSR | (exp->writable ? S_IWUSR : 0);
    e->uid = getuid();
    e->gid = getgid();
    coqueue_init(&e->freed);
    return e;
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_create(BlockExport *exp, const BlockExportOptions *options, Error **errp)
{
    const BlockExportOptionsFuse *fuse = &options->u.fuse;
    FuseExport *e;
    char *file;

    if (!take_permissions(exp, fuse->growable, errp)) {
        return false;
    }
    file = co_check_mountpoint(fuse->mountpoint, errp);
    if (!file) {
        return false;
    }
    e = export_new(exp, file, fuse);
    e->reactor = export_next_reactor(exp);
    if (!co_mount(e, fuse, errp)) {
        free_export(e);
        return false;
    }
    if (!g_unix_set_fd_nonblocking(e->fd, true, NULL)) {
        error_set(errp, "Failed to set up FUSE session");
        co_worker_run(unmount_it, e);
        free_export(e);
        return false;
    }
    list_append(&listed, &e->listed);
    exp->state = e;
    fuse_serve_start(e);
    return true;
}

CONTROL_ONLY
static void request_shutdown(BlockExport *exp)
{
    /* Until every request has its answer. */
    export_ref(exp);
    fuse_serve_stop(exp->state);
}

void fuse_serve_stopped(FuseExport *e)
{
    export_unref(e->exp);
}

/* Open files of clients fail with ENOTCONN from now on. */
COROUTINE_ONLY CONTROL_ONLY static void co_free_state(BlockExport *exp)
{
    FuseExport *e = exp->state;
    FuseExport *later = covering(e);

    list_remove(&e->listed);
    if (later) {
        /* By its name only the later one could be unmounted. */
        later->below += 1 + e->below;
    }
    co_worker_run(later ? close_it : unmount_it, e);
    free_export(e);
    exp->state = NULL;
}

static bool busy(const BlockExport *exp)
{
    const FuseExport *e = exp->state;

    return __atomic_load_n(&e->in_flight, __ATOMIC_RELAXED) > 0;
}

const ExportDriver fuse_export_driver = {
    .type = BLOCK_EXPORT_TYPE_FUSE,
    .resizable = true,
    .co_create = co_create,
    .request_shutdown = request_shutdown,
    .co_free_state = co_free_state,
    .busy = busy,
};
