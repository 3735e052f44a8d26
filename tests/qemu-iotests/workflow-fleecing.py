#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A reader is shown what a disk had at one point in time, while a guest goes
on writing: by a filter with snapshot-access, and by the older way of an
overlay that old data is copied to."""

import unittest

from lib import case, exports, flavour, jobs
from lib.workflow_case import CLUSTER, WorkflowCase


class SnapshotAccess(WorkflowCase):

    def freeze(self, **cbw):
        self.add_disk('temp')
        self.vm.cmd('blockdev-add', {
            'driver': 'copy-before-write', 'node-name': 'cbw',
            'file': 'disk', 'target': 'temp', **cbw})
        self.vm.cmd('blockdev-reopen', options=[self.top_options('cbw')])
        self.vm.cmd('blockdev-add', {
            'driver': 'snapshot-access', 'node-name': 'snap', 'file': 'cbw'})
        self.server.add('snap', writable=False)
        return bytes(self.now)

    def thaw(self):
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.remove_disk('snap')
        self.vm.cmd('blockdev-reopen', options=[self.top_options('disk')])
        self.remove_disk('cbw')
        self.remove_disk('temp')

    def test_reads(self):
        frozen = self.freeze()
        reader = self.connect('snap')
        self.assert_reads(reader, frozen)
        self.write(0, 3, 40)
        for start in range(0, self.size_bytes, CLUSTER):
            self.assert_bytes(reader.pread(CLUSTER, start),
                              frozen[start:start + CLUSTER])
        exports.disconnect(reader)
        self.thaw()
        self.write(1)
        self.assert_bytes(self.guest.pread(self.size_bytes, 0), self.now)

    def test_only_what_changed(self):
        """With a bitmap the rest is neither kept nor shown."""
        self.bitmap('add', 'b')
        self.write(2, 3)
        frozen = self.freeze(bitmap={'node': 'disk', 'name': 'b'})
        self.write(2, 10, byte=0x11)
        reader = self.connect('snap')
        self.assert_bytes(reader.pread(2 * CLUSTER, 2 * CLUSTER),
                          frozen[2 * CLUSTER:4 * CLUSTER])
        self.assertEqual(exports.errno_of(reader.pread, CLUSTER,
                                          10 * CLUSTER), 'EINVAL')
        exports.disconnect(reader)
        self.thaw()

    def test_pushed(self):
        """A backup job as the reader."""
        frozen = self.freeze()
        self.add_disk('copy')
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'snap', 'target': 'copy',
            'sync': 'full', 'speed': 1, 'x-perf': jobs.ONE_BY_ONE})
        self.write(0, 1, 2)
        self.vm.cmd('block-job-set-speed', {'device': 'job', 'speed': 0})
        self.assertNotIn('error', self.wait_null())
        self.assert_image('copy', frozen)


@unittest.skipUnless(flavour.name() == 'qcow2',
                     'the overlay has to be of a format with backing images')
class Overlay(WorkflowCase):

    def test_sync_none(self):
        self.add_disk('temp', backing='disk')
        self.vm.cmd('blockdev-backup', self.job('backup', 'temp',
                                                sync='none'))
        frozen = bytes(self.now)
        self.server.add('temp', writable=False)
        reader = self.connect('temp')
        self.write(0, 3, 40)
        self.assert_reads(reader, frozen)
        self.vm.cmd('block-job-cancel', {'device': 'job'})
        self.assertEqual(self.wait_null()['offset'], 3 * CLUSTER)


if __name__ == '__main__':
    case.main()
