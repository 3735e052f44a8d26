#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD exports beyond the plain one: the older commands, allocation depth,
bitmaps of other nodes, the time for a handshake, inherited sockets."""

import os
import socket

import nbd

from lib import case, exports, images, nbdwire, program, tools
from lib.case import ours_only
from lib.daemon import StartError
from lib.exports import BASE, dirty
from lib.images import KIB, MIB

CHUNK = 64 * KIB
DEPTH = 'qemu:allocation-depth'


class ExportsCase(case.Case):
    """Node `disk`: 4 MiB, data at 1 MiB."""

    size_bytes = 4 * MIB

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('disk.img'), self.size_bytes)
        images.fill(self.image, MIB, CHUNK, 7)
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'disk', 'file': {
                'driver': 'file', 'filename': self.image}})

    def start(self, **options):
        self.server = exports.Server(self.vm, **options)

    def connect(self, name='disk', contexts=()):
        handle = self.server.connect(name, contexts)
        self.addCleanup(exports.disconnect, handle)
        return handle


class NoServer(ExportsCase):

    def test_told_before_size(self):
        """Also of a node that a format uses, which could not be served; but
        not of one that is not to be written to."""
        path = self.path('disk.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, '1M')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'image', 'file': {
                'driver': 'file', 'node-name': 'file', 'filename': path}})
        self.assert_error(self.vm, 'nbd-server-add', {'device': 'file'},
                          'NBD server not running')
        self.assert_error(self.vm, 'block-export-add',
                          {'type': 'nbd', 'id': 'e', 'node-name': 'file'},
                          'NBD server not running')
        reply = self.vm.execute('nbd-server-add',
                                {'device': 'file', 'writable': True})
        self.assertIn('Permission conflict', str(reply))


class OlderCommands(ExportsCase):

    def setUp(self):
        super().setUp()
        self.start()

    def add_fails(self, desc, **args):
        self.assert_error(self.vm, 'nbd-server-add', args, desc)

    def test_add_and_remove(self):
        self.vm.cmd('nbd-server-add', device='disk')
        self.assertEqual(self.vm.cmd('query-block-exports'), [
            {'id': 'disk', 'node-name': 'disk', 'type': 'nbd',
             'shutting-down': False}])
        self.assertTrue(self.connect().is_read_only())
        self.vm.cmd('nbd-server-add', device='disk', name='guest',
                    writable=True, description='what it is')
        handle = self.connect('guest')
        self.assertFalse(handle.is_read_only())
        handle.shutdown()
        self.vm.cmd('nbd-server-remove', name='guest', mode='hard')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='guest')

    def test_remove_with_a_client(self):
        self.vm.cmd('nbd-server-add', device='disk')
        handle = self.connect()
        handle.pread(512, 0)
        for args in {'name': 'disk'}, {'name': 'disk', 'mode': 'safe'}:
            self.assert_error(self.vm, 'nbd-server-remove', args,
                              "export 'disk' still in use")
        self.vm.cmd('nbd-server-remove', name='disk', mode='hard')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='disk')

    def test_both_forms_mean_the_same_exports(self):
        self.vm.cmd('nbd-server-add', device='disk', name='a')
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'b', 'node-name': 'disk', 'name': 'b'})
        self.vm.cmd('block-export-del', id='a')
        self.vm.cmd('nbd-server-remove', name='b')
        self.assertEqual(self.vm.cmd('query-block-exports'), [])

    def test_a_read_only_node_stays_so(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'null-co', 'node-name': 'ro', 'read-only': True})
        self.vm.cmd('nbd-server-add', device='ro', writable=True)
        self.assertTrue(self.connect('ro').is_read_only())

    def test_bitmap(self):
        for name in 'on', 'off':
            self.vm.cmd('block-dirty-bitmap-add', {
                'node': 'disk', 'name': name, 'disabled': name == 'off'})
        self.add_fails("Enabled bitmap 'on' incompatible with readonly "
                       'export', device='disk', bitmap='on')
        self.vm.cmd('nbd-server-add', device='disk', bitmap='off')
        self.assertTrue(self.connect(contexts=[dirty('off')])
                        .can_meta_context(dirty('off')))

    def test_errors(self):
        self.add_fails("Parameter 'device' is missing")
        self.add_fails("Cannot find device='x' nor node-name='x'",
                       device='x')
        self.add_fails("Parameter 'foo' is unexpected", device='disk', foo=1)
        self.add_fails("Parameter 'bitmaps' is unexpected", device='disk',
                       bitmaps=['b'])
        self.add_fails("Bitmap 'b' is not found", device='disk', bitmap='b')
        for name in '', '1 bad', 'a#':
            self.add_fails('Invalid block export id', device='disk',
                           name=name)
        self.vm.cmd('nbd-server-add', device='disk')
        self.add_fails("Block export id 'disk' is already in use",
                       device='disk')
        self.assert_error(self.vm, 'nbd-server-remove', {'name': 'x'},
                          "Export 'x' is not found")
        self.assert_error(self.vm, 'nbd-server-remove',
                          {'name': 'disk', 'mode': 'x'},
                          "Parameter 'mode' does not accept value 'x'")
        self.vm.cmd('nbd-server-stop')
        self.add_fails('NBD server not running', device='disk')
        self.assert_error(self.vm, 'nbd-server-remove', {'name': 'disk'},
                          "Export 'disk' is not found")


class Contexts(ExportsCase):

    def setUp(self):
        super().setUp()
        self.start()

    def wire(self, structured=True):
        wire = nbdwire.Wire(self.server.path)
        self.addCleanup(wire.close)
        wire.greet()
        if structured:
            wire.option(nbdwire.OPT_STRUCTURED)
            self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
        return wire

    def names(self, wire, option, queries):
        """[(id, name)] that the server answers."""
        wire.option(option, nbdwire.meta('disk', queries))
        replies = wire.option_replies()
        self.assertEqual(replies.pop(), (nbdwire.REP_ACK, b''))
        return [(int.from_bytes(data[:4], 'big'), data[4:].decode())
                for kind, data in replies]

    def test_depth_of_a_file(self):
        """Holes too are its own: nothing lies behind it."""
        self.server.add('disk', **{'allocation-depth': True})
        handle = self.connect(contexts=[DEPTH, BASE])
        self.assertEqual(exports.extents(handle, DEPTH),
                         [(self.size_bytes, 1)])
        self.assertEqual(exports.extents(handle, DEPTH, 100, 1000),
                         [(1000, 1)])
        self.assertEqual(exports.extents(handle, BASE)[0][0], MIB)

    def test_depth_of_nothing(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': MIB,
                                     'node-name': 'null'})
        self.server.add('null', **{'allocation-depth': True})
        self.assertEqual(exports.extents(self.connect('null', [DEPTH]),
                                         DEPTH), [(MIB, 0)])

    def test_depth_must_be_offered(self):
        for name, options in (('none', {}),
                              ('off', {'allocation-depth': False})):
            self.server.add('disk', name=name, **options)
            self.assertFalse(self.connect(name, [DEPTH])
                             .can_meta_context(DEPTH))

    def test_queries(self):
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.server.add('disk', bitmaps=['b'], **{'allocation-depth': True})
        wire = self.wire()
        everything = [BASE, DEPTH, dirty('b')]
        for queries, expected in (
                ([], everything), (['base:'], [BASE]),
                (['qemu:'], [DEPTH, dirty('b')]), ([DEPTH], [DEPTH]),
                (['qemu:allocation-'], []), ([''], []),
                (['qemu:dirty-bitmap:'], [dirty('b')]),
                (['qemu:dirty-bitmap:x'], []), (['x:', 'base:x'], []),
                ([dirty('b'), BASE, DEPTH], everything)):
            self.assertEqual(self.names(wire, nbdwire.OPT_LIST_META, queries),
                             [(0, name) for name in expected], queries)
        for queries, expected in (
                ([], []), (['base:'], []), (['qemu:'], []),
                (['qemu:dirty-bitmap:'], []), ([DEPTH], [(1, DEPTH)]),
                ([dirty('b'), 'x:y', BASE], [(0, BASE), (2, dirty('b'))]),
                ([dirty('b'), BASE, DEPTH], list(enumerate(everything)))):
            self.assertEqual(self.names(wire, nbdwire.OPT_SET_META, queries),
                             expected, queries)

    def test_listing_needs_no_structured_replies(self):
        self.server.add('disk')
        self.assertEqual(
            self.names(self.wire(False), nbdwire.OPT_LIST_META, []),
            [(0, BASE)])

    def test_bitmaps_of_other_nodes(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'x',
                                     'size': self.size_bytes})
        for node, name in ('disk', 'own'), ('x', 'theirs'):
            self.vm.cmd('block-dirty-bitmap-add', node=node, name=name)
        self.server.add('disk', bitmaps=[
            {'node': 'x', 'name': 'theirs'}, 'own'])
        self.server.add('x')
        handle = self.connect(contexts=[dirty('own'), dirty('theirs')])
        handle.pwrite(b'x' * 512, 0)
        self.connect('x').pwrite(b'x' * 512, MIB)
        self.assertEqual(exports.dirty_ranges(handle, 'own'), [(0, CHUNK)])
        self.assertEqual(exports.dirty_ranges(handle, 'theirs'),
                         [(MIB, CHUNK)])
        self.assert_error(self.vm, 'block-dirty-bitmap-clear',
                          {'node': 'x', 'name': 'theirs'},
                          "Bitmap 'theirs' is currently in use by another "
                          'operation and cannot be used')


class Addresses(case.Case):

    NODE = '--blockdev', 'null-co,node-name=n,size=1048576'
    EXPORT = '--export', 'nbd,id=n,node-name=n'

    def assert_start_fails(self, address, text):
        with self.assertRaises(StartError) as caught:
            self.daemon(*self.NODE, '--nbd-server', address)
        self.assertIn(f'--nbd-server {address}: {text}\n',
                      caught.exception.stderr)

    def test_inherited(self):
        path = self.path('s')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        number = listener.fileno()
        vm = self.daemon(*self.NODE, '--nbd-server',
                         f'addr.type=fd,addr.str={number}', *self.EXPORT,
                         pass_fds=[number])
        listener.close()
        for _ in range(3):
            handle = nbd.NBD()
            handle.set_export_name('n')
            handle.connect_unix(path)
            self.assertEqual(handle.get_size(), MIB)
            handle.shutdown()
        vm.cmd('nbd-server-stop')
        if not program.is_oracle():
            # It was not made here, so it is not removed here, as by QEMU.
            self.assertTrue(os.path.exists(path))

    def test_bad_numbers(self):
        for number, text in (
                ('99', "File descriptor '99' is not a socket"),
                ('x', 'Unable to parse FD number x'),
                ('-1', "File descriptor '-1' is not a socket")):
            self.assert_start_fails(f'addr.type=fd,addr.str={number}', text)
        self.assert_start_fails('addr.type=fd',
                                "Parameter 'addr.str' is missing")

    def test_not_by_qmp(self):
        vm = self.daemon()
        for number in 'x', '0', '99':
            self.assert_error(vm, 'nbd-server-start', {
                'addr': {'type': 'fd', 'data': {'str': number}}},
                'only QEMU supports file descriptor passing')

    def test_abstract(self):
        name = f'iotest-{os.getpid()}-nbd'
        vm = self.daemon(*self.NODE)
        for options, padded in (({}, False), ({'tight': True}, False),
                                ({'tight': False}, True)):
            vm.cmd('nbd-server-start', addr={'type': 'unix', 'data': {
                'path': name, 'abstract': True, **options}})
            client = socket.socket(socket.AF_UNIX)
            full = b'\0' + name.encode()
            client.connect(full.ljust(108, b'\0') if padded else full)
            self.assertEqual(client.recv(8), b'NBDMAGIC')
            client.close()
            vm.cmd('nbd-server-stop')


class Handshake(ExportsCase):

    @ours_only('has no such argument')
    def test_slow_clients_are_sent_away(self):
        self.start(**{'handshake-max-seconds': 3})
        self.server.add('disk')
        slow = socket.socket(socket.AF_UNIX)
        self.addCleanup(slow.close)
        slow.connect(self.server.path)
        slow.settimeout(60)
        self.assertEqual(slow.recv(8), b'NBDMAGIC')
        handle = self.connect()
        while slow.recv(100):
            pass
        # Who is through it stays.
        handle.pread(512, 0)

    @ours_only('has no such argument')
    def test_argument(self):
        for value in -1, 1 << 32:
            self.assert_error(self.vm, 'nbd-server-start', {
                'addr': {'type': 'unix', 'data': {'path': self.path('s')}},
                'handshake-max-seconds': value},
                "Parameter 'handshake-max-seconds' expects uint32_t")
        self.start(**{'handshake-max-seconds': 0})
        self.server.add('disk')
        self.connect().pread(512, 0)


if __name__ == '__main__':
    case.main()
