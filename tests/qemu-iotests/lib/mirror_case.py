# SPDX-License-Identifier: GPL-2.0-or-later
"""A case with a source `src` full of data, an empty target `dst`, and
mirrors between them."""

from . import jobs
from .backup_case import CHUNK, BackupCase

MIRROR = {'type': 'mirror'}


class MirrorCase(BackupCase):

    def start_mirror(self, job='job0', **args):
        """Starts a blockdev-mirror from src to dst; by default, of all."""
        full = {'job-id': job, 'device': 'src', 'target': 'dst',
                'sync': 'full'}
        full.update({k.replace('_', '-'): v for k, v in args.items()})
        self.vm.cmd('blockdev-mirror', full)
        self.assertEqual(jobs.follow(self.vm, job, 'running'),
                         ['created', 'running'])

    def start_slow(self, job='job0', **args):
        """A mirror that has made one step and will not soon make the next."""
        self.start_mirror(job, speed=1, buf_size=CHUNK, **args)
        jobs.wait_for_progress(self.vm, job, CHUNK)

    def wait_ready(self, job='job0'):
        """What BLOCK_JOB_READY tells: len and offset."""
        data = jobs.follow(self.vm, job, 'READY')[-1][1]
        return data['len'], data['offset']

    def history(self, until='null', job='job0'):
        return jobs.without_drains(jobs.follow(self.vm, job, until))

    def complete(self, job='job0', args=()):
        self.vm.cmd('block-job-complete', {'device': job})
        return self.history('null', job)

    def leave(self, job='job0'):
        self.vm.cmd('block-job-cancel', {'device': job})
        return self.history('null', job)

    def end_of(self, event, length, offset=None, speed=0, **more):
        return (event, dict({'type': 'mirror', 'len': length, 'speed': speed,
                             'offset': length if offset is None else offset},
                            **more))

    def assert_equal_disks(self):
        with open(self.source, 'rb') as a, open(self.target, 'rb') as b:
            self.assertEqual(a.read(), b.read())
