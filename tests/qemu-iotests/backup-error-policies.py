#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What on-source-error and on-target-error do: for each policy, side and kind
of error what clients are told, and that the copy is whole where the job
succeeds."""

import errno

from lib import case
from lib.policy_case import PolicyCase

EACH = [(side, number) for side in ('source', 'target')
        for number in (errno.EIO, errno.ENOSPC, errno.ENOMEM)]


class Policies(PolicyCase):

    command = 'blockdev-backup'

    def set(self, side, policy):
        return {f'on_{side}_error': policy}

    def test_report(self):
        for side, number in EACH:
            self.begin(side, number, **self.set(side, 'report'))
            self.assert_told(side, 'report')
            self.assert_ends(number)

    def test_default(self):
        for side, number in EACH:
            self.begin(side, number)
            self.assert_told(side, 'report')
            self.assert_ends(number)

    def test_ignore(self):
        """It is tried again, as often as it takes."""
        for side, number in EACH:
            self.begin(side, number, times=3, **self.set(side, 'ignore'))
            for _ in range(3):
                self.assert_told(side, 'ignore')
            self.assert_ends()

    def test_stop(self):
        for side, number in EACH:
            self.begin(side, number, times=2, **self.set(side, 'stop'))
            for _ in range(2):
                self.assert_told(side, 'stop')
                self.assert_stopped(number)
                self.resume()
            self.assert_ends()

    def test_enospc(self):
        """A full disk stops it, all else is reported; `auto` means that."""
        for side, number, policy in [(*each, policy) for each in EACH
                                     for policy in ('enospc', 'auto')]:
            self.begin(side, number, **self.set(side, policy))
            if number == errno.ENOSPC:
                self.assert_told(side, 'stop')
                self.assert_stopped(number)
                self.resume()
                self.assert_ends()
            else:
                self.assert_told(side, 'report')
                self.assert_ends(number)

    def test_other_side(self):
        """Each side has a policy of its own."""
        self.begin('source', errno.EIO, on_source_error='stop',
                   on_target_error='report')
        self.assert_told('source', 'stop')
        self.assert_stopped(errno.EIO)
        self.resume()
        self.assert_ends()
        self.begin('target', errno.EIO, on_source_error='stop',
                   on_target_error='report')
        self.assert_told('target', 'report')
        self.assert_ends(errno.EIO)

    def test_cancel_while_stopped(self):
        self.begin('target', errno.ENOSPC, on_target_error='stop')
        self.assert_told('target', 'stop')
        self.assert_stopped(errno.ENOSPC)
        self.assert_error(self.vm, 'block-job-cancel', {'device': 'job'},
                          "The block job for device 'job' is currently paused")
        self.vm.cmd('block-job-cancel', {'device': 'job', 'force': True})
        self.vm.qmp.event('BLOCK_JOB_CANCELLED')
        self.assertEqual(self.vm.cmd('query-jobs'), [])

    def test_status_is_reset(self):
        """A job that goes on shows no error any more."""
        self.begin('source', errno.EIO, on_source_error='stop',
                   auto_finalize=False)
        self.assert_told('source', 'stop')
        self.assert_stopped(errno.EIO)
        self.resume()
        self.vm.qmp.event('BLOCK_JOB_PENDING')
        job, = self.vm.cmd('query-block-jobs')
        self.assertEqual(job['io-status'], 'ok')
        self.vm.cmd('job-finalize', {'id': 'job'})
        self.assert_ends()


if __name__ == '__main__':
    case.main()
