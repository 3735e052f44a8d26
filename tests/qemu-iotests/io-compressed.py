#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-io: write -c, compressed."""

from lib import case, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB

SECTORS = "is not a sector-aligned value for"
NOT_BOTH = '-f and -b or -c cannot be specified at the same time'


class Compressed(case.Case):

    def setUp(self):
        super().setUp()
        self.image = self.path('a.qcow2')
        tools.foreign_img('create', '-q', '-f', 'qcow2', self.image, '1M')

    def io(self, *commands, image=None, fmt='qcow2'):
        done = tools.io(image or self.image, *commands,
                        options=('-f', fmt), check=False)
        lines = [line for line in done.stdout.splitlines()
                 if ' ops; ' not in line]
        return '\n'.join(lines), done.returncode

    def assert_fails(self, command, text, **kwargs):
        self.assertEqual(self.io(command, **kwargs), (text, 1), command)

    def test_written(self):
        self.assertEqual(self.io('write -c -P 7 0 64k',
                                 'write -c -P 8 960k 64k'),
                         ('wrote 65536/65536 bytes at offset 0\n'
                          'wrote 65536/65536 bytes at offset 983040', 0))
        raw = self.path('raw')
        tools.foreign_img('convert', '-O', 'raw', self.image, raw)
        self.assertEqual(images.read(raw, 0, MIB),
                         b'\7' * 64 * KIB + bytes(MIB - 128 * KIB) +
                         b'\x08' * 64 * KIB)
        self.assertIn('compressed clusters', tools.foreign_img(
            'check', self.image).stdout)

    def test_zeroes(self):
        self.assertEqual(self.io('write -cz 0 64k'),
                         ('wrote 65536/65536 bytes at offset 0', 0))

    def test_refused(self):
        for command, text in (
                ('write -c 64k 1k', 'write failed: Invalid argument'),
                ('write -c 1k 64k', 'write failed: Invalid argument'),
                ('write -c 1m 64k', 'write failed: Input/output error'),
                ('write -c -f 0 64k', NOT_BOTH),
                ('write -cfz 0 64k', NOT_BOTH),
                ('write -cu 0 64k', '-u requires -z to be specified'),
                ('write -c 100 64k', f"100 {SECTORS} 'offset'"),
                ('write -c 0 100', f"100 {SECTORS} 'count'"),
                ('write -cz 100 5', f"100 {SECTORS} 'offset'")):
            self.assert_fails(command, text)

    @ours_only('fails with EIO')
    def test_twice(self):
        """What a cluster held before is given back."""
        out, code = self.io('write -c -P 1 0 64k', 'discard 0 128k',
                            'write -c -P 2 0 64k',
                            'write -P 3 64k 64k', 'discard 64k 64k',
                            'write -c -P 4 64k 64k',
                            'read -P 2 0 64k', 'read -P 4 64k 64k')
        self.assertEqual(code, 0, out)
        self.assertIn('No errors', tools.foreign_img(
            'check', self.image).stdout)

    def test_raw(self):
        self.assert_fails('write -c 0 64k',
                          'write failed: Operation not supported',
                          image=images.make(self.path('r'), MIB), fmt='raw')


if __name__ == '__main__':
    case.main()
