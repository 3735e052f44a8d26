#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of QMP that want to do harm: memory stays bounded, others are
served meanwhile."""

import os
import select
import socket
import subprocess
import threading

from lib import case, hostile
from lib.case import ours_only
from lib.hostile import MIB
from lib.qmp import QMP


class Hostile(hostile.Case):

    def setUp(self):
        super().setUp()
        self.unix = self.path('qmp')
        self.vm = self.daemon(
            '--chardev', f'socket,id=u,path={self.unix},server=on,wait=off',
            '--monitor', 'u', '--chardev',
            f"socket,id=v,path={self.path('other')},server=on,wait=off",
            '--monitor', 'v')
        self.settle()

    def client(self):
        client = self.vm.connect(self.unix)
        self.addCleanup(client.close)
        return client

    def assert_served(self):
        self.assertEqual(self.vm.cmd('query-block'), [])

    def count_answers(self, client, data, pause=None):
        """Sends DATA from a thread; how many error answers come before that
        of a last, good request."""
        end = b'\n{"execute": "query-block", "id": "end"}\n'
        sender = threading.Thread(target=client.send_raw, args=[data + end])
        sender.start()
        if pause:
            pause()
        count = 0
        while client.recv().get('id') != 'end':
            count += 1
        client.log.clear()
        sender.join()
        return count

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_garbage_is_answered_to_the_last(self):
        """Who reads late misses nothing: the flood waits in the socket."""
        client = self.client()
        # 200,000 answers of some 90 bytes; none is read at first.
        count = self.count_answers(client, b'}' * 200000,
                                   self.assert_served)
        self.assertEqual(count, 200000)
        self.assertEqual(client.cmd('query-block'), [])
        self.assert_bounded(32 * MIB)

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_garbage_on_stdio(self):
        """The same through pipes, which hold far less."""
        with subprocess.Popen(
                [*self.vm.argv[:1], '--chardev', 'stdio,id=s', '--monitor',
                 's'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as vm:
            data = (b'{"execute": "qmp_capabilities"}\n' + b'}' * 50000 +
                    b'\n{"execute": "quit"}\n')
            out, _ = vm.communicate(data, timeout=hostile.TIMEOUT_S)
        self.assertEqual(vm.returncode, 0)
        lines = out.splitlines()
        # greeting, capabilities, errors, quit
        self.assertEqual(len(lines), 50003)
        self.assertEqual(lines[-1], b'{"return": {}}')

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_garbage_unread(self):
        """Who never reads is parked."""
        for data in b'#\n!\n' * 1024, b'}' * 4096, b'{"a": 1}' * 512:
            client = self.client()
            sent = self.pour(client.sock, data, 64 * MIB)
            self.assertLess(sent, 8 * MIB)
            self.assert_served()
            self.assert_bounded(32 * MIB)
            client.close()
        self.assertEqual(self.client().cmd('query-block'), [])

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_overtaking_unread(self):
        """Requests that overtake the queue are bounded as well."""
        client = self.vm.connect(self.unix, negotiate=False)
        self.addCleanup(client.close)
        client.negotiate(['oob'])
        for request in (b'{"exec-oob": "nosuch"}\n',
                        b'{"exec-oob": "query-version"}\n'):
            sent = self.pour(client.sock, request * 100, 64 * MIB)
            self.assertLess(sent, 32 * MIB)
            self.assert_served()
        self.assert_bounded(32 * MIB)

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_strings_of_64_mib(self):
        big = b'a' * (64 * MIB - 100)
        for start, end in ((b'{"execute": "', b'"}'),
                           (b'{"execute": "query-block", "id": "', b'"}'),
                           (b'{"', b'": 1}'), (b'"', b'"'), (b'', b' ')):
            client = self.client()
            reader = threading.Thread(target=client.recv_until_closed)
            reader.start()
            self.send_all(client.sock, start + big + end + b'\n')
            reader.join()
            client.close()
            self.assert_served()
        # One document and its answer, not more with each.
        self.assert_bounded(400 * MIB)

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_nested_brackets(self):
        for data in (b'[' * 100000, b'{"a":' * 100000,
                     b'{"execute": "query-block", "id": ' + b'[' * 100000,
                     b'[' * 100000 + b']' * 100000):
            client = self.client()
            reader = threading.Thread(target=client.recv_until_closed)
            reader.start()
            self.send_all(client.sock, data)
            reader.join()
            client.close()
            self.assert_served()
        self.assert_bounded(32 * MIB)

    def test_connects(self):
        """10,000 in a row, greeted or not."""
        for i in range(100 if case.program.is_oracle() else 10000):
            client = QMP.unix(self.unix)
            if i % 100 == 0:
                client.recv()
                self.assert_served()
            client.close()
        self.assertEqual(self.client().cmd('query-block'), [])
        self.assert_bounded(16 * MIB)
        self.assertLess(len(os.listdir(f'/proc/{self.vm.pid}/fd')), 40)

    @ours_only('the daemon grows with each')
    def test_replies_unread(self):
        client = self.client()
        sent = self.pour(client.sock,
                         b'{"execute": "query-qmp-schema"}\n' * 100, 64 * MIB)
        self.assertLess(sent, 8 * MIB)
        self.assert_served()
        self.assert_bounded(32 * MIB)

    @ours_only('the daemon grows with each')
    def test_events_unread(self):
        """Events cannot wait for a client: it is let go."""
        lazy = self.client()
        other = self.vm.connect(self.path('other'))
        self.addCleanup(other.close)
        self.vm.cmd('blockdev-add', driver='null-co', node_name='n',
                    size=1 << 20)
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('nbd')}})
        # Each pair makes one event, whose id is long.
        ident = 'e' + 'x' * 60000
        for i in range(600):
            self.vm.cmd('block-export-add', type='nbd', id=f'{ident}{i}',
                        node_name='n', name='x')
            self.vm.cmd('block-export-del', id=f'{ident}{i}')
            self.vm.qmp.event('BLOCK_EXPORT_DELETED')
            self.vm.qmp.log.clear()
            while select.select([other.sock], [], [], 0)[0]:
                other.recv()
                other.log.clear()
        lazy.recv_until_closed()
        self.assert_served()
        self.assertEqual(other.execute('query-block')['return'], [])
        self.assert_bounded(96 * MIB)
        self.assertIn('does not read its events', self.vm.stderr())

    def test_requests_that_never_end(self):
        """Half a document holds nobody up."""
        for text in ('{', '{"execute": "quit"', '{"execute": "quit", "id": "',
                     '[[[[', '"', 'tru'):
            client = self.client()
            client.send_raw(text)
            self.assert_served()
            client.sock.shutdown(socket.SHUT_WR)
            client.close()
        self.assertEqual(self.client().cmd('query-block'), [])


if __name__ == '__main__':
    case.main()
