#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that an I/O error stops: what is told, and what becomes of the I/O
status."""

from lib import case, images, jobs, tools
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


class Stream(case.Case):
    """An image whose base cannot be read at one place, or whose own file
    cannot be written."""

    def start(self, base_error=None, own_error=None, on_error='report'):
        vm = self.daemon()
        tools.img('create', '-q', '-f', 'qcow2', self.path('a'), '2M')
        tools.io(self.path('a'), 'write -q -P 1 0 2M',
                 options=('-f', 'qcow2'))
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.path('a'), '-F',
                  'qcow2', self.path('b'))
        for name, errors in ('a', base_error), ('b', own_error):
            file = {'driver': 'blkdebug', 'image': {
                'driver': 'file', 'filename': self.path(name)}}
            if errors:
                file['inject-error'] = errors
            vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': name, 'file': file,
                'read-only': name == 'a',
                'backing': 'a' if name == 'b' else None})
        vm.cmd('block-stream', {'job-id': 'j', 'device': 'b',
                                'on-error': on_error})
        return vm

    ONCE = [{'event': 'read_aio', 'errno': 5, 'once': True}]

    def test_ignored(self):
        """It goes on to the end, then fails: what it left out is still the
        base's."""
        vm = self.start(base_error=self.ONCE, on_error='ignore')
        told = jobs.follow(vm, 'j', 'null')
        self.assertEqual(told[2:], [
            jobs.error('read', 'ignore'), 'aborting',
            ('COMPLETED', {'type': 'stream', 'speed': 0, 'len': 2 * MIB,
                           'offset': 2 * MIB, 'error': 'Input/output error'}),
            'concluded', 'null'])
        vm.quit()
        tools.io(self.path('b'), 'read -q -P 1 0 2M',
                 options=('-f', 'qcow2'))

    def test_write_error(self):
        """It, too, is told as one of a read."""
        vm = self.start(own_error=[{'event': 'write_aio', 'errno': 28}])
        self.assertEqual(jobs.follow(vm, 'j', 'null')[2],
                         jobs.error('read'))


if __name__ == '__main__':
    case.main()
