#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The NBD server: its start, its exports, and their end."""

import json
import os
import socket

import nbd

from lib import case, exports, images, program
from lib.case import ours_only
from lib.exports import dirty, errno_of
from lib.nbd_case import CHUNK, NbdCase


class Exports(NbdCase):

    def assert_refused(self, desc, **args):
        full = {'type': 'nbd', 'id': 'e', 'node-name': 'disk'}
        full.update({k.replace('_', '-'): v for k, v in args.items()})
        self.assert_error(self.vm, 'block-export-add', full, desc)

    def test_query(self):
        self.assertEqual(self.vm.cmd('query-block-exports'), [])
        self.server.add('disk', name='a')
        self.server.add('disk', name='b')
        self.assertEqual(self.vm.cmd('query-block-exports'), [
            {'id': name, 'node-name': 'disk', 'type': 'nbd',
             'shutting-down': False} for name in ('b', 'a')])

    def test_name_defaults_to_the_node(self):
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'e', 'node-name': 'disk'})
        self.assertEqual(self.connect('disk').get_size(), self.size_bytes)

    def test_server_runs_once(self):
        running = 'NBD server already running'
        other = {'type': 'unix', 'data': {'path': self.path('other')}}
        self.assert_error(self.vm, 'nbd-server-start', {'addr': other},
                          running)
        self.assertFalse(os.path.exists(self.path('other')))
        self.vm.cmd('nbd-server-stop')
        self.assertFalse(os.path.exists(self.server.path))
        for command, args in (('nbd-server-stop', {}), ('block-export-add', {
                'type': 'nbd', 'id': 'e', 'node-name': 'disk'})):
            self.assert_error(self.vm, command, args,
                              'NBD server not running')
        self.vm.cmd('nbd-server-start', addr=other)
        self.assertTrue(os.path.exists(self.path('other')))

    @ours_only('leaves the socket file')
    def test_start_and_quit_in_one_packet(self):
        """The server ends before it has waited for its first client."""
        self.vm.cmd('nbd-server-stop')
        start = {'execute': 'nbd-server-start', 'arguments': {'addr': {
            'type': 'unix', 'data': {'path': self.path('other')}}}}
        self.vm.qmp.send_raw(json.dumps(start) + '\n{"execute": "quit"}\n')
        self.assertEqual(self.vm.wait(), 0)
        self.assertFalse(os.path.exists(self.path('other')))

    def test_start_errors(self):
        self.vm.cmd('nbd-server-stop')
        path = self.path('no/such')
        for addr, desc in (
                ({'type': 'unix', 'data': {'path': path}}, 'Failed to bind '
                 f'socket to {path}: No such file or directory'),
                ({}, "Parameter 'addr.type' is missing"),
                ({'type': 'x'}, "Parameter 'type' does not accept value 'x'"),
                ({'type': 'unix'}, "Parameter 'addr.data' is missing"),
                ({'type': 'unix', 'data': {}},
                 "Parameter 'addr.data.path' is missing"),
                ({'type': 'inet', 'data': {'host': '127.0.0.1'}},
                 "Parameter 'addr.data.port' is missing")):
            self.assert_error(self.vm, 'nbd-server-start', {'addr': addr},
                              desc)
        self.assert_error(self.vm, 'nbd-server-start', {
            'addr': {'type': 'unix', 'data': {'path': self.path('n')}},
            'max-connections': -1},
            "Parameter 'max-connections' expects uint32_t")

    def test_tcp(self):
        self.vm.cmd('nbd-server-stop')
        probe = socket.create_server(('127.0.0.1', 0))
        port = probe.getsockname()[1]
        probe.close()
        self.vm.cmd('nbd-server-start', addr={'type': 'inet', 'data': {
            'host': '127.0.0.1', 'port': str(port)}})
        self.server.add('disk')
        handle = nbd.NBD()
        handle.set_export_name('disk')
        handle.connect_tcp('127.0.0.1', str(port))
        self.assertEqual(handle.pread(CHUNK, 0), images.pattern(0, CHUNK))
        if not program.is_oracle():
            self.assert_kept_alive(port)
        handle.shutdown()

    def assert_kept_alive(self, port):
        """The kernel looks now and then whether the client is there: a timer
        of kind 2 runs on the server's side of the connection."""
        timers = ['01']
        while timers == ['01']:
            # The last reply is not acknowledged yet.
            with open('/proc/net/tcp', encoding='ascii') as table:
                rows = [line.split() for line in table][1:]
            timers = [row[5][:2] for row in rows if row[3] == '01' and
                      int(row[1].rpartition(':')[2], 16) == port]
        self.assertEqual(timers, ['02'])

    def test_add_errors(self):
        self.add_node('ro', **{'read-only': True})
        for name in 'on', 'off':
            self.vm.cmd('block-dirty-bitmap-add', {
                'node': 'disk', 'name': name, 'disabled': name == 'off'})
        for ident in '', '1', 'a b', '#x':
            self.assert_refused('Invalid block export id', id=ident)
        self.assert_refused("Cannot find device='' nor node-name='nosuch'",
                            node_name='nosuch')
        self.assert_refused("Parameter 'type' does not accept value 'x'",
                            type='x')
        self.assert_refused('Cannot export read-only node as writable',
                            node_name='ro', writable=True)
        self.assert_refused("Bitmap 'nosuch' is not found",
                            bitmaps=['off', 'nosuch'])
        self.assert_refused("Enabled bitmap 'on' incompatible with readonly "
                            'export', bitmaps=['on'])
        self.assert_refused("Node 'nosuch' not found",
                            bitmaps=[{'node': 'nosuch', 'name': 'on'}])
        self.assert_refused("Parameter 'foo' is unexpected", foo=1)
        self.assert_refused("Invalid parameter type for 'writable', "
                            'expected: boolean', writable='yes')
        self.assertEqual(self.vm.cmd('query-block-exports'), [])
        self.server.add('disk', name='e')
        self.assert_refused("Block export id 'e' is already in use")
        self.assert_refused("NBD server already has export named 'e'",
                            id='f', name='e')

    def test_read_only_shows_disabled_bitmaps(self):
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='off',
                    disabled=True)
        self.server.add('disk', writable=False, bitmaps=['off'])
        self.assertTrue(self.connect(contexts=[dirty('off')])
                        .can_meta_context(dirty('off')))

    def test_del(self):
        self.server.add('disk')
        for ident in '', 'nosuch':
            self.assert_error(self.vm, 'block-export-del', {'id': ident},
                              f"Export '{ident}' is not found")
        self.assert_error(self.vm, 'block-export-del',
                          {'id': 'disk', 'mode': 'x'},
                          "Parameter 'mode' does not accept value 'x'")
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'disk'},
                          'Node disk is in use')
        self.vm.cmd('block-export-del', id='disk')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='disk')
        self.assertEqual(self.vm.cmd('query-block-exports'), [])
        self.vm.cmd('blockdev-del', node_name='disk')

    def test_del_with_a_client(self):
        self.server.add('disk')
        handle = self.connect()
        self.assert_error(self.vm, 'block-export-del', {'id': 'disk'},
                          "export 'disk' still in use")
        handle.pread(512, 0)
        self.vm.cmd('block-export-del', id='disk', mode='hard')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='disk')
        self.assertEqual(errno_of(handle.pread, 512, 0), 'ENOTCONN')

    def test_stop_with_clients(self):
        for name in 'a', 'b':
            self.server.add('disk', name=name)
        handle = self.connect('a')
        handle.pread(512, 0)
        self.vm.cmd('nbd-server-stop')
        # Oldest first, all before the answer.
        self.assertEqual(
            [(e['event'], e['data']) for e in self.vm.qmp.events],
            [('BLOCK_EXPORT_DELETED', {'id': name}) for name in ('a', 'b')])
        self.assertEqual(errno_of(handle.pread, 512, 0), 'ENOTCONN')

    def test_quit_with_clients(self):
        self.server.add('disk')
        handle = self.connect()
        handle.pwrite(b'last words' * 100, 0)
        self.vm.quit()
        self.assertEqual(errno_of(handle.pread, 512, 0), 'ENOTCONN')
        self.assertEqual(images.read(self.image, 0, 10), b'last words')

    def test_same_name_after_del(self):
        for _ in range(3):
            self.server.add('disk')
            self.assertEqual(self.connect().pread(16, 0),
                             images.pattern(0, 16))
            self.vm.cmd('block-export-del', id='disk', mode='hard')
            self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='disk')

    def test_max_connections(self):
        self.vm.cmd('nbd-server-stop')
        server = exports.Server(self.vm, 'few', **{'max-connections': 2})
        server.add('disk')
        one, two = server.connect('disk'), server.connect('disk')
        # The third waits in the socket until one leaves.
        third = socket.socket(socket.AF_UNIX)
        third.connect(server.path)
        third.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            third.recv(8)
        one.shutdown()
        third.settimeout(30)
        self.assertEqual(third.recv(8), b'NBDMAGIC')
        third.close()
        two.shutdown()


if __name__ == '__main__':
    case.main()
