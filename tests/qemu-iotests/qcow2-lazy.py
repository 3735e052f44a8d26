#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lazy refcounts: the image is marked dirty while counts are late, whatever
ends the program; each implementation makes the other's image whole."""

import os
import struct
import subprocess

from lib import case, program, tools
from lib.img_diff import ORACLE

QEMU_IO = '/usr/bin/qemu-io'
DIRTY = 1


class Lazy(case.Case):

    def setUp(self):
        super().setUp()
        self.image = self.path('t.qcow2')
        self.our_io = program.find('qemu-io')

    def create(self, options='lazy_refcounts=on'):
        tools.run([ORACLE, 'create', '-q', '-f', 'qcow2', '-o', options,
                   self.image, '16M'])

    def io(self, tool, *commands, options=(), check=True):
        argv = [tool, '-f', 'qcow2', *options]
        for command in commands:
            argv += ['-c', command]
        return tools.run([*argv, self.image], check=check)

    def killed(self, tool, *commands, options=()):
        done = subprocess.run(
            [tool, '-f', 'qcow2', *options,
             *(word for c in (*commands, 'sigraise 9') for word in ('-c', c)),
             self.image], capture_output=True, check=False)
        self.assertEqual(done.returncode, -9)

    def dirty(self):
        with open(self.image, 'rb') as f:
            head = f.read(80)
        return struct.unpack('>Q', head[72:80])[0] & DIRTY

    def test_dirty_after_kill(self):
        for writer in (self.our_io, QEMU_IO):
            for reader in (self.our_io, QEMU_IO):
                with self.subTest(writer=writer, reader=reader):
                    self.create()
                    self.killed(writer, 'write -P 5 0 256k', 'flush')
                    self.assertTrue(self.dirty())
                    found = tools.run([ORACLE, 'check', self.image],
                                      check=False)
                    self.assertEqual(found.returncode, 2)
                    # Opened for writing it is made whole.
                    self.io(reader, 'write -P 6 1M 64k', 'read -P 5 0 256k')
                    self.assertFalse(self.dirty())
                    tools.run([ORACLE, 'check', self.image])
                    self.io(QEMU_IO, 'read -P 5 0 256k', 'read -P 6 1M 64k')
                    os.unlink(self.image)

    def test_clean_after_close(self):
        self.create()
        self.io(self.our_io, 'write -P 5 0 256k', 'flush', 'write 8M 64k')
        self.assertFalse(self.dirty())
        tools.run([ORACLE, 'check', self.image])

    def test_clean_where_nothing_is_taken(self):
        """Writes in place have no counts to be late."""
        self.create('lazy_refcounts=on,preallocation=metadata')
        self.killed(self.our_io, 'write -P 5 0 256k', 'flush')
        self.assertFalse(self.dirty())
        tools.run([ORACLE, 'check', self.image])

    def test_option(self):
        """lazy-refcounts=off for an image that has them, and the other way."""
        for options, word, dirty in (('lazy_refcounts=on', 'off', 0),
                                     ('lazy_refcounts=off', 'on', 1)):
            with self.subTest(options):
                self.create(options)
                argv = [self.our_io, '--image-opts', '-c', 'write 0 64k', '-c',
                        'flush', '-c', 'sigraise 9',
                        f'driver=qcow2,lazy-refcounts={word},'
                        f'file.filename={self.image}']
                done = subprocess.run(argv, capture_output=True, check=False)
                self.assertEqual(done.returncode, -9, done.stderr)
                self.assertEqual(self.dirty(), dirty)

    def test_read_only(self):
        """A dirty image is read as it is."""
        self.create()
        self.killed(QEMU_IO, 'write -P 5 0 256k', 'flush')
        self.io(self.our_io, 'read -P 5 0 256k', options=('-r',))
        self.assertTrue(self.dirty())

    def test_many(self):
        """More counts than may wait in memory."""
        self.create('lazy_refcounts=on,cluster_size=512')
        self.killed(self.our_io, 'write -P 5 0 8M', 'flush',
                    'discard 2M 1M', 'flush', 'write -P 6 2M 1M',
                    'write -P 7 9M 2M', 'flush')
        self.io(self.our_io, 'read -P 5 0 2M', 'read -P 6 2M 1M',
                'read -P 5 3M 5M', 'read -P 7 9M 2M')
        self.io(QEMU_IO, 'read -P 5 0 2M', 'read -P 6 2M 1M')
        tools.run([ORACLE, 'check', '-q', self.image])


if __name__ == '__main__':
    case.main()
