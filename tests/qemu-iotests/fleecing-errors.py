#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest overwrites cannot be saved, or not in time; readers that do
not read; a daemon that is killed."""

import os
import signal

import nbd

from lib import case, exports, images, program, tools
from lib.case import ours_only
from lib.fleece_case import CLUSTER, FleeceCase
from lib.images import MIB


class ErrorCase(FleeceCase):

    def add_failing(self, *injects):
        """`temp` fails as INJECTS say."""
        path = images.make(self.path('temp.img'), self.size_bytes)
        self.path_of['temp'] = path
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'temp', 'file': {
                'driver': 'blkdebug', 'inject-error': list(injects),
                'image': {'driver': 'file', 'filename': path}}})

    def broken_events(self):
        self.vm.cmd('query-version')
        return [e['data'] for e in self.vm.qmp.events
                if e['event'] == 'BLOCK_SNAPSHOT_BROKEN']

    def assert_broken(self, snap, operation, reason, nospace=False):
        self.refused(snap, 512, 0)
        self.refused(snap, MIB, 4 * MIB)
        if program.is_oracle():
            return
        self.assertEqual(exports.errno_of(
            snap.block_status, MIB, 0, lambda *args: 0), 'EINVAL')
        self.assertEqual(self.broken_events(), [{
            'node-name': 'cbw', 'operation': operation, 'reason': reason,
            'nospace': nospace}])
        node = 'disk' if operation == 'read' else 'temp'
        verb = 'reading' if operation == 'read' else 'writing to'
        self.assertEqual(self.node('cbw')['snapshot-error'],
                         f"{verb} node '{node}': {reason}")


class Errors(ErrorCase):

    # -- break-guest-write

    def test_guest_write_fails_once(self):
        self.add_failing({'event': 'write_aio', 'errno': 28, 'once': True})
        snap = self.freeze()
        self.assertEqual(exports.errno_of(self.guest.pwrite, b'x' * 512, MIB),
                         'ENOSPC')
        self.assertEqual(self.guest.pread(512, MIB),
                         self.frozen[MIB:MIB + 512])
        self.assert_frozen(snap, 0, 2 * MIB)
        # It is tried again.
        self.guest.pwrite(b'x' * 512, MIB)
        self.assert_frozen(snap, MIB, CLUSTER)
        self.assertEqual(self.guest.pread(512, MIB), b'x' * 512)
        self.assertEqual(self.broken_events(), [])

    def test_guest_write_fails_always(self):
        self.add_failing({'event': 'write_aio', 'errno': 5})
        snap = self.freeze(on_cbw_error='break-guest-write')
        for i in range(5):
            self.assertEqual(
                exports.errno_of(self.guest.pwrite, b'x' * 512, i * MIB),
                'EIO')
            self.assertEqual(exports.errno_of(self.guest.zero, 512, i * MIB),
                             'EIO')
        self.assert_frozen(snap)
        self.assertEqual(self.guest.pread(self.size_bytes, 0), self.frozen)

    def test_disk_cannot_be_read(self):
        """What is to be saved cannot be read."""
        self.add_temp()
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'bad', 'image': 'disk',
            'inject-error': [{'event': 'none', 'iotype': 'read', 'errno': 5,
                              'sector': 2 * MIB // 512}]})
        self.put_between('bad')
        self.vm.cmd('blockdev-add', self.cbw_options(
            file='bad', on_cbw_error='break-snapshot'))
        self.put_between('cbw')
        self.vm.cmd('blockdev-add', self.snap_options())
        self.server.add('snap')
        snap = self.connect('snap', [exports.BASE])
        self.guest.pwrite(b'x' * CLUSTER, 2 * MIB)
        self.refused(snap, 512, 0)
        if not program.is_oracle():
            self.assertEqual(self.broken_events(), [{
                'node-name': 'cbw', 'operation': 'read', 'nospace': False,
                'reason': 'Input/output error'}])
            self.assertEqual(self.node('cbw')['snapshot-error'],
                             "reading node 'bad': Input/output error")

    # -- break-snapshot

    def test_snapshot_breaks_once(self):
        self.add_failing({'event': 'write_aio', 'errno': 28, 'once': True})
        snap = self.freeze(on_cbw_error='break-snapshot')
        if not program.is_oracle():
            self.assertNotIn('snapshot-error', self.node('cbw'))
        self.guest.pwrite(b'x' * 512, MIB)
        self.assertEqual(self.guest.pread(512, MIB), b'x' * 512)
        # Once is for good, though the target would do now.
        self.guest.pwrite(b'y' * 512, 2 * MIB)
        self.assert_broken(snap, 'write', 'No space left on device', True)
        # The way back is as ever.
        exports.disconnect(snap)
        self.thaw()
        self.guest.pwrite(b'z' * 512, 3 * MIB)

    def test_snapshot_breaks_always(self):
        self.add_failing({'event': 'write_aio', 'errno': 5})
        snap = self.freeze(on_cbw_error='break-snapshot')
        for i in range(64):
            self.guest.pwrite(bytes([i]) * 512, i * CLUSTER)
        self.assert_broken(snap, 'write', 'Input/output error')
        for i in range(64):
            self.assertEqual(self.guest.pread(512, i * CLUSTER),
                             bytes([i]) * 512)

    @ours_only('files here have no bound')
    def test_target_full(self):
        """A small file system."""
        self.add_temp()
        os.truncate(self.path_of['temp'], self.size_bytes)
        self.vm.cmd('blockdev-del', {'node-name': 'temp'})
        self.add_failing({'event': 'write_aio', 'errno': 28,
                          'sector': 5 * MIB // 512})
        snap = self.freeze(on_cbw_error='break-snapshot')
        self.guest.pwrite(b'x' * MIB, MIB)
        self.assert_frozen(snap)
        self.guest.pwrite(b'x' * MIB, 5 * MIB)
        self.assert_broken(snap, 'write', 'No space left on device', True)


class Late(ErrorCase):
    """The target is on a server that has stopped."""

    def add_far(self):
        self.far_vm = self.daemon()
        self.far_path = images.make(self.path('far.img'), self.size_bytes)
        self.far_vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'far', 'file': {
                'driver': 'file', 'filename': self.far_path}})
        far = exports.Server(self.far_vm, 'far')
        far.add('far')
        self.vm.cmd('blockdev-add', {
            'driver': 'nbd', 'node-name': 'temp', 'export': 'far',
            'server': {'type': 'unix', 'path': far.path}})
        self.addCleanup(self.go_on)

    def stop(self):
        os.kill(self.far_vm.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.far_vm.pid, signal.SIGCONT)

    def test_guest_write_times_out(self):
        self.add_far()
        snap = self.freeze(cbw_timeout=1)
        self.guest.pwrite(b'w' * 512, 0)
        self.stop()
        self.assertEqual(exports.errno_of(self.guest.pwrite, b'x' * 512, MIB),
                         'EINVAL')
        self.assertEqual(self.guest.pread(512, MIB),
                         self.frozen[MIB:MIB + 512])
        self.assert_frozen(snap, MIB, MIB)
        self.go_on()
        # The late copy is of the point in time, too, and counts.
        self.guest.pwrite(b'x' * 512, MIB)
        self.assert_frozen(snap)

    def test_snapshot_times_out(self):
        self.add_far()
        snap = self.freeze(cbw_timeout=1, on_cbw_error='break-snapshot')
        self.guest.pwrite(b'w' * 512, 0)
        self.assert_frozen(snap)
        self.stop()
        self.guest.pwrite(b'x' * 512, MIB)
        self.assertEqual(self.guest.pread(512, MIB), b'x' * 512)
        self.assert_broken(snap, 'write', 'Connection timed out')
        for i in range(64):
            self.guest.pwrite(b'y' * 512, i * CLUSTER)
        self.go_on()

    @ours_only('has seconds only')
    def test_milliseconds(self):
        self.add_far()
        snap = self.freeze(cbw_timeout_ms=50, on_cbw_error='break-snapshot')
        self.stop()
        self.guest.pwrite(b'x' * 512, MIB)
        self.assert_broken(snap, 'write', 'Connection timed out')

    @ours_only('waits for the server')
    def test_taken_out_while_it_is_late(self):
        """The guest gets rid of the filter; the target stays taken until its
        late request has ended, so nothing writes to it behind anybody's
        back."""
        self.add_far()
        snap = self.freeze(cbw_timeout_ms=50, on_cbw_error='break-snapshot')
        self.stop()
        self.guest.pwrite(b'x' * 512, MIB)
        exports.disconnect(snap)
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 'snap'})
        self.put_between('disk')
        self.guest.pwrite(b'y' * MIB, 2 * MIB)
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'cbw'},
                          'Block device cbw is in use')
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'temp'},
                          'Block device temp is in use')
        self.go_on()
        # A request to the target waits behind the late one.
        self.server.add('temp', writable=False)
        self.connect('temp').pread(512, MIB)
        self.vm.cmd('block-export-del', {'id': 'temp', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        for name in 'cbw', 'temp':
            self.vm.cmd('blockdev-del', {'node-name': name})
        self.assertEqual(images.read(self.far_path, MIB, 512),
                         self.frozen[MIB:MIB + 512])

    @ours_only('an abandoned copy keeps it')
    def test_daemon_ends_while_it_is_late(self):
        self.add_far()
        self.freeze(cbw_timeout_ms=50, on_cbw_error='break-snapshot')
        self.stop()
        self.guest.pwrite(b'x' * 512, MIB)
        self.vm.qmp.send_raw('{"execute": "quit"}\n')
        self.go_on()
        self.vm.wait()
        self.assertEqual(images.read(self.path_of['disk'], MIB, 512),
                         b'x' * 512)


class Readers(FleeceCase):

    def test_one_that_never_reads(self):
        """It asks for everything and takes nothing: the guest does not
        wait."""
        self.add_temp()
        snap = self.freeze()
        greedy = self.connect('snap')
        buffers = [nbd.Buffer(MIB) for _ in range(32)]
        cookies = [greedy.aio_pread(buf, i % 8 * MIB)
                   for i, buf in enumerate(buffers)]
        for i in range(128):
            self.guest.pwrite(b'x' * 512, i * CLUSTER)
        self.guest.pwrite(b'y' * MIB, 0)
        # What it gets when it does read after all.
        while cookies:
            cookies = [c for c in cookies
                       if not greedy.aio_command_completed(c)]
            if cookies:
                greedy.poll(-1)
        if not program.is_oracle():
            for i, buf in enumerate(buffers):
                at = i % 8 * MIB
                self.assertTrue(buf.to_bytearray() ==
                                self.frozen[at:at + MIB], i)
            self.assert_frozen(snap)

    def test_one_that_goes(self):
        self.add_temp()
        snap = self.freeze()
        for i in range(8):
            lost = self.server.connect('snap')
            lost.aio_pread(nbd.Buffer(MIB), i * MIB)
            del lost
            self.guest.pwrite(b'x' * MIB, i * MIB)
        self.assert_frozen(snap)


class Killed(FleeceCase):

    def test_the_disk_is_right(self):
        """What the guest was told is safe is there, and is nothing else."""
        self.add_temp()
        self.freeze()
        want = bytearray(self.frozen)
        for i in range(50):
            at = i * 150000 // 512 * 512
            self.guest.pwrite(bytes([i]) * 2048, at, nbd.CMD_FLAG_FUA)
            want[at:at + 2048] = bytes([i]) * 2048
        self.vm.expect_crash = True
        os.kill(self.vm.pid, signal.SIGKILL)
        self.vm.popen.wait()
        self.assertTrue(images.read(self.path_of['disk']) == want)

    def test_a_qcow2_disk_and_target(self):
        for name in 'q', 'qtemp':
            path = self.path(f'{name}.qcow2')
            tools.img('create', '-f', 'qcow2', path, str(self.size_bytes))
            self.vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': name,
                'file': {'driver': 'file', 'filename': path}})
        self.put_between('q')
        self.guest.pwrite(b'o' * self.size_bytes, 0)
        self.vm.cmd('blockdev-add', self.cbw_options(file='q',
                                                     target='qtemp'))
        self.put_between('cbw')
        for i in range(50):
            self.guest.pwrite(bytes([i]) * 2048, i * 150000 // 512 * 512,
                              nbd.CMD_FLAG_FUA)
        self.vm.expect_crash = True
        os.kill(self.vm.pid, signal.SIGKILL)
        self.vm.popen.wait()
        for name in 'q', 'qtemp':
            # Leaks are all right (3), errors are not.
            done = tools.img('check', self.path(f'{name}.qcow2'), check=False)
            self.assertIn(done.returncode, (0, 3), done.stdout)


if __name__ == '__main__':
    case.main()
