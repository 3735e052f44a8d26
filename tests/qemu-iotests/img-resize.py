#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""img resize, measure and check, beside QEMU's."""

from lib import case, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB
from lib.img_diff import DiffCase


class Resize(DiffCase):

    def setUp(self):
        super().setUp()
        self.fill(lambda folder: images.make(f'{folder}/a', MIB,
                                             [(0, 4096, 1)]))

    def test_resize(self):
        self.table('''
            resize a 2M
            resize -f raw a +1M
            resize -f raw a -1M
            resize --shrink -f raw a -1M
            resize -f raw a -5M
            resize -f raw --shrink a -5M
            resize -f raw a 2M
            resize -q -f raw a 4M
            resize --preallocation=full -f raw a 5M
            resize --preallocation=falloc -f raw a 6M
            resize --preallocation=off -f raw a 7M
            resize --preallocation=metadata -f raw a 8M
            resize --preallocation=x -f raw a 8M
            resize --preallocation=falloc --shrink -f raw a 1M
            resize -f raw a 1000001
            resize -f raw --shrink a 1000001
            resize --image-opts driver=raw,file.driver=file,file.filename=a 3M
        ''')

    def test_preallocation(self):
        self.both('resize', '--preallocation=full', '-f', 'raw', 'a', '3M')
        for _program, folder in self.sides:
            self.assertGreaterEqual(images.allocated_bytes(f'{folder}/a'),
                                    2 * MIB)

    def test_preallocation_of_window(self):
        """What the window begins with lies in the way of nobody's zeroes."""
        for way in 'full', 'falloc':
            self.fill(lambda folder: images.make(f'{folder}/w', 2 * MIB,
                                                 [(0, 2 * MIB, 7)]))
            self.both('resize', f'--preallocation={way}', '--image-opts',
                      'driver=raw,offset=65536,file.filename=w', '+1M')
            for _program, folder in self.sides:
                self.assertEqual(images.read(f'{folder}/w'),
                                 b'\x07' * (2 * MIB) + bytes(MIB), way)
                self.assertGreaterEqual(images.allocated_bytes(f'{folder}/w'),
                                        3 * MIB)

    def test_refused(self):
        self.table('''
            resize
            resize a
            resize 3M
            resize -f raw a x
            resize -f raw a +x
            resize -f raw a +
            resize -f raw a 8E
            resize -f raw a +8E
            resize -f raw a 0
            resize -f raw --shrink a 0
            resize -f raw a -- -1k
            resize -U a 1M
            resize -f raw nosuch 1M
            resize a b 3M
            resize -f nosuch a 3M
            resize -f raw --image-opts a 3M
            resize -f raw --shrink null-co:// 3M
        ''')
        self.both('resize', '-f', 'raw', 'a', '')


class Behind(case.Case):
    """An image that grows where the one behind it goes on shows zeroes there,
    however its space is taken."""

    OLD = 640 * KIB + 512
    NEW = 1700 * KIB

    def grow(self, words, preallocation):
        base = images.make(self.path('base.raw'), 2 * MIB, [(0, 2 * MIB, 9)])
        path = self.path('a.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-o', words, '-b', base,
                  '-F', 'raw', path, str(self.OLD))
        tools.img('resize', '-q', '-f', 'qcow2',
                  f'--preallocation={preallocation}', path, str(self.NEW))
        tools.img('check', '-q', '-f', 'qcow2', path)
        raw = self.path('raw')
        tools.img('convert', '-f', 'qcow2', '-O', 'raw', path, raw)
        self.assertTrue(images.read(raw) == (b'\t' * self.OLD).ljust(
            self.NEW, b'\0'), f'{words} {preallocation}')

    def every(self, *kinds):
        for words in kinds:
            for preallocation in ('off', 'metadata', 'falloc', 'full'):
                self.grow(words, preallocation)

    def test_marked(self):
        self.every('cluster_size=64k', 'extended_l2=on',
                   f"data_file={self.path('data')}")

    @ours_only('cannot grow such an image')
    def test_written(self):
        self.every('compat=0.10')


class Measure(DiffCase):

    def test_measure(self):
        self.fill(lambda folder: (images.make(f'{folder}/a', 5 * MIB),
                                  images.make(f'{folder}/odd', 1000)))
        self.table('''
            measure
            measure a
            measure --size 1G
            measure --size 1G -O raw
            measure --size 0
            measure --size 513
            measure -O raw a
            measure -O raw --output=json a
            measure -f raw -O raw --output=json odd
            measure --size 1G a
            measure --size x
            measure --size -1
            measure --size 8E
            measure a b
            measure --output x a
            measure -U a
            measure -O nosuch a
            measure -O null-co a
            measure -O raw -o nosuch=1 a
            measure -O raw -o , a
            measure -l x a
            measure -l x --size 1M
            measure -f raw --size 1M
            measure --image-opts --size 1M
            measure -f raw --image-opts a
            measure nosuch
        ''')


class Check(DiffCase):

    def test_raw(self):
        self.fill(lambda folder: images.make(f'{folder}/a', MIB))
        self.table('''
            check
            check a
            check a b
            check -q a
            check --output json a
            check --output=x a
            check -r x a
            check -r
            check -f raw a
            check -r leaks -f raw a
            check -T bad a
            check -T none a
            check -U a
            check nosuch
            check --nosuch
            check -f raw --image-opts a
        ''')


if __name__ == '__main__':
    case.main()
