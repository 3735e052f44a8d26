#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""img amend of qcow2 images: what changes, what is refused; and what map tells
of clusters that are shared or empty."""

import json
import os
import re

from lib import case, tools
from lib.case import ours_only
from lib.images import KIB, MIB
from lib.tools import foreign_img

WRITES = ('write -P 1 0 100k', 'write -z 1M 128k', 'write -P 3 2M 64k',
          'write -z 2M 64k', 'write -z -u 3M 64k')


class ImageCase(case.Case):

    def setUp(self):
        super().setUp()
        os.chdir(self.dir)
        self.addCleanup(os.chdir, '/')

    def create(self, options, *commands, name='a', backing=()):
        if os.path.exists(name):
            os.unlink(name)
        tools.img('create', '-q', '-f', 'qcow2', *backing, '-o', options,
                  name, '4M')
        self.io(*(commands or WRITES), image=name)

    def io(self, *commands, image='a'):
        return tools.io(image, *commands, options=('-f', 'qcow2')).stdout

    def amend(self, options):
        return tools.img('amend', '-o', options, 'a', check=False).stderr

    def info(self):
        out = tools.img('info', '--output=json', 'a').stdout
        return json.loads(out)['format-specific']['data']

    def areas(self):
        """(start, length, depth, present, zero) of all areas."""
        out = tools.img('map', '--output=json', 'a').stdout
        return [(e['start'], e['length'], e['depth'], e['present'], e['zero'])
                for e in json.loads(out)]

    def check(self):
        for img in tools.img, foreign_img:
            img('check', '-q', 'a')


class Downgrade(ImageCase):

    def content(self, snapshot=()):
        foreign_img('convert', *snapshot, '-O', 'raw', 'a', 'out')
        with open('out', 'rb') as f:
            return f.read()

    def test_content_stays(self):
        self.create('compat=1.1', 'write -P 9 0 4M', name='base')
        for options, backing in (
                ('compat=1.1', ()), ('lazy_refcounts=on', ()),
                ('compression_type=zstd', ()), ('cluster_size=512', ()),
                ('compat=1.1', ('-b', 'base', '-F', 'qcow2'))):
            self.create(options, backing=backing)
            before = self.content()
            self.assertEqual(self.amend('compat=0.10'), '')
            self.assertEqual(self.info(), {
                'compat': '0.10', 'compression-type': 'zlib',
                'refcount-bits': 16})
            self.check()
            self.assertEqual(self.content(), before, options)
            self.assertEqual(self.amend('compat=1.1'), '')
            self.check()

    @ours_only('leaves an image that its own check finds broken')
    def test_snapshots(self):
        self.create('compat=1.1', 'write -P 9 0 4M', name='base')
        for backing in (), ('-b', 'base', '-F', 'qcow2'):
            self.create('compat=1.1', backing=backing)
            tools.img('snapshot', '-c', 's', 'a')
            self.io('write -P 5 1M 64k', 'write -z 0 64k', 'write -z 2M 4k',
                    'write -P 6 3M 100')
            tools.img('snapshot', '-c', 't', 'a')
            self.io('write -P 7 1100k 300k')
            shots = (), ('-l', 's'), ('-l', 't')
            before = [self.content(shot) for shot in shots]
            self.assertEqual(self.amend('compat=0.10'), '')
            self.check()
            self.assertEqual([self.content(shot) for shot in shots], before)
            tools.img('snapshot', '-a', 's', 'a')
            self.check()
            self.assertEqual(self.content(), before[1])

    def test_refused(self):
        for made, options, desc in (
                ('extended_l2=on', 'compat=0.10', 'Cannot downgrade an image '
                 'with incompatible features 0x10 set'),
                ('data_file=d', 'compat=0.10',
                 'Cannot downgrade an image with a data file'),
                ('refcount_bits=8', 'compat=0.10',
                 'compat=0.10 requires refcount_bits=16'),
                ('compat=0.10', 'lazy_refcounts=on', 'Lazy refcounts only '
                 'supported with compatibility level 1.1 and above (use '
                 'compat=1.1 or greater)'),
                ('compat=0.10', 'refcount_bits=8', 'Refcount widths other '
                 'than 16 bits require compatibility level 1.1 or above (use '
                 'compat=1.1 or greater)')):
            self.create(made)
            self.assertEqual(self.amend(options), f'qemu-img: {desc}\n')
        self.create('lazy_refcounts=on')
        self.assertEqual(self.amend('compat=0.10,lazy_refcounts=on'), '')

    def test_zstd_refused(self):
        self.create('compression_type=zstd', 'write -c -P 1 0 64k')
        self.assertEqual(self.amend('compat=0.10'), 'qemu-img: Cannot '
                         'downgrade an image with zstd compression type and '
                         'existing compressed clusters\n')

    def test_snapshots_of_another_size(self):
        for options in 'compat=1.1', 'extended_l2=on':
            self.create(options)
            tools.img('snapshot', '-c', 's', 'a')
            tools.img('resize', '-q', 'a', '8M')
            self.assertEqual(self.amend('compat=0.10'), 'qemu-img: Internal '
                             'snapshots prevent downgrade of image\n')

    @ours_only('loses what it has no word for')
    def test_bitmaps_are_not_lost(self):
        self.create('compat=1.1')
        tools.img('bitmap', '--add', 'a', 'b')
        self.assertEqual(self.amend('compat=0.10'), 'qemu-img: Cannot '
                         'downgrade an image with bitmaps\n')

    def test_no_size_is_no_other_size(self):
        self.create('compat=1.1')
        self.assertEqual(self.amend('size=0'), '')
        self.io('read -P 1 0 100k')
        self.assertEqual(self.amend('size=512k'), '')
        self.io('read -P 1 0 100k')

    def test_width_that_no_number_has(self):
        self.create('compat=1.1')
        self.assertEqual(self.amend('refcount_bits=99999999999999999999'),
                         "qemu-img: Value '99999999999999999999' is too large "
                         "for parameter 'refcount_bits'\n")

    def shown(self, options):
        """The percentages that -p prints."""
        out = tools.img('amend', '-p', '-o', options, 'a', check=False).stdout
        return re.findall(r'\(([0-9.]+)/100%\)', out)

    def test_progress(self):
        tools.img('create', '-q', '-f', 'qcow2', 'a', '2G')
        self.assertEqual(self.shown('lazy_refcounts=off'), ['0.00', '100.00'])
        self.assertEqual(
            self.shown('compat=0.10'),
            ['0.00', '25.00', '50.00', '75.00', '100.00', '100.00'])
        self.assertEqual(self.shown('compat=1.1'),
                         ['0.00', '0.00', '50.00', '100.00', '100.00'])
        tools.img('snapshot', '-c', 's', 'a')
        self.assertEqual(self.shown('compat=0.10'),
                         ['0.00'] + [f'{12.5 * i:.2f}' for i in range(1, 9)] +
                         ['100.00'])
        self.assertEqual(self.shown('size=1'), ['0.00', '100.00'])
        steps = self.shown('compat=1.1,refcount_bits=64')
        self.assertEqual(steps[:6],
                         ['0.00', '0.00', '25.00', '50.00', '0.01', '1.01'])
        self.assertEqual(steps[-3:], ['99.10', '100.00', '100.00'])
        steps = self.shown('compat=0.10,refcount_bits=16')
        self.assertEqual(steps[:3] + steps[48:],
                         ['0.00', '0.00', '1.00', '47.05', '48.05', '49.05',
                          '99.97', '100.00', '100.00'])

    def test_width(self):
        self.create('compat=1.1')
        tools.img('snapshot', '-c', 's', 'a')
        text = self.amend('refcount_bits=1')
        self.assertRegex(text, '^qemu-img: Cannot decrease refcount entry '
                         'width to 1 bits: Cluster at offset 0x[0-9a-f]+ has '
                         'a refcount of 2\n$')
        self.check()
        self.assertEqual(self.amend('refcount_bits=2'), '')
        self.check()

    def test_zero_in_version_2(self):
        self.create('compat=0.10', 'write -P 1 0 128k', 'write -z 64k 64k')
        self.assertEqual(self.areas()[:2], [
            (0, 64 * KIB, 0, True, False),
            (64 * KIB, 4 * MIB - 64 * KIB, 0, False, True)])


class Map(ImageCase):

    def test_shared_subclusters(self):
        """From the first to the last that hold data, no more is copied."""
        for writes, areas in (
                (('write -P 1 0 4k', 'write -P 2 40k 2k'), [(0, 42)]),
                (('write -P 1 40k 4k', 'write -P 2 42k 1k'), [(40, 4)]),
                (('write -P 1 10k 4k', 'write -P 2 30k 2k'), [(10, 22)]),
                (('write -P 1 0 4k', 'write -z 20k 2k'), [(0, 4)])):
            self.create('extended_l2=on', writes[0])
            tools.img('snapshot', '-c', 's', 'a')
            self.io(writes[1])
            data = [(start // KIB, length // KIB)
                    for start, length, _, present, zero in self.areas()
                    if present and not zero]
            self.assertEqual(data, areas, writes)
            self.check()

    def test_small_image(self):
        """What its tables leave free does not count."""
        self.create('compat=1.1', 'write -P 1 100k 4k')
        self.assertEqual(self.areas()[1],
                         (64 * KIB, 64 * KIB, 0, True, False))

    def test_holes(self):
        """Where much of the image takes no space its file is asked."""
        for options, zero in (('preallocation=metadata', True),
                              ('preallocation=full', False),
                              ('preallocation=off', False)):
            self.create(options, 'write -P 1 0 64k')
            last = self.areas()[-1]
            self.assertEqual(last[4], zero or options.endswith('off'), options)


if __name__ == '__main__':
    case.main()
