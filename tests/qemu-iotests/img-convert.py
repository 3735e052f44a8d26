#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-img convert from and to raw, beside QEMU's."""

import json
import os
import random

from lib import case, images, tools
from lib.images import KIB, MIB
from lib.img_diff import DiffCase


def mixed(path, size_bytes, seed):
    """Data, holes and written zeroes in runs of any length."""
    rng = random.Random(seed)
    images.make(path, size_bytes)
    with open(path, 'r+b') as f:
        at = 0
        while at < size_bytes:
            run = min(rng.choice((512, 4096, 12288, 65536, 700000)) *
                      rng.randint(1, 3), size_bytes - at)
            kind = rng.randrange(3)
            if kind:
                f.seek(at)
                f.write(rng.randbytes(run) if kind == 1 else bytes(run))
            at += run


class Words(DiffCase):

    def setUp(self):
        super().setUp()
        self.fill(lambda folder: (
            images.make(f'{folder}/a', MIB, [(70000, 1, 120)]),
            images.make(f'{folder}/s', 512 * KIB),
            images.make(f'{folder}/odd', 1000)))

    def test_usage(self):
        self.table('''
            convert
            convert a
            convert -O raw -m
            convert --nosuch a b
            convert -m 0 -O raw a b
            convert -m 17 a b
            convert -m x a b
            convert -r x a b
            convert -S x a b
            convert -S 513 a b
            convert -S -5 a b
            convert -S 100G a b
            convert --salvage -C a b
            convert -C -S 4k a b
            convert --target-is-zero a b
            convert --skip-broken-bitmaps a b
            convert --target-image-opts a b
            convert --image-opts -f raw a b
            convert -n -o preallocation=off a b
            convert -n --target-image-opts -O raw a driver=raw,file.driver=file
        ''')

    def test_refused(self):
        self.table('''
            convert -f raw -O nosuch a b
            convert -f nosuch -O raw a b
            convert -f raw -O raw -o nosuch=1 a b
            convert -f raw -O raw -o , a b
            convert -f raw -O raw -o size=x a b
            convert -f raw -O raw -c a b
            convert -f raw -O null-co a b
            convert -n -f raw -O raw a nosuch
            convert -n -f raw -O raw a s
            convert -f raw -O raw -B x a b
            convert -f raw -O raw -F raw a b
            convert -f raw -O raw -o backing_file=s a b
            convert -f raw --bitmaps a b
            convert -f raw -l snap a b
            convert -f raw -l snapshot.id=1 a b
            convert -t bad a b
            convert -T bad a b
            convert nosuch b
            convert -f raw -O raw a /no/such/b
            convert --image-opts driver=raw,file.driver=file,file.filename=x b
        ''')

    def test_refused_late(self):
        # (QEMU has made the target by then.)
        self.both('convert', '-f', 'raw', '-O', 'raw', '-o',
                  'preallocation=x', 'a', 'b', files=False)

    def test_same_file(self):
        self.both('convert', '-f', 'raw', '-O', 'raw', 'a', 'a')

    def test_words(self):
        self.table('''
            convert a b
            convert -f raw -O raw a b
            convert -p -f raw -O raw a b
            convert -q -p -f raw -O raw a b
            convert -n -f raw -O raw a b
            convert -r 1M a b
            convert -r 0 a b
            convert --salvage a b
            convert -n --target-is-zero -f raw a b
            convert -W a b
            convert -U a b
            convert -C a b
            convert -O raw a s b
            convert -t writethrough -T writeback a b
            convert -O raw -n -B s a b
            convert -O raw odd b
            convert -O raw odd a odd b
            convert -m 1 a b
            convert -m 16 -S 0 a b
            convert -O raw -o preallocation=full a b
            convert -O raw -o size=2M a b
            convert -n --target-image-opts a driver=raw,file.driver=file,file.filename=b
            convert --image-opts driver=raw,offset=512,size=1024,file.driver=file,file.filename=a b
        ''')


class Content(DiffCase):

    def test_any_content(self):
        for seed in range(6):
            size = 8 * MIB + seed * 512
            self.fill(lambda folder, n=size, s=seed: mixed(
                f'{folder}/a', n, s))
            for words in ('', '-W', '-S 0', '-S 512', '-S 64k', '-m 1'):
                self.both('convert', '-f', 'raw', '-O', 'raw', *words.split(),
                          'a', 'b')
            # An old target: what it held is gone.
            for _program, folder in self.sides:
                images.make_patterned(f'{folder}/b', size)
            self.both('convert', '-n', '-f', 'raw', '-O', 'raw', 'a', 'b')

    def test_holes_stay_holes(self):
        self.fill(lambda folder: images.make(
            f'{folder}/a', 64 * MIB, [(MIB, MIB, 1), (40 * MIB, MIB, 0)]))
        self.both('convert', '-f', 'raw', '-O', 'raw', 'a', 'b')
        self.both('map', '-f', 'raw', '--output=json', 'b')
        self.both('convert', '-S', '0', '-f', 'raw', '-O', 'raw', 'a', 'c')
        for _program, folder in self.sides:
            self.assertLess(images.allocated_bytes(f'{folder}/b'), 2 * MIB)
            self.assertEqual(images.allocated_bytes(f'{folder}/c'), 64 * MIB)


class Layout(case.Case):

    def test_in_a_row(self):
        """What is written into a format that allocates lies there in order,
        also where metadata is loaded in between."""
        source = images.make(self.path('a'), 24 * MIB, [
            (at * MIB, MIB - 65536, at + 1) for at in range(24)])
        target = self.path('b')
        for options in ('cluster_size=512', 'cluster_size=4k',
                        'cluster_size=64k'):
            tools.img('convert', '-f', 'raw', '-O', 'qcow2', '-o', options,
                      source, target)
            offsets = [e['offset'] for e in json.loads(
                tools.img('map', '--output=json', target).stdout)
                if 'offset' in e]
            self.assertGreater(len(offsets), 1)
            self.assertEqual(offsets, sorted(offsets), options)


class Errors(DiffCase):

    BROKEN = ('driver=raw,file.driver=blkdebug,file.image.driver=null-co,'
              'file.image.size={},file.inject-error.0.event={}')

    def setUp(self):
        super().setUp()
        self.fill(lambda folder: images.make(f'{folder}/a', MIB))

    def test_read(self):
        self.both('convert', '-O', 'raw', '--image-opts',
                  self.BROKEN.format(MIB, 'read_aio'), 'b', files=False)

    def test_write(self):
        self.both('convert', '-n', '--target-image-opts', '-f', 'raw', '-S',
                  '0', 'a', self.BROKEN.format(MIB, 'write_aio'))

    def test_salvage(self):
        for quiet in (), ('-q',):
            self.both('convert', *quiet, '--salvage', '-S', '0', '-O', 'raw',
                      '--image-opts', self.BROKEN.format(1536, 'read_aio'),
                      'b')


class Help(case.Case):

    def test_help(self):
        done = tools.img('convert', '--help')
        self.assertIn('convert', done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == '__main__':
    case.main()
