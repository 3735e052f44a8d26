/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of opening share with qcow2.c: options.c, others.c. */
#ifndef BLOCK_QCOW2_OPEN_INT_H
#define BLOCK_QCOW2_OPEN_INT_H

#include "block/qcow2/qcow2-int.h"
#include "qapi/qapi-types.h"

/* options.c: cache sizes, discards, overlap checks. */
bool qcow2_options_apply(Qcow2State *s, const BlockdevOptionsQcow2 *o,
                         Error **errp);
bool co_qcow2_reopen(NodeReopen *reopen, Txn *txn,
                     Error **errp) COROUTINE_ONLY CONTROL_ONLY;
extern const char *const qcow2_reopen_options[];

/* others.c: the external data file and the image behind, as options say or
 * else the image itself. */
bool co_qcow2_open_data_file(Qcow2State *s, const BlockdevOptionsQcow2 *o,
                             Error **errp) COROUTINE_ONLY CONTROL_ONLY;
bool co_qcow2_open_backing(Qcow2State *s, const BlockdevOptionsQcow2 *o,
                           Error **errp) COROUTINE_ONLY CONTROL_ONLY;

#endif
