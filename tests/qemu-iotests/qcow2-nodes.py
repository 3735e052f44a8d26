#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qcow2 nodes through QMP: made by blockdev-create, opened with and without
images behind them, reopened, found corrupt."""

import struct

from lib import case, exports, images, jobs, tools
from lib.images import MIB


class Nodes(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.image = self.path('t.qcow2')

    def create(self, **options):
        self.vm.cmd('blockdev-create', {'job-id': 'create',
                                        'options': options})
        jobs.follow(self.vm, 'create', 'concluded')
        info = self.vm.cmd('query-jobs')[0]
        self.vm.cmd('job-dismiss', id='create')
        jobs.follow(self.vm, 'create', 'null')
        return info.get('error')

    def make(self, **options):
        """An image of 8 MiB in self.image, by jobs."""
        self.assertIsNone(self.create(driver='file', filename=self.image,
                                      size=0))
        self.vm.cmd('blockdev-add', {'driver': 'file', 'node-name': 'file',
                                     'filename': self.image})
        error = self.create(driver='qcow2', file='file', size=8 * MIB,
                            **options)
        self.vm.cmd('blockdev-del', {'node-name': 'file'})
        return error

    def add(self, name='disk', **options):
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': name,
            'file': {'driver': 'file', 'filename': self.image}, **options})

    def node(self, name='disk'):
        return next(n for n in self.vm.cmd('query-named-block-nodes')
                    if n['node-name'] == name)

    def foreign_check(self):
        done = tools.foreign_img('check', '-U', self.image, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_create(self):
        self.assertIsNone(self.make())
        self.foreign_check()
        self.add()
        image = self.node()['image']
        self.assertEqual(image['virtual-size'], 8 * MIB)
        self.assertEqual(image['format-specific'], {
            'type': 'qcow2',
            'data': {'compat': '1.1', 'compression-type': 'zlib',
                     'lazy-refcounts': False, 'refcount-bits': 16,
                     'corrupt': False, 'extended-l2': False}})

    def test_create_kinds(self):
        for options in ({'version': 'v2'}, {'cluster-size': 512},
                        {'extended-l2': True, 'preallocation': 'metadata'},
                        {'refcount-bits': 1, 'lazy-refcounts': True},
                        {'compression-type': 'zstd'}):
            with self.subTest(options):
                self.assertIsNone(self.make(**options))
                self.foreign_check()

    def test_create_refused(self):
        for text, options in (
                ('Cluster size must be a power of two between 512 and 2048k',
                 {'cluster-size': 4 * MIB}),
                ('Refcount width must be a power of two and may not exceed '
                 '64 bits', {'refcount-bits': 3}),
                ('data-file-raw requires data-file', {'data-file-raw': True}),
                ('Lazy refcounts only supported with compatibility level 1.1 '
                 'and above (use version=v3 or greater)',
                 {'version': 'v2', 'lazy-refcounts': True}),
                ('Backing format cannot be used without backing file',
                 {'backing-fmt': 'raw'})):
            with self.subTest(options):
                self.assertEqual(self.make(**options), text)

    def test_backing(self):
        base = images.make(self.path('base.img'), 8 * MIB, [(0, MIB, 5)])
        self.assertIsNone(self.make(**{'backing-file': base,
                                       'backing-fmt': 'raw'}))
        self.add()
        node = self.node()
        self.assertEqual(node['backing_file'], base)
        self.assertEqual(node['backing_file_depth'], 1)
        self.vm.cmd('blockdev-del', {'node-name': 'disk'})
        self.add(backing=None)
        self.assertEqual(self.node()['backing_file_depth'], 0)
        self.vm.cmd('blockdev-del', {'node-name': 'disk'})
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'behind', 'read-only': True,
            'file': {'driver': 'file', 'filename': base, 'read-only': True}})
        self.add(backing='behind')
        self.assertEqual(self.node()['backing_file_depth'], 1)

    def test_missing_backing(self):
        self.assertIsNone(self.make(**{'backing-file': 'nosuch',
                                       'backing-fmt': 'raw'}))
        path = self.path('nosuch')
        self.assert_error(
            self.vm, 'blockdev-add',
            {'driver': 'qcow2', 'node-name': 'disk',
             'file': {'driver': 'file', 'filename': self.image}},
            f"Could not open backing file: Could not open '{path}': No such "
            'file or directory')

    def test_reopen_read_only(self):
        """What was written is in the file before it turns read-only."""
        self.assertIsNone(self.make())
        self.add()
        server = exports.Server(self.vm)
        server.add('disk', writable=True)
        tools.nbdsh('-u', server.uri('disk'), '-c',
                    'h.pwrite(b"x" * 65536, 1048576)')
        self.vm.cmd('block-export-del', id='disk')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-reopen', {'options': [{
            'driver': 'qcow2', 'node-name': 'disk', 'read-only': True,
            'file': {'driver': 'file', 'filename': self.image}}]})
        self.foreign_check()
        out = self.path('out')
        tools.foreign_img('convert', '-U', '-f', 'qcow2', '-O', 'raw',
                          self.image, out)
        self.assertEqual(images.read(out, MIB, 65536), b'x' * 65536)

    def test_space_ahead_is_not_shown(self):
        """The file's length is what the image uses of it."""
        self.assertIsNone(self.make())
        self.add(file={'driver': 'file', 'node-name': 'file',
                       'filename': self.image})
        server = exports.Server(self.vm)
        server.add('disk', writable=True)
        tools.nbdsh('-u', server.uri('disk'), '-c',
                    'h.pwrite(b"x" * 65536, 0)')
        self.assertEqual(self.node('file')['image']['virtual-size'],
                         6 * 65536)

    def test_corrupt(self):
        self.assertIsNone(self.make())
        tools.io(self.image, 'write 0 64k', options=('-f', 'qcow2'))
        with open(self.image, 'r+b') as f:
            f.seek(40)
            l1 = struct.unpack('>Q', f.read(8))[0]
            f.seek(l1)
            entry = struct.unpack('>Q', f.read(8))[0]
            f.seek(l1)
            f.write(struct.pack('>Q', entry + 512))
        self.add()
        server = exports.Server(self.vm)
        server.add('disk', writable=True)
        done = tools.nbdsh('-u', server.uri('disk'), '-c',
                           'h.pread(512, 0)', check=False)
        self.assertNotEqual(done.returncode, 0)
        event = self.vm.qmp.event('BLOCK_IMAGE_CORRUPTED')
        self.assertEqual(event['data']['node-name'], 'disk')
        self.assertEqual(event['data']['device'], '')
        self.assertTrue(event['data']['fatal'])
        self.assertIn('unaligned (L1 index: 0)', event['data']['msg'])


if __name__ == '__main__':
    case.main()
