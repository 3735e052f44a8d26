#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged headers and tables of qcow2 images: each with one clear error, or
served; QEMU says the same."""

import random
import struct

from lib import case, tools
from lib.case import ours_only
from lib.images import MIB

HUGE = 1 << 63

# name of the case: (offset, format, value)..., the text or None
BAD = {
    'magic': ([(0, 'I', 0)], 'Image is not in qcow2 format'),
    'version 4': ([(4, 'I', 4)], 'Unsupported qcow2 version 4'),
    'clusters too small': ([(20, 'I', 8)], 'Unsupported cluster size: 2^8'),
    'clusters too large': ([(20, 'I', 22)], 'Unsupported cluster size: 2^22'),
    'disk too large': ([(24, 'Q', HUGE)], 'Image is too big'),
    'encryption 3': ([(32, 'I', 3)], 'Unsupported encryption method 3'),
    'no L1': ([(36, 'I', 0)], 'L1 table is too small'),
    'huge L1': ([(36, 'I', 0xffffffff)], 'Active L1 table too large'),
    'L1 unaligned': ([(40, 'Q', 0x30001)], 'Active L1 table offset invalid'),
    'L1 far away': ([(40, 'Q', HUGE)], 'Active L1 table offset invalid'),
    'refcounts unaligned': ([(48, 'Q', 0x10001)],
                            'Reference count table offset invalid'),
    'no refcounts': ([(56, 'I', 0)],
                     'Image does not contain a reference count table'),
    'huge refcounts': ([(56, 'I', 0xffffffff)],
                       'Reference count table too large'),
    'many snapshots': ([(60, 'I', 65537)], 'Snapshot table too large'),
    'snapshots unaligned': ([(64, 'Q', 7)], 'Snapshot table offset invalid'),
    'unknown feature': ([(72, 'Q', 1 << 5)],
                        'Unsupported qcow2 feature(s): Unknown incompatible '
                        'feature: 20'),
    'corrupt': ([(72, 'Q', 2)],
                'qcow2: Image is corrupt; cannot be opened read/write'),
    'data file': ([(72, 'Q', 4)], "'data-file' is required for this image"),
    'raw data without a data file': ([(88, 'Q', 2)],
                                     'data-file-raw requires a data file'),
    'small subclusters': ([(20, 'I', 13), (72, 'Q', 16)],
                          'Unsupported subcluster size: 256'),
    'compression bit': ([(72, 'Q', 8)],
                        'qcow2: Compression type incompatible feature bit '
                        'must not be set'),
    'compression type': ([(72, 'Q', 8), (104, 'B', 2)],
                         'qcow2: unknown compression type: 2'),
    'refcount width': ([(96, 'I', 7)],
                       'Reference count entry width too large; may not '
                       'exceed 64 bits'),
    'short header': ([(100, 'I', 103)], 'qcow2 header too short'),
    'long header': ([(100, 'I', 65537)], 'qcow2 header exceeds cluster size'),
    'long extension': ([(0x74, 'I', 0xffffffff)],
                       'Header extension too large'),
    'long end of extensions': ([(0x70, 'I', 0), (0x74, 'I', 0x10000)],
                               'Header extension too large'),
    'name in the end of extensions': ([(8, 'Q', 0x1fc), (16, 'I', 5)],
                                      'Header extension too large'),
    'disk past counting': ([(24, 'Q', (1 << 64) - 1)],
                           'Could not refresh total sector count: File too '
                           'large'),
    'encryption -1': ([(32, 'I', 0xffffffff)],
                      'Unsupported encryption method -1'),
    'long backing name': ([(8, 'Q', 0x400), (16, 'I', 1024)],
                          'Backing file name too long'),
    'backing name elsewhere': ([(8, 'Q', 70000), (16, 'I', 5)],
                               'Invalid backing file offset'),
    'L1 behind the end': ([(40, 'Q', 1 << 40)], None),
    'refcounts behind the end': ([(48, 'Q', 1 << 40)], None),
}


def poke(path, pokes):
    with open(path, 'r+b') as f:
        for offset, kind, value in pokes:
            f.seek(offset)
            f.write(struct.pack('>' + kind, value))


def peek(path, offset, kind='Q'):
    with open(path, 'rb') as f:
        f.seek(offset)
        return struct.unpack('>' + kind, f.read(struct.calcsize(kind)))[0]


class Damage(case.Case):

    def setUp(self):
        super().setUp()
        self.name = self.path('t.qcow2')

    def make(self):
        tools.img('create', '-q', '-f', 'qcow2', self.name, 64 * MIB)
        tools.io(self.name, 'write -P 7 0 1M', options=('-f', 'qcow2'))

    def io(self, *commands):
        return tools.io(self.name, *commands, options=('-f', 'qcow2'),
                        check=False)

    def test_odd_header_is_written_as_it_is_read(self):
        """Its length, from which on there are extensions, is no multiple of
        eight."""
        path = f'{self.dir}/odd'
        tools.img('create', '-q', '-f', 'qcow2', path, '1M')
        poke(path, [(100, 'I', 0x74)])
        tools.img('amend', '-o', 'lazy_refcounts=on', path)
        tools.foreign_img('check', '-q', path)
        tools.img('check', '-q', path)

    def test_header(self):
        for name, (pokes, text) in BAD.items():
            with self.subTest(name):
                self.make()
                poke(self.name, pokes)
                done = self.io('read 32M 512')
                if text:
                    self.assertEqual(done.returncode, 1)
                    self.assertEqual(
                        done.stderr.strip(),
                        f"qemu-io: can't open device {self.name}: {text}")
                else:
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_version_of_the_future(self):
        self.make()
        poke(self.name, [(4, 'I', 4)])
        done = tools.img('info', self.name, check=False)
        self.assertEqual(done.stderr, f"qemu-img: Could not open '{self.name}'"
                         ': Unsupported qcow2 version 4\n')

    def test_empty_name_behind(self):
        self.make()
        poke(self.name, [(8, 'Q', 0x300), (16, 'I', 4)])
        self.assertNotIn('backing', tools.img('info', self.name).stdout)

    def test_no_refcounts_mended(self):
        self.make()
        poke(self.name, [(56, 'I', 0)])
        self.assertEqual(
            tools.img('check', self.name, check=False).returncode, 2)
        tools.img('check', '-q', '-r', 'all', self.name)
        tools.img('check', '-q', self.name)
        self.assertEqual(self.io('read -q -P 7 0 1M').stdout, '')

    def test_check_that_failed(self):
        self.make()
        table = peek(self.name, 48)
        poke(self.name, [(table, 'Q', peek(self.name, table) + 512)])
        done = tools.img('check', '-q', self.name, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith('\nqemu-img: Check failed\n'),
                        done.stderr)

    def test_named_feature(self):
        self.make()
        poke(self.name, [(72, 'Q', 1 << 7), (0x78, 'B', 0), (0x79, 'B', 7)])
        with open(self.name, 'r+b') as f:
            f.seek(0x7a)
            f.write(b'a new thing'.ljust(46, b'\0'))
        self.assertIn('Unsupported qcow2 feature(s): a new thing\n',
                      self.io('read 0 512').stderr)

    def test_tables(self):
        """Marked corrupt at the first bad entry; then only read-only."""
        for what in 'L1', 'L2':
            with self.subTest(what):
                self.make()
                entry = peek(self.name, 40)
                if what == 'L2':
                    entry = peek(self.name, entry) & 0xfffffffffffe00
                value = peek(self.name, entry)
                poke(self.name, [(entry, 'Q', value + 512)])
                done = self.io('read 0 512')
                self.assertIn('read failed: Input/output error', done.stdout)
                self.assertIn('qcow2: Marking image as corrupt: ', done.stderr)
                self.assertIn('unaligned (', done.stderr)
                self.assertIn('Image is corrupt; cannot be opened read/write',
                              self.io('read 0 512').stderr)

    def test_cut(self):
        """Files that end early open or say why; nothing hangs or crashes."""
        for end in 0, 1, 70, 104, 65536, 196608, 262144, 300000:
            with self.subTest(end=end):
                self.make()
                with open(self.name, 'r+b') as f:
                    f.truncate(end)
                self.io('read 0 1M')
                tools.img('check', self.name, check=False)

    def damage(self, chance):
        """Changes a few bytes of the tables."""
        l1, refcounts = peek(self.name, 40), peek(self.name, 48)
        l2 = peek(self.name, l1) & 0xfffffffffffe00
        blocks = peek(self.name, refcounts)
        places = ((0, 112), (112, 400), (l1, 64), (l2, 128),
                  (refcounts, 64), (blocks, 64), (peek(self.name, 64), 200))
        for _ in range(chance.randrange(1, 4)):
            at, length = chance.choice(places)
            value = chance.choice((0, 1, HUGE, HUGE - 1, 2 ** 64 - 1, 1 << 62,
                                   chance.getrandbits(64),
                                   chance.randrange(1 << 21) & ~511))
            poke(self.name, [(at + chance.randrange(length) // 8 * 8, 'Q',
                              value)])

    @ours_only('dies on some of these')
    def test_noise(self):
        """Nothing crashes, hangs or takes memory without end."""
        chance = random.Random(1)
        for turn in range(24):
            with self.subTest(turn=turn):
                tools.foreign_img('create', '-q', '-f', 'qcow2', self.name,
                                  8 * MIB)
                self.io('write 0 256k', 'write -z 1M 128k')
                tools.img('snapshot', '-c', 's', self.name)
                self.damage(chance)
                self.io('read 0 1M', 'write 2M 128k', 'write -z 0 128k',
                        'flush')
                for args in (('check',), ('snapshot', '-d', 's'),
                             ('check', '-r', 'all')):
                    tools.img(*args, self.name, check=False)


if __name__ == '__main__':
    case.main()
