#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The hash of a bitmap: a known function of its content and nothing else."""

from lib import case
from lib.bitmap_case import BitmapCase
from lib.bitmaps import expected_sha256
from lib.images import KIB, MIB

CHUNK = 64 * KIB


class Hash(BitmapCase):

    size_bytes = 8 * MIB + 512

    def test_known(self):
        # As QEMU 7.2.22 printed them.
        self.add('b')
        self.assertEqual(self.sha256('b'), expected_sha256(
            self.size_bytes, CHUNK, []))
        self.add('fine', granularity=512)
        self.dirty((0, 1), (3 * MIB, MIB), (self.size_bytes - 1, 1))
        self.assertEqual(self.sha256('b'), '1e5882a1c5ce7506161d37a3f771d7f7'
                         'b98d859e7c11b6ef714e9b4848e9b696')
        self.assertEqual(self.sha256('fine'), 'b5e99a31fe9e54f2fc92f7c54d86cb'
                         '3988fa5d22f789ff3cb475dc8507570a55')
        self.assert_dirty('b', [(0, 1), (3 * MIB, MIB),
                                (self.size_bytes - 1, 1)])

    def test_depends_on_content_alone(self):
        self.add('one')
        self.dirty((0, CHUNK), (CHUNK, CHUNK))
        self.add('two')
        self.dirty((CHUNK, CHUNK), (0, 2 * CHUNK))
        self.bitmap('disable', 'two')
        self.assertEqual(self.sha256('one'), self.sha256('two'))
        self.dirty((self.size_bytes - 1, 1))
        self.assertNotEqual(self.sha256('one'), self.sha256('two'))

    def test_set_and_cleared(self):
        self.add('b')
        clean = self.sha256('b')
        self.dirty((0, self.size_bytes))
        self.assert_dirty('b', [(0, self.size_bytes)])
        self.bitmap('clear', 'b')
        self.assertEqual(self.sha256('b'), clean)

    def test_patterns(self):
        for number, ranges in enumerate((
                [(63 * CHUNK, CHUNK)], [(64 * CHUNK, CHUNK)],
                [(62 * CHUNK, 4 * CHUNK)],
                [(i * 2 * CHUNK, CHUNK) for i in range(64)],
                [(128 * CHUNK, 512)])):
            self.add(f'b{number}')
            self.dirty(*ranges)
            self.assert_dirty(f'b{number}', ranges)
            self.bitmap('disable', f'b{number}')

    def test_errors(self):
        command = 'x-debug-block-dirty-bitmap-sha256'
        self.assert_error(self.vm, command, {'node': 'disk', 'name': 'b'},
                          "Dirty bitmap 'b' not found")
        self.assert_error(self.vm, command, {'node': 'nosuch', 'name': 'b'},
                          "Node 'nosuch' not found")


if __name__ == '__main__':
    case.main()
