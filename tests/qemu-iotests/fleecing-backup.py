#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Backups of a frozen point in time, and by way of one: discard-source,
compress, min-cluster-size, on-cbw-error, the job's filter as a snapshot."""

import os

from lib import case, exports, images, jobs, program, tools
from lib.case import ours_only
from lib.fleece_case import CLUSTER, FleeceCase
from lib.images import MIB


class Backups(FleeceCase):

    def add_qcow2(self, name='copy'):
        path = self.path(f'{name}.qcow2')
        tools.img('create', '-f', 'qcow2', path, str(self.size_bytes))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': name, 'discard': 'unmap',
            'file': {'driver': 'file', 'filename': path,
                     'discard': 'unmap'}})
        return path

    def backup(self, device='disk', target='copy', sync='full', **more):
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': device, 'target': target,
            'sync': sync, **{k.replace('_', '-'): v
                             for k, v in more.items()}})

    def completed(self):
        data = self.vm.qmp.event('BLOCK_JOB_COMPLETED')['data']
        self.vm.qmp.event('JOB_STATUS_CHANGE', status='null')
        return data

    def content(self, path):
        """Of a qcow2 image that nobody has open, after a check."""
        tools.img('check', path)
        raw = path + '.raw'
        tools.img('convert', '-O', 'raw', path, raw)
        return images.read(raw)

    # -- of a point in time

    def test_push(self):
        self.add_temp()
        self.freeze()
        self.guest.pwrite(b'x' * MIB, MIB)
        self.add_temp('copy')
        self.backup('snap', speed=1, x_perf=jobs.ONE_BY_ONE)
        self.guest.pwrite(b'y' * MIB, 5 * MIB)
        self.vm.cmd('block-job-set-speed', device='job', speed=0)
        data = self.completed()
        self.assertEqual((data['len'], data['offset']),
                         (self.size_bytes, self.size_bytes))
        self.assertNotIn('error', data)
        self.assertTrue(images.read(self.path_of['copy']) == self.frozen)

    @ours_only('has no discard-source')
    def test_push_and_discard(self):
        self.add_temp()
        self.freeze()
        self.guest.pwrite(b'x' * (4 * MIB), MIB)
        self.assertGreaterEqual(
            os.stat(self.path_of['temp']).st_blocks * 512, 4 * MIB)
        self.add_temp('copy')
        self.backup('snap', discard_source=True)
        self.assertNotIn('error', self.completed())
        self.assertTrue(images.read(self.path_of['copy']) == self.frozen)
        self.assertEqual(os.stat(self.path_of['temp']).st_blocks, 0)
        # What is gone is not copied any more.
        self.guest.pwrite(b'y' * MIB, 6 * MIB)
        self.assertEqual(os.stat(self.path_of['temp']).st_blocks, 0)
        self.refused(self.connect('snap'), 512, 0)

    @ours_only('refuses to read what the bitmap does not have')
    def test_push_of_a_bitmap(self):
        """Only what may be read is asked for."""
        self.add_temp()
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.guest.pwrite(b'1' * MIB, 3 * MIB)
        self.guest.flush()
        self.freeze(bitmap={'node': 'disk', 'name': 'b'})
        self.vm.cmd('block-dirty-bitmap-add', node='snap', name='b')
        self.vm.cmd('block-dirty-bitmap-merge', node='snap', target='b',
                    bitmaps=[{'node': 'disk', 'name': 'b'}])
        self.guest.pwrite(b'2' * MIB, 3 * MIB + 100)
        self.add_temp('copy')
        self.backup('snap', sync='bitmap', bitmap='b', bitmap_mode='never')
        self.assertNotIn('error', self.completed())
        self.assertTrue(images.read(self.path_of['copy'], 3 * MIB, MIB) ==
                        self.frozen[3 * MIB:4 * MIB])

    # -- of a disk

    def test_compress(self):
        path = self.add_qcow2()
        self.backup(compress=True)
        self.assertNotIn('error', self.completed())
        self.vm.cmd('blockdev-del', {'node-name': 'copy'})
        self.assertTrue(self.content(path) == self.frozen)
        self.assertLess(os.stat(path).st_size, self.size_bytes // 2)

    def test_compress_what_a_guest_overwrites(self):
        path = self.add_qcow2()
        self.backup(compress=True, speed=1, x_perf=jobs.ONE_BY_ONE)
        for i in range(40, 100, 7):
            self.guest.pwrite(b'g' * 512, i * CLUSTER)
        self.vm.cmd('block-job-set-speed', device='job', speed=0)
        self.assertNotIn('error', self.completed())
        self.vm.cmd('blockdev-del', {'node-name': 'copy'})
        self.assertTrue(self.content(path) == self.frozen)

    def test_compress_twice_to_one_image(self):
        """The second one may not write over what the first has compressed."""
        path = self.add_qcow2()
        self.backup(compress=True)
        self.completed()
        self.guest.pwrite(b'n' * MIB, MIB)
        self.guest.flush()
        self.backup(compress=True)
        self.assertEqual(self.completed()['error'], 'Input/output error')
        self.vm.cmd('blockdev-del', {'node-name': 'copy'})
        self.assertTrue(self.content(path) == self.frozen)

    def test_compress_refused(self):
        self.add_temp('copy')
        self.assert_error(self.vm, 'blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'copy',
            'sync': 'full', 'compress': True},
            'Compression is not supported for this drive ')

    @ours_only('has no min-cluster-size')
    def test_min_cluster_size(self):
        self.add_temp('copy')
        for bad in 0, 65537, 1 << 40:
            self.assert_error(self.vm, 'blockdev-backup', {
                'job-id': 'job', 'device': 'disk', 'target': 'copy',
                'sync': 'full', 'x-perf': {'min-cluster-size': bad}},
                'min-cluster-size needs to be a power of 2, 134217728 at '
                'most')
        self.backup(sync='none', x_perf={'min-cluster-size': MIB})
        self.guest.pwrite(b'x' * 512, 3 * MIB + 4096)
        self.vm.cmd('block-job-cancel', device='job')
        data = self.vm.qmp.event('BLOCK_JOB_CANCELLED')['data']
        self.assertEqual(data['offset'], MIB)
        self.assertTrue(images.read(self.path_of['copy'], 3 * MIB, MIB) ==
                        self.frozen[3 * MIB:4 * MIB])

    @ours_only('has no on-cbw-error here')
    def test_break_snapshot(self):
        """The backup fails, not the guest."""
        path = images.make(self.path('copy.img'), self.size_bytes)
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.guest.pwrite(b'0' * MIB, 0)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'copy', 'file': {
                'driver': 'blkdebug', 'image': {
                    'driver': 'file', 'filename': path},
                'inject-error': [{'event': 'none', 'iotype': 'write',
                                  'errno': 28, 'sector': 5 * MIB // 512}]}})
        self.backup(speed=1, x_perf=jobs.ONE_BY_ONE,
                    on_cbw_error='break-snapshot', bitmap='b',
                    bitmap_mode='on-success')
        self.guest.pwrite(b'x' * 512, 5 * MIB)
        self.assertEqual(self.guest.pread(512, 5 * MIB), b'x' * 512)
        self.vm.cmd('block-job-set-speed', device='job', speed=0)
        self.assertEqual(self.completed()['error'], 'No space left on device')
        # The bitmap has forgotten nothing.
        self.assertEqual([b['count'] for b in
                          self.node('disk')['dirty-bitmaps']],
                         [MIB + CLUSTER])

    @ours_only('its filter shows no snapshot')
    def test_filter_of_a_job_shows_a_snapshot(self):
        self.add_temp()
        self.backup(target='temp', sync='none', filter_node_name='cbw')
        self.vm.cmd('blockdev-add', self.snap_options())
        self.server.add('snap')
        snap = self.connect('snap')
        self.guest.pwrite(b'x' * MIB, MIB + 100)
        self.assert_frozen(snap)
        self.vm.cmd('block-job-cancel', device='job')
        self.vm.qmp.event('JOB_STATUS_CHANGE', status='null')
        self.refused(snap, 512, 0)
        self.guest.pwrite(b'y' * MIB, 3 * MIB)
        self.assertEqual(self.node('cbw')['snapshot-error'],
                         'the filter was taken out')
        exports.disconnect(snap)
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 'snap'})
        self.assertNotIn('cbw', [n['node-name'] for n in
                                 self.vm.cmd('query-named-block-nodes')])

    def test_threshold_of_the_target(self):
        """It is told in time that room runs out."""
        self.add_temp()
        self.freeze()
        self.vm.cmd('block-set-write-threshold', {
            'node-name': 'temp', 'write-threshold': 4 * MIB})
        self.guest.pwrite(b'x' * 512, 2 * MIB)
        self.vm.cmd('query-version' if not program.is_oracle()
                    else 'query-jobs')
        self.assertFalse([e for e in self.vm.qmp.events
                          if e['event'] == 'BLOCK_WRITE_THRESHOLD'])
        self.guest.pwrite(b'x' * 512, 4 * MIB)
        data = self.vm.qmp.event('BLOCK_WRITE_THRESHOLD')['data']
        self.assertEqual(data, {'node-name': 'temp',
                                'amount-exceeded': CLUSTER,
                                'write-threshold': 4 * MIB})


if __name__ == '__main__':
    case.main()
