#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-io: truncate, reopen, info, and what they refuse."""

import os
import re

from lib import case, images, tools
from lib.images import MIB


class Commands(case.Case):

    def setUp(self):
        super().setUp()
        self.raw = images.make(self.path('a.img'), MIB)

    def io(self, image, *commands, fmt='raw', options=()):
        done = tools.io(image, *commands, options=('-f', fmt) + options,
                        check=False, cwd=self.dir)
        name = re.compile(r'#block\d+')
        return (re.sub(r'(, \d+ ops); .*', r'\1', done.stdout),
                name.sub('#block', done.stderr), done.returncode)

    def assert_io(self, out, err, code, *commands, **kwargs):
        self.assertEqual(self.io('a.img', *commands, **kwargs),
                         (out, err and f'qemu-io: {err}\n', code), commands)

    def qcow2(self):
        tools.img('create', '-q', '-f', 'qcow2', self.path('q.img'), '1M')
        return 'q.img'

    # -- short names

    def test_short_names(self):
        self.assert_io('wrote 512/512 bytes at offset 0\n512 bytes, 1 ops\n'
                       'read 512/512 bytes at offset 0\n512 bytes, 1 ops\n'
                       'discard 512/512 bytes at offset 0\n'
                       '512 bytes, 1 ops\n2 MiB\n', '', 0,
                       'w -P 3 0 512', 'r -P 3 0 512', 'd 0 512', 'f', 't 2M',
                       'l')
        for short, name in (('a 0', 'alloc 0'), ('i', 'info'),
                            ('? read', 'help read'), ('q', 'quit')):
            self.assertEqual(self.io('a.img', short), self.io('a.img', name))
        self.assert_io('', '', 0, 'c', f'o -r {self.raw}')
        self.assertEqual(self.io('a.img', 'help l')[0],
                         'l -- gets the length of the current file\n')
        self.assertEqual(self.io('a.img', 'r 0')[1],
                         'bad argument count 1 to r, expected at least 2 '
                         'arguments\n')

    # -- truncate

    def test_truncate(self):
        self.assert_io('', '', 0, 'truncate 3M')
        self.assertEqual(os.path.getsize(self.raw), 3 * MIB)
        self.assert_io('', '', 0, 'truncate -m off 1M')
        self.assertEqual(os.path.getsize(self.raw), MIB)

    def test_truncate_preallocates(self):
        self.assert_io('', '', 0, 'truncate -m falloc 2M')
        self.assertEqual(os.path.getsize(self.raw), 2 * MIB)
        self.assertGreaterEqual(os.stat(self.raw).st_blocks * 512, MIB)
        self.assert_io('', "Invalid preallocation mode 'x'", 1,
                       'truncate -m x 1M')

    def test_truncate_usage(self):
        usage = ('truncate [-m prealloc_mode] off -- truncates the current '
                 'file at the given offset\n')
        out, err, code = self.io('a.img', 'truncate -x 5')
        self.assertEqual((out, code), (usage, 1))
        self.assertEqual(err, "truncate: invalid option -- 'x'\n")

    # -- reopen

    def test_reopen_to_read_only_and_back(self):
        refused = 'Block node is read-only'
        self.assert_io('', refused, 1, 'reopen -r', 'write 0 512')
        wrote = 'wrote 512/512 bytes at offset 0\n512 bytes, 1 ops\n'
        self.assert_io(wrote, '', 0, 'reopen -r', 'reopen -w', 'write 0 512')
        self.assert_io(wrote, '', 0, 'reopen -w', 'write 0 512',
                       options=('-r',))

    def test_reopen_cache(self):
        self.assert_io('', '', 0, 'reopen -c writethrough', 'reopen')
        self.assert_io('', 'Invalid cache option: x', 1, 'reopen -w -c x')

    def test_reopen_refuses(self):
        for words, text in (
                ('-w -r', 'Only one -r/-w option may be given'),
                ('-o foo=1', "Cannot change the option 'foo'"),
                ('-o driver=qcow2', "Cannot change the option 'driver'"),
                ('-o file.locking=on', "Cannot change the option 'locking'"),
                ('-r -o read-only=on',
                 "Cannot set both -r/-w and 'read-only'"),
                ('-c none -o cache.direct=off',
                 'Cannot set both -c and the cache options'),
                ('-o read-only=on', "Read-only block node '#block' cannot "
                                    'support read-write users')):
            self.assert_io('', text, 1, f'reopen {words}')

    def test_reopen_driver_option(self):
        image = self.qcow2()
        self.assertEqual(
            self.io(image, 'reopen -o lazy-refcounts=on', fmt='qcow2'),
            ('', '', 0))
        tools.img('create', '-q', '-f', 'qcow2', '-b', image, '-F', 'qcow2',
                  self.path('top.img'))
        self.assertEqual(
            self.io('top.img', 'reopen -r', 'alloc 0', fmt='qcow2')[2], 0)

    def test_reopen_driver_values(self):
        image = self.qcow2()
        for words, text in (
                ('overlap-check=blub', "Unsupported value 'blub' for qcow2 "
                 "option 'overlap-check'. Allowed are any of the following: "
                 'none, constant, cached, all'),
                ('overlap-check=none,overlap-check.template=all',
                 "Conflicting values for qcow2 options 'overlap-check' "
                 "('none') and 'overlap-check.template' ('all')"),
                ('cache-clean-interval=x',
                 "Parameter 'cache-clean-interval' expects a number")):
            self.assertEqual(self.io(image, f'reopen -o {words}', fmt='qcow2'),
                             ('', f'qemu-io: {text}\n', 1))
        self.assertEqual(
            self.io(image, 'reopen -o overlap-check=all,'
                    'overlap-check.inactive-l2=off', fmt='qcow2'),
            ('', '', 0))

    # -- info

    def test_info(self):
        self.assert_io('format name: raw\ncluster size: 0 bytes\n'
                       'vm state offset: 0 bytes\n', '', 0, 'info')
        out = self.io(self.qcow2(), 'info', fmt='qcow2')[0]
        self.assertTrue(out.startswith(
            'format name: qcow2\ncluster size: 64 KiB\n'
            'vm state offset: 512 MiB\nFormat specific information:\n'
            '    compat: 1.1\n'), out)

    # -- the state of a machine

    def test_vm_state_refused_by_raw(self):
        self.assert_io('read failed: Operation not supported\n', '', 1,
                       'read -b 0 512')
        self.assert_io('write failed: Operation not supported\n', '', 1,
                       'write -b 0 512')
        self.assert_io("1 is not a sector-aligned value for 'offset'\n", '', 1,
                       'write -b 1 512')
        self.assert_io('-b and -z cannot be specified at the same time\n', '',
                       1, 'write -b -z 0 512')


if __name__ == '__main__':
    case.main()
