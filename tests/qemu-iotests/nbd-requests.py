#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The NBD server: flags, requests, metadata, several clients."""

import nbd

from lib import case, exports, images
from lib.exports import BASE, dirty, errno_of
from lib.images import MIB
from lib.nbd_case import CHUNK, NbdCase

HOLE = nbd.STATE_HOLE | nbd.STATE_ZERO


class Requests(NbdCase):

    def setUp(self):
        super().setUp()
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.server.add('disk', bitmaps=['b'])
        self.server.add('disk', name='view', writable=False)

    def test_flags(self):
        handle = self.connect()
        for flag in ('can_cache', 'can_df', 'can_fast_zero', 'can_flush',
                     'can_fua', 'can_multi_conn', 'can_trim', 'can_zero',
                     'get_structured_replies_negotiated'):
            self.assertTrue(getattr(handle, flag)(), flag)
        self.assertFalse(handle.is_read_only())
        self.assertFalse(handle.is_rotational())
        self.assertEqual(handle.get_protocol(), 'newstyle-fixed')
        self.assertEqual([handle.get_block_size(i) for i in range(3)],
                         [1, 4096, 32 * MIB])
        self.assertEqual(handle.get_size(), self.size_bytes)

    def test_flags_of_a_read_only_export(self):
        handle = self.connect('view')
        for flag in ('can_cache', 'can_df', 'can_flush', 'can_fua',
                     'can_multi_conn', 'is_read_only'):
            self.assertTrue(getattr(handle, flag)(), flag)
        for flag in 'can_trim', 'can_zero', 'can_fast_zero':
            self.assertFalse(getattr(handle, flag)(), flag)

    def test_read_and_write(self):
        handle = self.connect()
        self.assertEqual(handle.pread(CHUNK, 0), images.pattern(0, CHUNK))
        self.assertEqual(handle.pread(CHUNK, 2 * MIB), bytes(CHUNK))
        for offset, length in ((0, 1), (511, 2), (4095, 4098), (100001, 3),
                               (self.size_bytes - 1, 1), (3 * MIB, MIB)):
            data = images.pattern(offset, length, seed=3)
            handle.pwrite(data, offset)
            self.assertEqual(handle.pread(length, offset), data)
        handle.flush()
        self.assertEqual(images.read(self.image, 4095, 4098),
                         images.pattern(4095, 4098, seed=3))
        # The neighbours are as they were.
        self.assertEqual(images.read(self.image, MIB, CHUNK),
                         images.pattern(MIB, CHUNK))

    def test_the_largest(self):
        big = images.make(self.path('big.img'), 64 * MIB)
        self.vm.cmd('blockdev-add', driver='file', node_name='big',
                    filename=big)
        self.server.add('big')
        handle = self.connect('big')
        data = images.pattern(0, MIB) * 32
        handle.pwrite(data, 123)
        self.assertEqual(handle.pread(32 * MIB, 123) == data, True)
        self.assertEqual(errno_of(handle.pread, 32 * MIB + 1, 0), 'EINVAL')

    def test_fua_and_flush(self):
        handle = self.connect()
        handle.pwrite(b'fua' * 100, 7, nbd.CMD_FLAG_FUA)
        handle.zero(4096, 65536, nbd.CMD_FLAG_FUA)
        handle.trim(4096, 131072, nbd.CMD_FLAG_FUA)
        handle.flush()
        self.assertEqual(images.read(self.image, 7, 3), b'fua')

    def test_zero(self):
        handle = self.connect()
        handle.zero(4096, 0)
        handle.zero(4096, 8192, nbd.CMD_FLAG_NO_HOLE)
        handle.zero(1000, 20001)
        self.assertEqual(handle.pread(4096, 0), bytes(4096))
        self.assertEqual(handle.pread(4096, 8192), bytes(4096))
        expected = images.pattern(0, CHUNK)
        self.assertEqual(handle.pread(4096, 4096), expected[4096:8192])
        self.assertEqual(handle.pread(1002, 20000),
                         expected[20000:20001] + bytes(1000) +
                         expected[21001:21002])

    def test_zero_makes_holes(self):
        handle = self.connect()
        before = images.allocated_bytes(self.image)
        handle.zero(CHUNK, 0)
        handle.trim(CHUNK, MIB)
        handle.flush()
        self.assertLess(images.allocated_bytes(self.image), before)
        self.assertEqual(images.read(self.image, MIB, CHUNK), bytes(CHUNK))

    def test_zero_without_holes(self):
        handle = self.connect()
        before = images.allocated_bytes(self.image)
        handle.zero(CHUNK, 0, nbd.CMD_FLAG_NO_HOLE)
        handle.flush()
        self.assertGreaterEqual(images.allocated_bytes(self.image), before)

    def test_cache(self):
        self.connect().cache(MIB, 0)

    def test_df(self):
        handle = self.connect()
        chunks = []
        handle.pread_structured(
            2 * MIB, 0, lambda *args: chunks.append(args[1:3]) or 0,
            nbd.CMD_FLAG_DF)
        self.assertEqual(len(chunks), 1)

    def test_structured_read(self):
        """Holes come as holes, and all together make the range."""
        handle = self.connect()
        chunks = []

        def take(data, offset, status, error):
            chunks.append((offset, len(data), status))
            return 0

        handle.pread_structured(2 * MIB, 0, take)
        at = 0
        for offset, length, _ in sorted(chunks):
            self.assertEqual(offset, at)
            at += length
        self.assertEqual(at, 2 * MIB)
        self.assertIn(nbd.READ_HOLE, {status for _, _, status in chunks})
        self.assertIn(nbd.READ_DATA, {status for _, _, status in chunks})

    def test_without_structured_replies(self):
        handle = self.connect(request_structured_replies=False)
        self.assertFalse(handle.get_structured_replies_negotiated())
        self.assertEqual(handle.pread(CHUNK, MIB),
                         images.pattern(MIB, CHUNK))
        handle.pwrite(b'x' * 512, 0)
        self.assertEqual(errno_of(handle.pread, 512, self.size_bytes),
                         'EINVAL')
        self.assertEqual(handle.pread(512, 0), b'x' * 512)

    def test_out_of_range(self):
        handle = self.connect()
        end = self.size_bytes
        for call, *args in (
                (handle.pread, 512, end), (handle.pread, 1024, end - 512),
                (handle.pwrite, b'x' * 1024, end - 512),
                (handle.pwrite, b'x', end), (handle.trim, 1024, end - 512),
                (handle.zero, 1024, end - 512), (handle.cache, 1024, end),
                (handle.pread, 512, 1 << 62)):
            self.assertEqual(errno_of(call, *args), 'EINVAL', args[-1])
        # And the connection stands.
        self.assertEqual(handle.pread(16, 0), images.pattern(0, 16))

    def test_of_no_length(self):
        handle = self.connect(contexts=[BASE])
        handle.pread(0, 0)
        self.assertEqual(errno_of(handle.block_status, 0, 0,
                                  lambda *args: 0), 'EINVAL')

    def test_writes_to_a_read_only_export(self):
        before = images.checksum(self.image)
        handle = self.connect('view')
        for call, *args in ((handle.pwrite, b'x' * 512, 0),
                            (handle.trim, 512, 0), (handle.zero, 512, 0)):
            self.assertEqual(errno_of(call, *args), 'EINVAL')
        self.assertEqual(handle.pread(16, 0), images.pattern(0, 16))
        self.assertEqual(images.checksum(self.image), before)

    def test_unknown_export(self):
        for name in 'nosuch', '':
            with self.assertRaises(nbd.Error) as caught:
                self.connect(name)
            self.assertEqual(caught.exception.errno, 'ENOENT')

    # -- several clients

    def test_one_sees_what_another_wrote(self):
        one, two, view = self.connect(), self.connect(), self.connect('view')
        one.pwrite(b'1' * 4096, 0)
        self.assertEqual(two.pread(4096, 0), b'1' * 4096)
        two.pwrite(b'2' * 100, 50)
        self.assertEqual(view.pread(150, 0), b'1' * 50 + b'2' * 100)

    def test_many_clients(self):
        handles = [self.connect() for _ in range(20)]
        for i, handle in enumerate(handles):
            handle.pwrite(bytes([i]) * 4096, i * 4096)
        for i, handle in enumerate(handles):
            other = (i + 7) % 20
            self.assertEqual(handle.pread(4096, other * 4096),
                             bytes([other]) * 4096)

    def test_many_in_flight(self):
        handle = self.connect()
        buffers = [nbd.Buffer(4096) for _ in range(300)]
        cookies = [handle.aio_pread(buffer, i * 4096)
                   for i, buffer in enumerate(buffers)]
        while cookies:
            cookies = [c for c in cookies
                       if not handle.aio_command_completed(c)]
            if cookies:
                handle.poll(-1)
        content = images.read(self.image)
        for i, buffer in enumerate(buffers):
            self.assertEqual(bytes(buffer.to_bytearray()),
                             content[i * 4096:(i + 1) * 4096])

    # -- metadata

    def test_contexts(self):
        handle = nbd.NBD()
        handle.set_opt_mode(True)
        handle.set_export_name('disk')
        handle.connect_unix(self.server.path)
        names = []
        handle.opt_list_meta_context(lambda name: names.append(name) or 0)
        self.assertEqual(names, [BASE, dirty('b')])
        for query, expected in (
                ('base:', [BASE]), ('qemu:', [dirty('b')]),
                ('qemu:dirty-bitmap:', [dirty('b')]), (dirty('b'),
                                                       [dirty('b')]),
                (dirty('nosuch'), []), ('nosuch:x', []),
                ('base:nosuch', [])):
            names.clear()
            handle.clear_meta_contexts()
            handle.add_meta_context(query)
            handle.opt_list_meta_context(
                lambda name: names.append(name) or 0)
            self.assertEqual(names, expected, query)
        handle.opt_abort()

    def test_contexts_must_be_asked_for(self):
        handle = self.connect(contexts=[BASE])
        self.assertTrue(handle.can_meta_context(BASE))
        self.assertFalse(handle.can_meta_context(dirty('b')))
        plain = self.connect()
        self.assertEqual(errno_of(plain.block_status, 4096, 0,
                                  lambda *args: 0), 'EINVAL')

    def test_allocation(self):
        handle = self.connect(contexts=[BASE])
        self.assertEqual(exports.extents(handle, BASE), [
            (CHUNK, 0), (MIB - CHUNK, HOLE), (CHUNK, 0),
            (3 * MIB - CHUNK, HOLE)])
        # Inside an extent, and up to its end.
        self.assertEqual(exports.extents(handle, BASE, 4096, 4096),
                         [(4096, 0)])

    def test_allocation_follows_writes(self):
        handle = self.connect(contexts=[BASE])
        handle.pwrite(b'x' * CHUNK, 2 * MIB)
        handle.trim(CHUNK, 0)
        self.assertEqual(exports.extents(handle, BASE), [
            (MIB, HOLE), (CHUNK, 0), (MIB - CHUNK, HOLE), (CHUNK, 0),
            (2 * MIB - CHUNK, HOLE)])

    def test_dirty(self):
        """A writable export shows the bitmap live."""
        handle = self.connect(contexts=[BASE, dirty('b')])
        self.assertEqual(exports.dirty_ranges(handle, 'b'), [])
        handle.pwrite(b'x', 0)
        handle.pwrite(b'x' * 2, 5 * CHUNK - 1)
        handle.pwrite(b'x', self.size_bytes - 1)
        self.assertEqual(exports.dirty_ranges(handle, 'b'), [
            (0, CHUNK), (4 * CHUNK, 2 * CHUNK),
            (self.size_bytes - CHUNK, CHUNK)])
        self.assertEqual(exports.extents(handle, dirty('b'))[0], (CHUNK, 1))

    def test_one_extent(self):
        handle = self.connect(contexts=[BASE])
        got = []
        handle.block_status(
            self.size_bytes, 0,
            lambda context, offset, entries, error: got.append(
                list(entries)) or 0, nbd.CMD_FLAG_REQ_ONE)
        self.assertEqual(got, [[CHUNK, 0]])

    def test_short_last_granule(self):
        odd = images.make(self.path('odd.img'), MIB + 512)
        self.vm.cmd('blockdev-add', driver='file', node_name='odd',
                    filename=odd)
        self.vm.cmd('block-dirty-bitmap-add', node='odd', name='b')
        self.server.add('odd', bitmaps=['b'])
        handle = self.connect('odd', [dirty('b')])
        handle.pwrite(b'x' * 512, MIB)
        self.assertEqual(exports.dirty_ranges(handle, 'b'), [(MIB, 512)])


if __name__ == '__main__':
    case.main()
