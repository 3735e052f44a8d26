#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Moments in which jobs stand still because of other commands: how often that
shows in their events."""

from lib import case, exports, jobs, machine, tools
from lib.images import KIB


class Shows:

    def shows(self, times, command, args=None, fails=False):
        """So many pairs, all before the reply."""
        status = jobs.query(self.vm, 'j')[0]['status']
        pause = 'standby' if status == 'ready' else 'paused'
        reply = self.vm.execute(command, args or {})
        self.assertEqual('error' in reply, fails, reply)
        self.assertEqual(jobs.take(self.vm, 'j'), [pause, status] * times,
                         (command, args))


class Pauses(Shows, case.Case):

    def setUp(self):
        super().setUp()
        for name in 'a', 'target', 'other':
            tools.img('create', '-q', '-f', 'qcow2', self.path(name), '64M')
        tools.io(self.path('a'), 'write -q 0 8M', options=('-f', 'qcow2'))
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.path('a'), '-F',
                  'qcow2', self.path('disk'))
        self.vm = self.daemon()
        for name in 'a', 'target', 'other':
            self.add(name)
        self.add('disk', backing='a')

    def add(self, name, **more):
        self.vm.cmd('blockdev-add', self.options(name, **more))

    def options(self, name, **more):
        return {'driver': 'qcow2', 'node-name': name, **more, 'file': {
            'driver': 'file', 'node-name': name + '-file',
            'filename': self.path(name)}}

    def throttled_backup(self):
        self.vm.cmd('blockdev-backup', {
            'device': 'disk', 'target': 'target', 'sync': 'full', 'speed': 1,
            'job-id': 'j', 'x-perf': jobs.ONE_BY_ONE})
        jobs.wait_for_progress(self.vm, 'j', 64 * KIB)
        jobs.take(self.vm, 'j')

    def ready_mirror(self):
        self.vm.cmd('blockdev-mirror', {
            'device': 'disk', 'target': 'target', 'sync': 'full',
            'job-id': 'j'})
        jobs.follow(self.vm, 'j', 'READY')
        self.vm.cmd('query-jobs')
        jobs.take(self.vm, 'j')

    def check_transactions(self):
        self.shows(1, 'transaction', {'actions': []})
        add = {'type': 'block-dirty-bitmap-add',
               'data': {'node': 'disk', 'name': 'b'}}
        abort = {'type': 'abort', 'data': {}}
        self.shows(1, 'transaction', {'actions': [add, abort]}, fails=True)
        self.shows(1, 'transaction', {'actions': [add]})
        missing = {'device': 'other', 'target': 'no', 'sync': 'full',
                   'job-id': 'k'}
        self.shows(1, 'blockdev-backup', missing, fails=True)
        self.shows(0, 'blockdev-mirror', missing, fails=True)
        self.shows(1, 'blockdev-snapshot-internal-sync',
                   {'device': 'other', 'name': 's'})
        self.shows(1, 'blockdev-snapshot-sync', {
            'node-name': 'other', 'snapshot-file': self.path('snap'),
            'snapshot-node-name': 'snap'})

    def check_nodes(self):
        for node in 'disk', 'a', 'a-file', 'target':
            self.shows(2, 'blockdev-add', {
                'driver': 'raw', 'node-name': 'above', 'file': node,
                'read-only': True})
            self.shows(0, 'blockdev-add', {
                'driver': 'raw', 'node-name': 'higher', 'file': 'above',
                'read-only': True})
            self.shows(1, 'blockdev-reopen', {'options': [{
                'driver': 'raw', 'node-name': 'higher', 'file': 'above',
                'read-only': True}]})
            for name in 'higher', 'above':
                self.shows(0, 'blockdev-del', {'node-name': name})
        self.shows(0, 'blockdev-add', {
            'driver': 'raw', 'node-name': 'above', 'file': 'other'})
        self.shows(1, 'blockdev-reopen', {'options': [dict(
            self.options('disk'), file='disk-file', backing='a')]})
        self.shows(0, 'blockdev-reopen', {'options': [{
            'driver': 'raw', 'node-name': 'above', 'file': 'other'}]})

    def check_exports(self):
        exports.Server(self.vm)
        for node, times in ('disk', 2), ('a', 2), ('other', 0):
            self.shows(0, 'block-export-add', {
                'type': 'nbd', 'id': 'e', 'node-name': node})
            self.vm.cmd('block-export-del', id='e')
            self.vm.qmp.event('BLOCK_EXPORT_DELETED')
            self.assertEqual(len(jobs.take(self.vm, 'j')), 2 * times, node)

    def check_bitmaps(self):
        name = {'node': 'disk', 'name': 'c'}
        for command in 'add', 'clear', 'disable', 'enable', 'remove':
            self.shows(0, f'block-dirty-bitmap-{command}', name)

    def check_paused(self):
        self.vm.cmd('job-pause', id='j')
        jobs.take(self.vm, 'j')
        self.shows(0, 'transaction', {'actions': []})
        self.vm.cmd('job-resume', id='j')

    def check(self):
        self.check_transactions()
        self.check_nodes()
        self.check_exports()
        self.check_bitmaps()
        self.check_paused()

    def test_backup(self):
        self.throttled_backup()
        self.check()

    def test_ready_mirror(self):
        self.ready_mirror()
        self.check()

    def test_snapshot_of_its_node(self):
        self.ready_mirror()
        args = {'node-name': 'disk', 'snapshot-file': self.path('snap'),
                'snapshot-node-name': 'snap'}
        self.shows(2, 'blockdev-snapshot-sync', args, fails=True)
        self.shows(2, 'blockdev-snapshot',
                   {'node': 'disk', 'overlay': 'other'}, fails=True)


class Machine(Shows, machine.MachineCase):

    def test_by_a_person(self):
        self.vm = self.machine(
            '-blockdev', 'null-co,node-name=disk,size=1048576,read-zeroes=on',
            '-blockdev', 'null-co,node-name=other,size=1048576,read-zeroes=on',
            '-blockdev', 'null-co,node-name=target,size=1048576,read-zeroes=on')
        self.vm.cmd('blockdev-mirror', {
            'device': 'disk', 'target': 'target', 'sync': 'full',
            'job-id': 'j', 'filter-node-name': 'filter'})
        jobs.follow(self.vm, 'j', 'READY')
        for node, times in ('disk', 2), ('filter', 2), ('other', 0):
            self.shows(times, 'human-monitor-command', {
                'command-line': f'qemu-io {node} "read 0 64k"'})
        self.shows(1, 'stop')
        self.shows(0, 'query-block-jobs')


if __name__ == '__main__':
    case.main()
