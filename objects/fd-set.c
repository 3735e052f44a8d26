/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of descriptors: see fd-set.h. */
#include "objects/fd-set.h"

#include <fcntl.h>

#include "objects/received-fd.h"
#include "qapi/qapi-commands.h"
#include "util/reactor/reactor.h"

#define PREFIX "/dev/fdset/"

typedef struct Member {
    int fd;
    bool removed;
    char *opaque;
} Member;

typedef struct FdSet {
    int64_t id;
    GPtrArray *members; /* Member *, the oldest first */
    GArray *duplicates; /* int: what was opened and not closed */
} FdSet;

/* CONTROL */
static GPtrArray *sets; /* FdSet *, by ascending id; NULL: not enabled */
static unsigned n_clients;
static bool stopped;
static GArray *inherited; /* int: given by the command line */

/* --- the sets ------------------------------------------------------------- */

static void member_free(gpointer opaque)
{
    Member *member = opaque;

    io_close(member->fd);
    g_free(member->opaque);
    g_free(member);
}

static void set_free(gpointer opaque)
{
    FdSet *set = opaque;

    g_ptr_array_free(set->members, true);
    g_array_free(set->duplicates, true);
    g_free(set);
}

CONTROL_ONLY
static void enable(void)
{
    if (!sets) {
        sets = g_ptr_array_new_with_free_func(set_free);
    }
}

static FdSet *set_at(unsigned i)
{
    return g_ptr_array_index(sets, i);
}

static Member *member_at(const FdSet *set, unsigned i)
{
    return g_ptr_array_index(set->members, i);
}

static FdSet *set_find(int64_t id)
{
    for (unsigned i = 0; sets && i < sets->len; i++) {
        if (set_at(i)->id == id) {
            return set_at(i);
        }
    }
    return NULL;
}

static FdSet *set_new(int64_t id)
{
    FdSet *set = g_new0(FdSet, 1);
    unsigned i = 0;

    set->id = id;
    set->members = g_ptr_array_new_with_free_func(member_free);
    set->duplicates = g_array_new(false, false, sizeof(int));
    while (i < sets->len && set_at(i)->id < id) {
        i++;
    }
    g_ptr_array_insert(sets, i, set);
    return set;
}

static int64_t free_id(void)
{
    int64_t id = 0;

    for (unsigned i = 0; i < sets->len && set_at(i)->id == id; i++) {
        id++;
    }
    return id;
}

/* Takes @fd. */
CONTROL_ONLY
static FdSet *add(int fd, bool has_id, int64_t id, const char *opaque)
{
    Member *member = g_new0(Member, 1);
    FdSet *set;

    enable();
    id = has_id ? id : free_id();
    set = set_find(id);
    if (!set) {
        set = set_new(id);
    }
    member->fd = fd;
    member->opaque = g_strdup(opaque);
    g_ptr_array_add(set->members, member);
    return set;
}

/* Closes what nobody can use any more; @set may be gone then. */
CONTROL_ONLY
static void tidy(FdSet *set)
{
    bool unused = !set->duplicates->len && !n_clients;

    if (stopped) {
        return;
    }
    for (unsigned i = set->members->len; i-- > 0;) {
        if (unused || member_at(set, i)->removed) {
            g_ptr_array_remove_index(set->members, i);
        }
    }
    if (!set->members->len && !set->duplicates->len) {
        g_ptr_array_remove(sets, set);
    }
}

/* --- who keeps them ------------------------------------------------------- */

void fd_sets_client_came(void)
{
    n_clients++;
}

void fd_sets_client_left(void)
{
    n_clients--;
    for (unsigned i = sets ? sets->len : 0; i-- > 0;) {
        tidy(set_at(i));
    }
}

void fd_sets_machine_runs(bool runs)
{
    stopped = !runs;
}

/* --- opening -------------------------------------------------------------- */

bool fd_set_is_path(const char *path)
{
    return g_str_has_prefix(path, PREFIX);
}

static bool parse_id(const char *path, int64_t *id)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(path + strlen(PREFIX), 10, 0, INT_MAX,
                                    &number, NULL)) {
        return false;
    }
    *id = number;
    return true;
}

CONTROL_ONLY
static int duplicate(int64_t id, int flags)
{
    FdSet *set = set_find(id);

    if (!sets) {
        return -ENOSYS;
    }
    for (unsigned i = 0; set && i < set->members->len; i++) {
        int fd = member_at(set, i)->fd, given = fcntl(fd, F_GETFL);

        if (given >= 0 && (given & O_ACCMODE) == (flags & O_ACCMODE)) {
            fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
            if (fd < 0) {
                return -errno;
            }
            g_array_append_val(set->duplicates, fd);
            return fd;
        }
    }
    return set ? -EACCES : -ENOENT;
}

/* O_DIRECT belongs to all duplicates: who comes last has it his way. */
static int set_flags(int fd, int flags)
{
    int given = fcntl(fd, F_GETFL);

    if (given >= 0 && ((given ^ flags) & O_DIRECT) &&
        fcntl(fd, F_SETFL, given ^ O_DIRECT) < 0) {
        return -errno;
    }
    return 0;
}

int fd_set_open(const char *path, int flags, Error **errp)
{
    int64_t id;
    int fd, ret;

    control_assert();
    if (!parse_id(path, &id)) {
        error_set(errp, "Could not parse fdset %s", path);
        return -EINVAL;
    }
    fd = duplicate(id, flags);
    ret = fd < 0 ? fd : set_flags(fd, flags);
    if (ret < 0) {
        error_set(errp, "Could not dup FD for %s flags %x: %s", path, flags,
                  strerror(-ret));
        if (fd >= 0) {
            fd_set_close(fd);
        }
        return ret;
    }
    return fd;
}

void fd_set_close(int fd)
{
    control_assert();
    for (unsigned i = 0; sets && i < sets->len; i++) {
        FdSet *set = set_at(i);

        for (unsigned k = 0; k < set->duplicates->len; k++) {
            if (g_array_index(set->duplicates, int, k) == fd) {
                g_array_remove_index_fast(set->duplicates, k);
                if (!set->duplicates->len) {
                    tidy(set);
                }
                io_close(fd);
                return;
            }
        }
    }
    io_close(fd);
}

/* --- the command line and QMP --------------------------------------------- */

bool fd_set_inherit(int fd, int64_t id, const char *opaque, Error **errp)
{
    int own;

    if (fd <= STDERR_FILENO) {
        error_set(errp, "fd cannot be a standard I/O stream");
        return false;
    }
    /* One that this program opened for itself was not inherited. */
    if (fcntl(fd, F_GETFD) < 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC)) {
        error_set(errp, "fd is not valid or already in use");
        return false;
    }
    if (id < 0) {
        error_set(errp, "set option is required and must be non-negative");
        return false;
    }
    own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own < 0) {
        error_set(errp, "error duplicating fd: %s", strerror(errno));
        return false;
    }
    add(own, true, id, opaque);
    if (!inherited) {
        inherited = g_array_new(false, false, sizeof(int));
    }
    g_array_append_val(inherited, fd);
    return true;
}

static bool came_before(unsigned i)
{
    for (unsigned k = 0; k < i; k++) {
        if (g_array_index(inherited, int, k) ==
            g_array_index(inherited, int, i)) {
            return true;
        }
    }
    return false;
}

void fd_sets_begin(void)
{
    enable();
    for (unsigned i = 0; inherited && i < inherited->len; i++) {
        if (!came_before(i)) {
            io_close(g_array_index(inherited, int, i));
        }
    }
    if (inherited) {
        g_array_unref(inherited);
        inherited = NULL;
    }
}

AddfdInfo *qmp_add_fd(const QmpAddFdArgs *args, Error **errp)
{
    AddfdInfo *info;
    int fd = received_fd_take();

    if (fd < 0) {
        error_set(errp, "No file descriptor supplied via SCM_RIGHTS");
        return NULL;
    }
    if (args->has_fdset_id && args->fdset_id < 0) {
        io_close(fd);
        error_set(errp, "Parameter 'fdset-id' expects a non-negative value");
        return NULL;
    }
    info = g_new0(AddfdInfo, 1);
    info->fdset_id =
        add(fd, args->has_fdset_id, args->fdset_id, args->opaque)->id;
    info->fd = fd;
    return info;
}

/* Marks one descriptor, or all; false if it is not there. */
static bool mark_removed(const FdSet *set, bool has_fd, int64_t fd)
{
    bool found = !has_fd;

    for (unsigned i = 0; i < set->members->len; i++) {
        Member *member = member_at(set, i);

        if (!has_fd || member->fd == fd) {
            member->removed = found = true;
        }
    }
    return found;
}

bool qmp_remove_fd(const QmpRemoveFdArgs *args, Error **errp)
{
    FdSet *set = set_find(args->fdset_id);

    if (set && mark_removed(set, args->has_fd, args->fd)) {
        tidy(set);
        return true;
    }
    if (args->has_fd) {
        error_set(errp,
                  "File descriptor named 'fdset-id:%" PRId64 ", fd:%" PRId64
                  "' not found",
                  args->fdset_id, args->fd);
    } else {
        error_set(errp,
                  "File descriptor named 'fdset-id:%" PRId64 "' not found",
                  args->fdset_id);
    }
    return false;
}

static FdsetInfo *set_info(const FdSet *set)
{
    FdsetInfo *info = g_new0(FdsetInfo, 1);

    info->fdset_id = set->id;
    info->fds = FdsetFdInfoList_new();
    for (unsigned i = 0; i < set->members->len; i++) {
        const Member *member = member_at(set, i);
        FdsetFdInfo *fd = g_new0(FdsetFdInfo, 1);

        fd->fd = member->fd;
        fd->opaque = g_strdup(member->opaque);
        FdsetFdInfoList_append(info->fds, fd);
    }
    return info;
}

FdsetInfoList *qmp_query_fdsets(Error **errp)
{
    FdsetInfoList *list = FdsetInfoList_new();

    for (unsigned i = sets ? sets->len : 0; i-- > 0;) {
        FdsetInfoList_append(list, set_info(set_at(i)));
    }
    return list;
}
