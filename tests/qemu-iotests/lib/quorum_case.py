# SPDX-License-Identifier: GPL-2.0-or-later
"""A case for quorum: nodes with the same content, and a guest."""

from . import case, exports, images
from .images import KIB, MIB


class QuorumCase(case.Case):
    """`q` over raw nodes n0, n1... with the same content, and a guest."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def child(self, i, *injects):
        path = images.make(self.path(f'{i}.img'), MIB, [(0, 64 * KIB, 1)])
        file = {'driver': 'file', 'filename': path, 'discard': 'unmap',
                'node-name': f'f{i}'}
        if injects:
            file = {'driver': 'blkdebug', 'image': file, 'discard': 'unmap',
                    'inject-error': list(injects)}
        return {'driver': 'raw', 'node-name': f'n{i}', 'file': file,
                'discard': 'unmap'}

    def add(self, n, threshold, errors=None, **options):
        errors = errors or {}
        self.vm.cmd('blockdev-add', dict({
            'driver': 'quorum', 'node-name': 'q', 'discard': 'unmap',
            'vote-threshold': threshold,
            'children': [self.child(i, *errors.get(i, ()))
                         for i in range(n)]},
            **{k.replace('_', '-'): v for k, v in options.items()}))
        self.connect()

    def connect(self):
        self.server = exports.Server(self.vm)
        self.server.add('q')
        self.guest = self.server.connect('q',
                                         request_structured_replies=False)
        self.addCleanup(exports.disconnect, self.guest)

    def remove(self):
        exports.disconnect(self.guest)
        self.vm.cmd('nbd-server-stop')
        self.vm.cmd('blockdev-del', {'node-name': 'q'})

    def write_file(self, i, offset, length, byte):
        with open(self.path(f'{i}.img'), 'r+b') as f:
            f.seek(offset)
            f.write(bytes([byte]) * length)

    def read_file(self, i, offset, length):
        return images.read(self.path(f'{i}.img'), offset, length)

    def events(self):
        """Those of quorums that came since it was last asked."""
        self.vm.cmd('query-jobs')
        found = [(e['event'], e['data']) for e in self.vm.qmp.events
                 if e['event'].startswith('QUORUM')]
        self.vm.qmp.events = []
        return found

    def edges(self):
        return [e['name'] for e in
                self.vm.cmd('x-debug-query-block-graph')['edges']]


def bad(node, sector, sectors, kind='read', error=None):
    data = {'node-name': node, 'sector-num': sector,
            'sectors-count': sectors, 'type': kind}
    return 'QUORUM_REPORT_BAD', dict(data, error=error) if error else data


def failure(sector, sectors):
    return 'QUORUM_FAILURE', {'reference': 'q', 'sector-num': sector,
                              'sectors-count': sectors}


EIO, ENOSPC = 'Input/output error', 'No space left on device'
