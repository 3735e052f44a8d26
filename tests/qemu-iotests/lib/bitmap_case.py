# SPDX-License-Identifier: GPL-2.0-or-later
"""A case with one disk, its NBD server, and shorthands for its bitmaps."""

from . import bitmaps, exports, images
from .case import Case
from .images import MIB


class BitmapCase(Case):
    """Node `disk` is raw over the file node `disk-file`; discard=unmap."""

    size_bytes = MIB

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.image = self.add_disk('disk')
        self.server = None

    def add_disk(self, name, size_bytes=None):
        """One more raw disk over a sparse file; the path of the file."""
        path = images.make(self.path(name + '.img'),
                           size_bytes or self.size_bytes)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': name, 'discard': 'unmap', 'file': {
                'driver': 'file', 'node-name': name + '-file',
                'filename': path, 'discard': 'unmap'}})
        return path

    # -- commands

    def bitmap(self, verb, name, node='disk', **args):
        self.vm.cmd(f'block-dirty-bitmap-{verb}', node=node, name=name,
                    **args)

    def add(self, name, **args):
        self.bitmap('add', name, **args)

    def merge(self, target, *sources, node='disk'):
        self.vm.cmd('block-dirty-bitmap-merge', node=node, target=target,
                    bitmaps=list(sources))

    def assert_refused(self, verb, args, desc):
        self.assert_error(self.vm, f'block-dirty-bitmap-{verb}',
                          dict({'node': 'disk'}, **args), desc)

    # -- answers

    def all(self, node='disk'):
        return bitmaps.of_node(self.vm, node)

    def names(self, node='disk'):
        return bitmaps.names(self.vm, node)

    def count(self, name, node='disk'):
        return bitmaps.count(self.vm, node, name)

    def sha256(self, name, node='disk'):
        return bitmaps.sha256(self.vm, node, name)

    def assert_dirty(self, name, ranges, node='disk'):
        """Exactly the granules of RANGES [(offset, length)] are dirty."""
        granularity = bitmaps.find(self.vm, node, name)['granularity']
        granules = {g for offset, length in ranges for g in range(
            offset // granularity,
            (offset + length - 1) // granularity + 1)}
        self.assertEqual(self.count(name, node), len(granules) * granularity)
        self.assertEqual(self.sha256(name, node), bitmaps.expected_sha256(
            self.size_bytes, granularity, ranges))

    # -- a guest

    def client(self, node='disk', **options):
        """A libnbd client that writes to NODE; exported at first use."""
        if self.server is None:
            self.server = exports.Server(self.vm)
        if node not in [e['id'] for e in self.vm.cmd('query-block-exports')]:
            self.server.add(node)
        handle = self.server.connect(node, **options)
        self.addCleanup(exports.disconnect, handle)
        return handle

    def dirty(self, *ranges, node='disk', byte=1):
        """A guest writes to RANGES [(offset, length)]."""
        handle = self.client(node)
        for offset_bytes, length_bytes in ranges:
            handle.pwrite(bytes([byte]) * length_bytes, offset_bytes)
