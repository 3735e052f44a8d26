#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine goes over to another process: images change hands, bitmaps go
along, and whatever fails, one of the two has the disks."""

import json
import os
import socket

from lib import case, exports, machine, tools
from lib.case import ours_only

SIZE = 8 << 20
DRIVE = {'driver': 'qcow2', 'node-name': 'd',
         'file': {'driver': 'file', 'node-name': 'f'}}


class MigrationCase(machine.MachineCase):

    def setUp(self):
        super().setUp()
        self.uri = 'unix:' + self.path('migrate')
        self.image = self.make('disk')

    def make(self, name):
        path = self.path(name)
        tools.img('create', '-q', '-f', 'qcow2', path, str(SIZE))
        return path

    def vm(self, *args, image=None, device=True, node='d'):
        options = json.loads(json.dumps(DRIVE))
        options['node-name'] = node
        options['file']['filename'] = image or self.image
        args = ['-m', '16', '-accel', 'tcg', '-blockdev', json.dumps(options),
                *args]
        if device:
            args += ['-device', f'virtio-blk-pci,drive={node},id=vd']
        return self.machine(*args)

    def pair(self, *names, target_image=None, **kwargs):
        src = self.vm(**kwargs)
        dst = self.vm('-incoming', self.uri, image=target_image, **kwargs)
        for vm in src, dst:
            self.capabilities(vm, 'events', *names)
        return src, dst

    @staticmethod
    def capabilities(vm, *names):
        vm.cmd('migrate-set-capabilities', {'capabilities': [
            {'capability': name, 'state': True} for name in names]})

    def statuses(self, vm, last):
        """All statuses that were told, up to LAST."""
        out = []
        while not out or out[-1] != last:
            out.append(vm.qmp.event('MIGRATION')['data']['status'])
        return out

    def bitmaps(self, vm, node='d'):
        found = [n for n in vm.cmd('query-named-block-nodes')
                 if n['node-name'] == node][0]
        return {b['name']: (b['count'], b['recording'], b['persistent'])
                for b in found.get('dirty-bitmaps', [])}

    def status(self, vm):
        return vm.cmd('query-status')['status']

    def write(self, vm, offset, length, pattern=0xa5):
        """As a client that is gone before the migration begins."""
        server = exports.Server(vm, f'nbd{vm.pid}')
        server.add('d')
        handle = server.connect('d')
        handle.pwrite(bytes([pattern]) * length, offset)
        handle.flush()
        exports.disconnect(handle)
        vm.cmd('nbd-server-stop')


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

    def test_capabilities(self):
        vm = self.vm()
        self.assert_error(
            vm, 'migrate-set-capabilities', {'capabilities': [
                {'capability': 'postcopy-preempt', 'state': True}]},
            'Postcopy preempt requires postcopy-ram')
        self.assertEqual(len(vm.cmd('query-migrate-capabilities')), 21)

    def test_parameters(self):
        vm = self.vm()
        before = vm.cmd('query-migrate-parameters')
        self.assertNotIn('block-bitmap-mapping', before)
        for name, value, text in (
                ('downtime-limit', 3000000, 'downtime_limit\' expects an '
                 'integer in the range of 0 to (2000 * 1000) ms'),
                ('compress-level', 10,
                 "compress_level' expects a value between 0 and 9"),
                ('max-cpu-throttle', 5, "max_cpu_throttle' expects an "
                 'integer in the range of cpu_throttle_initial to 99'),
                ('xbzrle-cache-size', 1000, "xbzrle_cache_size' expects a "
                 'power of two no less than the target page size')):
            self.assert_error(vm, 'migrate-set-parameters', {name: value},
                              f"Parameter '{text}")
        vm.cmd('migrate-set-parameters',
               {'max-bandwidth': 1 << 20, 'tls-creds': None})
        self.assertEqual(vm.cmd('query-migrate-parameters'),
                         dict(before, **{'max-bandwidth': 1 << 20}))


class Bitmaps(MigrationCase):

    def start(self, **kwargs):
        return self.pair('dirty-bitmaps', device=False, **kwargs)

    def run_it(self, src, dst):
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')

    def add_all(self, vm):
        for name, options in (
                ('b0', {'persistent': True}), ('b1', {}),
                ('b2', {'granularity': 1 << 20}), ('b3', {'disabled': True})):
            vm.cmd('block-dirty-bitmap-add',
                   dict({'node': 'd', 'name': name}, **options))
        self.write(vm, 1 << 20, 65536)

    def sha(self, vm, name):
        return vm.cmd('x-debug-block-dirty-bitmap-sha256', node='d',
                      name=name)['sha256']

    def check_all(self, target_image):
        src, dst = self.start(target_image=target_image)
        self.add_all(src)
        before = self.bitmaps(src)
        hashes = {name: self.sha(src, name) for name in before}
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), before)
        self.assertEqual({n: self.sha(dst, n) for n in before}, hashes)
        self.write(dst, 2 << 20, 65536)
        self.assertEqual(self.bitmaps(dst)['b0'], (2 * 65536, True, True))
        src.quit()
        dst.quit()
        again = self.vm(image=target_image, device=False)
        self.assertEqual(self.bitmaps(again), {'b0': (131072, True, True)})

    def test_shared_disk(self):
        self.check_all(self.image)

    def test_disk_of_its_own(self):
        self.check_all(self.make('copy'))

    def test_without_capability(self):
        """Persistent ones go by the image."""
        src, dst = self.pair(device=False)
        self.add_all(src)
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        self.assertEqual(self.bitmaps(dst), {'b0': (65536, True, True)})

    def test_postcopy_texts(self):
        vm = self.vm(device=False)
        self.assert_error(vm, 'migrate-start-postcopy', None,
                          'Enable postcopy with migrate_set_capability before '
                          'the start of migration')
        self.capabilities(vm, 'postcopy-ram')
        self.assert_error(vm, 'migrate-start-postcopy', None,
                          'Postcopy must be started after migration has been '
                          'started')

    def test_postcopy(self):
        src, dst = self.start()
        self.add_all(src)
        src.cmd('cont')
        src.cmd('migrate', uri=self.uri)
        src.cmd('migrate-start-postcopy')
        self.assertEqual(self.statuses(src, 'completed'),
                         ['setup', 'active', 'postcopy-active', 'completed'])
        self.assertEqual(self.statuses(dst, 'completed')[-3:],
                         ['active', 'postcopy-active', 'completed'])
        self.assertEqual(len(self.bitmaps(dst)), 4)

    def test_postcopy_goes_on(self):
        """Also if the machine did not run at the source."""
        src, dst = self.start()
        self.add_all(src)
        src.cmd('migrate', uri=self.uri)
        src.cmd('migrate-start-postcopy')
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        self.assertEqual(self.status(dst), 'paused')  # -S

    def test_drive_below_a_job(self):
        """A drive's bitmaps go by its name, whatever nodes are called."""
        drive = 'if=none,id=drive0,format=qcow2,file='
        args = ['-m', '16', '-accel', 'tcg',
                '-device', 'virtio-blk-pci,drive=drive0,id=vd']
        target = self.make('copy')
        src = self.machine(*args, '-drive', drive + self.image)
        dst = self.machine(*args, '-drive', drive + target,
                           '-incoming', self.uri)
        for vm in src, dst:
            self.capabilities(vm, 'events', 'dirty-bitmaps')
        src.cmd('block-dirty-bitmap-add', node='drive0', name='b')
        server = exports.Server(dst)
        dst.cmd('nbd-server-add', device='drive0', writable=True)
        src.cmd('drive-mirror', device='drive0', sync='full', format='raw',
                target=f'nbd+unix:///drive0?socket={server.path}',
                mode='existing')
        src.qmp.event('BLOCK_JOB_READY')
        src.cmd('migrate', uri=self.uri)
        src.cmd('migrate-start-postcopy')
        self.statuses(src, 'completed')
        src.cmd('block-job-cancel', device='drive0')
        src.qmp.event('BLOCK_JOB_COMPLETED')
        dst.cmd('nbd-server-stop')
        self.statuses(dst, 'completed')
        for vm in src, dst:
            (drive,) = vm.cmd('query-block')
            (bitmap,) = drive['inserted']['dirty-bitmaps']
            self.assertEqual((bitmap['name'], bitmap['recording']), ('b', True))

    def test_mapping(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        src.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'disk', 'bitmaps': [
                {'name': 'b0', 'alias': 'one',
                 'transform': {'persistent': False}},
                {'name': 'b1', 'alias': 'two'}]}]})
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'disk', 'bitmaps': [
                {'name': 'c0', 'alias': 'one'},
                {'name': 'c1', 'alias': 'two',
                 'transform': {'persistent': True}}]}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {'c0': (65536, True, False),
                                             'c1': (65536, True, True)})
        self.assert_error(dst, 'x-debug-block-dirty-bitmap-sha256',
                          {'node': 'd', 'name': 'b0'},
                          "Dirty bitmap 'b0' not found")

    @ours_only('drops all that come after the unknown one')
    def test_mapping_without_one(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'd', 'bitmaps': [
                {'name': 'b0', 'alias': 'b0'}]}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {'b0': (65536, True, True)})
        self.assertIn("Error: Unknown bitmap alias 'b1' on node 'd' "
                      "(alias 'd')", dst.stderr())

    def test_mapping_of_other_nodes(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'd', 'alias': 'other', 'bitmaps': []}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {})
        self.assertIn("Error: Unknown node alias 'd'", dst.stderr())

    def test_mapping_to_no_node(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.add_all(src)
        dst.cmd('migrate-set-parameters', {'block-bitmap-mapping': [
            {'node-name': 'zz', 'alias': 'd', 'bitmaps': [
                {'name': 'b0', 'alias': 'b0'}]}]})
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst), {})
        self.assertIn("Cannot find device='' nor node-name='zz'",
                      dst.stderr())

    def test_no_such_node(self):
        src = self.vm(device=False)
        dst = self.vm('-incoming', self.uri, image=self.make('copy'),
                      device=False, node='e')
        for vm in src, dst:
            self.capabilities(vm, 'events', 'dirty-bitmaps')
        src.cmd('block-dirty-bitmap-add', node='d', name='b')
        self.run_it(src, dst)
        self.assertEqual(self.bitmaps(dst, 'e'), {})
        self.assertIn("Cannot find device='d' nor node-name='d'",
                      dst.stderr())

    def test_name_is_taken(self):
        src, dst = self.start(target_image=self.make('copy'))
        for vm in src, dst:
            vm.cmd('block-dirty-bitmap-add', node='d', name='b')
        src.cmd('cont')
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'failed')
        self.assertEqual(dst.wait(), 1)
        self.assertIn("Bitmap with the same name ('b') already exists on "
                      'destination', dst.stderr())
        self.assertIn("error while loading state for instance 0x0 of device "
                      "'dirty-bitmap'", dst.stderr())
        self.write(src, 0, 65536)
        # It was found while the machine ran.
        self.assertNotIn('STOP', [e['event'] for e in src.qmp.events])
        self.assertEqual(self.bitmaps(src), {'b': (65536, True, False)})

    def test_long_name(self):
        src, dst = self.start(target_image=self.make('copy'))
        name = 'x' * 256
        src.cmd('block-dirty-bitmap-add', node='d', name=name)
        src.cmd('migrate', uri=self.uri)
        self.statuses(src, 'failed')
        self.assertEqual(src.cmd('query-migrate'), {'status': 'failed'})
        self.assertEqual(dst.wait(), 1)
        self.assertIn(f"Cannot migrate bitmap '{name}' on node 'd': Name is "
                      'longer than 255 bytes', src.stderr())
        self.assertIn('Unable to read node alias string', dst.stderr())

    def test_busy(self):
        """Those that go along stay as they are until it is over."""
        src, dst = self.start(target_image=self.make('copy'))
        self.capabilities(src, 'pause-before-switchover')
        for name in 'b', 'p':
            src.cmd('block-dirty-bitmap-add', node='d', name=name,
                    persistent=name == 'p')
        src.cmd('migrate', uri=self.uri)
        src.qmp.event('MIGRATION', status='pre-switchover')
        for name in 'b', 'p':
            self.assert_error(
                src, 'block-dirty-bitmap-remove', {'node': 'd', 'name': name},
                f"Bitmap '{name}' is currently in use by another operation "
                'and cannot be used')
        src.cmd('block-dirty-bitmap-add', node='d', name='late')
        src.cmd('migrate_cancel')
        self.statuses(src, 'cancelled')
        self.assertEqual(dst.wait(), 1)
        self.assertEqual(dst.stderr().strip().split(': ', 1)[1],
                         'load of migration failed: Input/output error')
        for name in 'b', 'p', 'late':
            src.cmd('block-dirty-bitmap-remove', node='d', name=name)

    def test_late_ones_stay(self):
        src, dst = self.start(target_image=self.make('copy'))
        self.capabilities(src, 'pause-before-switchover')
        src.cmd('block-dirty-bitmap-add', node='d', name='b')
        src.cmd('migrate', uri=self.uri)
        src.qmp.event('MIGRATION', status='pre-switchover')
        src.cmd('block-dirty-bitmap-add', node='d', name='late')
        src.cmd('migrate-continue', state='pre-switchover')
        self.statuses(src, 'completed')
        self.statuses(dst, 'completed')
        self.assertEqual(list(self.bitmaps(dst)), ['b'])
        self.assertEqual(set(self.bitmaps(src)), {'b', 'late'})
        src.cmd('block-dirty-bitmap-remove', node='d', name='b')

    def test_mapping_texts(self):
        vm = self.vm(device=False)

        def bitmap(name, alias):
            return {'name': name, 'alias': alias}

        def node(name, alias, *bitmaps):
            return {'node-name': name, 'alias': alias,
                    'bitmaps': list(bitmaps)}

        long = 'a' * 256
        for mapping, text in (
                ([node('d', 'a', bitmap('a', 'x'), bitmap('b', 'x'))],
                 "The bitmap alias 'a'/'x' is used twice"),
                ([node('d', 'a', bitmap('a', 'x'), bitmap('a', 'y'))],
                 "The bitmap 'd'/'a' is mapped twice"),
                ([node('d', 'a'), node('d', 'b')],
                 "The node name 'd' is mapped twice"),
                ([node('d', 'a'), node('e', 'a')],
                 "The node alias 'a' is used twice"),
                ([node('d', '')], "The node alias '' is not well-formed"),
                ([node('d', long)],
                 f"The node alias '{long}' is longer than 255 bytes"),
                ([node(long, 'a')],
                 f"The node name '{long}' is longer than 31 bytes"),
                ([node('d', 'a', bitmap('a', long))],
                 f"The bitmap alias '{long}' is longer than 255 bytes")):
            self.assert_error(
                vm, 'migrate-set-parameters',
                {'block-bitmap-mapping': mapping},
                f'Invalid mapping given for block-bitmap-mapping: {text}')
        vm.cmd('migrate-set-parameters', {'block-bitmap-mapping': []})
        self.assertEqual(
            vm.cmd('query-migrate-parameters')['block-bitmap-mapping'], [])


if __name__ == '__main__':
    case.main()
