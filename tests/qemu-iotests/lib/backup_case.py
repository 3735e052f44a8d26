# SPDX-License-Identifier: GPL-2.0-or-later
"""A case with a source `src` full of data and an empty target `dst`."""

import resource
import signal

from . import exports, images, jobs
from .case import Case
from .images import KIB, MIB

CHUNK = 64 * KIB


class BackupCase(Case):
    """All disks are raw over file and SIZE_BYTES long."""

    size_bytes = 8 * MIB

    # Writes of the daemon beyond this offset of a file fail with EFBIG.
    limit_bytes = None

    def setUp(self):
        super().setUp()
        self.source = images.make_patterned(self.path('src.img'),
                                            self.size_bytes)
        self.target = images.make(self.path('dst.img'), self.size_bytes)
        self.vm = self.daemon(
            preexec_fn=self.limit_writes if self.limit_bytes else None)
        self.add_disk('src', self.source)
        self.add_disk('dst', self.target)
        self.server = None

    def limit_writes(self):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE,
                           (self.limit_bytes, self.limit_bytes))

    def add_disk(self, name, path):
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': name, 'discard': 'unmap', 'file': {
                'driver': 'file', 'filename': path, 'discard': 'unmap'}})

    def new_disk(self, name, size_bytes=None):
        """One more disk, empty; the path of its file."""
        path = images.make(self.path(name + '.img'),
                           size_bytes or self.size_bytes)
        self.add_disk(name, path)
        return path

    def bitmap(self, verb, name, node='src', **args):
        self.vm.cmd(f'block-dirty-bitmap-{verb}', node=node, name=name,
                    **args)

    def start(self, job='job0', **args):
        self.assertEqual(jobs.start_backup(self.vm, job, **args),
                         ['created', 'running'])

    def start_held(self, job='job0', **args):
        """A job that has made one step and will not make the next."""
        self.start(job, speed=1, x_perf=jobs.ONE_BY_ONE, **args)
        jobs.wait_for_progress(self.vm, job, CHUNK)

    def follow(self, until, job='job0'):
        return jobs.follow(self.vm, job, until)

    def run_backup(self, job='job0', **args):
        """From start to end; the length that BLOCK_JOB_COMPLETED tells."""
        self.start(job, **args)
        history = self.follow('null', job)
        length = history[2][1]['len']
        self.assertEqual(history, ['waiting', 'pending',
                                   jobs.completed(length), 'concluded',
                                   'null'])
        return length

    # -- a guest

    def guest(self, node='src'):
        if self.server is None:
            self.server = exports.Server(self.vm)
        if node not in [e['id'] for e in self.vm.cmd('query-block-exports')]:
            self.server.add(node)
        handle = self.server.connect(node)
        self.addCleanup(exports.disconnect, handle)
        return handle

    def write(self, *offsets, byte=0xaa, length_bytes=CHUNK, node='src'):
        """A guest writes LENGTH_BYTES at each of OFFSETS, and flushes."""
        handle = self.guest(node)
        for offset_bytes in offsets:
            handle.pwrite(bytes([byte]) * length_bytes, offset_bytes)
        handle.flush()
