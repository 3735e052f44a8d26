#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The NBD server: exports, flags, requests, metadata, several clients."""

import json
import os
import socket

import nbd

from lib import case, exports, images, program, tools
from lib.case import ours_only
from lib.exports import BASE, dirty, errno_of
from lib.images import KIB, MIB

CHUNK = 64 * KIB
HOLE = nbd.STATE_HOLE | nbd.STATE_ZERO


class NbdCase(case.Case):
    """Node `disk`: 4 MiB, data in its first 64 KiB and at 1 MiB."""

    size_bytes = 4 * MIB

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('disk.img'), self.size_bytes)
        with open(self.image, 'r+b') as f:
            f.write(images.pattern(0, CHUNK))
            f.seek(MIB)
            f.write(images.pattern(MIB, CHUNK))
        self.vm = self.daemon()
        self.add_node('disk', discard='unmap')
        self.server = exports.Server(self.vm)

    def add_node(self, name, **options):
        self.vm.cmd('blockdev-add', dict({
            'driver': 'raw', 'node-name': name, 'file': dict({
                'driver': 'file', 'filename': self.image}, **options)},
            **options))

    def connect(self, name='disk', contexts=(), **settings):
        handle = self.server.connect(name, contexts, **settings)
        self.addCleanup(exports.disconnect, handle)
        return handle


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


class Clients(NbdCase):
    """The tools that people use."""

    def setUp(self):
        super().setUp()
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.server.add('disk', name='guest', bitmaps=['b'],
                        description='what it is')
        self.server.add('disk', name='view', writable=False)
        self.uri = self.server.uri('guest')

    def test_nbdinfo(self):
        info = json.loads(tools.nbdinfo('--json', self.uri).stdout)
        self.assertEqual(info['protocol'], 'newstyle-fixed')
        self.assertTrue(info['structured'])
        export = info['exports'][0]
        export.pop('content', None)
        self.assertEqual(export, {
            'export-name': 'guest', 'description': 'what it is',
            'uri': self.uri, 'contexts': [BASE, dirty('b')],
            'is_rotational': False, 'is_read_only': False,
            'can_cache': True, 'can_df': True, 'can_fast_zero': True,
            'can_flush': True, 'can_fua': True, 'can_multi_conn': True,
            'can_trim': True, 'can_zero': True, 'block_size_minimum': 1,
            'block_size_preferred': 4096, 'block_size_maximum': 32 * MIB,
            'export-size': self.size_bytes, 'export-size-str': '4M'})

    def test_nbdinfo_list(self):
        done = tools.nbdinfo('--json', '--list', self.server.uri(''))
        self.assertEqual([e['export-name'] for e in
                          json.loads(done.stdout)['exports']],
                         ['guest', 'view'])

    def test_nbdinfo_map(self):
        done = tools.nbdinfo('--json', '--map', self.uri)
        self.assertEqual(
            [(e['offset'], e['length'], e['type'])
             for e in json.loads(done.stdout)],
            [(0, CHUNK, 0), (CHUNK, MIB - CHUNK, 3), (MIB, CHUNK, 0),
             (MIB + CHUNK, 3 * MIB - CHUNK, 3)])
        with open(self.path('x'), 'wb') as f:
            f.write(b'x' * CHUNK)
        tools.nbdsh('-u', self.uri, '-c', 'h.pwrite(b"x" * 65536, 65536)')
        done = tools.nbdinfo(f"--map={dirty('b')}", self.uri)
        self.assertEqual([line.split() for line in done.stdout.splitlines()],
                         [['0', '65536', '0', 'clean'],
                          ['65536', '65536', '1', 'dirty'],
                          ['131072', '4063232', '0', 'clean']])

    def test_nbdinfo_unknown(self):
        done = tools.nbdinfo(self.server.uri('nosuch'), check=False)
        self.assertEqual(done.returncode, 1)

    def test_nbdcopy(self):
        copy = self.path('copy.img')
        tools.nbdcopy(self.uri, copy)
        self.assertEqual(images.checksum(copy), images.checksum(self.image))
        images.fill(copy, 2 * MIB, MIB, 7)
        tools.nbdcopy(copy, self.uri)
        self.assertEqual(images.checksum(copy), images.checksum(self.image))

    def test_nbdsh(self):
        done = tools.nbdsh('-u', self.uri, '-c', 'h.pwrite(b"hi", 5)\n'
                           'h.flush()\nprint(h.pread(2, 5), h.get_size())')
        self.assertEqual(done.stdout, f"bytearray(b'hi') {self.size_bytes}\n")

    def test_qemu_img(self):
        """A foreign qemu-img as the client."""
        done = tools.foreign_img('map', '--output=json', '-f', 'raw',
                                 self.uri)
        self.assertEqual(
            [(e['start'], e['length'], e['data'], e['zero'])
             for e in json.loads(done.stdout)],
            [(0, CHUNK, True, False), (CHUNK, MIB - CHUNK, False, True),
             (MIB, CHUNK, True, False),
             (MIB + CHUNK, 3 * MIB - CHUNK, False, True)])
        copy = self.path('copy.qcow2')
        tools.foreign_img('convert', '-f', 'raw', '-O', 'qcow2', self.uri,
                          copy)
        tools.foreign_img('compare', '-f', 'raw', '-F', 'qcow2', self.uri,
                          copy)

    def test_qemu_img_x_dirty_bitmap(self):
        tools.nbdsh('-u', self.uri, '-c', 'h.pwrite(b"x" * 65536, 65536)')
        done = tools.foreign_img(
            'map', '--output=json', '--image-opts',
            'driver=nbd,export=guest,server.type=unix,'
            f'server.path={self.server.path},'
            f"x-dirty-bitmap={dirty('b')}")
        self.assertEqual(
            [(e['start'], e['length'], e['data'])
             for e in json.loads(done.stdout)],
            [(0, CHUNK, True), (CHUNK, CHUNK, False),
             (2 * CHUNK, self.size_bytes - 2 * CHUNK, True)])


if __name__ == '__main__':
    case.main()
