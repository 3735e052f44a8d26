#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input on NBD: an error or a closed connection, others served on."""

import socket
import struct

from lib import case, exports, images, nbdwire
from lib.case import ours_only
from lib.images import KIB, MIB
from lib.nbdwire import Closed, Wire

MAX_BYTES = 32 * MIB


class BadInput(case.Case):

    size_bytes = 4 * MIB

    def setUp(self):
        super().setUp()
        self.image = images.make_patterned(self.path('disk.img'),
                                           self.size_bytes)
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'disk', 'file': {
                'driver': 'file', 'filename': self.image}})
        self.server = exports.Server(self.vm, **exports.NO_LIMIT)
        self.server.add('disk')
        self.server.add('disk', name='view', writable=False)
        # A well-behaved client, which must never notice.
        self.good = self.server.connect('disk', [exports.BASE])
        self.addCleanup(exports.disconnect, self.good)

    def wire(self):
        wire = Wire(self.server.path)
        self.addCleanup(wire.close)
        return wire

    def transmitting(self, name='disk', **options):
        wire = self.wire()
        wire.go(name, **options)
        return wire

    def assert_served(self):
        """Old and new clients, and the monitor, are served."""
        self.assertEqual(self.good.pread(512, 0), images.pattern(0, 512))
        other = self.server.connect('disk')
        self.assertEqual(other.pread(512, 512), images.pattern(512, 512))
        other.shutdown()
        self.assertEqual(len(self.vm.cmd('query-block-exports')), 2)

    def assert_works(self, wire):
        """This connection still stands."""
        handle = wire.request(nbdwire.CMD_READ, 0, 512)
        self.assertEqual(wire.simple_reply(512),
                         (0, handle, images.pattern(0, 512)))

    def assert_closed(self, wire):
        wire.recv_until_closed()
        self.assert_served()

    # -- negotiation

    def test_good(self):
        """What is bad below is good when sent rightly."""
        wire = self.wire()
        self.assertEqual(wire.greet(), 3)
        wire.option(nbdwire.OPT_LIST)
        self.assertEqual(wire.option_replies(), [
            (nbdwire.REP_SERVER, nbdwire.string('disk')),
            (nbdwire.REP_SERVER, nbdwire.string('view')),
            (nbdwire.REP_ACK, b'')])
        wire.option(nbdwire.OPT_GO, nbdwire.go_data('disk'))
        self.assertEqual(wire.option_replies()[-1], (nbdwire.REP_ACK, b''))
        self.assert_works(wire)

    def test_export_name(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_EXPORT_NAME, b'disk')
        size, _ = struct.unpack('>QH', wire.recv(10))
        self.assertEqual(size, self.size_bytes)
        self.assert_works(wire)

    def test_export_name_with_zeroes(self):
        wire = self.wire()
        wire.greet(nbdwire.FIXED_NEWSTYLE)
        wire.option(nbdwire.OPT_EXPORT_NAME, b'disk')
        self.assertEqual(wire.recv(134)[10:], bytes(124))
        self.assert_works(wire)

    def test_unknown_export_name(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_EXPORT_NAME, b'nosuch')
        self.assertEqual(wire.recv_until_closed(), b'')
        self.assert_served()

    def test_gone_at_once(self):
        for _ in range(30):
            self.wire().close()
        self.assert_served()

    def test_unknown_client_flags(self):
        wire = self.wire()
        wire.greet(0xffffffff)
        self.assert_closed(wire)

    def test_garbage_instead_of_flags(self):
        wire = self.wire()
        wire.recv(18)
        wire.send(b'GET / HTTP/1.1\r\n\r\n' + bytes(range(256)) * 16)
        self.assert_closed(wire)

    def test_bad_option_magic(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_LIST, magic=b'IHAVENOT')
        self.assert_closed(wire)

    def test_unknown_options(self):
        wire = self.wire()
        wire.greet()
        for number in 0, 4, 12, 999, 0xffffffff:
            wire.option(number, b'some data')
            self.assertEqual(wire.option_replies()[-1][0],
                             nbdwire.REP_ERR_UNSUP, number)
        wire.option(nbdwire.OPT_GO, nbdwire.go_data('disk'))
        self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        self.assert_works(wire)

    def test_options_with_wrong_data(self):
        wire = self.wire()
        wire.greet()
        for number, data in (
                (nbdwire.OPT_LIST, b'x'), (nbdwire.OPT_STRUCTURED, b'x'),
                (nbdwire.OPT_GO, b''), (nbdwire.OPT_GO, b'\0\0\0'),
                (nbdwire.OPT_GO, struct.pack('>I', 100) + b'disk\0\0'),
                (nbdwire.OPT_GO, struct.pack('>I', 0xffffffff) + b'disk'),
                (nbdwire.OPT_GO, nbdwire.string('disk')),
                (nbdwire.OPT_GO, nbdwire.string('disk') + b'\0\x05\0\0'),
                (nbdwire.OPT_GO, nbdwire.go_data('disk') + b'more'),
                (nbdwire.OPT_INFO, b''), (nbdwire.OPT_LIST_META, b'')):
            wire.option(number, data)
            kind = wire.option_replies()[-1][0]
            self.assertTrue(kind & nbdwire.REP_ERR, (number, data))
        self.assert_served()
        wire.option(nbdwire.OPT_GO, nbdwire.go_data('disk'))
        self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        self.assert_works(wire)

    def test_metadata_with_wrong_data(self):
        wire = self.wire()
        wire.greet()
        # Before structured replies it is refused altogether.
        wire.option(nbdwire.OPT_SET_META,
                    nbdwire.meta('disk', [exports.BASE]))
        self.assertTrue(wire.option_replies()[-1][0] & nbdwire.REP_ERR)
        wire.option(nbdwire.OPT_STRUCTURED)
        self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        for data in (b'', nbdwire.string('disk'),
                     nbdwire.string('disk') + struct.pack('>I', 5),
                     nbdwire.string('disk') + struct.pack(
                         '>II', 1, 0x7fffffff) + b'base',
                     nbdwire.string('disk') + struct.pack('>I', 0xffffffff)):
            wire.option(nbdwire.OPT_SET_META, data)
            self.assertTrue(wire.option_replies()[-1][0] & nbdwire.REP_ERR,
                            data)
        wire.option(nbdwire.OPT_SET_META,
                    nbdwire.meta('nosuch', [exports.BASE]))
        self.assertEqual(wire.option_replies()[-1][0],
                         nbdwire.REP_ERR_UNKNOWN)
        self.assert_served()

    def test_many_context_queries(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_STRUCTURED)
        wire.option_replies()
        wire.option(nbdwire.OPT_LIST_META, nbdwire.meta(
            'disk', [f'x:{i}' for i in range(2000)]))
        self.assertEqual(wire.option_replies(), [(nbdwire.REP_ACK, b'')])
        self.assert_served()

    def test_structured_twice(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_STRUCTURED)
        self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        wire.option(nbdwire.OPT_STRUCTURED)
        self.assertEqual(wire.option_replies()[-1][0],
                         nbdwire.REP_ERR_INVALID)

    def test_long_export_name(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_GO, nbdwire.go_data('x' * 4097))
        self.assertTrue(wire.option_replies()[-1][0] & nbdwire.REP_ERR)
        wire.option(nbdwire.OPT_GO, nbdwire.go_data('x' * 4096))
        self.assertEqual(wire.option_replies()[-1][0],
                         nbdwire.REP_ERR_UNKNOWN)
        wire.option(nbdwire.OPT_GO, nbdwire.go_data(b'\xff\xfe\0'))
        self.assertTrue(wire.option_replies()[-1][0] & nbdwire.REP_ERR)
        self.assert_served()

    def test_oversize_option(self):
        """A length that lies: nobody waits for 4 GiB."""
        for number in nbdwire.OPT_GO, nbdwire.OPT_EXPORT_NAME, 77:
            wire = self.wire()
            wire.greet()
            wire.option(number, b'x' * 100, length=0xffffffff)
            self.assert_closed(wire)

    def test_half_options(self):
        for data in (b'I', b'IHAVEOPT', b'IHAVEOPT\0\0\0\x07',
                     b'IHAVEOPT\0\0\0\x07\0\0\0\x10',
                     b'IHAVEOPT\0\0\0\x07\0\0\0\x10\0\0\0\x04dis'):
            wire = self.wire()
            wire.greet()
            wire.send(data)
            wire.close()
            self.assert_served()

    def test_starttls_without_tls(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_STARTTLS)
        self.assertTrue(wire.option_replies()[-1][0] & nbdwire.REP_ERR)
        self.assert_served()

    def test_abort(self):
        wire = self.wire()
        wire.greet()
        wire.option(nbdwire.OPT_ABORT)
        self.assertEqual(wire.option_replies(), [(nbdwire.REP_ACK, b'')])
        self.assert_closed(wire)

    def test_thousands_of_options(self):
        """The server answers; it does not grow."""
        wire = self.wire()
        wire.greet()
        for _ in range(50):
            wire.send(b''.join(nbdwire.OPTION_MAGIC + struct.pack(
                '>II', nbdwire.OPT_LIST, 0) for _ in range(100)))
            for _ in range(100):
                self.assertEqual(len(wire.option_replies()), 3)
        self.assert_served()

    # -- transmission

    def test_bad_request_magic(self):
        wire = self.transmitting()
        wire.request(nbdwire.CMD_READ, 0, 512, magic=0x12345678)
        self.assert_closed(wire)

    def test_garbage(self):
        wire = self.transmitting()
        wire.send(bytes(range(256)) * 100)
        self.assert_closed(wire)

    def test_unknown_command(self):
        wire = self.transmitting()
        for command in 8, 99, 0xffff:
            handle = wire.request(command, 0, 512)
            self.assertEqual(wire.simple_reply(),
                             (nbdwire.EINVAL, handle, b''))
        self.assert_works(wire)

    def test_unknown_flags(self):
        wire = self.transmitting()
        handle = wire.request(nbdwire.CMD_READ, 0, 512, flags=0x8000)
        self.assertEqual(wire.simple_reply(512)[:2],
                         (nbdwire.EINVAL, handle))
        self.assert_works(wire)

    def test_out_of_range(self):
        wire = self.transmitting()
        for command in (nbdwire.CMD_READ, nbdwire.CMD_TRIM,
                        nbdwire.CMD_ZERO, nbdwire.CMD_CACHE):
            for offset, length in (
                    (self.size_bytes, 1), (self.size_bytes - 1, 2),
                    (-1, 1), (-512, 1024), (1 << 63, 512), (1 << 40, 0),
                    (self.size_bytes - 512, 1 << 25)):
                handle = wire.request(command, offset, length)
                self.assertEqual(wire.simple_reply(length),
                                 (nbdwire.EINVAL, handle, b''),
                                 (command, offset, length))
        self.assert_works(wire)

    def test_write_out_of_range(self):
        """The data is read all the same: the next request is understood."""
        wire = self.transmitting()
        for offset in self.size_bytes, self.size_bytes - 511, -1, 1 << 63:
            handle = wire.request(nbdwire.CMD_WRITE, offset, 512, b'x' * 512)
            error, got, _ = wire.simple_reply()
            self.assertEqual(got, handle)
            # (the protocol's own word for a write past the end is ENOSPC)
            self.assertIn(error, (nbdwire.EINVAL, 28))
        self.assert_works(wire)
        self.assertEqual(images.checksum(self.image), self.untouched())

    def untouched(self):
        fresh = self.path('fresh.img')
        images.make_patterned(fresh, self.size_bytes)
        return images.checksum(fresh)

    def test_oversize_read(self):
        for length in MAX_BYTES + 1, 0x7fffffff, 0xffffffff:
            wire = self.transmitting()
            handle = wire.request(nbdwire.CMD_READ, 0, length)
            try:
                error, got, _ = wire.simple_reply(length)
                self.assertEqual(got, handle)
                self.assertIn(error, (nbdwire.EINVAL, nbdwire.EOVERFLOW))
                self.assert_works(wire)
            except Closed:
                pass
            self.assert_served()

    def test_oversize_write(self):
        """The data cannot be skipped: the connection ends."""
        for length in MAX_BYTES + 1, 0xffffffff:
            wire = self.transmitting()
            wire.request(nbdwire.CMD_WRITE, 0, length)
            wire.recv_until_closed()
            self.assert_served()
        self.assertEqual(images.checksum(self.image), self.untouched())

    def test_write_to_a_read_only_export(self):
        wire = self.transmitting('view')
        for command in (nbdwire.CMD_WRITE, nbdwire.CMD_TRIM,
                        nbdwire.CMD_ZERO):
            handle = wire.request(
                command, 0, 512,
                b'x' * 512 if command == nbdwire.CMD_WRITE else b'')
            error, got, _ = wire.simple_reply()
            self.assertEqual((error, got), (nbdwire.EINVAL, handle))
        self.assert_works(wire)
        self.assertEqual(images.checksum(self.image), self.untouched())

    def test_status_without_context(self):
        wire = self.transmitting(structured=True)
        handle = wire.request(nbdwire.CMD_STATUS, 0, 512)
        flags, kind, got, _ = wire.chunk()
        self.assertEqual(got, handle)
        self.assertEqual(flags & 1, 1)
        self.assertTrue(kind & 0x8000)

    def test_df_without_structured_replies(self):
        wire = self.transmitting()
        handle = wire.request(nbdwire.CMD_READ, 0, 512, flags=4)
        error, got, _ = wire.simple_reply(512)
        self.assertEqual((error, got), (nbdwire.EINVAL, handle))

    def test_disconnect_in_a_request(self):
        for count in range(0, 28, 3):
            wire = self.transmitting()
            whole = struct.pack('>IHHQQI', nbdwire.REQUEST_MAGIC, 0,
                                nbdwire.CMD_READ, 1, 0, 512)
            wire.send(whole[:count])
            wire.close()
        self.assert_served()

    def test_disconnect_in_the_data_of_a_write(self):
        for count in 0, 1, 511, 65535:
            wire = self.transmitting()
            wire.request(nbdwire.CMD_WRITE, 0, 65536, b'x' * count)
            wire.close()
        self.assert_served()
        self.assertEqual(images.checksum(self.image), self.untouched())

    def test_disconnect_in_a_reply(self):
        for structured in False, True:
            wire = self.transmitting(structured=structured)
            for _ in range(16):
                wire.request(nbdwire.CMD_READ, 0, 2 * MIB)
            wire.recv(100000)
            wire.close()
            self.assert_served()

    def test_disconnect_with_writes_in_flight(self):
        wire = self.transmitting()
        for i in range(100):
            wire.request(nbdwire.CMD_WRITE, MIB + i * 4096, 4096,
                         b'w' * 4096)
        wire.close()
        self.assert_served()

    def test_half_closed(self):
        """A client that will not send any more still gets its reply."""
        wire = self.transmitting()
        handle = wire.request(nbdwire.CMD_READ, 0, 65536)
        error, got, data = wire.simple_reply(65536)
        self.assertEqual((error, got), (0, handle))
        self.assertEqual(data, images.pattern(0, 65536))
        wire.sock.shutdown(socket.SHUT_WR)
        self.assert_closed(wire)

    def test_reads_no_replies(self):
        """The others do not wait for one that never reads."""
        wire = self.transmitting()
        wire.sock.setblocking(False)
        request = struct.pack('>IHHQQI', nbdwire.REQUEST_MAGIC, 0,
                              nbdwire.CMD_READ, 1, 0, MIB)
        sent = 0
        try:
            while sent < 10000:
                wire.sock.send(request)
                sent += 1
        except BlockingIOError:
            pass
        self.assertLess(sent, 10000)
        self.assert_served()
        wire.close()
        self.assert_served()

    def test_silent_in_the_handshake(self):
        wires = [self.wire() for _ in range(10)]
        for i, wire in enumerate(wires):
            if i % 2:
                wire.greet()
        self.assert_served()

    @ours_only('blocks the monitor while a client is in the handshake')
    def test_stop_with_a_silent_client(self):
        self.wire()
        self.wire().greet()
        self.vm.cmd('nbd-server-stop')
        self.assertEqual(self.vm.cmd('query-block-exports'), [])

    @ours_only('never ends while a client leaves its reply unread')
    def test_hard_removal_with_unread_replies(self):
        wire = self.transmitting('view')
        for _ in range(64):
            wire.request(nbdwire.CMD_READ, 0, MIB)
        self.vm.cmd('block-export-del', id='view', mode='hard')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='view')
        self.server.add('disk', name='view', writable=False)
        self.assert_served()

    def test_disc(self):
        wire = self.transmitting()
        wire.request(nbdwire.CMD_DISC)
        self.assertEqual(wire.recv_until_closed(), b'')
        self.assert_served()

    def test_byte_by_byte(self):
        """Slow is not bad."""
        wire = self.wire()
        wire.recv(18)
        data = struct.pack('>I', 3) + nbdwire.OPTION_MAGIC + struct.pack(
            '>II', nbdwire.OPT_GO, 10) + nbdwire.go_data('disk')
        for byte in data:
            wire.send(bytes([byte]))
        self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        for byte in struct.pack('>IHHQQI', nbdwire.REQUEST_MAGIC, 0,
                                nbdwire.CMD_WRITE, 7, 4 * KIB, 3) + b'abc':
            wire.send(bytes([byte]))
        self.assertEqual(wire.simple_reply(), (0, 7, b''))
        self.assertEqual(images.read(self.image, 4 * KIB, 3), b'abc')


if __name__ == '__main__':
    case.main()
