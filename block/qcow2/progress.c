/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far an amendment is: see progress.h. */
#include "block/qcow2/progress.h"

#include <stddef.h>

void qcow2_progress_tell(const Qcow2Progress *p)
{
    if (p->tell) {
        p->tell(p->opaque, p->before + p->done,
                p->before + p->total * p->operations);
    }
}

void qcow2_progress_begin(Qcow2Progress *p, uint64_t total)
{
    p->done = 0;
    p->total = total;
}

void qcow2_progress_before_step(Qcow2Progress *p)
{
    qcow2_progress_tell(p);
    p->done++;
}

void qcow2_progress_step(Qcow2Progress *p)
{
    p->done++;
    qcow2_progress_tell(p);
}

void qcow2_progress_end(Qcow2Progress *p)
{
    p->before += p->total;
    p->operations--;
}
