#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dirty bitmaps of a disk that is resized: marks within the new size stay, the
others go for good, what is gained is clean."""

from lib import case, exports
from lib.bitmap_case import BitmapCase
from lib.images import KIB, MIB

FIRST = (0, 64 * KIB)
LAST = (MIB - 64 * KIB, 64 * KIB)


class Resize(BitmapCase):

    def setUp(self):
        super().setUp()
        self.add('fine', granularity=512)
        self.add('coarse')
        self.add('coarse', node='disk-file')
        server = exports.Server(self.vm)
        server.add('disk')
        guest = server.connect('disk')
        for offset, length in FIRST, LAST:
            guest.pwrite(b'x' * length, offset)
        exports.disconnect(guest)
        self.vm.cmd('nbd-server-stop')

    def resize(self, size_bytes, node='disk'):
        self.vm.cmd('block_resize', {'node-name': node, 'size': size_bytes})
        self.size_bytes = size_bytes

    def assert_all(self, *ranges):
        self.assert_dirty('fine', ranges)
        self.assert_dirty('coarse', ranges)
        self.assert_dirty('coarse', ranges, node='disk-file')

    def test_grow(self):
        for size in MIB + 512, 3 * MIB, 300 * MIB:
            self.resize(size)
            self.assert_all(FIRST, LAST)

    def test_shrink_and_grow(self):
        self.resize(MIB // 2)
        self.assert_all(FIRST)
        self.resize(MIB)
        self.assert_all(FIRST)

    def test_cut_within_marks(self):
        self.resize(MIB - 32 * KIB)
        ranges = FIRST, (LAST[0], 32 * KIB)
        self.assert_dirty('fine', ranges)
        self.assert_dirty('coarse', ranges)
        self.resize(MIB)
        self.assert_dirty('fine', ranges)
        self.assert_dirty('coarse', (FIRST, LAST))

    def test_to_nothing(self):
        self.resize(0)
        self.assertEqual(self.count('fine'), 0)
        self.resize(MIB)
        self.assert_all()

    def test_disabled(self):
        self.bitmap('disable', 'fine')
        self.resize(MIB // 2)
        self.assert_dirty('fine', (FIRST,))

    def test_while_a_job_runs(self):
        self.add_disk('target')
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'target',
            'sync': 'none'})
        reply = self.vm.execute('block_resize', {'node-name': 'disk',
                                                 'size': MIB})
        self.assertRegex(reply['error']['desc'], (
            "^Permission conflict on node 'disk': permissions 'resize' are "
            'both required by an unnamed block device '
            r"\(uses node 'disk' as 'root' child\) and unshared by node "
            r"'#block\d+' \(uses node 'disk' as 'file' child\).$"))
        self.assert_all(FIRST, LAST)


if __name__ == '__main__':
    case.main()
