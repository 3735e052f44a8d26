/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted of a device's requests: bytes, times, failures, and over
 * intervals how long they took and how many were under way.
 *
 * Invariant: with a clock that tests step, a request takes a millisecond.
 * All: control thread.
 */
#ifndef BLOCK_BACKEND_ACCOUNTING_H
#define BLOCK_BACKEND_ACCOUNTING_H

#include "block/backend/histogram.h"
#include "qapi/qapi-types.h"
#include "util/annotations.h"
#include "util/error.h"

typedef enum AccountKind {
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    ACCOUNT_FLUSH,
    ACCOUNT_UNMAP,
    ACCOUNT__MAX,
} AccountKind;

/* Times in one window. */
typedef struct AccountWindow {
    int64_t start_ns;
    uint64_t count, sum_ns, min_ns, max_ns;
} AccountWindow;

/* The last @length_s seconds: two windows, of which one is at least half as
 * old. */
typedef struct AccountInterval {
    uint64_t length_s;
    AccountWindow windows[ACCOUNT__MAX][2];
} AccountInterval;

typedef struct Account {
    bool account_invalid, account_failed;
    uint64_t bytes[ACCOUNT__MAX], done[ACCOUNT__MAX];
    uint64_t failed[ACCOUNT__MAX], invalid[ACCOUNT__MAX];
    uint64_t total_ns[ACCOUNT__MAX];
    int64_t last_access_ns; /* 0: none yet */
    GArray *intervals;      /* AccountInterval; NULL: none */
    Histogram histograms[ACCOUNT__MAX];
} Account;

/* One request under way. */
typedef struct AccountStart {
    AccountKind kind;
    uint64_t bytes;
    int64_t start_ns;
} AccountStart;

void account_init(Account *account);
void account_free(Account *account);
/* False with QEMU's text: intervals are at least a second. */
bool account_add_interval(Account *account, int64_t length_s, Error **errp);

AccountStart account_start(AccountKind kind, uint64_t bytes);
void account_done(Account *account, const AccountStart *start, bool ok);
/* It was never begun: it makes no sense. */
void account_invalid(Account *account, AccountKind kind);

/* New; the caller frees it. */
BlockDeviceStats *account_query(const Account *account);

#endif
