#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""block-dirty-bitmap-merge: sources, granularities, sizes, errors."""

from lib import case
from lib.bitmap_case import BitmapCase
from lib.bitmaps import entry
from lib.case import ours_only
from lib.images import KIB, MIB

CHUNK = 64 * KIB


class Merge(BitmapCase):

    size_bytes = 2 * MIB + 512

    def setUp(self):
        super().setUp()
        self.make('a', (0, CHUNK))
        self.make('b', (4 * CHUNK, CHUNK))
        self.make('c', (0, 1), (MIB, CHUNK))

    def make(self, name, *ranges, node='disk', **args):
        """A disabled bitmap in which RANGES are dirty."""
        self.add(name, node=node, **args)
        self.dirty(*ranges, node=node)
        self.bitmap('disable', name, node=node)

    def test_one_source(self):
        self.merge('a', 'b')
        self.assert_dirty('a', [(0, CHUNK), (4 * CHUNK, CHUNK)])
        self.assert_dirty('b', [(4 * CHUNK, CHUNK)])

    def test_several_sources(self):
        self.add('target')
        self.merge('target', 'a', 'b', 'c')
        self.assert_dirty('target', [(0, 1), (4 * CHUNK, 1), (MIB, CHUNK)])

    def test_same_source_twice(self):
        self.merge('a', 'b', 'b')
        self.assert_dirty('a', [(0, CHUNK), (4 * CHUNK, CHUNK)])

    def test_into_itself(self):
        self.merge('a', 'a')
        self.assert_dirty('a', [(0, CHUNK)])
        self.merge('a', 'b', 'a')
        self.assert_dirty('a', [(0, CHUNK), (4 * CHUNK, CHUNK)])

    def test_keeps_state_of_target(self):
        self.merge('a', 'b')
        self.assertEqual(self.all()[-1],
                         entry('a', recording=False, count=2 * CHUNK))
        self.add('enabled')
        self.merge('enabled', 'b')
        self.assertEqual(self.all()[0], entry('enabled', count=CHUNK))
        self.dirty((0, 1))
        self.assert_dirty('enabled', [(0, 1), (4 * CHUNK, CHUNK)])

    @ours_only('dies of an empty list of sources')
    def test_no_sources(self):
        self.merge('a')
        self.assert_dirty('a', [(0, CHUNK)])

    def test_from_another_node(self):
        self.add_disk('other')
        self.make('x', (MIB, 1), node='other')
        self.merge('a', {'node': 'other', 'name': 'x'})
        self.assert_dirty('a', [(0, CHUNK), (MIB, 1)])
        self.merge('b', 'a', {'node': 'disk', 'name': 'c'},
                   {'node': 'other', 'name': 'x'})
        self.assert_dirty('b', [(0, CHUNK), (4 * CHUNK, 1), (MIB, 1)])

    def test_finer_into_coarser(self):
        self.make('fine', (CHUNK + 512, 512), (2 * CHUNK - 512, 1024),
                  (2 * MIB, 512), granularity=512)
        self.merge('a', 'fine')
        self.assert_dirty('a', [(0, CHUNK), (CHUNK, 2 * CHUNK),
                                (2 * MIB, 512)])

    def test_coarser_into_finer(self):
        self.add('fine', granularity=512)
        self.merge('fine', 'b')
        self.assert_dirty('fine', [(4 * CHUNK, CHUNK)])
        self.make('coarse', (self.size_bytes - 1, 1), granularity=MIB)
        self.add('fine2', granularity=4096)
        self.merge('fine2', 'coarse')
        self.assert_dirty('fine2', [(2 * MIB, 512)])

    def test_all_granularities(self):
        for bits in range(9, 23):
            self.make(f'g{bits}', (bits * CHUNK, 1), granularity=1 << bits)
        self.add('target', granularity=512)
        self.merge('target', *(f'g{bits}' for bits in range(9, 23)))
        ranges = []
        for bits in range(9, 23):
            start = bits * CHUNK >> bits << bits
            ranges.append((start, min(1 << bits, self.size_bytes - start)))
        self.assert_dirty('target', ranges)

    def test_sizes_must_match(self):
        self.vm.cmd('blockdev-add', driver='null-co', node_name='n',
                    size=MIB)
        self.add('x', node='n')
        self.assert_refused(
            'merge', {'target': 'a', 'bitmaps': ['b', {
                'node': 'n', 'name': 'x'}]},
            f'Bitmaps are of different sizes (destination size is '
            f"{self.size_bytes}, source size is {MIB}) and can't be merged")
        self.assert_dirty('a', [(0, CHUNK)])

    def test_errors_leave_the_target(self):
        for args, desc in (
                ({'target': 'nosuch', 'bitmaps': ['b']},
                 "Dirty bitmap 'nosuch' not found"),
                ({'target': 'a', 'bitmaps': ['nosuch']},
                 "Dirty bitmap 'nosuch' not found"),
                ({'target': 'a', 'bitmaps': ['b', 'c', 'nosuch']},
                 "Dirty bitmap 'nosuch' not found"),
                ({'target': 'a', 'bitmaps': [
                    'b', {'node': 'nosuch', 'name': 'b'}]},
                 "Node 'nosuch' not found"),
                ({'target': 'a', 'bitmaps': [
                    'b', {'node': 'disk', 'name': 'nosuch'}]},
                 "Dirty bitmap 'nosuch' not found"),
                ({'node': 'nosuch', 'target': 'a', 'bitmaps': ['b']},
                 "Node 'nosuch' not found"),
                ({'target': 'a'}, "Parameter 'bitmaps' is missing"),
                ({'target': 'a', 'bitmaps': ['b', {'node': 'disk'}]},
                 "Parameter 'bitmaps[1].name' is missing")):
            self.assert_refused('merge', args, desc)
            self.assert_dirty('a', [(0, CHUNK)])

    def test_wrong_type_in_list(self):
        # QEMU 7.2 calls the element 'null', which tells nobody anything.
        error = self.assert_qmp_fails(self.vm, 'block-dirty-bitmap-merge', {
            'node': 'disk', 'target': 'a', 'bitmaps': ['b', 1]})
        self.assertRegex(error.desc, r"^Invalid parameter type for '.*', "
                         'expected: BlockDirtyBitmapOrStr$')
        self.assert_dirty('a', [(0, CHUNK)])

    def test_busy(self):
        self.server.add('disk', name='more', bitmaps=['a'], writable=False)
        self.assert_refused(
            'merge', {'target': 'a', 'bitmaps': ['b']}, "Bitmap 'a' is "
            'currently in use by another operation and cannot be used')
        # A source that is not there comes first, if it is the first.
        missing = "Dirty bitmap 'nosuch' not found"
        self.assert_refused('merge', {'target': 'a', 'bitmaps': ['nosuch']},
                            missing)
        self.assert_refused(
            'merge', {'target': 'a', 'bitmaps': ['b', 'nosuch']}, "Bitmap 'a' "
            'is currently in use by another operation and cannot be used')
        self.merge('b', 'c')
        self.assert_dirty('b', [(0, 1), (4 * CHUNK, 1), (MIB, CHUNK)])


if __name__ == '__main__':
    case.main()
