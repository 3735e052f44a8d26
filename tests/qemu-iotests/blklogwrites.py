#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blklogwrites: all that changes a disk, in the format of dm-log-writes."""

import os
import struct

from lib import case, exports, images
from lib.case import ours_only
from lib.images import KIB, MIB

MAGIC = 0x6a736677736872
FLUSH, FUA, DISCARD = 1, 2, 4


class LogWrites(case.Case):
    """`disk` is a file whose changes go to the file `log`."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.disk = images.make(self.path('disk'), MIB, [(0, 64 * KIB, 1)])
        self.log = images.make(self.path('log'), 0)

    def options(self, **options):
        return dict({
            'driver': 'blklogwrites', 'node-name': 'disk', 'discard': 'unmap',
            'file': {'driver': 'file', 'filename': self.disk,
                     'discard': 'unmap'},
            'log': {'driver': 'raw', 'file': {
                'driver': 'file', 'filename': self.log}}},
            **{k.replace('_', '-'): v for k, v in options.items()})

    def add(self, **options):
        self.vm.cmd('blockdev-add', self.options(**options))
        server = exports.Server(self.vm)
        server.add('disk')
        self.guest = server.connect('disk', request_structured_replies=False)
        self.addCleanup(exports.disconnect, self.guest)

    def remove(self):
        exports.disconnect(self.guest)
        self.vm.cmd('nbd-server-stop')
        self.vm.cmd('blockdev-del', {'node-name': 'disk'})

    def refused(self, desc, **options):
        self.assert_error(self.vm, 'blockdev-add', self.options(**options),
                          desc)

    def entries(self, sector=512):
        """[(sector, sectors, flags, data)] of the log."""
        log = images.read(self.log)
        magic, version, n, size = struct.unpack_from('<QQQI', log)
        self.assertEqual((magic, version, size), (MAGIC, 1, sector))
        self.assertFalse(any(log[28:sector]))
        found, at = [], sector
        for _ in range(n):
            start, count, flags, length = struct.unpack_from('<QQQQ', log, at)
            self.assertEqual(length, 0)
            at += sector
            data = b'' if flags & DISCARD else log[at:at + count * sector]
            at += len(data)
            found.append((start, count, flags, data))
        self.assertEqual(at, len(log))
        return found

    def test_log(self):
        self.add()
        self.guest.pread(512, 0)
        self.guest.pwrite(b'a' * 512, 0)
        self.guest.pwrite(b'b' * 1024, 4096)
        self.guest.zero(4096, 8192)
        self.guest.trim(4096, 16384)
        self.guest.flush()
        expected = [(0, 1, 0, b'a' * 512), (8, 2, 0, b'b' * 1024),
                    (16, 8, 0, bytes(4096)), (32, 8, DISCARD, b''),
                    (0, 0, FLUSH, b'')]
        self.assertEqual(self.entries(), expected)
        # Of a part of a sector all of it is recorded.
        self.guest.pwrite(b'c' * 100, 1000)
        self.remove()
        expected += [(1, 2, 0, b'\1' * 488 + b'c' * 100 + b'\1' * 436),
                     (0, 0, FLUSH, b'')]
        self.assertEqual(self.entries(), expected)
        self.assertEqual(images.read(self.disk, 900, 300),
                         b'\1' * 100 + b'c' * 100 + b'\1' * 100)

    @ours_only('does not record it')
    def test_fua(self):
        self.add()
        self.guest.pwrite(b'a' * 512, 0, exports.nbd.CMD_FLAG_FUA)
        self.guest.flush()
        self.assertEqual(self.entries()[0], (0, 1, FUA, b'a' * 512))

    def test_sector_size(self):
        self.add(log_sector_size=4096)
        self.assertEqual(self.guest.get_block_size(0), 4096)
        self.guest.pwrite(b'a' * 512, 4096)
        self.guest.flush()
        self.assertEqual(self.entries(4096), [
            (1, 1, 0, b'a' * 512 + b'\1' * 3584), (0, 0, FLUSH, b'')])

    def test_interval(self):
        """The super block tells how many there are after so many."""
        self.add(log_super_update_interval=2)
        self.guest.pwrite(b'a' * 512, 0)
        self.assertEqual(images.read(self.log, 0, 512), bytes(512))
        self.guest.pwrite(b'a' * 512, 0)
        self.assertEqual(len(self.entries()), 2)

    def test_append(self):
        self.add()
        self.guest.pwrite(b'a' * 512, 0)
        self.remove()
        self.add(log_append=True)
        self.guest.pwrite(b'b' * 512, 512)
        self.remove()
        expected = [(0, 1, 0, b'a' * 512), (0, 0, FLUSH, b''),
                    (1, 1, 0, b'b' * 512), (0, 0, FLUSH, b'')]
        self.assertEqual(self.entries(), expected)
        self.refused('log-append and log-sector-size are mutually exclusive',
                     log_append=True, log_sector_size=512)

    def test_bad_log(self):
        for head, desc in (
                ((1, 1, 0, 512), 'Invalid log superblock magic'),
                ((MAGIC, 2, 0, 512), 'Unsupported log version 2'),
                ((MAGIC, 1, 0, 513), 'Invalid log sector size 513')):
            with open(self.log, 'wb') as f:
                f.write(struct.pack('<QQQI', *head).ljust(512, b'\0'))
            self.refused(desc, log_append=True)
        self.refused('Invalid log sector size 1000', log_sector_size=1000)

    @ours_only('goes on behind what is there')
    def test_cut_log(self):
        with open(self.log, 'wb') as f:
            f.write(struct.pack('<QQQI', MAGIC, 1, 1000, 512).ljust(512,
                                                                     b'\0'))
        self.refused('Could not find the end of the log: Invalid argument',
                     log_append=True)

    def test_shown(self):
        self.add(log_sector_size=4096)
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'disk']
        self.assertEqual(node['file'], (
            'json:{"log": {"driver": "raw", "file": {"driver": "file", '
            f'"filename": "{self.log}"}}}}, "log-sector-size": 4096, '
            '"driver": "blklogwrites", "file": {"driver": "file", '
            f'"filename": "{self.disk}"}}}}'))
        self.assertEqual(node['image']['actual-size'],
                         os.stat(self.disk).st_blocks * 512)
        edge, = [e for e in
                 self.vm.cmd('x-debug-query-block-graph')['edges']
                 if e['name'] == 'log']
        self.assertEqual(edge['perm'], ['resize', 'write', 'consistent-read'])
        self.assertEqual(edge['shared-perm'],
                         ['write-unchanged', 'consistent-read'])


if __name__ == '__main__':
    case.main()
