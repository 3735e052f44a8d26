#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads as objects, and exports that are served by them."""

import os

import nbd

from lib import case, exports, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB

CHUNK = 64 * KIB
BUSY = 'object \'%s\' is in use, can not be deleted'
FIXED = 'Cannot change iothread of active block backend'


class Objects(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def add(self, name, **options):
        self.vm.cmd('object-add', dict(
            {'qom-type': 'iothread', 'id': name}, **options))

    def test_bad_numbers(self):
        for name in ('poll-max-ns', 'poll-grow', 'poll-shrink',
                     'aio-max-batch', 'thread-pool-min', 'thread-pool-max'):
            self.assert_error(
                self.vm, 'object-add',
                {'qom-type': 'iothread', 'id': 't', name: -1},
                f'{name} value must be in range [0, 9223372036854775807]')
        for low, high in (5, 4), (0, 0), (65, 64):
            self.assert_error(
                self.vm, 'object-add',
                {'qom-type': 'iothread', 'id': 't', 'thread-pool-min': low,
                 'thread-pool-max': high},
                'bad thread-pool-min/thread-pool-max values')

    def test_come_and_go(self):
        for _ in range(50):
            self.add('t0')
            self.add('t1', **{'poll-max-ns': 0})
            self.vm.cmd('object-del', id='t0')
            self.vm.cmd('object-del', id='t1')

    def test_quit_with_threads(self):
        for i in range(8):
            self.add(f't{i}')
        self.vm.quit()

    @ours_only('the storage daemon of QEMU lacks the command')
    def test_query(self):
        self.assertEqual(self.vm.cmd('query-iothreads'), [])
        self.add('t0')
        self.add('t1', **{'poll-max-ns': 7, 'poll-grow': 2, 'poll-shrink': 3,
                          'aio-max-batch': 4})
        rows = self.vm.cmd('query-iothreads')
        tasks = os.listdir(f'/proc/{self.vm.pid}/task')
        for row in rows:
            self.assertIn(str(row.pop('thread-id')), tasks)
        self.assertEqual(rows, [
            {'id': 't0', 'poll-max-ns': 32768, 'poll-grow': 0,
             'poll-shrink': 0, 'aio-max-batch': 0},
            {'id': 't1', 'poll-max-ns': 7, 'poll-grow': 2, 'poll-shrink': 3,
             'aio-max-batch': 4}])

    @ours_only('QEMU has at most so many as memory')
    def test_too_many(self):
        for i in range(63):
            self.add(f't{i}')
        self.assert_error(self.vm, 'object-add',
                          {'qom-type': 'iothread', 'id': 'more'},
                          'Too many event loops (at most 64)')


class ThreadCase(case.Case):
    """Node `disk` and threads t0, t1, t2."""

    size_bytes = 4 * MIB

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('disk.img'), self.size_bytes)
        self.vm = self.daemon()
        for i in range(3):
            self.vm.cmd('object-add', {'qom-type': 'iothread', 'id': f't{i}'})
        self.add_disk()
        self.server = exports.Server(self.vm)

    def add_disk(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'disk', 'file': {
                'driver': 'file', 'filename': self.image}})

    def connect(self, name='disk', contexts=()):
        handle = self.server.connect(name, contexts)
        self.addCleanup(exports.disconnect, handle)
        return handle

    def refused(self, desc, **args):
        args = {k.replace('_', '-'): v for k, v in args.items()}
        self.assert_error(self.vm, 'block-export-add', dict(
            {'type': 'nbd', 'id': 'e', 'node-name': 'disk'}, **args), desc)

    def remove(self, name='disk'):
        self.vm.cmd('block-export-del', id=name, mode='hard')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id=name)


class Exports(ThreadCase):

    def test_unknown(self):
        self.vm.cmd('object-add', {'qom-type': 'throttle-group', 'id': 'g'})
        for name in 'nope', '', 'g':
            self.refused(f'iothread "{name}" not found', iothread=name)

    def test_fixed(self):
        self.server.add('disk', iothread='t0', fixed_iothread=True)
        self.server.add('disk', name='other', iothread='t0',
                        fixed_iothread=True)
        self.server.add('disk', name='none', fixed_iothread=True)

    @ours_only('QEMU moves the node, and another export may not bear that')
    def test_fixed_twice(self):
        self.server.add('disk', iothread='t0', fixed_iothread=True)
        self.server.add('disk', name='other', iothread='t1',
                        fixed_iothread=True)

    @ours_only('QEMU aborts')
    def test_in_use(self):
        self.server.add('disk', iothread='t0')
        self.assert_error(self.vm, 'object-del', {'id': 't0'}, BUSY % 't0')
        self.remove()
        self.vm.cmd('object-del', id='t0')
        self.vm.cmd('object-del', id='t1')

    @ours_only('QEMU aborts')
    def test_serves(self):
        self.server.add('disk', iothread='t0')
        handle = self.connect()
        handle.pwrite(b'a' * CHUNK, MIB)
        handle.flush()
        self.assertEqual(handle.pread(CHUNK, MIB), b'a' * CHUNK)
        handle.zero(CHUNK, MIB)
        handle.trim(CHUNK, 2 * MIB)
        handle.cache(CHUNK, MIB)
        handle.shutdown()
        self.vm.cmd('nbd-server-stop')
        self.vm.quit()


@ours_only('an extension of ours')
class Several(ThreadCase):

    def run_time_ns(self, row):
        """How long a thread has run."""
        path = f'/proc/{self.vm.pid}/task/{row["thread-id"]}/schedstat'
        with open(path, encoding='ascii') as f:
            return int(f.read().split()[0])

    def test_take_turns(self):
        # All have begun, and have nothing to do before it is measured.
        self.server.add('disk', iothread=['t0', 't1', 't2'])
        for _ in range(3):
            self.connect().pread(512, 0)
        self.remove()
        self.server.add('disk', iothread=['t0', 't1'])
        rows = self.vm.cmd('query-iothreads')
        before = [self.run_time_ns(row) for row in rows]
        for handle in [self.connect() for _ in range(2)]:
            for i in range(200):
                handle.pwrite(b'a' * 512, i * 512)
        more = [self.run_time_ns(row) - n for row, n in zip(rows, before)]
        self.assertGreater(more[0], more[2])
        self.assertGreater(more[1], more[2])

    def test_bad_lists(self):
        self.refused('iothread "x" not found', iothread=['t0', 'x'])
        self.vm.cmd('object-del', id='t0')
        self.server.add('disk', iothread=[])
        self.vm.cmd('object-del', id='t1')
        self.connect().pread(512, 0)

    def test_all_in_use(self):
        self.server.add('disk', iothread=['t0', 't1', 't0'])
        for name in 't0', 't1':
            self.assert_error(self.vm, 'object-del', {'id': name},
                              BUSY % name)
        self.remove()
        for name in 't0', 't1', 't2':
            self.vm.cmd('object-del', id=name)

    def test_bitmap(self):
        """Marks of two threads, seen by a third."""
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.server.add('disk', iothread=['t0', 't1', 't2'], bitmaps=['b'])
        for i, handle in enumerate([self.connect() for _ in range(2)]):
            handle.pwrite(b'x', i * MIB)
        third = self.connect(contexts=[exports.dirty('b')])
        self.assertEqual(exports.dirty_ranges(third, 'b'),
                         [(0, CHUNK), (MIB, CHUNK)])

    def test_command_line(self):
        path = self.path('nbd2')
        self.daemon(
            '--object', 'iothread,id=a', '--object',
            'iothread,id=b,poll-max-ns=0', '--blockdev',
            'null-co,node-name=n,size=1048576', '--nbd-server',
            f'addr.type=unix,addr.path={path}', '--export',
            'nbd,id=e,node-name=n,iothread.0=a,iothread.1=b', '--export',
            'nbd,id=f,name=f,node-name=n,iothread=a')
        for name in 'n', 'f':
            self.assertEqual(tools.nbdinfo(
                '--size', f'nbd+unix:///{name}?socket={path}').stdout,
                '1048576\n')


@ours_only('QEMU aborts when a client leaves')
class Clients(ThreadCase):
    """Who comes and goes."""

    def setUp(self):
        super().setUp()
        self.server.add('disk', iothread=['t0', 't1'])

    def busy(self, name='disk', requests=16):
        """A client with requests on their way."""
        handle = self.server.connect(name, pread_initialize=False)
        buffers = [nbd.Buffer(CHUNK) for _ in range(requests)]
        for i, buffer in enumerate(buffers):
            if i % 2:
                handle.aio_pread(buffer, i * CHUNK)
            else:
                handle.aio_pwrite(buffer, i * CHUNK)
        return handle, buffers

    def test_leave_without_a_word(self):
        for _ in range(100):
            handle, _ = self.busy()
            del handle
        self.assertEqual(len(self.connect().pread(CHUNK, 0)), CHUNK)

    def test_leave_politely(self):
        for _ in range(100):
            self.server.connect('disk').shutdown()

    def test_remove_with_clients(self):
        for _ in range(30):
            self.server.add('disk', name='e', iothread=['t2', 't0'])
            clients = [self.busy('e') for _ in range(4)]
            self.remove('e')
            del clients
        self.connect().pread(512, 0)

    def test_stop_with_clients(self):
        for _ in range(30):
            clients = [self.busy() for _ in range(4)]
            self.vm.cmd('nbd-server-stop')
            self.server = exports.Server(self.vm)
            self.server.add('disk', iothread=['t0', 't1', 't2'])
            del clients

    def test_quit_with_clients(self):
        clients = [self.busy() for _ in range(6)]
        self.vm.quit()
        del clients


@ours_only('QEMU aborts')
class Homed(ThreadCase):
    """Nodes that are of one thread."""

    def add_disk(self):
        tools.img('create', '-q', '-f', 'qcow2', self.path('disk.qcow2'),
                  str(self.size_bytes))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'disk', 'file': {
                'driver': 'file', 'filename': self.path('disk.qcow2')}})
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'debug', 'image': {
                'driver': 'null-co', 'size': MIB}})

    def use(self, handle, byte):
        handle.pwrite(byte * CHUNK, MIB)
        handle.flush()
        self.assertEqual(handle.pread(CHUNK, MIB), byte * CHUNK)

    def test_moves_and_comes_back(self):
        for _ in range(10):
            self.server.add('disk', iothread='t0', fixed_iothread=True)
            handle = self.server.connect('disk')
            self.use(handle, b'a')
            self.vm.cmd('query-named-block-nodes')
            handle.shutdown()
            self.remove()
        self.vm.cmd('object-del', id='t0')
        self.server.add('disk')
        self.assertEqual(self.connect().pread(CHUNK, MIB), b'a' * CHUNK)

    def test_two_threads(self):
        """The second one's requests hop."""
        self.server.add('disk', iothread=['t0', 't1'])
        clients = [self.connect() for _ in range(4)]
        for i in range(20):
            for handle in clients:
                self.use(handle, bytes([i + 1]))

    def test_second_export(self):
        self.server.add('disk', iothread='t0')
        self.refused(FIXED, iothread='t1', fixed_iothread=True, name='e')
        self.server.add('disk', name='e', iothread='t1')
        self.server.add('disk', name='f')
        self.use(self.connect('e'), b'e')
        self.use(self.connect('f'), b'f')
        self.remove()
        self.remove('e')
        self.use(self.connect('f'), b'g')
        for name in 't0', 't1':
            self.vm.cmd('object-del', id=name)

    def test_stays(self):
        self.assert_error(self.vm, 'block-export-add', {
            'type': 'nbd', 'id': 'e', 'node-name': 'debug', 'iothread': 't0',
            'fixed-iothread': True}, FIXED)
        self.vm.cmd('object-del', id='t0')
        self.server.add('debug', iothread='t1')
        handle = self.connect('debug')
        handle.pwrite(b'a' * CHUNK, 0)
        self.assertEqual(handle.pread(512, 0), bytes(512))


if __name__ == '__main__':
    case.main()
