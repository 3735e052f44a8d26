#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine goes over to another process: images change hands, bitmaps go
along, and whatever fails, one of the two has the disks."""

import json
import os
import socket

from lib import case, exports, machine, tools
from lib.case import ours_only
from lib.migration_case import SIZE, MigrationCase


class Handover(MigrationCase):

    def test_images_change_hands(self):
        src, dst = self.pair(device=False)
        self.assertEqual(self.status(dst), 'inmigrate')
        self.write(src, 0, 65536)
        src.cmd('migrate', uri=self.uri)
        self.assertEqual(self.statuses(src, 'completed'),
                         ['setup', 'active', 'completed'])
        self.assertEqual(self.statuses(dst, 'completed')[-2:],
                         ['active', 'completed'])
        self.assertEqual(self.status(src), 'postmigrate')
        self.assertEqual(self.status(dst), 'prelaunch')
        self.write(dst, 65536, 65536, 0x5a)
        dst.quit()
        src.quit()
        tools.io(self.image, 'read -P 0xa5 0 64k', 'read -P 0x5a 64k 64k',
                 options=('-f', 'qcow2'))
        tools.img('check', '-q', self.image)

    def test_the_other_has_the_locks(self):
        src, dst = self.pair()
        src.cmd('cont')
        self.assert_error(dst, 'cont', None, 'Failed to get "write" lock')
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        src.qmp.event('STOP')
        self.statuses(dst, 'completed')
        dst.cmd('cont')
        dst.qmp.event('RESUME')
        self.assert_error(src, 'cont', None, 'Failed to get "write" lock')
        self.assert_error(src, 'migrate', {'uri': self.uri},
                          "Can't migrate the vm that was paused due to "
                          'previous migration')

    @ours_only('finds the bitmap there already')
    def test_back_again(self):
        """The destination has left: the source may go on."""
        src, dst = self.pair('dirty-bitmaps')
        src.cmd('block-dirty-bitmap-add', node='d', name='b',
                persistent=True)
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        dst.quit()
        src.cmd('cont')
        self.assertEqual(self.status(src), 'running')

    def test_writer_in_the_way(self):
        """The images stay, and the machine goes on, when somebody may write."""
        src, dst = self.pair(device=False, target_image=self.make('copy'))
        server = exports.Server(src)
        server.add('d', writable=True)
        src.cmd('cont')
        src.qmp.event('RESUME')
        src.cmd('migrate', uri=self.uri)
        self.assertEqual(self.statuses(src, 'failed'),
                         ['setup', 'active', 'failed'])
        src.qmp.event('RESUME')
        self.assertEqual(src.cmd('query-migrate'), {'status': 'failed'})
        self.assertEqual(self.status(src), 'running')
        self.assertIn('qemu_savevm_state_complete_precopy_non_iterable: '
                      'bdrv_inactivate_all() failed (-1)', src.stderr())
        self.assertEqual(dst.wait(), 1)
        self.assertIn('load of migration failed: Input/output error',
                      dst.stderr())

    def test_export_of_what_is_not_ours(self):
        src, dst = self.pair()
        for vm in dst, src:
            server = exports.Server(vm, f'nbd{vm.pid}')
            self.assert_error(vm, 'block-export-add', {
                'type': 'nbd', 'id': 'w', 'node-name': 'd', 'writable': True},
                'Block node is read-only')
            vm.cmd('block-export-add', {
                'type': 'nbd', 'id': 'e', 'node-name': 'd'})
            handle = server.connect('d')
            self.assertEqual(handle.pread(512, 0), bytes(512))
            exports.disconnect(handle)
            vm.cmd('nbd-server-stop')
            if vm is dst:
                src.cmd('migrate', uri=self.uri)
                self.statuses(src, 'completed')
                self.statuses(dst, 'completed')

    def test_images_of_the_other(self):
        """Nothing that writes begins on them, until `cont` has them back."""
        src, dst = self.pair(device=False)
        plug = {'driver': 'virtio-blk-pci', 'drive': 'd', 'id': 'new'}
        src.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'n',
                                 'read-zeroes': True})
        top = self.make('top')
        tools.img('rebase', '-u', '-b', self.image, '-F', 'qcow2', top)
        src.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'top', 'backing': 'd',
            'file': {'driver': 'file', 'filename': top}})
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        dst.quit()
        stream = {'job-id': 'j', 'device': 'top'}
        commit = {'job-id': 'j', 'device': 'top', 'base-node': 'd'}
        for command, args, text in (
                ('device_add', dict(plug, drive='top'), 'Block node'),
                ('block-stream', stream, 'Could not create node: Block node'),
                ('block-commit', commit, 'Block node')):
            self.assert_error(src, command, args, f'{text} is read-only')
        self.assertEqual(src.cmd('query-jobs'), [])
        src.cmd('cont')
        src.cmd('device_add', dict(plug, drive='top'))

    def test_jobs_stand_still(self):
        src, dst = self.pair('pause-before-switchover',
                             target_image=self.make('copy'))
        src.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 't',
                                 'size': SIZE, 'read-zeroes': True})
        src.cmd('blockdev-mirror', {'device': 'd', 'target': 't',
                                    'sync': 'full', 'job-id': 'm'})
        src.qmp.event('JOB_STATUS_CHANGE', status='ready')
        src.cmd('cont')
        src.qmp.events.clear()
        src.cmd('migrate', uri=self.uri)
        src.qmp.event('STOP')
        self.assertEqual([
            src.qmp.event('JOB_STATUS_CHANGE')['data']['status']
            for _ in range(2)], ['standby', 'ready'])
        src.qmp.event('MIGRATION', status='pre-switchover')
        src.cmd('block-job-cancel', device='m')
        src.qmp.event('JOB_STATUS_CHANGE', status='null')
        src.cmd('migrate-continue', state='pre-switchover')
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')

    def test_late_activation(self):
        src, dst = self.pair('late-block-activate')
        src.cmd('migrate', uri=self.uri)
        self.statuses(dst, 'completed')
        self.statuses(src, 'completed')
        src.cmd('cont')
        self.assert_error(dst, 'cont', None, 'Failed to get "write" lock')
        src.cmd('stop')
        src.quit()
        dst.cmd('cont')
        self.assertEqual(self.status(dst), 'running')

    def test_disk_comes_by_nbd(self):
        """A destination's disk is filled before the machine comes."""
        src, dst = self.pair(target_image=self.make('copy'))
        server = exports.Server(dst)
        server.add('d')
        src.cmd('blockdev-add', {
            'driver': 'nbd', 'node-name': 't', 'export': 'd',
            'server': {'type': 'unix', 'path': server.path}})
        src.cmd('blockdev-mirror', {'device': 'd', 'target': 't',
                                    'sync': 'full', 'job-id': 'm'})
        src.qmp.event('BLOCK_JOB_READY')
        src.cmd('cont')
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        src.cmd('block-job-cancel', device='m')
        src.qmp.event('BLOCK_JOB_COMPLETED')
        dst.cmd('nbd-server-stop')
        dst.cmd('cont')
        self.assertEqual(self.status(dst), 'running')

    def test_by_descriptor(self):
        src = self.vm()
        self.capabilities(src, 'events')
        saved = self.path('saved')
        self.assert_error(src, 'getfd', {'fdname': 'x'},
                          'No file descriptor supplied via SCM_RIGHTS')
        with open(saved, 'wb') as f:
            for name in 'other', 'migrate':
                request = {'execute': 'getfd', 'arguments': {'fdname': name}}
                socket.send_fds(src.qmp.sock, [json.dumps(request).encode()],
                                [f.fileno()])
                self.assertEqual(src.qmp.recv_reply(), {'return': {}})
        src.cmd('closefd', fdname='other')
        self.assert_error(src, 'closefd', {'fdname': 'other'},
                          "File descriptor named 'other' not found")
        src.cmd('migrate', uri='fd:migrate')
        self.statuses(src, 'completed')
        src.quit()
        dst = self.vm('-incoming', f'exec:cat {saved}')
        while dst.cmd('query-migrate').get('status') != 'completed':
            pass
        dst.cmd('cont')

    def test_by_command(self):
        src = self.vm()
        self.capabilities(src, 'events')
        saved = self.path('saved')
        src.cmd('migrate', uri=f'exec:cat >{saved}')
        self.statuses(src, 'completed')
        src.quit()
        dst = self.vm('-incoming', f'exec:cat {saved}')
        while dst.cmd('query-migrate').get('status') != 'completed':
            pass
        dst.cmd('cont')
        self.assertEqual(self.status(dst), 'running')

    def test_command_that_waits(self):
        """The way in is active with the first byte."""
        pipe = self.path('pipe')
        os.mkfifo(pipe)
        dst = self.vm('-incoming', f'exec:cat {pipe}')
        src = self.vm()
        for vm in src, dst:
            self.capabilities(vm, 'events')
        src.cmd('migrate', uri=f'exec:cat >{pipe}')
        self.assertEqual(self.statuses(dst, 'completed'),
                         ['active', 'completed'])
        self.statuses(src, 'completed')

    def test_command_that_does_not_read(self):
        """It holds nobody up while it lives."""
        pipe = self.path('pipe')
        os.mkfifo(pipe)
        src = self.vm(device=False)
        self.capabilities(src, 'events')
        src.cmd('migrate', uri=f'exec:cat {pipe}')
        self.statuses(src, 'completed')
        with open(pipe, 'wb'):
            pass  # the command ends

    def test_deferred(self):
        src = self.vm()
        dst = self.vm('-incoming', 'defer')
        for uri in 'foo:x', 'defer':
            self.assert_error(dst, 'migrate-incoming', {'uri': uri},
                              f'unknown migration protocol: {uri}')
            self.assertEqual(
                [(e['event'], e['data']) for e in dst.qmp.events],
                [('MIGRATION', {'status': 'setup'})])
            dst.qmp.events.clear()
        self.assert_error(src, 'migrate-incoming', {'uri': self.uri},
                          "'-incoming' was not specified on the command line")
        self.assert_error(dst, 'migrate', {'uri': self.uri},
                          'Guest is waiting for an incoming migration')
        dst.cmd('migrate-incoming', uri='tcp:127.0.0.1:0')
        self.assert_error(
            dst, 'migrate-incoming', {'uri': self.uri},
            'The incoming migration has already been started')
        address = dst.cmd('query-migrate')['socket-address'][0]
        self.assertEqual(address['type'], 'inet')
        self.capabilities(src, 'events')
        src.cmd('migrate', uri=f"tcp:127.0.0.1:{address['port']}")
        self.statuses(src, 'completed')


class Control(MigrationCase):

    def test_pause_before_switchover(self):
        src, dst = self.pair('pause-before-switchover')
        src.cmd('cont')
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'pre-switchover')
        self.assertEqual(self.status(src), 'finish-migrate')
        info = src.cmd('query-migrate')
        self.assertEqual(info['status'], 'pre-switchover')
        self.assertIn('ram', info)
        self.assert_error(src, 'migrate', {'uri': self.uri},
                          "There's a migration process in progress")
        self.assert_error(src, 'migrate-continue', {'state': 'active'},
                          'Migration not in expected state: pre-switchover')
        src.cmd('migrate-continue', state='pre-switchover')
        self.assertEqual(self.statuses(src, 'completed'),
                         ['device', 'completed'])
        self.statuses(dst, 'completed')

    def test_cancel(self):
        src, dst = self.pair('pause-before-switchover')
        src.cmd('cont')
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'pre-switchover')
        dst.expect_crash = True
        src.cmd('migrate_cancel')
        self.assertEqual(self.statuses(src, 'cancelled'),
                         ['cancelling', 'cancelled'])
        self.assertEqual(self.status(src), 'running')
        self.assertEqual(src.cmd('query-migrate')['status'], 'cancelled')
        self.assertEqual(dst.wait(), 1)

    def test_nobody_there(self):
        src = self.vm()
        self.capabilities(src, 'events')
        for uri in 'foo:bar', '':
            self.assert_error(src, 'migrate', {'uri': uri},
                              "Parameter 'uri' expects a valid migration "
                              'protocol')
        self.assert_error(src, 'migrate', {'uri': 'fd:x'},
                          "File descriptor named 'x' has not been found")
        src.cmd('migrate', uri='unix:nobody')
        self.statuses(src, 'failed')
        while 'error-desc' not in src.cmd('query-migrate'):
            pass
        self.assertEqual(src.cmd('query-migrate')['error-desc'],
                         "Failed to connect to 'nobody': No such file or "
                         'directory')
        src.cmd('cont')
        self.assertEqual(self.status(src), 'running')

    def test_command_that_takes_nothing(self):
        """A short stream fits into the pipe to it."""
        src = self.vm(device=False)
        self.capabilities(src, 'events')
        src.cmd('migrate', uri='exec:true')
        self.statuses(src, 'failed')
        self.assertEqual(self.status(src), 'prelaunch')
        self.write(src, 0, 65536)

    def refused_stream(self, command):
        done = machine.run('-nodefaults', '-display', 'none', '-S',
                           '-machine', 'none', '-incoming', f'exec:{command}')
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('load of migration failed', done.stderr)
        return done.stderr

    def test_what_is_no_stream(self):
        self.assertIn('Not a migration stream',
                      self.refused_stream('echo hello world and more'))

    @ours_only('takes its own')
    def test_stream_of_qemu(self):
        self.assertIn("but one of QEMU's", self.refused_stream(
            "printf 'QEVM\\0\\0\\0\\003'"))


if __name__ == '__main__':
    case.main()
