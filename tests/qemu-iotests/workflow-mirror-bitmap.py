#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A mirror copies what a bitmap says, goes on where a failed one stopped, and
the disk moves to the copy while the guest writes."""

from lib import case, jobs
from lib.case import ours_only
from lib.workflow_case import CLUSTER, WorkflowCase

WHY = 'no bitmap of a mirror'


class Mirror(WorkflowCase):

    has_top = False

    def start(self, **args):
        self.vm.cmd('blockdev-mirror', self.job('mirror', 'target', **args))

    def ready(self):
        return jobs.follow(self.vm, 'job', 'READY')[-1][1]

    def finish(self):
        self.vm.cmd('block-job-complete', {'device': 'job'})
        return self.wait_null()

    def test_move(self):
        self.add_disk('target')
        self.start(sync='full')
        self.ready()
        self.write(5)
        self.assertNotIn('error', self.finish())
        self.write(6)
        self.assert_bytes(self.guest.pread(self.size_bytes, 0), self.now)
        # The guest is on the target, and the old disk free.
        self.remove_disk('disk')

    @ours_only(WHY)
    def test_only_what_changed(self):
        """The target has the rest from before."""
        self.add_disk('target', bytes(self.now))
        self.bitmap('add', 'b')
        self.write(1, 2, 9)
        self.start(sync='full', bitmap='b')
        self.assertEqual(self.ready()['len'], 3 * CLUSTER)
        self.vm.cmd('block-job-cancel', {'device': 'job'})
        self.wait_null()
        self.assert_dirty('b')
        self.assert_image('target', self.now)

    @ours_only(WHY)
    def test_resumed(self):
        self.add_disk('target', bytes(self.now))
        self.bitmap('add', 'b')
        self.write(1, 2, 3, 4, 5)
        self.start(sync='full', bitmap='b', speed=1, buf_size=CLUSTER)
        jobs.wait_for_progress(self.vm, 'job', CLUSTER)
        self.vm.cmd('job-cancel', {'id': 'job'})
        self.wait_null()
        self.assert_dirty('b', 2, 3, 4, 5)
        self.write(20)
        self.start(sync='full', bitmap='b')
        self.assertEqual(self.ready()['len'], 5 * CLUSTER)
        self.assertNotIn('error', self.finish())
        self.assert_bytes(self.guest.pread(self.size_bytes, 0), self.now)

    @ours_only(WHY)
    def test_sync_bitmap_modes(self):
        for mode, left in ('on-success', []), ('always', []), ('never', [4]):
            with self.subTest(mode=mode):
                self.add_disk('target', bytes(self.now))
                self.bitmap('add', 'b')
                self.write(4, byte=len(mode))
                self.start(sync='bitmap', bitmap='b', bitmap_mode=mode)
                self.ready()
                self.vm.cmd('block-job-cancel', {'device': 'job'})
                self.wait_null()
                self.assert_dirty('b', *left)
                self.bitmap('remove', 'b')
                self.assert_image('target', self.now)


if __name__ == '__main__':
    case.main()
