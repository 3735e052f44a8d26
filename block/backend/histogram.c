/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many requests took how long: see histogram.h. */
#include "block/backend/histogram.h"

#include "block/backend/backend-int.h"
#include "qapi/qapi-commands.h"

static bool ascend(const Uint64List *boundaries)
{
    uint64_t last = 0;

    for (size_t i = 0; i < boundaries->n; i++) {
        if (boundaries->v[i] <= last) {
            return false;
        }
        last = boundaries->v[i];
    }
    return true;
}

/* Counts from 0 on; false, and nothing changed, unless each boundary is above
 * the one before it, and the first above 0. */
static bool histogram_set(Histogram *histogram, const Uint64List *boundaries)
{
    if (!ascend(boundaries)) {
        return false;
    }
    histogram_clear(histogram);
    histogram->boundaries = Uint64List_clone(boundaries);
    histogram->bins = g_new0(uint64_t, boundaries->n + 1);
    return true;
}

void histogram_clear(Histogram *histogram)
{
    Uint64List_free(histogram->boundaries);
    g_free(histogram->bins);
    *histogram = (Histogram){NULL, NULL};
}

void histogram_add(Histogram *histogram, uint64_t ns)
{
    size_t i = 0;

    if (!histogram->boundaries) {
        return;
    }
    while (i < histogram->boundaries->n && histogram->boundaries->v[i] <= ns) {
        i++;
    }
    histogram->bins[i]++;
}

BlockLatencyHistogramInfo *histogram_query(const Histogram *histogram)
{
    BlockLatencyHistogramInfo *info;

    if (!histogram->boundaries) {
        return NULL;
    }
    info = g_new0(BlockLatencyHistogramInfo, 1);
    info->boundaries = Uint64List_clone(histogram->boundaries);
    info->bins = Uint64List_new();
    for (size_t i = 0; i <= histogram->boundaries->n; i++) {
        Uint64List_append(info->bins, histogram->bins[i]);
    }
    return info;
}

/* --- the command --------------------------------------------------------- */

static bool set_kind(const QmpBlockLatencyHistogramSetArgs *args,
                     Account *account, AccountKind kind, const char *name,
                     const Uint64List *own, Error **errp)
{
    const Uint64List *boundaries = own ? own : args->boundaries;

    if (boundaries && !histogram_set(&account->histograms[kind], boundaries)) {
        error_set(errp, "Device '%s' set %s boundaries fail", args->id, name);
        return false;
    }
    return true;
}

bool qmp_block_latency_histogram_set(
    const QmpBlockLatencyHistogramSetArgs *args, Error **errp)
{
    Backend *backend = backend_lookup(NULL, args->id, errp);
    Account *account;

    if (!backend) {
        return false;
    }
    account = backend_account(backend);
    if (!args->boundaries && !args->boundaries_read &&
        !args->boundaries_write && !args->boundaries_flush) {
        for (AccountKind kind = 0; kind < ACCOUNT__MAX; kind++) {
            histogram_clear(&account->histograms[kind]);
        }
        return true;
    }
    return set_kind(args, account, ACCOUNT_READ, "read", args->boundaries_read,
                    errp) &&
           set_kind(args, account, ACCOUNT_WRITE, "write",
                    args->boundaries_write, errp) &&
           set_kind(args, account, ACCOUNT_FLUSH, "flush",
                    args->boundaries_flush, errp);
}
