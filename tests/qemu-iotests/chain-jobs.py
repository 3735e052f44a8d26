#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""block-stream and block-commit: data moves within a chain of images, and
users see the same all the time."""

import random
import threading

from lib import bitmaps, case, images, jobs, tools
from lib.exports import Server
from lib.images import KIB, MIB

CLUSTER = 64 * KIB
SIZE = 4 * MIB


class ChainJobs(case.Case):
    """base.raw <- mid.qcow2 <- top.qcow2, each a node."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.files = {'base': images.make(self.path('base.raw'), SIZE,
                                          [(0, SIZE, 1)])}
        self.expected = bytearray(b'\1' * SIZE)
        self.overlay('mid', 'base', 'raw', 2, ((MIB, 2 * CLUSTER),
                                               (3 * MIB, 512)))
        self.overlay('top', 'mid', 'qcow2', 3, ((MIB + CLUSTER, CLUSTER),
                                                (2 * MIB, 4096)))
        tools.io(self.files['top'], f'write -z {MIB // 2} {CLUSTER}',
                 options=('-f', 'qcow2'))
        self.expected[MIB // 2:MIB // 2 + CLUSTER] = bytes(CLUSTER)
        for name, driver, more in (('base', 'raw', {}),
                                   ('mid', 'qcow2', {'backing': 'base'}),
                                   ('top', 'qcow2', {'backing': 'mid'})):
            self.vm.cmd('blockdev-add', {
                'driver': driver, 'node-name': name, **more, 'file': {
                    'driver': 'file', 'filename': self.files[name]}})
        self.server = Server(self.vm)
        self.server.add('top')
        self.guest = self.server.connect('top')

    def overlay(self, name, behind, form, byte, ranges):
        path = self.files[name] = self.path(name + '.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.files[behind],
                  '-F', form, path)
        for at, length in ranges:
            tools.io(path, f'write -P {byte} {at} {length}',
                     options=('-f', 'qcow2'))
            self.expected[at:at + length] = bytes([byte]) * length

    def write(self, at, length, byte):
        self.guest.pwrite(bytes([byte]) * length, at)
        self.expected[at:at + length] = bytes([byte]) * length

    def assert_content(self):
        self.assertEqual(self.guest.pread(SIZE, 0), bytes(self.expected))

    def depth(self, name='top'):
        for node in self.vm.cmd('query-named-block-nodes', {'flat': True}):
            if node['node-name'] == name:
                return self.chain(node)
        raise AssertionError(name)

    def chain(self, node):
        info = [n for n in self.vm.cmd('query-named-block-nodes')
                if n['node-name'] == node['node-name']][0]
        return info['backing_file_depth']

    def start(self, command, **args):
        self.vm.cmd(command, {'job-id': 'job', 'device': 'top', **{
            k.replace('_', '-'): v for k, v in args.items()}})

    def end(self, until='null'):
        return jobs.without_drains(jobs.follow(self.vm, 'job', until))

    def run_job(self, kind, command, length, **args):
        self.start(command, **args)
        data = {'type': kind, 'len': length, 'offset': length, 'speed': 0}
        self.assertEqual(self.end(), [
            'created', 'running', 'waiting', 'pending', ('COMPLETED', data),
            'concluded', 'null'])
        self.assert_content()

    def image_says(self, name):
        return str(tools.img('info', '-U', self.files[name]))

    # -- stream

    def test_stream_all(self):
        self.run_job('stream', 'block-stream', SIZE)
        self.assertEqual(self.depth(), 0)
        self.assertNotIn('backing file', self.image_says('top'))
        for name in 'mid', 'base':
            self.vm.cmd('blockdev-del', {'node-name': name})
        self.assert_content()

    def test_stream_to_base(self):
        before = images.checksum(self.files['base'])
        self.run_job('stream', 'block-stream', SIZE, base_node='base')
        self.assertEqual(self.depth(), 1)
        self.assertIn('base.raw', self.image_says('top'))
        self.vm.cmd('blockdev-del', {'node-name': 'mid'})
        self.assertEqual(images.checksum(self.files['base']), before)

    def test_stream_bottom(self):
        self.run_job('stream', 'block-stream', SIZE, bottom='mid')
        self.assertEqual(self.depth(), 1)

    def test_stream_nothing_behind(self):
        self.vm.cmd('block-stream', {'job-id': 'job', 'device': 'base'})
        history = self.end()
        self.assertEqual(history[4][0], 'COMPLETED')

    def test_stream_marks_nothing(self):
        self.vm.cmd('block-dirty-bitmap-add', node='top', name='b')
        self.run_job('stream', 'block-stream', SIZE)
        self.assertEqual(bitmaps.count(self.vm, 'top', 'b'), 0)

    def under_fire(self, command, finish, **args):
        """A guest writes and reads without pause while it goes on."""
        rng = random.Random(7)
        ended = threading.Event()
        errors = []

        def writer():
            try:
                while not ended.is_set():
                    at = rng.randrange(SIZE // 4096) * 4096
                    if rng.random() < 0.7:
                        self.write(at, 4096, rng.randrange(256))
                    else:
                        assert self.guest.pread(4096, at) == \
                            self.expected[at:at + 4096], at
            except Exception as error:  # for the main thread to show
                errors.append(error)
        thread = threading.Thread(target=writer)
        thread.start()
        try:
            self.start(command, **args)
            if finish:
                jobs.follow(self.vm, 'job', 'READY')
                self.vm.cmd('job-complete', {'id': 'job'})
            history = self.end()
        finally:
            ended.set()
            thread.join()
        self.assertEqual(errors, [])
        self.assertIn('concluded', history)
        self.assertNotIn('aborting', history)
        self.assert_content()

    def test_stream_under_fire(self):
        self.under_fire('block-stream', False)
        self.assertEqual(self.depth(), 0)

    def test_stream_cancel(self):
        self.start('block-stream', speed=1)
        self.vm.cmd('job-cancel', {'id': 'job'})
        self.assertEqual(self.end()[-1], 'null')
        self.assertEqual(self.depth(), 2)
        self.assert_content()

    # -- commit

    def test_commit_middle(self):
        self.run_job('commit', 'block-commit', SIZE, top_node='mid',
                     base_node='base')
        self.assertEqual(self.depth(), 1)
        self.assertIn('base.raw', self.image_says('top'))
        self.vm.cmd('blockdev-del', {'node-name': 'mid'})
        self.write(0, 4096, 9)
        self.assert_content()

    def test_commit_middle_under_fire(self):
        self.under_fire('block-commit', False, top_node='mid',
                        base_node='base')
        self.assertEqual(self.depth(), 1)

    def test_commit_active(self):
        """The users go on with the base."""
        self.start('block-commit')
        ready = jobs.follow(self.vm, 'job', 'READY')
        self.assertEqual(ready[-1][1]['type'], 'commit')
        self.vm.cmd('block-job-complete', {'device': 'job'})
        self.end()
        self.assert_content()
        self.write(3 * MIB, 4096, 8)
        self.guest.flush()
        self.assert_content()
        with open(self.files['base'], 'rb') as file:
            self.assertEqual(file.read(), bytes(self.expected))
        for name in 'top', 'mid':
            self.vm.cmd('blockdev-del', {'node-name': name})
        self.assert_content()

    def test_commit_active_to_middle(self):
        self.start('block-commit', base_node='mid')
        jobs.follow(self.vm, 'job', 'READY')
        self.vm.cmd('block-job-complete', {'device': 'job'})
        self.end()
        self.assert_content()
        self.assertEqual(self.depth('mid'), 1)

    def test_commit_active_under_fire(self):
        self.under_fire('block-commit', True)
        self.guest.flush()
        with open(self.files['base'], 'rb') as file:
            self.assertEqual(file.read(), bytes(self.expected))

    def test_commit_leave(self):
        """Cancelled when ready: the users stay on the top."""
        self.start('block-commit')
        jobs.follow(self.vm, 'job', 'READY')
        self.vm.cmd('block-job-cancel', {'device': 'job'})
        self.end()
        self.assertEqual(self.depth(), 2)
        self.assert_content()

    # -- refusals

    def refuse(self, command, desc, cls='GenericError', **args):
        full = {'job-id': 'job', 'device': 'top'}
        full.update({k.replace('_', '-'): v for k, v in args.items()})
        self.assert_error(self.vm, command, full, desc, cls)

    def test_stream_refusals(self):
        def fail(desc, **args):
            self.refuse('block-stream', desc, **args)
        fail("Cannot find device='no' nor node-name='no'", device='no')
        fail("Can't find 'no' in the backing chain", base='no')
        fail("Cannot find device='' nor node-name='no'", base_node='no')
        fail("Node 'top' is not a backing image of 'top'", base_node='top')
        fail("'bottom' and 'base-node' cannot be specified at the same time",
             bottom='mid', base_node='base')
        fail('backing file specified, but streaming the entire chain',
             backing_file='x')
        fail("Parameter 'speed' expects a non-negative value", speed=-1,
             base_node='base')

    def test_commit_refusals(self):
        def fail(desc, cls='GenericError', **args):
            self.refuse('block-commit', desc, cls, **args)
        fail("Device 'no' not found", 'DeviceNotFound', device='no')
        fail("Cannot find device='' nor node-name='no'", base_node='no')
        fail("Cannot find device='' nor node-name='no'", top_node='no')
        fail('cannot commit an image into itself', base_node='top')
        fail('cannot commit an image into itself', top_node='base')
        fail("'mid' is not in this backing file chain", top_node='base',
             base_node='mid')
        fail("'base-node' and 'base' are mutually exclusive", base='x',
             base_node='base')
        fail("Can't find 'no' in the backing chain", base='no')
        fail("'backing-file' specified, but 'top' is the active layer",
             backing_file='x')
        fail('Need a root block node', device='mid')
        fail("Parameter 'speed' expects a non-negative value", speed=-1)

    def test_busy(self):
        """No second job in the same chain."""
        self.start('block-stream', speed=1)
        for command, args in (
                ('block-stream', {}), ('block-commit', {}),
                ('block-commit', {'top-node': 'mid'})):
            reply = self.vm.execute(command, {
                'job-id': 'job2', 'device': 'top', **args})
            self.assertIn('error', reply, command)
        self.vm.cmd('job-cancel', {'id': 'job'})
        self.end()


if __name__ == '__main__':
    case.main()
