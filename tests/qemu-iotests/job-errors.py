#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that an I/O error stops: what is told, and what becomes of the I/O
status."""

from lib import case, images, jobs
from lib.images import MIB

STOPPED = [jobs.error('read', 'stop'), 'paused']


class Errors(case.Case):
    """The first read of `a` fails, always."""

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        images.make_patterned(self.path('a'), MIB)
        images.make(self.path('b'), MIB)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'a', 'file': {
                'driver': 'blkdebug',
                'image': {'driver': 'file', 'filename': self.path('a')},
                'inject-error': [{'event': 'read_aio', 'errno': 5}]}})
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'b',
            'file': {'driver': 'file', 'filename': self.path('b')}})

    def start(self, command, **more):
        args = {'job-id': 'j', 'device': 'a', 'target': 'b', 'sync': 'full',
                'auto-dismiss': False}
        args.update({k.replace('_', '-'): v for k, v in more.items()})
        self.vm.cmd(command, args)

    def status(self):
        info = jobs.query(self.vm, 'j')[1]
        return info['io-status'], info['status']

    def check_stop(self, command, **more):
        self.start(command, on_source_error='stop', **more)
        # QEMU's backups have pauses in between, for changes of its graph.
        jobs.follow(self.vm, 'j', 'ERROR')
        jobs.follow(self.vm, 'j', 'paused')
        for _ in range(2):
            self.assertEqual(self.status(), ('failed', 'paused'))
            self.vm.cmd('job-resume', id='j')
            self.assertEqual(jobs.follow(self.vm, 'j', 'paused'),
                             ['running'] + STOPPED)
        self.vm.cmd('job-cancel', id='j')
        jobs.follow(self.vm, 'j', 'concluded')
        self.assertEqual(self.status(), ('ok', 'concluded'))
        self.vm.cmd('job-dismiss', id='j')

    def test_backup_stops(self):
        self.check_stop('blockdev-backup', x_perf=jobs.ONE_BY_ONE)

    def test_mirror_stops(self):
        self.check_stop('blockdev-mirror', buf_size=65536)

    def test_reported(self):
        for command, more in (
                ('blockdev-backup', {'x_perf': jobs.ONE_BY_ONE}),
                ('blockdev-mirror', {'buf_size': 65536})):
            self.start(command, **more)
            told = jobs.follow(self.vm, 'j', 'concluded')
            self.assertEqual(jobs.without_drains(told)[:4], [
                'created', 'running', jobs.error('read'), 'aborting'])
            self.assertEqual(self.status(), ('ok', 'concluded'))
            self.vm.cmd('job-dismiss', id='j')
            jobs.take(self.vm, 'j')


if __name__ == '__main__':
    case.main()
