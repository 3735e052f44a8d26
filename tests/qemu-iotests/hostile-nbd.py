#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of NBD that want to do harm: memory stays bounded, others are
served meanwhile."""

import os
import struct

from lib import case, exports, hostile, nbdwire
from lib.case import ours_only
from lib.hostile import KIB, MIB
from lib.nbdwire import Wire


class Hostile(hostile.Case):

    options = exports.NO_LIMIT
    size_bytes = 64 * MIB

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', driver='null-co', node_name='disk',
                    size=self.size_bytes, read_zeroes=True)
        self.server = exports.Server(self.vm, **self.options)
        self.server.add('disk')
        self.good = self.server.connect('disk', [exports.BASE])
        self.addCleanup(exports.disconnect, self.good)
        self.settle()

    def wire(self):
        wire = Wire(self.server.path)
        self.addCleanup(wire.close)
        return wire

    def assert_served(self):
        self.assertEqual(self.good.pread(512, 0), bytes(512))
        self.assertEqual(len(self.vm.cmd('query-block-exports')), 1)

    def option(self, number, data=b''):
        return nbdwire.OPTION_MAGIC + struct.pack('>II', number,
                                                  len(data)) + data


class Clients(Hostile):

    def test_connects(self):
        """10,000 in a row."""
        for i in range(10000):
            wire = Wire(self.server.path)
            if i % 100 == 0:
                wire.greet()
                self.assert_served()
            wire.close()
        self.assert_served()
        self.assert_bounded(64 * MIB)
        self.assertLess(len(os.listdir(f'/proc/{self.vm.pid}/fd')), 150)

    def test_options_unread(self):
        """A flood of options whose replies nobody reads."""
        for flood in (
                self.option(nbdwire.OPT_LIST), self.option(4242, b'x' * 100),
                self.option(nbdwire.OPT_INFO, nbdwire.go_data('disk')),
                self.option(nbdwire.OPT_LIST_META, nbdwire.meta('disk', []))):
            wire = self.wire()
            wire.greet()
            sent = self.pour(wire.sock, flood * 500, 64 * MIB)
            self.assertLess(sent, 8 * MIB)
            self.assert_served()
            wire.close()
        self.assert_bounded(32 * MIB)

    def test_many_lists(self):
        """10,000 listings with queries, and as many looks at an export."""
        wire = self.wire()
        wire.greet()
        query = nbdwire.meta('disk', ['base:', 'qemu:', 'x:y'])
        for data in (self.option(nbdwire.OPT_LIST_META, query),
                     self.option(nbdwire.OPT_INFO, nbdwire.go_data('disk'))):
            for _ in range(100):
                wire.send(data * 100)
                for _ in range(100):
                    self.assertEqual(wire.option_replies()[-1][0],
                                     nbdwire.REP_ACK)
            self.assert_served()
        self.assert_bounded(32 * MIB)

    def test_names_that_are_none(self):
        wire = self.wire()
        wire.greet()
        for i in range(10000):
            wire.send(self.option(nbdwire.OPT_INFO,
                                  nbdwire.go_data(f'{i}' + 'x' * 1000)))
            self.assertEqual(wire.option_replies()[-1][0],
                             nbdwire.REP_ERR_UNKNOWN)
        self.assert_served()
        self.assert_bounded(32 * MIB)

    def test_replies_unread(self):
        """Each of twenty clients may hold its share, and no more."""
        wires = [self.wire() for _ in range(20)]
        request = struct.pack('>IHHQQI', nbdwire.REQUEST_MAGIC, 0,
                              nbdwire.CMD_READ, 1, 0, MIB)
        for wire in wires:
            wire.go('disk')
        for wire in wires:
            wire.sock.settimeout(0.1)
            try:
                for _ in range(2000):
                    wire.send(request)
            except TimeoutError:
                pass
        self.assert_served()
        # 32 MiB of payload for each.
        self.assert_bounded(20 * 34 * MIB)
        for wire in wires:
            wire.close()
        self.assert_served()

    def test_requests_that_never_end(self):
        """Half a request, half its data: others go on, the end ends them."""
        whole = struct.pack('>IHHQQI', nbdwire.REQUEST_MAGIC, 0,
                            nbdwire.CMD_WRITE, 1, 0, MIB)
        wires = []
        for data in (whole[:1], whole[:27], whole, whole + b'x' * KIB):
            wire = self.wire()
            wire.go('disk')
            wire.send(data)
            wires.append(wire)
            self.assert_served()
        self.assert_bounded(32 * MIB)

    def test_random_bytes(self):
        """The same each time."""
        state = 4711
        data = bytearray()
        for _ in range(65536):
            state = (state * 1103515245 + 12345) & 0x7fffffff
            data.append(state >> 16 & 0xff)
        for i in range(200):
            wire = self.wire()
            if i % 2:
                wire.go('disk')
            start = i * 300
            self.send_all(wire.sock, bytes(data[start:start + 1000]))
            wire.recv_until_closed()
            wire.close()
        self.assert_served()


class FewConnections(Hostile):
    """One client is all that is let in beside the good one."""

    options = {'max-connections': 2, **exports.NO_LIMIT}

    def test_others_wait(self):
        first = self.wire()
        first.go('disk')
        waiting = [self.wire() for _ in range(20)]
        for wire in waiting:
            wire.sock.settimeout(0.05)
            with self.assertRaises(TimeoutError):
                wire.recv(1)
            wire.sock.settimeout(hostile.TIMEOUT_S)
        self.assert_served()
        first.close()
        # One after the other, in their order.
        for wire in waiting:
            wire.go('disk')
            self.assert_served()
            wire.close()


@ours_only('has no limit of time for the handshake')
class Handshake(Hostile):

    options = {'handshake-max-seconds': 3, 'max-connections': 5}

    def test_slow(self):
        """However it is drawn out, the time is the whole handshake's."""
        wires = []
        for data in (b'', b'\0\0\0\3', b'\0\0\0\3' + b'IHAVEOPT',
                     b'\0\0\0\3' + self.option(nbdwire.OPT_LIST)):
            wire = self.wire()
            wire.send(data)
            wires.append(wire)
        # All places are taken; soon they are free again.
        late = self.wire()
        late.go('disk')
        for wire in wires:
            wire.recv_until_closed()
        handle = late.request(nbdwire.CMD_READ, 0, 512)
        self.assertEqual(late.simple_reply(512), (0, handle, bytes(512)))
        self.assert_served()


if __name__ == '__main__':
    case.main()
