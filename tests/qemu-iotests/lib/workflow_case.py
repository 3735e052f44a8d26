# SPDX-License-Identifier: GPL-2.0-or-later
"""A case for the workflows of backup programs, on disks of any flavour.

The disk `disk` has known content, a raw node `top` above it that a guest
writes to over NBD, and the case remembers what the guest must find there.
"""

from . import bitmaps, exports, flavour, images, jobs
from .case import Case
from .images import KIB, MIB

CLUSTER = 64 * KIB


class WorkflowCase(Case):

    size_bytes = 4 * MIB
    # False: the guest is on `disk` itself, its export is called `top`.
    has_top = True

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.path_of = {}
        self.now = bytearray(images.pattern(0, self.size_bytes // 2) +
                             bytes(self.size_bytes // 2))
        self.add_disk('disk', bytes(self.now))
        if self.has_top:
            self.vm.cmd('blockdev-add', self.top_options('disk'))
        self.server = exports.Server(self.vm)
        self.server.add('top' if self.has_top else 'disk', 'top')
        self.guest = self.connect('top')

    @staticmethod
    def top_options(file):
        return {'driver': 'raw', 'node-name': 'top', 'file': file,
                'discard': 'unmap'}

    def add_disk(self, name, content=None, path=None, **more):
        """One more disk of the flavour; with PATH, of an image that is
        there."""
        if path is None:
            path = flavour.make(self.path(name + '.img'), self.size_bytes,
                                content)
        self.path_of[name] = path
        self.vm.cmd('blockdev-add', flavour.node_options(self, name, path,
                                                         **more))

    def remove_disk(self, name):
        self.vm.cmd('blockdev-del', {'node-name': name})

    def connect(self, name, contexts=()):
        handle = self.server.connect(name, contexts)
        self.addCleanup(exports.disconnect, handle)
        return handle

    # -- the guest

    def write(self, *clusters, byte=0xa5):
        """The guest writes CLUSTERS whole."""
        for n in clusters:
            data = bytes([byte]) * CLUSTER
            self.guest.pwrite(data, n * CLUSTER)
            self.now[n * CLUSTER:(n + 1) * CLUSTER] = data
        self.guest.flush()

    # -- bitmaps and jobs

    def bitmap(self, verb, name, node='disk', **args):
        self.vm.cmd(f'block-dirty-bitmap-{verb}', node=node, name=name,
                    **args)

    @staticmethod
    def action(verb, **data):
        """An action on a bitmap of the disk."""
        return {'type': f'block-dirty-bitmap-{verb}',
                'data': {'node': 'disk', **data}}

    def transaction(self, *actions):
        self.vm.cmd('transaction', actions=list(actions))

    def assert_dirty(self, name, *clusters, node='disk'):
        self.assertEqual(bitmaps.sha256(self.vm, node, name),
                         bitmaps.expected_sha256(
                             self.size_bytes, CLUSTER,
                             [(n * CLUSTER, CLUSTER) for n in clusters]))

    @staticmethod
    def job(kind, target, job='job', **args):
        """Arguments of a block job from the disk to TARGET."""
        return {'job-id': job, 'device': 'disk', 'target': target,
                **{k.replace('_', '-'): v for k, v in args.items()}}

    def wait_null(self, job='job'):
        """What BLOCK_JOB_COMPLETED told of JOB, when it is gone."""
        ends = [e for e in jobs.follow(self.vm, job, 'null')
                if e[0] in ('COMPLETED', 'CANCELLED')]
        self.assertEqual(len(ends), 1, ends)
        return ends[0][1]

    def run_backup(self, target, **args):
        """A blockdev-backup from start to end; how many bytes it copied."""
        self.vm.cmd('blockdev-backup', self.job('backup', target, **args))
        data = self.wait_null()
        self.assertNotIn('error', data)
        return data['len']

    # -- checks

    def assert_image(self, name, content):
        """The image of the disk NAME, which is removed from the daemon."""
        self.remove_disk(name)
        found = flavour.contents(self.path_of[name], self.size_bytes)
        self.assert_bytes(found, content)

    def assert_bytes(self, found, content):
        if found != bytes(content):
            bad = next((i for i, (a, b) in enumerate(zip(found, content))
                        if a != b), min(len(found), len(content)))
            self.fail(f'first difference at byte {bad}')

    def assert_reads(self, handle, content):
        self.assert_bytes(handle.pread(len(content), 0), content)
