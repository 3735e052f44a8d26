#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD with extended headers: requests of more than 4 GiB. QEMU 7.2 has none
of it, so the protocol's document alone says what is right."""

import struct

from lib import case, exports, images, nbdwire
from lib.case import ours_only
from lib.exports import BASE, dirty
from lib.images import GIB, KIB, MIB
from lib.nbdwire import FLAG_PAYLOAD_LEN, FLAG_REQ_ONE, Wire

CHUNK = 64 * KIB
DONE = 1
NONE, DATA, HOLE, STATUS, ERROR = 0, 1, 2, 6, 0x8001


@ours_only('has no extended headers')
class Extended(case.Case):
    """Node `disk`: 16 GiB, a piece of data at 0 and at 9 GiB."""

    size_bytes = 16 * GIB

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('disk.img'), self.size_bytes)
        for offset in 0, 9 * GIB:
            images.fill(self.image, offset, CHUNK, 7)
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'disk', 'discard': 'unmap',
            'file': {'driver': 'file', 'filename': self.image,
                     'discard': 'unmap'}})
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.server = exports.Server(self.vm)
        self.server.add('disk', bitmaps=['b'])
        self.server.add('disk', name='view', writable=False)

    def wire(self, name='disk', contexts=()):
        wire = Wire(self.server.path)
        self.addCleanup(wire.close)
        wire.greet()
        wire.option(nbdwire.OPT_EXTENDED)
        self.assertEqual(wire.option_replies(), [(nbdwire.REP_ACK, b'')])
        if contexts:
            wire.option(nbdwire.OPT_SET_META, nbdwire.meta(name, contexts))
            self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        wire.option(nbdwire.OPT_GO, nbdwire.go_data(name))
        self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        return wire

    def assert_done(self, wire, handle, offset):
        self.assertEqual(wire.ext_chunk(), (DONE, NONE, handle, offset, b''))

    def assert_error(self, wire, handle, offset, number=nbdwire.EINVAL):
        flags, kind, theirs, at, data = wire.ext_chunk()
        self.assertEqual((flags, kind, theirs, at),
                         (DONE, ERROR, handle, offset))
        self.assertEqual(struct.unpack('>I', data[:4])[0], number)
        self.assertEqual(struct.unpack('>H', data[4:6])[0], len(data) - 6)

    def assert_works(self, wire):
        handle = wire.ext_request(nbdwire.CMD_READ, 9 * GIB + 5, 100)
        self.assertEqual(wire.ext_chunk(), (
            DONE, DATA, handle, 9 * GIB + 5,
            struct.pack('>Q', 9 * GIB + 5) + b'\7' * 100))

    def status(self, wire, offset, length, flags=0):
        """{context id: [(length, flags)]}"""
        handle = wire.ext_request(nbdwire.CMD_STATUS, offset, length,
                                  flags=flags)
        out = {}
        done = 0
        while not done:
            done, kind, theirs, at, data = wire.ext_chunk()
            self.assertEqual((kind, theirs, at), (STATUS, handle, offset))
            context, count = struct.unpack('>II', data[:8])
            numbers = struct.unpack(f'>{2 * count}Q', data[8:])
            out[context] = list(zip(numbers[::2], numbers[1::2]))
        return out

    def test_options(self):
        wire = Wire(self.server.path)
        self.addCleanup(wire.close)
        wire.greet()
        for number, data, expected in (
                (nbdwire.OPT_EXTENDED, b'x', nbdwire.REP_ERR_INVALID),
                (nbdwire.OPT_STRUCTURED, b'', nbdwire.REP_ACK),
                (nbdwire.OPT_EXTENDED, b'', nbdwire.REP_ACK),
                (nbdwire.OPT_EXTENDED, b'', nbdwire.REP_ERR_INVALID),
                (nbdwire.OPT_STRUCTURED, b'',
                 nbdwire.REP_ERR_EXT_HEADER_REQD),
                (nbdwire.OPT_SET_META, nbdwire.meta('disk', [BASE]),
                 nbdwire.REP_ACK)):
            wire.option(number, data)
            self.assertEqual(wire.option_replies()[-1][0], expected)

    def test_read(self):
        wire = self.wire()
        self.assert_works(wire)
        handle = wire.ext_request(nbdwire.CMD_READ, CHUNK // 2, 2 * CHUNK)
        at = CHUNK // 2
        done = 0
        while not done:
            done, kind, theirs, request, data = wire.ext_chunk()
            self.assertEqual((theirs, request), (handle, CHUNK // 2))
            self.assertEqual(struct.unpack('>Q', data[:8])[0], at)
            self.assertIn(kind, (DATA, HOLE))
            at += len(data) - 8 if kind == DATA else \
                struct.unpack('>I', data[8:])[0]
        self.assertEqual(at, CHUNK // 2 + 2 * CHUNK)
        handle = wire.ext_request(nbdwire.CMD_READ, 77, 0)
        self.assert_done(wire, handle, 77)

    def test_write(self):
        wire = self.wire()
        handle = wire.ext_request(nbdwire.CMD_WRITE, 5 * GIB, 1000,
                                  b'w' * 1000)
        self.assert_done(wire, handle, 5 * GIB)
        self.assertEqual(images.read(self.image, 5 * GIB, 1001),
                         b'w' * 1000 + b'\0')
        handle = wire.ext_request(nbdwire.CMD_FLUSH)
        self.assert_done(wire, handle, 0)
        self.assert_works(wire)

    def test_lengths_beyond_32_bits(self):
        wire = self.wire(contexts=[BASE, dirty('b')])
        self.assertEqual(self.status(wire, 0, self.size_bytes), {
            0: [(CHUNK, 0), (9 * GIB - CHUNK, 3), (CHUNK, 0),
                (7 * GIB - CHUNK, 3)],
            2: [(self.size_bytes, 0)]})
        for command, offset, length in (
                (nbdwire.CMD_ZERO, GIB, 9 * GIB),
                (nbdwire.CMD_TRIM, 0, 8 * GIB)):
            handle = wire.ext_request(command, offset, length)
            self.assert_done(wire, handle, offset)
        self.assertEqual(self.status(wire, 0, self.size_bytes), {
            0: [(self.size_bytes, 3)],
            2: [(10 * GIB, 1), (6 * GIB, 0)]})
        self.assertEqual(self.status(wire, 9 * GIB, 5 * GIB, FLAG_REQ_ONE), {
            0: [(5 * GIB, 3)], 2: [(GIB, 1)]})

    def test_refused(self):
        """With an error, and the next request is understood."""
        wire = self.wire()
        end = self.size_bytes
        for command, offset, length, flags in (
                (nbdwire.CMD_READ, end - 4, 8, 0),
                (nbdwire.CMD_READ, 0, 32 * MIB + 1, 0),
                (nbdwire.CMD_READ, 0, (1 << 64) - 1, 0),
                (nbdwire.CMD_TRIM, 1, end, 0),
                (nbdwire.CMD_ZERO, (1 << 64) - 1, (1 << 64) - 1, 0),
                (nbdwire.CMD_STATUS, 0, 4096, 0),
                (nbdwire.CMD_WRITE, 0, 4096, 0), (99, 0, 0, 0)):
            handle = wire.ext_request(command, offset, length, flags=flags)
            self.assert_error(wire, handle, offset)
            self.assert_works(wire)

    def test_payload_of_other_commands_is_skipped(self):
        wire = self.wire(contexts=[BASE])
        data = b'p' * 5000
        for command in (nbdwire.CMD_READ, nbdwire.CMD_FLUSH,
                        nbdwire.CMD_TRIM, nbdwire.CMD_ZERO,
                        nbdwire.CMD_STATUS, 99):
            handle = wire.ext_request(command, 512, len(data), data)
            self.assert_error(wire, handle, 512)
            self.assert_works(wire)

    def test_refused_writes_are_skipped(self):
        wire = self.wire('view')
        handle = wire.ext_request(nbdwire.CMD_WRITE, 0, 4096, b'x' * 4096)
        self.assert_error(wire, handle, 0)
        self.assert_works(wire)

    def test_what_ends_the_connection(self):
        for args in ({'magic': nbdwire.REQUEST_MAGIC},
                     {'length': 32 * MIB + 1, 'flags': FLAG_PAYLOAD_LEN},
                     {'length': (1 << 64) - 1, 'flags': FLAG_PAYLOAD_LEN}):
            wire = self.wire()
            wire.ext_request(nbdwire.CMD_WRITE, **args)
            wire.recv_until_closed()
        self.assert_works(self.wire())


if __name__ == '__main__':
    case.main()
