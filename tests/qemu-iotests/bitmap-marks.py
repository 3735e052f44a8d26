#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a client's requests mark in a dirty bitmap, and what they do not."""

import nbd

from lib import case
from lib.bitmap_case import BitmapCase
from lib.exports import errno_of
from lib.images import KIB, MIB

# (each test runs with both sizes of granules)
FINE = 512
COARSE = 64 * KIB


class Marks(BitmapCase):

    size_bytes = MIB + 512

    def setUp(self):
        super().setUp()
        self.add('fine', granularity=FINE)
        self.add('coarse')
        self.add('coarse', node='disk-file')
        self.guest = self.client()

    def assert_marked(self, *ranges):
        """Exactly RANGES are marked; the bitmaps are clean afterwards."""
        self.assert_dirty('fine', ranges)
        self.assert_dirty('coarse', ranges)
        self.assert_dirty('coarse', ranges, node='disk-file')
        for name, node in (('fine', 'disk'), ('coarse', 'disk'),
                           ('coarse', 'disk-file')):
            self.bitmap('clear', name, node=node)

    def test_write(self):
        self.guest.pwrite(b'x', 0)
        self.assert_marked((0, 1))
        self.guest.pwrite(b'x' * 512, 65536 - 512)
        self.assert_marked((65536 - 512, 512))
        self.guest.pwrite(b'xx', 65535)
        self.assert_marked((65535, 2))
        self.guest.pwrite(b'x' * 300000, 100001)
        self.assert_marked((100001, 300000))

    def test_last_granule(self):
        self.guest.pwrite(b'x' * 512, MIB)
        self.assertEqual(self.count('coarse'), COARSE)
        self.assert_marked((MIB, 512))

    def test_everything(self):
        self.guest.pwrite(b'x' * self.size_bytes, 0)
        self.assertEqual(self.count('coarse'), MIB + COARSE)
        self.assert_marked((0, self.size_bytes))

    def test_write_with_fua(self):
        self.guest.pwrite(b'x' * 512, 4096, nbd.CMD_FLAG_FUA)
        self.assert_marked((4096, 512))

    def test_write_zeroes(self):
        self.guest.zero(128 * KIB, 64 * KIB)
        self.assert_marked((64 * KIB, 128 * KIB))
        self.guest.zero(64 * KIB, 0, nbd.CMD_FLAG_NO_HOLE)
        self.assert_marked((0, 64 * KIB))
        self.guest.zero(1000, 100)
        self.assert_marked((100, 1000))

    def test_discard(self):
        self.guest.trim(128 * KIB, 64 * KIB)
        self.assert_marked((64 * KIB, 128 * KIB))
        self.guest.trim(66536, 131172)
        self.assert_marked((131172, 66536))

    def test_ignored_discard(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'deaf', 'discard': 'ignore',
            'file': {'driver': 'file', 'filename': self.image,
                     'locking': 'off'}})
        self.add('b', node='deaf')
        guest = self.client('deaf')
        guest.trim(128 * KIB, 64 * KIB)
        self.assertEqual(self.count('b', 'deaf'), 0)

    def test_no_marks(self):
        self.guest.pread(4096, 0)
        self.guest.flush()
        self.guest.cache(4096, 0)
        self.assert_marked()

    def test_refused_requests(self):
        for call, *args in (
                (self.guest.pwrite, b'x' * 1024, MIB),
                (self.guest.pwrite, b'x', 2 * MIB),
                (self.guest.zero, 1024, MIB),
                (self.guest.trim, 1024, MIB)):
            # Which of the two it is belongs to the server's tests.
            self.assertIn(errno_of(call, *args), ('EINVAL', 'ENOSPC'))
        self.assert_marked()

    def test_below_does_not_mark_above(self):
        self.guest.shutdown()
        self.vm.cmd('block-export-del', id='disk')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='disk')
        self.client('disk-file').pwrite(b'x', 0)
        self.assertEqual(self.count('coarse', 'disk-file'), COARSE)
        self.assertEqual(self.count('coarse'), 0)

    def test_two_clients(self):
        other = self.client()
        for i in range(16):
            (self.guest if i % 2 else other).pwrite(b'x', i * 64 * KIB)
        self.assert_marked(*((i * 64 * KIB, 1) for i in range(16)))

    def test_many_in_flight(self):
        cookies = [self.guest.aio_pwrite(nbd.Buffer.from_bytearray(
            bytearray(b'y' * 512)), i * 4096) for i in range(200)]
        while not all(self.guest.aio_command_completed(c) for c in cookies):
            self.guest.poll(-1)
            cookies = [c for c in cookies
                       if not self.guest.aio_command_completed(c)]
        self.assert_marked(*((i * 4096, 512) for i in range(200)))


if __name__ == '__main__':
    case.main()
