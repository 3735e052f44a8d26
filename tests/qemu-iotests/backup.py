#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-backup: what reaches the target, with and without a bitmap."""

from lib import bitmaps, case, images, jobs
from lib.backup_case import BackupCase, CHUNK
from lib.case import ours_only
from lib.images import MIB
from lib.jobs import completed


class Backup(BackupCase):

    def setUp(self):
        super().setUp()
        self.before = images.read(self.source)
        self.old_target = images.pattern(0, self.size_bytes, seed=1)
        with open(self.target, 'r+b') as f:
            f.write(self.old_target)

    def expected(self, *offsets, length_bytes=CHUNK):
        """The old target with the source's chunks at OFFSETS laid over."""
        now = images.read(self.source)
        out = bytearray(self.old_target)
        for offset_bytes in offsets:
            end = offset_bytes + length_bytes
            out[offset_bytes:end] = now[offset_bytes:end]
        return bytes(out)

    def assert_target(self, content):
        self.assertEqual(images.read(self.target) == content, True)

    # -- without a bitmap

    def test_full(self):
        self.assertEqual(self.run_backup(), self.size_bytes)
        self.assert_target(self.before)

    def test_top_without_backing_is_full(self):
        self.assertEqual(self.run_backup(sync='top'), self.size_bytes)
        self.assert_target(self.before)

    def test_twice(self):
        self.run_backup()
        self.write(3 * CHUNK)
        self.run_backup()
        self.assert_target(images.read(self.source))

    def test_settings(self):
        for perf in ({'max-workers': 1}, {'max-chunk': 65537},
                     {'max-workers': 1, 'max-chunk': CHUNK},
                     {'max-workers': 2 ** 31 - 1, 'max-chunk': 1 << 40},
                     {'use-copy-range': True}, {}):
            with open(self.target, 'r+b') as f:
                f.write(self.old_target)
            self.run_backup(x_perf=perf)
            self.assert_target(self.before)

    def test_holes(self):
        """Zeroes of the source are zeroes of the target, data or not."""
        handle = self.guest()
        handle.zero(MIB, 0)
        handle.trim(MIB, 4 * MIB)
        handle.flush()
        self.run_backup()
        self.assertEqual(images.read(self.target, 0, MIB), bytes(MIB))
        self.assert_target(images.read(self.source))

    @ours_only('allocates the holes')
    def test_holes_stay_holes(self):
        self.new_disk('sparse')
        target = self.new_disk('copy')
        self.write(MIB, node='sparse')
        self.run_backup(device='sparse', target='copy')
        self.assertEqual(images.read(target, MIB, CHUNK), b'\xaa' * CHUNK)
        self.assertLessEqual(images.allocated_bytes(target), 2 * CHUNK)

    def test_not_a_whole_number_of_chunks(self):
        size = MIB + 512
        for name in 'odd', 'odd-copy':
            path = self.new_disk(name, size)
        self.write(0, MIB - CHUNK, node='odd')
        self.write(MIB, node='odd', length_bytes=512)
        # The length is told in whole chunks.
        self.assertEqual(
            self.run_backup(device='odd', target='odd-copy'), MIB + CHUNK)
        self.assertEqual(images.checksum(path),
                         images.checksum(self.path('odd.img')))

    def test_small(self):
        self.new_disk('tiny', 512)
        path = self.new_disk('tiny-copy', 512)
        self.write(0, node='tiny', length_bytes=512)
        self.assertEqual(
            self.run_backup(device='tiny', target='tiny-copy'), CHUNK)
        self.assertEqual(images.read(path), b'\xaa' * 512)

    # -- with a bitmap

    def test_incremental(self):
        self.bitmap('add', 'b')
        offsets = [0, 5 * CHUNK, 6 * CHUNK, self.size_bytes - CHUNK]
        self.write(*offsets)
        self.assertEqual(self.run_backup(sync='incremental', bitmap='b'),
                         4 * CHUNK)
        self.assert_target(self.expected(*offsets))
        self.assertEqual(bitmaps.find(self.vm, 'src', 'b'),
                         bitmaps.entry('b'))

    def test_chain_of_increments(self):
        self.run_backup()
        self.bitmap('add', 'b')
        for step in range(4):
            self.write(step * MIB, step * MIB + 3 * CHUNK, byte=step + 1)
            self.assertEqual(
                self.run_backup(sync='incremental', bitmap='b'), 2 * CHUNK)
            self.assert_target(images.read(self.source))

    def test_clean_bitmap(self):
        self.bitmap('add', 'b')
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job0', 'device': 'src', 'target': 'dst',
            'sync': 'incremental', 'bitmap': 'b'})
        self.assertEqual(jobs.without_drains(self.follow('null')), [
            'created', 'running', 'waiting', 'pending', completed(0),
            'concluded', 'null'])
        self.assert_target(self.old_target)

    def test_disabled_bitmap(self):
        self.bitmap('add', 'b')
        self.write(CHUNK)
        self.bitmap('disable', 'b')
        self.run_backup(sync='bitmap', bitmap='b', bitmap_mode='on-success')
        self.assert_target(self.expected(CHUNK))
        self.assertEqual(bitmaps.find(self.vm, 'src', 'b'),
                         bitmaps.entry('b', recording=False))

    def test_coarse_bitmap(self):
        self.bitmap('add', 'b', granularity=MIB)
        self.write(MIB + CHUNK)
        self.assertEqual(self.run_backup(sync='incremental', bitmap='b'),
                         MIB)
        self.assert_target(self.expected(MIB, length_bytes=MIB))

    def test_fine_bitmap(self):
        self.bitmap('add', 'b', granularity=512)
        self.write(MIB + 512, length_bytes=512)
        length = self.run_backup(sync='incremental', bitmap='b')
        self.assertEqual(length, CHUNK)
        self.assert_target(self.expected(MIB))

    def test_full_with_bitmap(self):
        self.bitmap('add', 'b')
        self.write(CHUNK)
        self.assertEqual(self.run_backup(bitmap='b',
                                         bitmap_mode='on-success'),
                         self.size_bytes)
        self.assert_target(images.read(self.source))
        self.assertEqual(bitmaps.count(self.vm, 'src', 'b'), 0)

    def test_merged_bitmap(self):
        """The union of two days is one increment."""
        self.bitmap('add', 'mon')
        self.write(0)
        self.bitmap('disable', 'mon')
        self.bitmap('add', 'tue')
        self.write(9 * CHUNK)
        self.bitmap('add', 'both', disabled=True)
        self.vm.cmd('block-dirty-bitmap-merge', node='src', target='both',
                    bitmaps=['mon', 'tue'])
        self.assertEqual(self.run_backup(sync='bitmap', bitmap='both',
                                         bitmap_mode='never'), 2 * CHUNK)
        self.assert_target(self.expected(0, 9 * CHUNK))
        self.assertEqual(bitmaps.count(self.vm, 'src', 'both'), 2 * CHUNK)

    # -- the disks are free again

    def test_nothing_stays_behind(self):
        self.bitmap('add', 'b')
        nodes = self.vm.cmd('query-named-block-nodes')
        self.write(0)
        self.run_backup(sync='incremental', bitmap='b')
        self.assertEqual(
            [n['node-name'] for n in self.vm.cmd('query-named-block-nodes')],
            [n['node-name'] for n in nodes])
        self.vm.cmd('blockdev-del', node_name='dst')
        self.add_disk('dst', self.target)

    def test_busy_while_running(self):
        self.start_held()
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'src'},
                          'Block device src is in use')
        self.assert_error(
            self.vm, 'blockdev-del', {'node-name': 'dst'}, "Node 'dst' is "
            'busy: block device is in use by block job: backup')


if __name__ == '__main__':
    case.main()
