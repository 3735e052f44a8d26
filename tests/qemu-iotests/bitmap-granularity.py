#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Granularities of dirty bitmaps: which are allowed, what they count."""

from lib import case
from lib.bitmap_case import BitmapCase
from lib.images import KIB, MIB

ALLOWED = [1 << bits for bits in range(9, 32)]
REFUSED = [0, 1, 2, 256, 511, 513, 1000, 64000, 65537, 3 << 30, 2 ** 32 - 1]


class Granularity(BitmapCase):

    size_bytes = 4 * MIB + 512

    def test_allowed(self):
        for granularity in ALLOWED:
            self.add(f'b{granularity}', granularity=granularity)
        self.assertEqual([b['granularity'] for b in self.all()],
                         ALLOWED[::-1])
        self.dirty((0, 1))
        for granularity in ALLOWED:
            self.assertEqual(self.count(f'b{granularity}'), granularity)
        self.dirty((self.size_bytes - 1, 1))
        for granularity in ALLOWED:
            self.assert_dirty(f'b{granularity}',
                              [(0, 1), (self.size_bytes - 1, 1)])

    def test_refused(self):
        for granularity in REFUSED:
            self.assert_refused(
                'add', {'name': 'b', 'granularity': granularity},
                'Granularity must be power of 2 and at least 512')
        for granularity in -1, 1 << 32, 1 << 63:
            self.assert_refused(
                'add', {'name': 'b', 'granularity': granularity},
                "Parameter 'granularity' expects uint32_t")
        self.assertEqual(self.all(), [])

    def test_default(self):
        self.add('b')
        self.assertEqual(self.all()[0]['granularity'], 64 * KIB)

    def test_count_is_in_whole_granules(self):
        for granularity in 512, 4096, MIB, 8 * MIB, 1 << 31:
            self.add(f'b{granularity}', granularity=granularity)
        self.dirty((0, self.size_bytes))
        for granularity in 512, 4096, MIB, 8 * MIB, 1 << 31:
            granules = -(-self.size_bytes // granularity)
            self.assertEqual(self.count(f'b{granularity}'),
                             granules * granularity)


class Small(BitmapCase):
    """Disks smaller than a granule, and of no bytes at all."""

    size_bytes = 512

    def test_one_sector(self):
        self.add('b')
        self.dirty((0, 512))
        self.assert_dirty('b', [(0, 512)])

    def test_no_sector(self):
        self.vm.cmd('blockdev-add', driver='null-co', node_name='empty',
                    size=0)
        self.add('b', node='empty')
        self.assertEqual(self.count('b', 'empty'), 0)
        self.bitmap('clear', 'b', node='empty')
        self.bitmap('remove', 'b', node='empty')


class Large(case.Case):

    def test_huge_disk(self):
        """Over 4 EiB: nothing overflows, and nothing is proportional to it."""
        vm = self.daemon()
        size_bytes = (1 << 62) + 512
        vm.cmd('blockdev-add', driver='null-co', node_name='n',
               size=size_bytes)
        vm.cmd('block-dirty-bitmap-add', node='n', name='b',
               granularity=1 << 31)
        entry = vm.cmd('query-named-block-nodes')[0]
        self.assertEqual(entry['image']['virtual-size'], size_bytes)
        self.assertEqual(entry['dirty-bitmaps'][0]['count'], 0)


if __name__ == '__main__':
    case.main()
