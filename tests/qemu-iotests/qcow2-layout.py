#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images are laid out as QEMU lays them out: tables before what they refer to,
in the first clusters that are free. Scripts that damage an image at a fixed
offset, or print offsets, rely upon that."""

import json
import os

from lib import case, images, program, tools
from lib.case import ours_only

QEMU = '/usr/bin'


class Layout(case.Case):

    def build(self, folder, create, commands):
        """The image that the programs of FOLDER make; its bytes."""
        path = self.path('image')
        img, io = (os.path.join(folder, name)
                   for name in ('qemu-img', 'qemu-io'))
        tools.run([img, 'create', '-q', '-f', 'qcow2', *create, path, '16M'])
        for command in commands:
            tools.run([io, '-f', 'qcow2', '-c', command, path])
        data = images.read(path)
        os.unlink(path)
        return data

    def assert_same(self, commands, *create):
        ours = os.path.dirname(program.find('qemu-img'))
        a, b = (self.build(folder, create, commands)
                for folder in (QEMU, ours))
        self.assertEqual(len(a), len(b))
        if a != b:
            at = next(i for i in range(len(a)) if a[i] != b[i])
            self.fail(f'first difference at {at:#x}: {a[at:at + 8].hex()} '
                      f'and {b[at:at + 8].hex()}')

    @ours_only('is what it is compared with')
    def test_new(self):
        for create in ((), ('-o', 'cluster_size=4k'), ('-o', 'compat=0.10'),
                       ('-o', 'extended_l2=on'),
                       ('-o', 'lazy_refcounts=on'),
                       ('-o', 'refcount_bits=64,cluster_size=512'),
                       ('-o', 'preallocation=metadata')):
            with self.subTest(create=create):
                self.assert_same([], *create)

    @ours_only('is what it is compared with')
    def test_written(self):
        for create in ((), ('-o', 'cluster_size=4k'), ('-o', 'compat=0.10'),
                       ('-o', 'cluster_size=2M')):
            with self.subTest(create=create):
                self.assert_same(['write 64k 64k', 'write 4M 200k',
                                  'write 100k 1k', 'write -z 8M 64k'],
                                 *create)

    @ours_only('is what it is compared with')
    def test_tables_in_between(self):
        """A write over several L2 tables: each before its data."""
        self.assert_same(['write 30k 100k'], '-o', 'cluster_size=512')

    @ours_only('is what it is compared with')
    def test_holes_are_used(self):
        self.assert_same(['write 0 256k', 'discard 64k 64k', 'write 1M 64k',
                          'write 2M 64k'])

    @ours_only('is what it is compared with')
    def test_compressed(self):
        self.assert_same(['write -c 64k 64k', 'write -c 4M 64k',
                          'write 1M 64k', 'write -c 2M 64k'])

    def test_bitmaps(self):
        """Each end of a program writes all of them anew."""
        path = self.path('image')
        tools.img('create', '-q', '-f', 'qcow2', path, '10M')
        for command, end in ((('--add', path, 'a'), 6),
                             (('--add', path, 'b'), 9),
                             (('--add', path, 'c'), 11),
                             (('--remove', path, 'a'), 9),
                             (('--clear', path, 'b'), 10),
                             (('write 0 64k',), 14),
                             (('write 64k 64k',), 17)):
            if len(command) > 1:
                tools.img('bitmap', *command)
            else:
                tools.io(path, *command, options=('-f', 'qcow2'))
            out = tools.img('check', '--output=json', path).stdout
            self.assertEqual(json.loads(out)['image-end-offset'],
                             end * 65536, command)

    def test_long_tables(self):
        """An L1 table that is longer than what a block counts."""
        path = self.path('image')
        for bits in 1, 16, 64:
            tools.img('create', '-q', '-f', 'qcow2', '-o',
                      f'cluster_size=512,refcount_bits={bits}', path, '10G')
            tools.io(path, 'write 9G 1M', options=('-f', 'qcow2'))
            tools.img('resize', '-q', path, '20G')
            self.assertLess(os.path.getsize(path), 32 * images.MIB)
            tools.foreign_img('check', path)


if __name__ == '__main__':
    case.main()
