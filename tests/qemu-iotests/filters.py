#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""copy-on-read, compress, preallocate: filters that change how an image is
written."""

import json
import os

from lib import case, exports, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB


class FilterCase(case.Case):
    """A chain base <- mid <- top; the filter `f`, and a guest of it."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def make_chain(self):
        base = images.make(self.path('base'), MIB, [(0, 256 * KIB, 1)])
        mid, top = self.path('mid'), self.path('top')
        tools.img('create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', mid)
        tools.io(mid, 'write -P 2 64k 64k', options=('-f', 'qcow2'))
        tools.img('create', '-q', '-f', 'qcow2', '-b', mid, '-F', 'qcow2',
                  top)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'base', 'read-only': True,
            'file': {'driver': 'file', 'filename': base}})
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'mid', 'read-only': True,
            'file': {'driver': 'file', 'filename': mid}, 'backing': 'base'})

    def top(self, **options):
        return dict({'driver': 'qcow2', 'node-name': 'top', 'file': {
            'driver': 'file', 'filename': self.path('top')},
            'backing': 'mid'}, **options)

    def options(self, **options):
        return dict({'driver': self.driver, 'node-name': 'f'},
                    **{k.replace('_', '-'): v for k, v in options.items()})

    def add(self, **options):
        self.vm.cmd('blockdev-add', self.options(**options))

    def refused(self, desc, **options):
        self.assert_error(self.vm, 'blockdev-add', self.options(**options),
                          desc)

    def serve(self, node='f'):
        self.server = exports.Server(self.vm)
        self.server.add(node)
        # QEMU's server reads no holes for clients that can be told of them.
        self.guest = self.server.connect(node,
                                         request_structured_replies=False)
        self.addCleanup(exports.disconnect, self.guest)

    def stop(self, node='f'):
        exports.disconnect(self.guest)
        self.vm.cmd('nbd-server-stop')
        self.vm.cmd('blockdev-del', {'node-name': node})

    def image(self, node='f'):
        found, = [n for n in self.vm.cmd('query-named-block-nodes',
                                         flat=True)
                  if n['node-name'] == node]
        self.assertEqual(found['file'], found['image']['filename'])
        return found['image']

    def edge(self):
        """(permissions, what is shared) of the filter on its file."""
        graph = self.vm.cmd('x-debug-query-block-graph')
        ident, = [n['id'] for n in graph['nodes'] if n['name'] == 'f']
        edge, = [e for e in graph['edges'] if e['parent'] == ident]
        self.assertEqual(edge['name'], 'file')
        return edge['perm'], edge['shared-perm']

    def own_clusters(self):
        """Numbers of the clusters that the top image has itself."""
        out = tools.img('map', '-U', '--output=json', self.path('top')).stdout
        found = set()
        for entry in json.loads(out):
            if entry['depth'] == 0 and entry['start'] < MIB:
                found.update(range(entry['start'] // (64 * KIB), -(-(
                    entry['start'] + entry['length']) // (64 * KIB))))
        return sorted(found)


ALL = ['resize', 'write-unchanged', 'write', 'consistent-read']


class CopyOnRead(FilterCase):
    driver = 'copy-on-read'

    def setUp(self):
        super().setUp()
        self.make_chain()

    def test_reads(self):
        self.add(file=self.top())
        self.serve()
        self.assertEqual(self.guest.pread(4, 4 * KIB), b'\1' * 4)
        self.assertEqual(self.guest.pread(4, 70 * KIB), b'\2' * 4)
        self.assertEqual(self.guest.pread(4, 300 * KIB), bytes(4))
        self.stop()
        self.assertEqual(self.own_clusters(), [0, 1, 4])
        self.assertIn('Images are identical', tools.img(
            'compare', self.path('top'), self.path('mid')).stdout)

    def test_bottom(self):
        self.add(file=self.top(), bottom='mid')
        self.serve()
        self.assertEqual(self.guest.pread(192 * KIB, 0), b'\1' * (64 * KIB) +
                         b'\2' * (64 * KIB) + b'\1' * (64 * KIB))
        self.guest.pread(4, 300 * KIB)
        self.stop()
        self.assertEqual(self.own_clusters(), [1])

    def test_writes_stay(self):
        self.add(file=self.top())
        self.serve()
        self.guest.pwrite(b'x' * 512, 512)
        self.assertEqual(self.guest.pread(1536, 0),
                         b'\1' * 512 + b'x' * 512 + b'\1' * 512)
        self.guest.pwrite(b'y' * 512, 70 * KIB)
        self.guest.zero(512, 200 * KIB)
        self.assertEqual(self.guest.pread(MIB, 0)[70 * KIB:70 * KIB + 600],
                         b'y' * 512 + b'\2' * 88)
        self.stop()
        self.assertEqual(self.own_clusters(), list(range(16)))

    def test_permissions(self):
        self.add(file=self.top())
        self.assertEqual(self.edge(), (['write-unchanged'], ALL))
        self.serve()
        self.assertEqual(self.edge(), (
            ['write-unchanged', 'write', 'consistent-read'],
            ['write-unchanged', 'write', 'consistent-read']))

    def test_bitmaps_stay_clean(self):
        self.add(file=self.top())
        self.vm.cmd('block-dirty-bitmap-add', node='top', name='b')
        self.serve()
        self.guest.pread(MIB, 0)
        top, = [n for n in self.vm.cmd('query-named-block-nodes')
                if n['node-name'] == 'top']
        self.assertEqual([b['count'] for b in top['dirty-bitmaps']], [0])

    def test_refused(self):
        self.refused("Bottom node 'nope' not found", file=self.top(),
                     bottom='nope')
        self.refused("Bottom node 'f' is a filter", file=self.top(),
                     bottom='f')
        self.refused('Block node is read-only', file=self.top(),
                     read_only=True)
        self.refused('Block node is read-only',
                     file=self.top(**{'read-only': True}))
        self.add(file=self.top(), bottom='mid')
        self.assert_error(self.vm, 'blockdev-reopen', {
            'options': [self.options(file='top', bottom='mid')]},
            "Block format 'copy-on-read' used by node 'f' does not support "
            'reopening files')

    def test_filename(self):
        self.add(file=self.top(), bottom='mid')
        image = self.image()
        self.assertEqual(image['filename'], (
            'json:{"driver": "copy-on-read", "file": {"driver": "qcow2", '
            '"file": {"driver": "file", "filename": "%s"}}}' %
            self.path('top')))
        self.assertEqual(image['format'], 'copy-on-read')
        self.assertEqual(image['cluster-size'], 64 * KIB)

    def test_resize(self):
        self.add(file=self.top())
        self.vm.cmd('block_resize', {'node-name': 'f', 'size': 2 * MIB})
        self.assertEqual(self.image()['virtual-size'], 2 * MIB)


class Compress(FilterCase):
    driver = 'compress'

    def test_writes(self):
        self.make_chain()
        self.add(file=self.top())
        self.serve()
        self.assertEqual(self.guest.get_block_size(0), 64 * KIB)
        self.guest.pwrite(b'x' * 64 * KIB, 0)
        self.guest.pwrite(b'y' * 4 * KIB, 200 * KIB)
        self.guest.pwrite(b'z' * 128 * KIB, 400 * KIB)
        self.guest.zero(64 * KIB, 640 * KIB)
        data = self.guest.pread(MIB, 0)
        self.stop()
        self.assertEqual(data[:64 * KIB], b'x' * 64 * KIB)
        self.assertEqual(data[196 * KIB:208 * KIB], b'\1' * 4 * KIB +
                         b'y' * 4 * KIB + b'\1' * 4 * KIB)
        self.assertEqual(data[400 * KIB:528 * KIB], b'z' * 128 * KIB)
        self.assertEqual(self.own_clusters(), [0, 3, 6, 7, 8, 10])
        check = tools.img('check', '--output=json', self.path('top')).stdout
        self.assertEqual(json.loads(check)['compressed-clusters'], 5)

    def test_refused(self):
        for child in ({'driver': 'null-co'},
                      {'driver': 'raw', 'file': {'driver': 'null-co'}}):
            self.refused('Compression is not supported for underlying '
                         f'format: {child["driver"]}', file=child)
        self.make_chain()
        self.add(file=self.top())
        self.assert_error(self.vm, 'blockdev-reopen', {
            'options': [self.options(file='top')]},
            "Block format 'compress' used by node 'f' does not support "
            'reopening files')
        self.vm.cmd('block_resize', {'node-name': 'f', 'size': 2 * MIB})

    @ours_only('needs to resize the image then')
    def test_odd_end(self):
        """The disk's last cluster is not whole."""
        path = self.path('a')
        tools.img('create', '-q', '-f', 'qcow2', path, str(100 * KIB))
        self.add(file={'driver': 'qcow2', 'file': {
            'driver': 'file', 'filename': path}})
        self.serve()
        self.guest.pwrite(b'x' * 36 * KIB, 64 * KIB)
        self.assertEqual(self.guest.pread(100 * KIB, 0),
                         bytes(64 * KIB) + b'x' * 36 * KIB)
        self.stop()


class Preallocate(FilterCase):
    driver = 'preallocate'

    def setUp(self):
        super().setUp()
        self.file = self.path('p')

    def file_options(self):
        return {'driver': 'file', 'filename': self.file, 'node-name': 'pf'}

    def size(self):
        return os.path.getsize(self.file)

    def start_qcow2(self, **options):
        tools.img('create', '-q', '-f', 'qcow2', self.file, '64M')
        self.empty_size = self.size()
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'disk', 'file': dict({
                'driver': 'preallocate', 'node-name': 'f',
                'file': self.file_options()}, **options)})
        self.assertEqual(self.size(), self.empty_size)
        self.serve('disk')

    def test_qcow2(self):
        self.start_qcow2(**{'prealloc-align': MIB, 'prealloc-size': 16 * MIB})
        self.guest.pwrite(b'x' * 64 * KIB, 0)
        grown = self.size()
        self.assertGreater(grown, 16 * MIB)
        self.assertEqual(grown % MIB, 0)
        self.assertGreaterEqual(os.stat(self.file).st_blocks * 512, 16 * MIB)
        self.guest.pwrite(b'x' * MIB, MIB)
        self.assertEqual(self.size(), grown)
        self.assertLess(self.image()['virtual-size'], 16 * MIB)
        self.guest.flush()
        self.stop('disk')
        self.assertLess(self.size(), 2 * MIB)
        self.assertIn('No errors', tools.img('check', self.file).stdout)
        self.assertEqual(images.read(self.file)[-512:], b'x' * 512)

    def test_default(self):
        self.start_qcow2()
        self.guest.pwrite(b'x' * 64 * KIB, 0)
        self.assertGreater(self.size(), 128 * MIB)
        self.assertEqual(self.size() % MIB, 0)
        self.vm.quit()
        self.assertLess(self.size(), MIB)

    def test_read_only(self):
        """A reopen that makes it read-only gives the space back."""
        self.start_qcow2(**{'prealloc-size': 16 * MIB})
        self.guest.pwrite(b'x' * 64 * KIB, 0)
        exports.disconnect(self.guest)
        self.vm.cmd('nbd-server-stop')
        self.assertGreater(self.size(), 16 * MIB)
        self.vm.cmd('blockdev-reopen', {'options': [{
            'driver': 'qcow2', 'node-name': 'disk', 'read-only': True,
            'file': 'f'}]})
        self.assertLess(self.size(), MIB)

    def test_reopen(self):
        self.start_qcow2(**{'prealloc-size': 16 * MIB})

        def reopen(**options):
            return {'options': [self.options(file='pf', **options)]}
        for desc, options in (
                ("Option 'prealloc-size' cannot be reset to its default "
                 'value', {}),
                ('prealloc-align parameter of preallocate filter is not '
                 'aligned to 512', {'prealloc_size': MIB,
                                    'prealloc_align': 1000})):
            self.assert_error(self.vm, 'blockdev-reopen', reopen(**options),
                              desc)
        self.vm.cmd('blockdev-reopen', reopen(prealloc_size=32 * MIB))
        self.guest.pwrite(b'x' * 64 * KIB, 0)
        self.assertGreater(self.size(), 32 * MIB)

    def test_refused(self):
        images.make(self.file, MIB)
        for desc, options in (
                ('prealloc-align parameter of preallocate filter is not '
                 'aligned to 512', {'prealloc_align': 1000}),
                ("Parameter 'prealloc-size' expects a non-negative number "
                 'below 2^64', {'prealloc_size': -1})):
            self.refused(desc, file=self.file_options(), **options)

    def test_plain(self):
        """What users say about the size is done, and no more."""
        images.make(self.file, MIB)
        self.add(file=self.file_options())
        self.assertEqual(self.edge(), ([], ALL))
        self.assertEqual(self.image()['filename'], (
            'json:{"driver": "preallocate", "file": {"driver": "file", '
            '"filename": "%s"}}' % self.file))
        for size in 2 * MIB, MIB:
            self.vm.cmd('block_resize', {'node-name': 'f', 'size': size})
            self.assertEqual(self.size(), size)


if __name__ == '__main__':
    case.main()
