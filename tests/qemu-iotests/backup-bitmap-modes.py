#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A backup's bitmap after success, cancellation and error, in each mode.

Every run starts with the same dirty areas and has a guest write one chunk
more while the job runs. `old` is what was dirty, `new` what came after.
"""

from lib import bitmaps, case, jobs
from lib.backup_case import BackupCase, CHUNK
from lib.images import MIB
from lib.jobs import PENDING, cancelled, completed, error

NEW = 40 * CHUNK
OLD = [0, 3 * CHUNK]


class Modes(BackupCase):

    # The failing runs stop here.
    limit_bytes = 2 * MIB

    def setUp(self):
        super().setUp()
        self.bitmap('add', 'b')

    def assert_dirty(self, *ranges):
        self.assertEqual(bitmaps.sha256(self.vm, 'src', 'b'),
                         bitmaps.expected_sha256(self.size_bytes, CHUNK,
                                                 ranges))
        entry = bitmaps.find(self.vm, 'src', 'b')
        self.assertEqual((entry['busy'], entry['recording']), (False, True))

    def after_old(self, *more):
        return [(offset, CHUNK) for offset in OLD + list(more)]

    def run_to_pending(self, **args):
        """The job waits to be finalised; the guest has written."""
        self.write(*OLD)
        self.start(bitmap='b', auto_finalize=False, **args)
        self.assertEqual(self.follow('PENDING')[-1], PENDING)
        entry = bitmaps.find(self.vm, 'src', 'b')
        self.assertEqual((entry['count'], entry['busy']), (2 * CHUNK, True))
        # (a zero write: where data goes is beyond the limit)
        self.guest().zero(CHUNK, NEW)
        self.assertEqual(bitmaps.count(self.vm, 'src', 'b'), 2 * CHUNK)

    def succeed(self, **args):
        self.run_to_pending(**args)
        self.vm.cmd('job-finalize', id='job0')
        self.assertEqual(self.follow('null')[0], completed(2 * CHUNK))

    def cancel_pending(self, **args):
        self.run_to_pending(**args)
        self.vm.cmd('job-cancel', id='job0')
        self.assertEqual(self.follow('null')[1], cancelled(2 * CHUNK))

    def cancel_running(self, **args):
        """Cancelled when the first of two chunks is copied."""
        self.write(*OLD)
        self.start_held(bitmap='b', **args)
        self.vm.cmd('job-pause', id='job0')
        self.follow('paused')
        self.guest().zero(CHUNK, NEW)
        self.vm.cmd('job-cancel', id='job0')
        self.assertIn(cancelled(2 * CHUNK, CHUNK, speed=1),
                      self.follow('null'))

    def fail(self, **args):
        """The first 4 MiB are dirty; it ends at the limit, in the middle."""
        self.bitmap('add', 'wide', granularity=4 * MIB)
        self.write(0)
        self.vm.cmd('block-dirty-bitmap-merge', node='src', target='b',
                    bitmaps=['wide'])
        self.bitmap('remove', 'wide')
        self.start(bitmap='b', x_perf=jobs.ONE_BY_ONE, **args)
        self.assertEqual(self.follow('null'), [
            error('write'), 'aborting', completed(
                4 * MIB, 2 * MIB, error='File too large'), 'concluded',
            'null'])

    # -- sync=incremental

    def test_incremental_success(self):
        self.succeed(sync='incremental')
        self.assert_dirty((NEW, CHUNK))

    def test_incremental_cancel_pending(self):
        self.cancel_pending(sync='incremental')
        self.assert_dirty(*self.after_old(NEW))

    def test_incremental_cancel_running(self):
        self.cancel_running(sync='incremental')
        self.assert_dirty(*self.after_old(NEW))

    def test_incremental_error(self):
        self.fail(sync='incremental')
        self.assert_dirty((0, 4 * MIB))

    # -- sync=bitmap

    def test_on_success_success(self):
        self.succeed(sync='bitmap', bitmap_mode='on-success')
        self.assert_dirty((NEW, CHUNK))

    def test_on_success_cancel_pending(self):
        self.cancel_pending(sync='bitmap', bitmap_mode='on-success')
        self.assert_dirty(*self.after_old(NEW))

    def test_on_success_cancel_running(self):
        self.cancel_running(sync='bitmap', bitmap_mode='on-success')
        self.assert_dirty(*self.after_old(NEW))

    def test_on_success_error(self):
        self.fail(sync='bitmap', bitmap_mode='on-success')
        self.assert_dirty((0, 4 * MIB))

    def test_never_success(self):
        self.succeed(sync='bitmap', bitmap_mode='never')
        self.assert_dirty(*self.after_old(NEW))

    def test_never_cancel_pending(self):
        self.cancel_pending(sync='bitmap', bitmap_mode='never')
        self.assert_dirty(*self.after_old(NEW))

    def test_never_cancel_running(self):
        self.cancel_running(sync='bitmap', bitmap_mode='never')
        self.assert_dirty(*self.after_old(NEW))

    def test_never_error(self):
        self.fail(sync='bitmap', bitmap_mode='never')
        self.assert_dirty((0, 4 * MIB))

    def test_always_success(self):
        self.succeed(sync='bitmap', bitmap_mode='always')
        self.assert_dirty((NEW, CHUNK))

    def test_always_cancel_pending(self):
        self.cancel_pending(sync='bitmap', bitmap_mode='always')
        self.assert_dirty((NEW, CHUNK))

    def test_always_cancel_running(self):
        self.cancel_running(sync='bitmap', bitmap_mode='always')
        self.assert_dirty((OLD[1], CHUNK), (NEW, CHUNK))

    def test_always_error(self):
        self.fail(sync='bitmap', bitmap_mode='always')
        self.assert_dirty((2 * MIB, 2 * MIB))


class Whole(BackupCase):
    """A bitmap with sync=full: the copy covers what was clean, too."""

    def setUp(self):
        super().setUp()
        self.bitmap('add', 'b')
        self.write(*OLD)

    def assert_dirty(self, *ranges):
        Modes.assert_dirty(self, *ranges)

    def run_to_pending(self, mode):
        self.start(bitmap='b', bitmap_mode=mode, auto_finalize=False)
        self.follow('PENDING')
        self.write(NEW)

    def test_success(self):
        for mode in 'on-success', 'always':
            self.run_to_pending(mode)
            self.vm.cmd('job-finalize', id='job0')
            self.assertEqual(self.follow('null')[0],
                             completed(self.size_bytes))
            self.assert_dirty((NEW, CHUNK))

    def test_cancel(self):
        self.run_to_pending('on-success')
        self.vm.cmd('job-cancel', id='job0')
        self.follow('null')
        self.assert_dirty((0, CHUNK), (3 * CHUNK, CHUNK), (NEW, CHUNK))

    def test_always_cancel_running(self):
        self.start_held(bitmap='b', bitmap_mode='always')
        self.vm.cmd('job-pause', id='job0')
        self.follow('paused')
        self.vm.cmd('job-cancel', id='job0')
        self.assertIn(cancelled(self.size_bytes, CHUNK, speed=1),
                      self.follow('null'))
        self.assert_dirty((CHUNK, self.size_bytes - CHUNK))


class WholeFailing(BackupCase):

    limit_bytes = 2 * MIB

    def test_always_error(self):
        self.bitmap('add', 'b')
        self.start(bitmap='b', bitmap_mode='always', x_perf=jobs.ONE_BY_ONE)
        self.follow('null')
        Modes.assert_dirty(self, (2 * MIB, self.size_bytes - 2 * MIB))

    def test_on_success_error(self):
        self.bitmap('add', 'b')
        self.write(0)
        self.start(bitmap='b', bitmap_mode='on-success',
                   x_perf=jobs.ONE_BY_ONE)
        self.follow('null')
        Modes.assert_dirty(self, (0, CHUNK))


if __name__ == '__main__':
    case.main()
