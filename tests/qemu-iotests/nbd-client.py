#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver nbd: names, refusals, data, servers that lie or go away."""

import json
import struct
import threading

from lib import case, tools
from lib.case import ours_only
from lib.nbd_peer import CHUNKS, INFO, OPTION_REPLY, SIZE, ClientCase, chunk, \
    reply


class Refusals(ClientCase):
    def test_no_server(self):
        vm = self.daemon()
        self.assert_refused(vm, f"Failed to connect to '{self.sock}': No such "
                                "file or directory")
        self.assert_error(vm, 'blockdev-add',
                          {'driver': 'nbd', 'node-name': 'n'},
                          "Parameter 'server' is missing")

    def test_options(self):
        self.disk_server()
        vm = self.daemon()
        self.assert_refused(vm, 'Requested export not available', export='x')
        self.assert_refused(vm, 'export name too long to send to server',
                            export='x' * 5000)
        self.assert_refused(vm,
                            'x-dirty-bitmap query too long to send to server',
                            export='e', **{'x-dirty-bitmap': 'x' * 5000})
        self.assert_refused(vm, "No TLS credentials with id 't'",
                            export='e', **{'tls-creds': 't'})

    def test_read_only(self):
        server = self.disk_server()
        server.cmd('block-export-add', type='nbd', id='r', name='r',
                   **{'node-name': 'd'})
        vm = self.daemon()
        self.assert_refused(vm, 'Could not open image: Permission denied',
                            export='r')
        self.assertEqual(self.add(vm, export='r', **{'auto-read-only': True}),
                         {'return': {}})
        self.assertTrue(vm.cmd('query-named-block-nodes')[0]['ro'])


class Names(ClientCase):
    def test_filename_and_resize(self):
        self.disk_server()
        vm = self.daemon()
        self.add(vm, export='e')
        node = vm.cmd('query-named-block-nodes')[0]
        self.assertEqual(node['file'], self.uri('e'))
        self.assertEqual(node['image'],
                         {'virtual-size': SIZE, 'filename': self.uri('e'),
                          'format': 'nbd'})
        self.assert_error(vm, 'block_resize',
                          {'node-name': 'n', 'size': 2 * SIZE},
                          'Cannot grow NBD nodes')


class Negotiation(ClientCase):
    def check(self, answers, desc):
        self.server(lambda peer: peer.negotiate(answers))
        self.assert_refused(self.daemon(), desc, export='e')

    def test_closed(self):
        self.server(lambda peer: None)
        self.assert_refused(self.daemon(),
                            'Failed to read initial magic: Unexpected '
                            'end-of-file before all data were read')

    def test_magic(self):
        self.server(lambda peer: (peer.send(b'X' * 18), peer.recv(1)))
        self.assert_refused(self.daemon(), 'Bad initial magic received: '
                                           '0x5858585858585858')

    def test_reply_magic(self):
        self.check({8: b'Z' * 20}, 'Unexpected option reply magic')

    def test_other_option(self):
        self.check({8: reply(3, 1)}, 'Unexpected option type 3 (list), '
                                     'expected 8 (structured reply)')

    def test_denied(self):
        self.check({7: reply(7, 0x80000002, b'no')},
                   'Denied by server for option 7 (go)')

    def test_no_info(self):
        self.check({7: reply(7, 1)},
                   'broken server omitted NBD_INFO_EXPORT')

    def test_block_size(self):
        self.check({7: reply(7, 3, struct.pack('>HIII', 3, 3, 4096, SIZE)) +
                    INFO},
                   'server minimum block size 3 is not a power of two')

    def test_long_text(self):
        self.check({8: struct.pack('>QIII', OPTION_REPLY, 8, 0x80000001,
                                   0x7fffffff)},
                   'server error 2147483649 (unsupported) message is too '
                   'long')

    def test_two_contexts(self):
        answer = reply(10, 4, b'\0\0\0\1base:allocation')
        self.check({8: reply(8, 1), 10: answer * 2 + reply(10, 1), 7: INFO},
                   'Server answered with more than one context')


class Lies(ClientCase):
    """Each lie ends its connection with EIO for who asked."""

    def read(self, make_reply):
        def handle(peer, command, cookie, offset, count):
            peer.send(make_reply(cookie, offset, count))

        def talk(peer):
            peer.negotiate(CHUNKS)
            peer.serve(handle)
        self.server(talk)
        return tools.io(self.uri('e'), 'read 4k 8k', check=False).stdout

    def assert_fails(self, make_reply):
        self.assertIn('read failed: Input/output error',
                      self.read(make_reply))

    @ours_only('takes what never came for data')
    def test_nothing_told(self):
        self.assert_fails(lambda c, o, n: chunk(1, 0, c))

    @ours_only('takes what never came for data')
    def test_half(self):
        self.assert_fails(lambda c, o, n: chunk(
            1, 1, c, struct.pack('>Q', o) + bytes(n // 2)))

    @ours_only('lets a server write one part twice')
    def test_twice(self):
        data = b'1' * 4096
        self.assert_fails(lambda c, o, n: chunk(
            0, 1, c, struct.pack('>Q', o) + data) + chunk(
                1, 1, c, struct.pack('>Q', o) + data))

    @ours_only('waits for 2 GiB')
    def test_huge(self):
        self.assert_fails(lambda c, o, n: struct.pack(
            '>IHHQI', 0x668e33ef, 1, 1, c, 0x7fffffff))

    @ours_only('says EINVAL, once')
    def test_outside(self):
        self.assert_fails(lambda c, o, n: chunk(
            1, 1, c, struct.pack('>Q', o + n) + bytes(n)))

    def test_cookie(self):
        self.assert_fails(lambda c, o, n: chunk(1, 0, c ^ (1 << 40)))

    @ours_only('listens for ever')
    def test_endless(self):
        """Errors without an end: none is the last."""
        error = struct.pack('>IH', 5, 0)
        self.assert_fails(lambda c, o, n: chunk(0, 0x8001, c, error) * 200000)

    def test_backwards(self):
        def parts(cookie, offset, count):
            half = count // 2
            return chunk(0, 2, cookie,
                         struct.pack('>QI', offset + half, half)) + \
                chunk(1, 1, cookie, struct.pack('>Q', offset) + bytes(half))
        self.assertIn('read 8192/8192', self.read(parts))


class Data(ClientCase):
    def test_status(self):
        def handle(peer, command, cookie, offset, count):
            if command == 7:
                head = struct.pack('>I', 7)
                hole = offset < 65536
                length = min(count, 65536 - offset) if hole else count
                peer.send(chunk(1, 5, cookie, head + struct.pack(
                    '>II', length, 3 if hole else 0)))
            else:
                peer.send(chunk(1, 1, cookie, struct.pack('>Q', offset) +
                                bytes(count)))

        def talk(peer):
            peer.negotiate(CHUNKS)
            peer.serve(handle)
        self.server(talk)
        done = tools.img('map', '--output=json', '-f', 'raw', self.uri('e'))
        self.assertEqual(
            [(e['start'], e['length'], e['zero'], e['data'])
             for e in json.loads(done.stdout)],
            [(0, 65536, True, False), (65536, SIZE - 65536, False, True)])

    @ours_only('waits for ever: it drains a client and what serves it')
    def test_own_export(self):
        """A transaction over a disk and a client of its export ends."""
        vm = self.disk_server(latency_ns=2000000)
        self.assertEqual(self.add(vm, export='e'), {'return': {}})
        self.export(vm, 'n', 'f')
        guest = threading.Thread(target=tools.io, args=(
            self.uri('f'), *['write 0 4k'] * 500))
        guest.start()
        number = 0
        while guest.is_alive():
            number += 1
            vm.cmd('transaction', actions=[
                {'type': 'block-dirty-bitmap-add',
                 'data': {'node': node, 'name': f'b{number}'}}
                for node in ('d', 'n')])
        guest.join()


if __name__ == '__main__':
    case.main()
