# SPDX-License-Identifier: GPL-2.0-or-later
"""A case for the NBD server: a disk with data in two places."""

from . import case, exports, images
from .images import KIB, MIB

CHUNK = 64 * KIB


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
