#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bitmaps that go to and fro between this program and Debian's QEMU: each
finds what the other has kept, and nothing wrong with the image."""

import random

from lib import case, tools
from lib.case import ours_only
from lib.images import GIB, KIB, MIB
from lib.persist_case import PersistCase

QEMU = '/usr/bin/qemu-storage-daemon'


@ours_only('it would be on both sides')
class Foreign(PersistCase):

    def ranges(self, rand):
        for _ in range(8):
            at = rand.randrange(self.size_bytes // 512) * 512
            length = rand.choice((512, 64 * KIB, MIB))
            yield at, min(length, self.size_bytes - at)

    def known(self):
        return [dict(entry, sha256=hashed) for entry, hashed in
                zip(self.all(), self.hashes().values())]

    def one_owner(self, rand, number):
        """One of the two opens the image and changes bitmaps."""
        for i in range(rand.randrange(3)):
            self.add(f'b{number}-{i}', disabled=rand.random() < .3,
                     granularity=rand.choice(
                         (512, 4 * KIB, 64 * KIB, MIB, 2 * GIB)))
        self.write(*self.ranges(rand))
        names = self.names()
        if names and rand.random() < .4:
            self.bitmap('remove', names.pop(rand.randrange(len(names))))
        if names and rand.random() < .3:
            self.bitmap('clear', rand.choice(names))
        if names and rand.random() < .3:
            self.bitmap(rand.choice(('enable', 'disable')),
                        rand.choice(names))

    def to_and_fro(self, cluster, size_bytes, seed):
        rand = random.Random(seed)
        self.size_bytes = size_bytes
        self.make(self.image, '-o', f'cluster_size={cluster}')
        known = None
        for number in range(6):
            self.start(binary=rand.choice((None, QEMU)))
            if known is not None:
                # What was kept is listed the other way round.
                self.assertEqual(self.known(), known)
            self.one_owner(rand, number)
            known = self.known()
            self.quit()
            self.assert_clean()
            self.assertEqual(self.info(), self.info(run=tools.foreign_img))
            self.start(read_only=True)
            self.assertEqual(
                sorted(self.known(), key=lambda b: b['name']),
                sorted(known, key=lambda b: b['name']))
            known = self.known()
            self.quit()

    def test_random(self):
        for seed, (cluster, size_bytes) in enumerate((
                (512, MIB), (4 * KIB, 64 * MIB + 512), (64 * KIB, GIB),
                (2 * MIB, 10 * MIB))):
            with self.subTest(cluster=cluster):
                self.to_and_fro(cluster, size_bytes, seed)

    def test_crash(self):
        """What one left in use is inconsistent for the other."""
        for first, second in ((None, QEMU), (QEMU, None)):
            with self.subTest(first=first):
                self.make(self.image)
                self.start(binary=first)
                self.add('b')
                self.quit()
                self.start(binary=first)
                self.write((0, MIB))
                self.kill()
                tools.img('check', '-q', '-r', 'leaks', self.image,
                          check=False)
                self.start(binary=second)
                self.assertTrue(self.find('b')['inconsistent'])
                self.bitmap('remove', 'b')
                self.quit()
                self.assert_clean()

    def test_big_dirty(self):
        """Clusters of bits that are all ones, or all zeroes, or neither."""
        self.size_bytes = 64 * GIB
        self.make(self.image)
        self.start()
        self.add('b', granularity=512)
        self.write((0, 512))
        tools.io(self.server.uri('disk'), 'write -q -z 1G 512M',
                 'write -q -z 10G 300M')
        known = self.hashes()
        self.quit()
        for binary in (QEMU, None):
            self.start(binary=binary)
            self.assertEqual(self.hashes(), known)
            self.quit()
            self.assert_clean()


if __name__ == '__main__':
    case.main()
