/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request to all children of a quorum at once, and what is told of those
 * that fail.
 */
#include "block/test-drivers/quorum-int.h"

#include "block/graph/device.h"

#define SECTOR_BYTES 512

/* --- running ------------------------------------------------------------- */

void quorum_request_begin(QuorumRequest *req)
{
    const QuorumState *s = req->node->state;

    req->n = s->n;
    req->parts = g_new0(QuorumPart, s->n);
    cocount_init(&req->running);
    for (unsigned i = 0; i < s->n; i++) {
        req->parts[i] = (QuorumPart){.request = req, .edge = s->children[i]};
    }
}

void quorum_request_end(QuorumRequest *req)
{
    g_free(req->parts);
}

COROUTINE_ONLY
static void co_part_entry(void *opaque)
{
    QuorumPart *part = opaque;
    QuorumRequest *req = part->request;

    part->ret = req->co_run(part);
    if (part->ret < 0 && !req->quiet) {
        quorum_report_bad(req, part->edge, part->ret);
    }
    cocount_dec(&req->running);
}

unsigned co_quorum_run(QuorumRequest *req)
{
    unsigned good = 0;

    for (unsigned i = 0; i < req->n; i++) {
        if (!req->parts[i].skip) {
            cocount_inc(&req->running);
            coroutine_start(co_part_entry, &req->parts[i]);
        }
    }
    co_count_wait_zero(&req->running);
    for (unsigned i = 0; i < req->n; i++) {
        good += !req->parts[i].skip && req->parts[i].ret == 0;
    }
    return good;
}

int quorum_vote_error(const QuorumRequest *req)
{
    unsigned most = 0;
    int winner = -EIO;

    for (unsigned i = 0; i < req->n; i++) {
        unsigned votes = 0;

        for (unsigned j = 0; j < req->n; j++) {
            votes += req->parts[j].ret == req->parts[i].ret;
        }
        if (req->parts[i].ret < 0 && votes >= most) {
            most = votes;
            winner = req->parts[i].ret;
        }
    }
    return winner;
}

/* --- events -------------------------------------------------------------- */

static int64_t sector_of(const QuorumRequest *req)
{
    return (int64_t)(req->offset_bytes / SECTOR_BYTES);
}

static int64_t sectors_of(const QuorumRequest *req)
{
    uint64_t end = req->offset_bytes + req->bytes;

    return (int64_t)DIV_ROUND_UP(end, SECTOR_BYTES) - sector_of(req);
}

static void send_bad(void *opaque)
{
    QapiEventQuorumReportBad *args = opaque;

    qapi_event_quorum_report_bad(args);
    g_free(args->node_name);
    g_free(args->error);
    g_free(args);
}

void quorum_report_bad(const QuorumRequest *req, const Edge *child, int ret)
{
    QapiEventQuorumReportBad *args = g_new0(QapiEventQuorumReportBad, 1);

    args->type = req->type;
    args->error = ret < 0 ? g_strdup(strerror(-ret)) : NULL;
    args->node_name = g_strdup(node_name(child->child));
    args->sector_num = sector_of(req);
    args->sectors_count = sectors_of(req);
    reactor_dispatch(reactor_control(), send_bad, args);
}

CONTROL_ONLY
static void send_failure(void *opaque)
{
    QapiEventQuorumFailure *args = opaque;
    const Node *node = node_find(args->reference);
    const char *device = node ? node_device_name(node) : NULL;

    if (device && *device) {
        g_free(args->reference);
        args->reference = g_strdup(device);
    }
    qapi_event_quorum_failure(args);
    g_free(args->reference);
    g_free(args);
}

void quorum_report_failure(const QuorumRequest *req)
{
    QapiEventQuorumFailure *args = g_new0(QapiEventQuorumFailure, 1);

    args->reference = g_strdup(node_name(req->node));
    args->sector_num = sector_of(req);
    args->sectors_count = sectors_of(req);
    reactor_dispatch(reactor_control(), send_failure, args);
}
