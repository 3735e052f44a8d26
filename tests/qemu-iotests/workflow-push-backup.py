#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Backup jobs write what a disk had at one point in time to a target: the
whole of it, then only what changed, in every mode, also when one fails."""

from lib import bitmaps, case, jobs
from lib.workflow_case import CLUSTER, WorkflowCase


class PushBackup(WorkflowCase):

    def backup_action(self, target, job='job', **args):
        return {'type': 'blockdev-backup',
                'data': self.job('backup', target, job, **args)}

    def test_full_then_increments(self):
        self.add_disk('target')
        self.transaction(self.action('add', name='b'),
                         self.backup_action('target', sync='full'))
        self.write(1)
        self.wait_null()
        self.write(2, 3)
        self.assertEqual(self.run_backup('target', sync='incremental',
                                         bitmap='b'), 3 * CLUSTER)
        self.assert_dirty('b')
        self.write(5)
        self.assertEqual(self.run_backup('target', sync='incremental',
                                         bitmap='b'), CLUSTER)
        self.assert_image('target', self.now)

    def test_point_in_time(self):
        """What the guest writes during a backup is not in it."""
        frozen = bytes(self.now)
        self.add_disk('target')
        self.vm.cmd('blockdev-backup', self.job(
            'backup', 'target', sync='full', speed=1,
            x_perf=jobs.ONE_BY_ONE))
        self.write(1, 7, 20)
        self.vm.cmd('block-job-set-speed', {'device': 'job', 'speed': 0})
        self.assertNotIn('error', self.wait_null())
        self.assert_image('target', frozen)

    def test_modes_of_a_bitmap(self):
        """What is left in the bitmap when all went well."""
        for mode, left in ('on-success', []), ('always', []), ('never', [4]):
            with self.subTest(mode=mode):
                self.bitmap('add', 'b')
                self.write(4)
                self.add_disk('target')
                self.assertEqual(self.run_backup(
                    'target', sync='bitmap', bitmap='b', bitmap_mode=mode),
                    CLUSTER)
                self.assert_dirty('b', *left)
                self.bitmap('remove', 'b')
                self.remove_disk('target')

    def test_cancelled(self):
        """The bitmap has all that it had, and what was written meanwhile."""
        self.bitmap('add', 'b')
        self.write(1, 2, 3, 4)
        self.add_disk('target')
        self.vm.cmd('blockdev-backup', self.job(
            'backup', 'target', sync='incremental', bitmap='b', speed=1,
            x_perf=jobs.ONE_BY_ONE))
        self.write(9)
        self.vm.cmd('block-job-cancel', {'device': 'job', 'force': True})
        self.wait_null()
        self.assert_dirty('b', 1, 2, 3, 4, 9)
        self.assertEqual(self.run_backup('target', sync='incremental',
                                         bitmap='b'), 5 * CLUSTER)

    def test_two_disks_at_one_time(self):
        self.add_disk('disk2', bytes(self.now))
        self.add_disk('target')
        self.add_disk('target2')
        frozen = bytes(self.now)
        self.vm.cmd('transaction', actions=[
            self.backup_action('target', 'job', sync='full'),
            {'type': 'blockdev-backup', 'data': dict(
                self.job('backup', 'target2', 'job2', sync='full'),
                device='disk2')}],
            properties={'completion-mode': 'grouped'})
        self.write(0, 1, 2)
        # Events of both are told as they come.
        seen = set()
        while len(seen) < 2:
            event = self.vm.qmp.event('BLOCK_JOB_COMPLETED')
            self.assertNotIn('error', event['data'])
            seen.add(event['data']['device'])
        while self.vm.cmd('query-jobs'):
            pass
        self.assert_image('target', frozen)
        self.assert_image('target2', frozen)

    def test_refused_leaves_nothing(self):
        self.add_disk('target')
        self.assert_qmp_fails(self.vm, 'transaction', {'actions': [
            self.action('add', name='b'),
            self.backup_action('target', sync='full'),
            self.action('clear', name='nope')]})
        self.assertEqual(bitmaps.of_node(self.vm, 'disk'), [])
        self.assertEqual(self.vm.cmd('query-jobs'), [])


if __name__ == '__main__':
    case.main()
