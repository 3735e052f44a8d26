/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -drive says of a medium: which image, and how it is used. */
#include "block/backend/drive-int.h"
#include "block/graph/driver.h"

static bool take_cache(DriveMedium *m, Opts *opts, Error **errp)
{
    static const struct {
        const char *name;
        bool direct, no_flush, writethrough;
    } modes[] = {
        {"none", true, false, false},      {"off", true, false, false},
        {"directsync", true, false, true}, {"writeback", false, false, false},
        {"unsafe", false, true, false},    {"writethrough", false, false, true},
    };
    g_autofree char *name = opts_take(opts, "cache");

    if (!name) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (!strcmp(modes[i].name, name)) {
            m->direct = modes[i].direct;
            m->no_flush = modes[i].no_flush;
            m->writethrough = modes[i].writethrough;
            m->cache_given = true;
            return true;
        }
    }
    error_set(errp, "invalid cache option");
    return false;
}

static bool take_cache_bits(DriveMedium *m, Opts *opts, Error **errp)
{
    bool writeback = !m->writethrough;
    bool ok;

    m->cache_given |=
        opts_get(opts, "cache.direct") || opts_get(opts, "cache.no-flush");
    ok = opts_take_bool(opts, "cache.direct", &m->direct, errp) &&
         opts_take_bool(opts, "cache.no-flush", &m->no_flush, errp) &&
         opts_take_bool(opts, "cache.writeback", &writeback, errp);

    m->writethrough = !writeback;
    return ok;
}

static bool is_one_of(const char *value, const char *const *list)
{
    return !value || g_strv_contains(list, value);
}

static bool take_words(DriveMedium *m, Opts *opts, Error **errp)
{
    static const char *const aio[] = {"threads", "native", "io_uring", NULL};
    static const char *const discard[] = {"ignore", "off", "unmap", "on", NULL};
    static const char *const zeroes[] = {"on", "off", "unmap", NULL};
    const char *wrong = NULL;

    m->aio = opts_take(opts, "aio");
    m->discard = opts_take(opts, "discard");
    m->detect_zeroes = opts_take(opts, "detect-zeroes");
    if (!is_one_of(m->aio, aio)) {
        wrong = "invalid aio option";
    } else if (!is_one_of(m->discard, discard)) {
        wrong = "Invalid discard option";
    }
    if (wrong) {
        error_set(errp, "%s", wrong);
        return false;
    }
    if (!is_one_of(m->detect_zeroes, zeroes)) {
        error_set(errp, "invalid parameter value: %s", m->detect_zeroes);
        return false;
    }
    if (m->discard &&
        (!strcmp(m->discard, "on") || !strcmp(m->discard, "off"))) {
        bool on = !strcmp(m->discard, "on");

        g_free(m->discard);
        m->discard = g_strdup(on ? "unmap" : "ignore");
    }
    return true;
}

static bool take_format(DriveMedium *m, Opts *opts, Error **errp)
{
    char *driver = opts_take(opts, "driver");

    m->format = opts_take(opts, "format");
    if (driver && m->format) {
        g_free(driver);
        error_set(errp, "Cannot specify both 'driver' and 'format'");
        return false;
    }
    m->format = m->format ? m->format : driver;
    if (m->format && !driver_find(m->format)) {
        error_set(errp, "Unknown driver '%s'", m->format);
        return false;
    }
    return true;
}

/* "readonly" is what "read-only" was called once. */
static bool take_read_only(DriveMedium *m, Opts *opts, bool cdrom, Error **errp)
{
    g_autofree char *old = opts_take(opts, "readonly");

    if (old && opts_get(opts, "read-only")) {
        error_set(errp, "'read-only' and its alias 'readonly' can't be used at "
                        "the same time");
        return false;
    }
    if (old) {
        opts_add(opts, "read-only", old);
    }
    if (!opts_take_bool(opts, "read-only", &m->read_only, errp)) {
        return false;
    }
    m->read_only |= cdrom;
    return true;
}

bool drive_medium_take(DriveMedium *m, Opts *opts, const DriveDefaults *d,
                       bool cdrom, Error **errp)
{
    m->file = opts_take(opts, "file");
    m->snapshot = d->snapshot;
    m->rest = opts;
    return take_read_only(m, opts, cdrom, errp) &&
           opts_take_bool(opts, "snapshot", &m->snapshot, errp) &&
           take_cache(m, opts, errp) && take_cache_bits(m, opts, errp) &&
           take_words(m, opts, errp) && take_format(m, opts, errp) &&
           opts_take_bool(opts, "copy-on-read", &m->copy_on_read, errp);
}

bool drive_medium_empty_ok(const DriveMedium *m, Error **errp)
{
    bool ok = !m->cache_given && !m->discard;

    if (!ok) {
        error_set(errp, "Must specify either driver or file");
    }
    return ok;
}

void drive_medium_clear(DriveMedium *m)
{
    g_free(m->file);
    g_free(m->format);
    g_free(m->aio);
    g_free(m->discard);
    g_free(m->detect_zeroes);
}
