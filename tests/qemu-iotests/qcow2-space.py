#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Space of qcow2 images that is given back: shrinking cuts the file, a commit
empties the overlay."""

import os

from lib import case, tools
from lib.case import ours_only
from lib.images import KIB, MIB
from lib.img_diff import ORACLE, DiffCase


class Space(DiffCase):

    def io(self, name, *commands):
        """The same on both sides, by QEMU."""
        argv = ['/usr/bin/qemu-io', '-f', 'qcow2']
        for command in commands:
            argv += ['-c', command]
        for _program, folder in self.sides:
            tools.run([*argv, name], cwd=folder)

    def create(self, *args):
        for _program, folder in self.sides:
            tools.run([ORACLE, 'create', '-q', '-f', 'qcow2', *args],
                      cwd=folder)

    def assert_not_longer(self, name):
        """In order, equal to QEMU's, and no longer than that."""
        (_ours, mine), (_theirs, other) = self.sides
        tools.run([ORACLE, 'check', '-q', name], cwd=mine)
        tools.run([ORACLE, 'compare', f'{mine}/{name}', f'{other}/{name}'])
        sizes = [os.stat(f'{folder}/{name}') for folder in (mine, other)]
        self.assertLessEqual(sizes[0].st_size, sizes[1].st_size)
        self.assertLessEqual(sizes[0].st_blocks, sizes[1].st_blocks + 128)

    def test_shrink(self):
        for name, options in (('a', 'cluster_size=64k'),
                              ('b', 'cluster_size=512'),
                              ('c', 'extended_l2=on'),
                              ('d', 'refcount_bits=1,cluster_size=4k')):
            with self.subTest(options):
                self.create('-o', options, name, '64M')
                self.io(name, 'write -P 1 1M 64k', 'write -P 2 8M 8M',
                        'write -P 3 40M 4M', 'write -P 4 63M 1M')
                self.both('resize', '-q', '--shrink', name, '9M', files=False)
                self.assert_not_longer(name)
                # What comes again reads as zeroes.
                self.both('resize', '-q', name, '64M', files=False)
                self.assert_not_longer(name)

    def test_shrink_in_holes(self):
        """Where data lies low in the disk and high in the file."""
        self.create('a', '64M')
        self.io('a', 'write -P 2 32M 16M', 'write -P 3 0 1M')
        self.both('resize', '-q', '--shrink', 'a', '2M', files=False)
        self.assert_not_longer('a')

    @ours_only('QEMU leaves the file longer')
    def test_many_blocks_of_counts(self):
        """Blocks at the end that count nothing go too."""
        self.create('-o', 'cluster_size=512', 'a', '64M')
        self.io('a', 'write -P 2 0 24M')
        self.both('resize', '-q', '--shrink', 'a', '64k', files=False)
        path = f'{self.sides[0][1]}/a'
        self.assertLess(os.stat(path).st_size, 2 * MIB)
        self.assert_not_longer('a')

    @ours_only('QEMU leaves the file longer')
    def test_commit_empties(self):
        for name, options in (('a', 'compat=1.1'), ('b', 'compat=0.10'),
                              ('c', 'cluster_size=512'),
                              ('d', 'extended_l2=on')):
            with self.subTest(options):
                self.create('base', '32M')
                self.io('base', 'write -P 9 0 4M')
                self.create('-o', options, '-b', 'base', '-F', 'qcow2', name)
                self.io(name, 'write -P 1 1M 8M', 'write -z 30M 1M',
                        'write -P 4 31M 1M')
                self.both('commit', name, files=False)
                self.assert_not_longer('base')
                path = f'{self.sides[0][1]}/{name}'
                areas = tools.run([ORACLE, 'map', '--output=json', path])
                self.assertNotIn('"depth": 0, "present": true', areas.stdout)
                self.assertLess(os.stat(path).st_size, MIB)
                tools.run([ORACLE, 'check', '-q', path])

    def test_commit_keeps_snapshots(self):
        self.create('base', '4M')
        self.create('-b', 'base', '-F', 'qcow2', 'a')
        self.io('a', 'write -P 1 0 1M')
        for _program, folder in self.sides:
            tools.run([ORACLE, 'snapshot', '-c', 'then', 'a'], cwd=folder)
        self.io('a', 'write -P 2 64k 1M')
        self.both('commit', 'a', files=False)
        self.both('snapshot', '-a', 'then', 'a', files=False)
        for _program, folder in self.sides:
            tools.run([ORACLE, 'check', '-q', 'a'], cwd=folder)
        self.io('a', 'read -P 1 0 1M')

    def test_commit_drop(self):
        """With -d the overlay keeps what it has."""
        self.create('base', '4M')
        self.create('-b', 'base', '-F', 'qcow2', 'a')
        self.io('a', 'write -P 1 0 1M')
        self.both('commit', '-d', 'a', files=False)
        path = f'{self.sides[0][1]}/a'
        self.assertGreater(os.stat(path).st_size, MIB + 64 * KIB)


if __name__ == '__main__':
    case.main()
