/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting a device's requests: see accounting.h. */
#include "block/backend/accounting.h"

#include "util/reactor/virtual-clock.h"

#define NS_PER_S INT64_C(1000000000)
#define STEPPED_LATENCY_NS (NS_PER_S / 1000)

void account_init(Account *account)
{
    *account = (Account){.account_invalid = true, .account_failed = true};
}

void account_free(Account *account)
{
    if (account->intervals) {
        g_array_unref(account->intervals);
    }
    for (AccountKind kind = 0; kind < ACCOUNT__MAX; kind++) {
        histogram_clear(&account->histograms[kind]);
    }
}

/* --- intervals ----------------------------------------------------------- */

/* Begins windows anew whose time is over. */
static void windows_refresh(AccountWindow *w, uint64_t length_s, int64_t now_ns)
{
    int64_t length_ns = length_s * NS_PER_S;

    for (unsigned i = 0; i < 2; i++) {
        if (now_ns - w[i].start_ns >= length_ns) {
            int64_t over = (now_ns - w[i].start_ns) / length_ns;

            w[i] =
                (AccountWindow){.start_ns = w[i].start_ns + over * length_ns};
        }
    }
}

static const AccountWindow *older(const AccountWindow *w)
{
    return w[0].start_ns <= w[1].start_ns ? &w[0] : &w[1];
}

bool account_add_interval(Account *account, int64_t length_s, Error **errp)
{
    AccountInterval interval = {.length_s = length_s};
    int64_t now_ns = vclock_now_ns();

    if (length_s <= 0 || length_s > UINT32_MAX) {
        error_set(errp, "Invalid interval length: %" PRId64, length_s);
        return false;
    }
    for (unsigned kind = 0; kind < ACCOUNT__MAX; kind++) {
        interval.windows[kind][0].start_ns = now_ns;
        /* Half an interval apart. */
        interval.windows[kind][1].start_ns = now_ns - length_s * NS_PER_S / 2;
    }
    if (!account->intervals) {
        account->intervals = g_array_new(FALSE, FALSE, sizeof(AccountInterval));
    }
    g_array_append_val(account->intervals, interval);
    return true;
}

static void window_add(AccountWindow *w, uint64_t ns)
{
    w->min_ns = w->count ? MIN(w->min_ns, ns) : ns;
    w->max_ns = MAX(w->max_ns, ns);
    w->sum_ns += ns;
    w->count++;
}

static void intervals_add(Account *account, AccountKind kind, uint64_t ns,
                          int64_t now_ns)
{
    for (guint i = 0; account->intervals && i < account->intervals->len; i++) {
        AccountInterval *interval =
            &g_array_index(account->intervals, AccountInterval, i);
        AccountWindow *w = interval->windows[kind];

        windows_refresh(w, interval->length_s, now_ns);
        window_add(&w[0], ns);
        window_add(&w[1], ns);
    }
}

/* --- requests ------------------------------------------------------------ */

AccountStart account_start(AccountKind kind, uint64_t bytes)
{
    return (AccountStart){kind, bytes, vclock_now_ns()};
}

void account_done(Account *account, const AccountStart *start, bool ok)
{
    int64_t now_ns = vclock_now_ns();
    uint64_t ns =
        vclock_stands_still() ? STEPPED_LATENCY_NS : now_ns - start->start_ns;

    if (ok) {
        account->done[start->kind]++;
        account->bytes[start->kind] += start->bytes;
    } else {
        account->failed[start->kind]++;
    }
    if (ok || account->account_failed) {
        account->total_ns[start->kind] += ns;
        account->last_access_ns = now_ns;
        intervals_add(account, start->kind, ns, now_ns);
        histogram_add(&account->histograms[start->kind], ns);
    }
}

void account_invalid(Account *account, AccountKind kind)
{
    account->invalid[kind]++;
    if (account->account_invalid) {
        account->last_access_ns = vclock_now_ns();
    }
}

/* --- what is shown ------------------------------------------------------- */

static void show_kind(const AccountInterval *interval, AccountKind kind,
                      int64_t now_ns, int64_t *min, int64_t *max, int64_t *avg,
                      double *depth)
{
    AccountWindow w[2] = {interval->windows[kind][0],
                          interval->windows[kind][1]};
    const AccountWindow *old;
    int64_t elapsed;

    windows_refresh(w, interval->length_s, now_ns);
    old = older(w);
    elapsed = now_ns - old->start_ns;
    *min = old->min_ns;
    *max = old->max_ns;
    *avg = old->count ? old->sum_ns / old->count : 0;
    if (depth) {
        *depth = elapsed > 0 ? (double)old->sum_ns / elapsed : 0;
    }
}

static BlockDeviceTimedStats *show_interval(const AccountInterval *interval)
{
    BlockDeviceTimedStats *s = g_new0(BlockDeviceTimedStats, 1);
    int64_t now_ns = vclock_now_ns();

    s->interval_length = interval->length_s;
    show_kind(interval, ACCOUNT_READ, now_ns, &s->min_rd_latency_ns,
              &s->max_rd_latency_ns, &s->avg_rd_latency_ns,
              &s->avg_rd_queue_depth);
    show_kind(interval, ACCOUNT_WRITE, now_ns, &s->min_wr_latency_ns,
              &s->max_wr_latency_ns, &s->avg_wr_latency_ns,
              &s->avg_wr_queue_depth);
    show_kind(interval, ACCOUNT_FLUSH, now_ns, &s->min_flush_latency_ns,
              &s->max_flush_latency_ns, &s->avg_flush_latency_ns, NULL);
    return s;
}

BlockDeviceStats *account_query(const Account *a)
{
    BlockDeviceStats *s = g_new0(BlockDeviceStats, 1);

    s->rd_bytes = a->bytes[ACCOUNT_READ];
    s->wr_bytes = a->bytes[ACCOUNT_WRITE];
    s->unmap_bytes = a->bytes[ACCOUNT_UNMAP];
    s->rd_operations = a->done[ACCOUNT_READ];
    s->wr_operations = a->done[ACCOUNT_WRITE];
    s->flush_operations = a->done[ACCOUNT_FLUSH];
    s->unmap_operations = a->done[ACCOUNT_UNMAP];
    s->failed_rd_operations = a->failed[ACCOUNT_READ];
    s->failed_wr_operations = a->failed[ACCOUNT_WRITE];
    s->failed_flush_operations = a->failed[ACCOUNT_FLUSH];
    s->failed_unmap_operations = a->failed[ACCOUNT_UNMAP];
    s->invalid_rd_operations = a->invalid[ACCOUNT_READ];
    s->invalid_wr_operations = a->invalid[ACCOUNT_WRITE];
    s->invalid_flush_operations = a->invalid[ACCOUNT_FLUSH];
    s->invalid_unmap_operations = a->invalid[ACCOUNT_UNMAP];
    s->rd_total_time_ns = a->total_ns[ACCOUNT_READ];
    s->wr_total_time_ns = a->total_ns[ACCOUNT_WRITE];
    s->flush_total_time_ns = a->total_ns[ACCOUNT_FLUSH];
    s->unmap_total_time_ns = a->total_ns[ACCOUNT_UNMAP];
    s->account_invalid = a->account_invalid;
    s->account_failed = a->account_failed;
    s->has_idle_time_ns = a->last_access_ns != 0;
    s->idle_time_ns =
        s->has_idle_time_ns ? vclock_now_ns() - a->last_access_ns : 0;
    s->rd_latency_histogram = histogram_query(&a->histograms[ACCOUNT_READ]);
    s->wr_latency_histogram = histogram_query(&a->histograms[ACCOUNT_WRITE]);
    s->flush_latency_histogram = histogram_query(&a->histograms[ACCOUNT_FLUSH]);
    s->timed_stats = BlockDeviceTimedStatsList_new();
    for (guint i = 0; a->intervals && i < a->intervals->len; i++) {
        BlockDeviceTimedStatsList_append(
            s->timed_stats,
            show_interval(&g_array_index(a->intervals, AccountInterval, i)));
    }
    return s;
}
