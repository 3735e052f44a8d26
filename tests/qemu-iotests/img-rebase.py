#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""img rebase between images that differ in parts of clusters: what the image
shows stays."""

from lib import case, images, tools
from lib.images import KIB, MIB

SIZE = 4 * MIB
KINDS = ('cluster_size=512', 'cluster_size=64k', 'cluster_size=128k',
         'cluster_size=2M', 'cluster_size=64k,extended_l2=on',
         'cluster_size=64k,compat=0.10')
# Where the new image is another, in bytes: parts of sectors and clusters, and
# the two sides of a border.
OTHER = [(4 * KIB, 512), (100 * KIB, 8 * KIB), (2 * MIB - 512, KIB),
         (3 * MIB + 3, 5), (SIZE - 512, 512)]


class Rebase(case.Case):
    """old.raw <- a.qcow2 (a write in a part of a cluster); new.raw."""

    def setUp(self):
        super().setUp()
        self.old = images.make(self.path('old.raw'), SIZE, [(0, SIZE, 1)])
        self.new = images.make(self.path('new.raw'), SIZE,
                               [(0, SIZE, 1)] + [(at, n, 2)
                                                 for at, n in OTHER])
        self.image = self.path('a.qcow2')

    def create(self, words):
        tools.img('create', '-q', '-f', 'qcow2', '-o', words, '-b', self.old,
                  '-F', 'raw', self.image)
        tools.io(self.image, f'write -q -P 3 {MIB + 512} 1k',
                 options=('-f', 'qcow2'))

    def content(self):
        raw = self.path('content.raw')
        tools.img('convert', '-f', 'qcow2', '-O', 'raw', self.image, raw)
        return images.read(raw)

    def rebase(self, backing, words):
        self.create(words)
        before = self.content()
        name = ['-b', backing] + (['-F', 'raw'] if backing else [])
        tools.img('rebase', '-f', 'qcow2', *name, self.image)
        self.assertTrue(self.content() == before, words)
        self.assertNotEqual(before[0], 0)

    def test_other_parts(self):
        for words in KINDS:
            self.rebase(self.new, words)

    def test_nothing_behind(self):
        for words in KINDS:
            self.rebase('', words)

    def test_shorter(self):
        short = images.make(self.path('short.raw'), 3 * MIB + 512,
                            [(0, 3 * MIB, 1)])
        for words in KINDS:
            self.rebase(short, words)

    def test_same_for_the_most_part(self):
        """A cluster is copied for one sector of it only."""
        self.create('cluster_size=64k')
        tools.img('rebase', '-f', 'qcow2', '-b', self.new, '-F', 'raw',
                  self.image)
        tools.img('rebase', '-u', '-f', 'qcow2', '-b', '', self.image)
        alone = self.content()
        for at, n in OTHER:
            start = at - at % (64 * KIB)
            end = -(-(at + n) // (64 * KIB)) * 64 * KIB
            self.assertEqual(alone[start:end], b'\1' * (end - start))
        self.assertEqual(alone[192 * KIB:MIB], bytes(MIB - 192 * KIB))


if __name__ == '__main__':
    case.main()
