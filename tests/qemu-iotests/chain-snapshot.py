#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-snapshot, change-backing-file, x-blockdev-change: chains of images
that change under their users."""

import shutil

from lib import case, images, jobs, tools
from lib.exports import Server
from lib.images import KIB, MIB

CLUSTER = 64 * KIB
SIZE = MIB


class Chain(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.base = images.make(self.path('base.raw'), SIZE, [(0, SIZE, 1)])
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'base',
            'file': {'driver': 'file', 'filename': self.base}})
        self.server = Server(self.vm)

    def overlay(self, name):
        path = self.path(name + '.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, str(SIZE))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': name,
            'file': {'driver': 'file', 'filename': path}})
        return path

    def guest(self, node):
        self.server.add(node)
        return self.server.connect(node)

    def snapshot(self, node, overlay):
        self.vm.cmd('blockdev-snapshot', {'node': node, 'overlay': overlay})

    def refuse(self, desc, node, overlay):
        self.assert_error(self.vm, 'blockdev-snapshot',
                          {'node': node, 'overlay': overlay}, desc)

    def test_under_a_guest(self):
        """What it writes goes to the newest image, what was there shows."""
        guest = self.guest('base')
        self.overlay('one')
        self.overlay('two')
        self.snapshot('base', 'one')
        guest.pwrite(b'\2' * 512, 512)
        self.snapshot('one', 'two')
        guest.pwrite(b'\3' * CLUSTER, 2 * CLUSTER)
        self.assertEqual(guest.pread(1024, 0), b'\1' * 512 + b'\2' * 512)
        self.assertEqual(guest.pread(CLUSTER, 2 * CLUSTER), b'\3' * CLUSTER)
        self.assertEqual(images.read(self.base), b'\1' * SIZE)
        node = [n for n in self.vm.cmd('query-named-block-nodes',
                                       {'flat': False})
                if n['node-name'] == 'two'][0]
        self.assertEqual(node['backing_file_depth'], 2)

    def test_refusals(self):
        self.overlay('one')
        self.overlay('two')
        self.refuse("Cannot find device='no' nor node-name='no'", 'no', 'one')
        self.refuse("Cannot find device='no' nor node-name='no'", 'base', 'no')
        self.refuse('The overlay does not support backing images', 'base',
                    'base')
        self.refuse('The overlay does not support backing images', 'one',
                    'base')
        self.vm.cmd('blockdev-add', driver='copy-on-read', node_name='filter',
                    file='base')
        self.refuse('Filters cannot be used as overlays', 'one', 'filter')
        self.vm.cmd('blockdev-del', node_name='filter')
        self.snapshot('base', 'one')
        self.refuse("Node 'base' is busy: node is used as backing hd of "
                    "'one'", 'base', 'two')
        self.refuse('The overlay already has a backing image', 'two', 'one')
        self.server.add('two')
        self.refuse('The overlay is already in use', 'one', 'two')

    def test_under_a_mirror(self):
        """A mirror that is ready gets what lies behind its target: the one
        who goes on with the target sees both."""
        disk = self.overlay('disk')
        copy = self.overlay('copy')
        self.snapshot('base', 'disk')
        guest = self.guest('disk')
        guest.pwrite(b'\2' * CLUSTER, CLUSTER)
        base = shutil.copy(self.base, self.path('base2.raw'))
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'base2', 'read-only': True,
            'file': {'driver': 'file', 'filename': base}})
        self.vm.cmd('blockdev-mirror', {
            'job-id': 'job0', 'device': 'disk', 'target': 'copy',
            'sync': 'top', 'auto-dismiss': False})
        jobs.follow(self.vm, 'job0', 'ready')
        self.vm.cmd('transaction', {'actions': [{
            'type': 'blockdev-snapshot',
            'data': {'node': 'base2', 'overlay': 'copy'}}]})
        guest.pwrite(b'\3' * CLUSTER, 2 * CLUSTER)
        self.vm.cmd('job-complete', {'id': 'job0'})
        jobs.follow(self.vm, 'job0', 'concluded')
        self.vm.cmd('job-dismiss', {'id': 'job0'})
        self.assertEqual(guest.pread(CLUSTER, 0), b'\1' * CLUSTER)
        guest.pwrite(b'\4' * CLUSTER, 3 * CLUSTER)
        wanted = b''.join(bytes([n]) * CLUSTER for n in (1, 2, 3, 4, 1))
        self.assertEqual(guest.pread(5 * CLUSTER, 0), wanted)
        self.vm.quit()
        for path in disk, copy:
            tools.img('check', '-q', path)
        self.assertEqual(images.read(base), b'\1' * SIZE)

    def test_transaction(self):
        """Several disks, one moment; undone by what fails behind."""
        other = images.make(self.path('other.raw'), SIZE, [(0, SIZE, 9)])
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'other',
            'file': {'driver': 'file', 'filename': other}})
        guests = [self.guest('base'), self.guest('other')]
        self.overlay('one')
        self.overlay('two')
        actions = [{'type': 'blockdev-snapshot',
                    'data': {'node': node, 'overlay': overlay}}
                   for node, overlay in (('base', 'one'), ('other', 'two'))]
        self.assert_qmp_fails(self.vm, 'transaction', {
            'actions': actions + [{'type': 'abort', 'data': {}}]})
        for guest in guests:
            guest.pwrite(b'\5' * 512, 0)
            guest.flush()
        self.assertEqual(images.read(self.base, 0, 512), b'\5' * 512)
        self.vm.cmd('transaction', {'actions': actions})
        for guest in guests:
            guest.pwrite(b'\6' * 512, 0)
            guest.flush()
        for path in self.base, other:
            self.assertEqual(images.read(path, 0, 512), b'\5' * 512)

    def test_change_backing_file(self):
        path = self.overlay('one')
        args = {'device': 'one', 'image-node-name': 'one',
                'backing-file': self.base}

        def fail(desc, **changes):
            self.assert_error(
                self.vm, 'change-backing-file',
                {**args, **{k.replace('_', '-'): v
                            for k, v in changes.items()}}, desc)
        fail("Cannot find device='no' nor node-name='no'", device='no')
        fail("Cannot find device='' nor node-name='no'",
             image_node_name='no')
        fail('not allowing backing file change on an image without a backing '
             'file')
        self.snapshot('base', 'one')
        fail('Need a root block node', device='base')
        self.vm.cmd('change-backing-file', args)
        self.vm.cmd('quit')
        self.vm.wait()
        info = str(tools.img('info', '-U', path))
        self.assertIn(self.base, info)

    def test_change_child(self):
        for args, desc in (
                ({'parent': 'no', 'node': 'base'},
                 "Cannot find device='no' nor node-name='no'"),
                ({'parent': 'base'},
                 'Either child or node must be specified'),
                ({'parent': 'base', 'child': 'file', 'node': 'base'},
                 'The parameters child and node are in conflict'),
                ({'parent': 'base', 'child': 'x'},
                 "Node 'base' does not have child 'x'"),
                ({'parent': 'base', 'child': 'file'},
                 'The node base does not support removing a child'),
                ({'parent': 'base', 'node': 'base'},
                 'The node base does not support adding a child')):
            self.assert_error(self.vm, 'x-blockdev-change', args, desc)


if __name__ == '__main__':
    case.main()
