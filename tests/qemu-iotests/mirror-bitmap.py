#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-mirror by a bitmap: both forms, their ends, their refusals."""

import os
import unittest

from lib import bitmaps, case, images, program
from lib.images import MIB
from lib.mirror_case import CHUNK, MirrorCase

ONLY = unittest.skipIf(program.is_oracle(), 'QEMU 7.2: no bitmap of a mirror')
SIZE = 8 * MIB


class BitmapCase(MirrorCase):

    def setUp(self):
        super().setUp()
        # What was mirrored before: equal disks.
        with open(self.source, 'rb') as a, open(self.target, 'wb') as b:
            b.write(a.read())
        self.bitmap('add', 'b')

    def entry(self, name='b', node='src'):
        return bitmaps.find(self.vm, node, name)

    def count(self, name='b'):
        return self.entry(name)['count']

    def assert_free(self, count, recording=True, name='b'):
        got = self.entry(name)
        self.assertEqual((got['busy'], got['recording'], got['count']),
                         (False, recording, count))

    def mirror_held(self, chunks, **args):
        """A mirror with the first of CHUNKS chunks done, and no more."""
        self.write(*[CHUNK * 2 * i for i in range(chunks)])
        self.start_slow(bitmap='b', **args)


@ONLY
class WorkingBitmap(BitmapCase):
    """Form 1: sync=full, and the job works on the bitmap itself."""

    def test_delta(self):
        """Only what is dirty is copied; the bitmap records on, for the next
        mirror after a switch back."""
        self.write(0, CHUNK, 7 * CHUNK)
        self.start_mirror(bitmap='b')
        self.assertEqual(self.wait_ready(), (3 * CHUNK, 3 * CHUNK))
        self.assertTrue(self.entry()['busy'])
        self.leave()
        self.assert_free(0)
        self.assert_equal_disks()
        self.write(9 * CHUNK)
        self.assert_free(CHUNK)

    def test_live_count(self):
        """Its count is what is left."""
        self.mirror_held(4)
        self.assertEqual(self.count(), 3 * CHUNK)
        self.write(20 * CHUNK)
        self.assertEqual(self.count(), 4 * CHUNK)
        self.vm.cmd('job-cancel', {'id': 'job0'})
        self.history()
        self.assert_free(4 * CHUNK)

    def test_resume(self):
        """Cancelled half way: the same command copies the rest only."""
        self.mirror_held(8)
        self.write(21 * CHUNK)
        self.vm.cmd('job-cancel', {'id': 'job0'})
        self.history()
        self.assert_free(8 * CHUNK)
        self.start_mirror(bitmap='b')
        self.assertEqual(self.wait_ready(), (8 * CHUNK, 8 * CHUNK))
        self.complete()
        self.assert_equal_disks()

    def test_pivot(self):
        self.write(CHUNK)
        self.start_mirror(bitmap='b')
        self.wait_ready()
        self.write(2 * CHUNK)
        self.complete()
        self.assert_equal_disks()
        self.assert_free(0)

    def test_write_blocking(self):
        self.write(CHUNK, 3 * CHUNK)
        self.start_mirror(bitmap='b', copy_mode='write-blocking')
        self.wait_ready()
        self.write(CHUNK + 512, 4 * CHUNK, length_bytes=512, byte=0x17)
        self.assertEqual(self.count(), 0)
        self.leave()
        self.assert_equal_disks()

    def test_granularities(self):
        for granularity in 512, 4096, MIB, 1 << 31:
            self.bitmap('add', 'g', granularity=granularity)
            self.write(5 * CHUNK, length_bytes=512, byte=granularity % 251)
            length = min(granularity, SIZE)
            self.start_mirror(bitmap='g')
            self.assertEqual(self.wait_ready(), (length, length))
            self.leave()
            self.assert_equal_disks()
            self.bitmap('remove', 'g')

    def test_zeroes(self):
        """What became zero becomes zero there."""
        self.guest().zero(2 * CHUNK, 4 * CHUNK)
        self.start_mirror(bitmap='b')
        self.assertEqual(self.wait_ready(), (2 * CHUNK, 2 * CHUNK))
        self.leave()
        self.assert_equal_disks()

    def test_zeroes_written(self):
        """Small pieces are read before the source is asked about them: what
        was written as zeroes is data over there too, a hole stays one."""
        for size in 0, SIZE:  # nothing in the target but holes
            os.truncate(self.target, size)
        self.write(CHUNK, byte=0)
        self.guest().zero(4 * CHUNK, 4 * CHUNK)
        holes = SIZE - images.allocated_bytes(self.source)
        self.start_mirror(bitmap='b')
        self.assertEqual(self.wait_ready(), (5 * CHUNK, 5 * CHUNK))
        self.leave()
        self.assertEqual((holes, images.allocated_bytes(self.target)),
                         (4 * CHUNK, CHUNK))
        self.assertEqual(images.read(self.target), bytes(SIZE))

    def test_in_transaction(self):
        """A copy of the bitmap, as for the mode `never`."""
        self.write(CHUNK)
        self.vm.cmd('transaction', {'actions': [
            {'type': 'block-dirty-bitmap-add',
             'data': {'node': 'src', 'name': 'c'}},
            {'type': 'block-dirty-bitmap-merge',
             'data': {'node': 'src', 'target': 'c', 'bitmaps': ['b']}},
            {'type': 'blockdev-mirror', 'data': {
                'job-id': 'job0', 'device': 'src', 'target': 'dst',
                'sync': 'full', 'bitmap': 'c'}}]})
        self.assertEqual(self.wait_ready(), (CHUNK, CHUNK))
        self.leave()
        self.assert_free(CHUNK)
        self.assert_free(0, name='c')

    def test_aborted_transaction(self):
        self.write(CHUNK)
        self.assert_qmp_fails(self.vm, 'transaction', {'actions': [
            {'type': 'blockdev-mirror', 'data': {
                'job-id': 'job0', 'device': 'src', 'target': 'dst',
                'sync': 'full', 'bitmap': 'b'}},
            {'type': 'abort', 'data': {}}]})
        self.assert_free(CHUNK)


@ONLY
class BitmapModes(BitmapCase):
    """Form 2: a copy of the bitmap is worked off."""

    def cancel(self):
        self.vm.cmd('block-job-cancel', {'device': 'job0', 'force': True})
        self.history()

    def run_ready(self, **args):
        self.write(0, 2 * CHUNK, 4 * CHUNK)
        self.start_mirror(bitmap='b', **args)
        self.assertEqual(self.wait_ready(), (3 * CHUNK, 3 * CHUNK))
        self.assertEqual((self.entry()['busy'], self.entry()['recording']),
                         (True, True))

    def test_success(self):
        for mode, left in ('always', 0), ('on-success', 0), \
                ('never', 4 * CHUNK):
            self.bitmap('clear', 'b')
            self.run_ready(sync='bitmap', bitmap_mode=mode)
            self.write(6 * CHUNK)
            self.leave()
            self.assert_equal_disks()
            self.assert_free(left)

    def test_forced_cancel(self):
        """When ready it is no success."""
        for mode, left in ('always', 0), ('on-success', 3 * CHUNK), \
                ('never', 3 * CHUNK):
            self.bitmap('clear', 'b')
            self.run_ready(sync='bitmap', bitmap_mode=mode)
            self.cancel()
            self.assert_free(left)

    def test_cancel_half_way(self):
        for mode, left in ('always', 4 * CHUNK), ('on-success', 5 * CHUNK), \
                ('never', 5 * CHUNK):
            self.bitmap('clear', 'b')
            self.mirror_held(4, sync='bitmap', bitmap_mode=mode)
            self.write(30 * CHUNK)
            self.cancel()
            self.assert_free(left)

    def test_incremental(self):
        self.run_ready(sync='incremental')
        self.complete()
        self.assert_free(0)
        self.assert_equal_disks()

    def test_disabled(self):
        """It stays disabled, and is used all the same."""
        self.write(CHUNK)
        self.bitmap('disable', 'b')
        self.start_mirror(bitmap='b', sync='bitmap', bitmap_mode='always')
        self.assertEqual(self.wait_ready(), (CHUNK, CHUNK))
        self.leave()
        self.assert_free(0, recording=False)


@ONLY
class Refusals(BitmapCase):

    size_bytes = MIB

    def refuse(self, desc, **args):
        full = {'job-id': 'job0', 'device': 'src', 'target': 'dst'}
        full.update({k.replace('_', '-'): v for k, v in args.items()})
        self.assert_error(self.vm, 'blockdev-mirror', full, desc)
        self.assertEqual(self.vm.cmd('query-jobs'), [])

    def test_form_1(self):
        for sync in 'top', 'none':
            self.refuse(f"Sync mode '{sync}' not supported with bitmap.",
                        sync=sync, bitmap='no', granularity=4096)
        self.refuse('Granularity and bitmap cannot both be set', sync='full',
                    bitmap='no', granularity=4096)
        self.refuse("Dirty bitmap 'no' not found", sync='full', bitmap='no')
        self.bitmap('disable', 'b')
        self.refuse("Bitmap 'b' is not enabled", sync='full', bitmap='b')

    def test_form_2(self):
        for sync in 'bitmap', 'incremental':
            self.refuse(f"Must provide a valid bitmap name for '{sync}' sync "
                        'mode', sync=sync, bitmap_mode='never')
        for mode in 'never', 'always':
            self.refuse("Bitmap sync mode must be 'on-success' when using "
                        "sync mode 'incremental'", sync='incremental',
                        bitmap='no', bitmap_mode=mode)
        for sync in 'full', 'top':
            self.refuse("Sync mode 'full' not supported with bitmap.",
                        sync=sync, bitmap='no', bitmap_mode='never',
                        granularity=4096)
        self.refuse("Sync mode 'none' not supported with bitmap.",
                    sync='none', bitmap='no', bitmap_mode='never')
        self.refuse('Granularity and bitmap cannot both be set',
                    sync='bitmap', bitmap='no', granularity=4096)
        self.refuse('bitmap-mode must be specified if a bitmap is provided',
                    sync='bitmap', bitmap='no')
        self.refuse('Cannot specify bitmap sync mode without a bitmap',
                    sync='full', bitmap_mode='never')
        self.refuse("Dirty bitmap 'no' not found", sync='bitmap', bitmap='no',
                    bitmap_mode='never')

    def test_nodes_first(self):
        """What is wrong with the nodes is told before what is with bitmaps."""
        self.refuse("Failed to find node with node-name='no'",
                    sync='incremental', replaces='no')

    def test_busy(self):
        """One bitmap, one user; and nobody takes it away meanwhile."""
        busy = ("Bitmap 'b' is currently in use by another operation and "
                'cannot be used')
        self.new_disk('dst2')
        for args in ({'sync': 'full'},
                     {'sync': 'bitmap', 'bitmap_mode': 'never'}):
            self.start_mirror(bitmap='b', **args)
            self.wait_ready()
            for command in 'remove', 'clear', 'enable', 'disable':
                self.assert_error(
                    self.vm, f'block-dirty-bitmap-{command}',
                    {'node': 'src', 'name': 'b'}, busy)
            self.bitmap('add', 'other')
            self.assert_error(self.vm, 'block-dirty-bitmap-merge', {
                'node': 'src', 'target': 'b', 'bitmaps': ['other']}, busy)
            self.assert_error(self.vm, 'blockdev-mirror', {
                'job-id': 'job1', 'device': 'src', 'target': 'dst2',
                'sync': 'full', 'bitmap': 'b'}, 'Need a root block node')
            self.bitmap('remove', 'other')
            self.leave()

    def test_after_refusal(self):
        """A bitmap whose job could not be made is free."""
        for args in {'speed': -1}, {'job_id': '1'}, \
                {'filter_node_name': 'dst'}:
            full = {'job-id': 'job0', 'device': 'src', 'target': 'dst',
                    'sync': 'full', 'bitmap': 'b'}
            full.update({k.replace('_', '-'): v for k, v in args.items()})
            self.assert_qmp_fails(self.vm, 'blockdev-mirror', full)
            self.assert_free(0)


if __name__ == '__main__':
    case.main()
