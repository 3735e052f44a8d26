#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest writes while a backup runs: the target is of the start."""

import nbd

from lib import bitmaps, case, images
from lib.backup_case import BackupCase, CHUNK
from lib.images import KIB, MIB


class GuestWrites(BackupCase):

    size_bytes = 16 * MIB

    def setUp(self):
        super().setUp()
        self.before = images.read(self.source)
        self.handle = self.guest()

    def finish(self):
        self.vm.cmd('block-job-set-speed', device='job0', speed=0)
        self.assertEqual(self.follow('null')[-1], 'null')

    def assert_target_is(self, content):
        self.assertEqual(images.read(self.target) == content, True)

    def test_point_in_time(self):
        self.start_held()
        for offset in (0, CHUNK, 5 * MIB, 5 * MIB + 100, 16 * MIB - 512):
            self.handle.pwrite(b'G' * 300, offset)
        self.handle.pwrite(b'H' * (3 * MIB), 7 * MIB + 12345)
        self.assertEqual(self.handle.pread(300, 5 * MIB + 100), b'G' * 300)
        self.finish()
        self.assert_target_is(self.before)
        self.assertEqual(self.handle.pread(3 * MIB, 7 * MIB + 12345),
                         b'H' * (3 * MIB))

    def test_same_place_again_and_again(self):
        self.start_held()
        for i in range(20):
            self.handle.pwrite(bytes([i]) * CHUNK, 9 * MIB + i * 512)
        self.finish()
        self.assert_target_is(self.before)

    def test_zeroes_and_discards(self):
        self.start_held()
        self.handle.zero(MIB, MIB)
        self.handle.zero(1000, 3 * MIB + 100)
        self.handle.trim(MIB, 4 * MIB)
        self.handle.zero(CHUNK, 6 * MIB, nbd.CMD_FLAG_NO_HOLE)
        self.finish()
        self.assert_target_is(self.before)

    def test_many_in_flight(self):
        self.start_held()
        data = nbd.Buffer.from_bytearray(bytearray(b'Z' * 4096))
        cookies = [self.handle.aio_pwrite(data, i * 40000 // 512 * 512)
                   for i in range(400)]
        # The job goes on between the guest's writes.
        self.vm.cmd('block-job-set-speed', device='job0', speed=0)
        while cookies:
            cookies = [c for c in cookies
                       if not self.handle.aio_command_completed(c)]
            if cookies:
                self.handle.poll(-1)
        self.follow('null')
        self.assert_target_is(self.before)

    def test_only_of_the_bitmap(self):
        """Outside the bitmap nothing is copied, written or not."""
        old = images.pattern(0, self.size_bytes, seed=1)
        with open(self.target, 'r+b') as f:
            f.write(old)
        self.bitmap('add', 'b')
        self.write(2 * MIB, 8 * MIB)
        now = images.read(self.source)
        self.start_held(sync='bitmap', bitmap='b', bitmap_mode='never')
        self.write(8 * MIB, 12 * MIB, byte=0xbb)
        self.finish()
        expected = bytearray(old)
        for offset in 2 * MIB, 8 * MIB:
            expected[offset:offset + CHUNK] = now[offset:offset + CHUNK]
        self.assert_target_is(bytes(expected))
        self.assertEqual(bitmaps.sha256(self.vm, 'src', 'b'),
                         bitmaps.expected_sha256(
                             self.size_bytes, CHUNK,
                             [(2 * MIB, CHUNK), (8 * MIB, CHUNK),
                              (12 * MIB, CHUNK)]))

    def test_another_bitmap_records_on(self):
        self.bitmap('add', 'seen')
        self.start_held()
        self.write(MIB, 15 * MIB)
        self.assertEqual(bitmaps.count(self.vm, 'src', 'seen'), 2 * CHUNK)
        self.finish()
        self.assertEqual(bitmaps.count(self.vm, 'src', 'seen'), 2 * CHUNK)

    def test_writes_while_pending(self):
        self.start(auto_finalize=False)
        self.follow('PENDING')
        self.write(0, 3 * MIB)
        self.vm.cmd('job-finalize', id='job0')
        self.follow('null')
        self.assert_target_is(self.before)

    def test_writes_while_paused(self):
        self.start_held()
        self.vm.cmd('job-pause', id='job0')
        self.follow('paused')
        self.write(2 * MIB, 15 * MIB)
        self.vm.cmd('job-resume', id='job0')
        self.finish()
        self.assert_target_is(self.before)

    def test_cancel(self):
        """The guest's data is what counts; the target is not."""
        self.start_held()
        self.write(2 * MIB)
        self.vm.cmd('job-cancel', id='job0')
        self.follow('null')
        expected = bytearray(self.before)
        expected[2 * MIB:2 * MIB + CHUNK] = b'\xaa' * CHUNK
        self.assertEqual(images.read(self.source) == bytes(expected), True)

    def test_flush_and_read(self):
        self.start_held()
        self.assertEqual(self.handle.pread(64 * KIB, MIB),
                         self.before[MIB:MIB + 64 * KIB])
        self.handle.flush()
        self.handle.pwrite(b'q' * 512, 0, nbd.CMD_FLAG_FUA)
        self.finish()
        self.assert_target_is(self.before)

    def test_export_made_while_running(self):
        self.start_held()
        self.server.add('src', name='late', writable=False)
        late = self.server.connect('late')
        self.handle.pwrite(b'L' * CHUNK, 10 * MIB)
        self.assertEqual(late.pread(CHUNK, 10 * MIB), b'L' * CHUNK)
        late.shutdown()
        self.finish()
        self.assert_target_is(self.before)


if __name__ == '__main__':
    case.main()
