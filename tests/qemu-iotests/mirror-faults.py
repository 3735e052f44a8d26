#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Mirrors whose disks fail: each policy on each side, targets that go away or
hang, and what the bitmap says afterwards."""

import errno
import os
import signal
import unittest

import nbd

from lib import bitmaps, case, exports, images, program, tools
from lib.daemon import Daemon
from lib.images import KIB, MIB
from lib.mirror_case import CHUNK, MirrorCase
from lib.policy_case import PolicyCase

ONLY = unittest.skipIf(program.is_oracle(), 'QEMU 7.2: no bitmap of a mirror')
EACH = [(side, number) for side in ('source', 'target')
        for number in (errno.EIO, errno.ENOSPC)]


class Policies(PolicyCase):

    command = 'blockdev-mirror'
    arguments = {'granularity': 65536}

    def assert_works(self):
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('block-job-cancel', {'device': 'job'})
        self.assert_ends()

    @ONLY
    def test_flush_fails(self):
        """What the target cannot flush it may lack afterwards: all of it is
        to do again."""
        images.make(self.target, MIB)
        self.add_node('src', self.source, [])
        self.add_node('dst', self.target,
                      [{'event': 'none', 'iotype': 'flush', 'errno': 5}])
        self.vm.cmd('block-dirty-bitmap-add', {'node': 'src', 'name': 'b'})
        self.vm.cmd('human-monitor-command', {
            'command-line': 'qemu-io src "write -P 0x5a 0 256k"'})
        arguments = {'job-id': 'job', 'device': 'src', 'target': 'dst',
                     'sync': 'full', 'bitmap': 'b'}
        self.vm.cmd('blockdev-mirror', arguments)
        self.assert_told('target', 'report')
        event = self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assertEqual(event['data']['error'], os.strerror(errno.EIO))
        self.assertEqual(bitmaps.count(self.vm, 'src', 'b'), 256 * KIB)
        self.vm.cmd('blockdev-del', {'node-name': 'dst'})
        self.add_node('dst', self.target, [])
        self.vm.cmd('blockdev-mirror', arguments)
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('block-job-cancel', {'device': 'job'})
        self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assertEqual(bitmaps.count(self.vm, 'src', 'b'), 0)
        self.assertEqual(images.read(self.target, 0, 256 * KIB),
                         b'\x5a' * 256 * KIB)

    def test_report(self):
        for side, number in EACH:
            self.begin(side, number, **{f'on_{side}_error': 'report'})
            self.assert_told(side, 'report')
            self.assert_ends(number)

    def test_default(self):
        for side, number in EACH:
            self.begin(side, number)
            self.assert_told(side, 'report')
            self.assert_ends(number)

    def test_ignore(self):
        for side, number in EACH:
            self.begin(side, number, times=2, **{f'on_{side}_error': 'ignore'})
            for _ in range(2):
                self.assert_told(side, 'ignore')
            self.assert_works()

    def test_stop(self):
        for side, number in EACH:
            self.begin(side, number, times=2, **{f'on_{side}_error': 'stop'})
            for _ in range(2):
                self.assert_told(side, 'stop')
                self.assert_stopped(number)
                self.resume()
            self.assert_works()

    def test_enospc(self):
        for side, number in EACH:
            self.begin(side, number, **{f'on_{side}_error': 'enospc'})
            if number == errno.ENOSPC:
                self.assert_told(side, 'stop')
                self.assert_stopped(number)
                self.resume()
                self.assert_works()
            else:
                self.assert_told(side, 'report')
                self.assert_ends(number)


class Guests(MirrorCase):
    """While a guest writes."""

    size_bytes = 4 * MIB

    def replace_target(self, **rule):
        self.vm.cmd('blockdev-del', {'node-name': 'dst'})
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'dst',
            'inject-error': [{'event': 'none', 'errno': errno.EIO,
                              'iotype': 'write', **rule}],
            'image': {'driver': 'file', 'filename': self.target}})

    def test_write_blocking_target_fails(self):
        """The guest's write is well; the job hears of it."""
        self.replace_target(sector=CHUNK // 512, once=True)
        guest = self.guest()
        self.start_mirror(sync='none', copy_mode='write-blocking',
                          on_target_error='ignore')
        self.wait_ready()
        guest.pwrite(b'\x61' * 4096, CHUNK)
        self.assertEqual(
            self.vm.qmp.event('BLOCK_JOB_ERROR')['data']['action'], 'ignore')
        self.leave()
        for path in self.source, self.target:
            self.assertEqual(images.read(path, CHUNK, 4096), b'\x61' * 4096)

    @ONLY
    def test_fails_when_ready(self):
        """The bitmap then has what the target has not."""
        self.bitmap('add', 'b')
        self.replace_target(sector=5 * CHUNK // 512)
        guest = self.guest()
        self.start_mirror(bitmap='b')
        self.wait_ready()
        guest.pwrite(b'\x61' * (3 * CHUNK), 5 * CHUNK)
        history = self.history()
        self.assertEqual(history[-4], 'aborting')
        self.assertIn('error', history[-3][1])
        got = bitmaps.find(self.vm, 'src', 'b')
        self.assertEqual((got['busy'], got['recording']), (False, True))
        self.assertGreaterEqual(got['count'], CHUNK)

    @ONLY
    def test_last_step_fails(self):
        """In the held section: the users stay, the bitmap has it."""
        self.bitmap('add', 'b')
        self.replace_target(sector=5 * CHUNK // 512)
        guest = self.guest()
        self.start_mirror(bitmap='b', auto_finalize=False)
        self.wait_ready()
        self.vm.cmd('job-complete', {'id': 'job0'})
        self.history('PENDING')
        guest.pwrite(b'\x61' * CHUNK, 5 * CHUNK)
        self.vm.execute('job-finalize', {'id': 'job0'})
        self.assertIn('error', self.history()[-3][1])
        self.assertEqual(bitmaps.count(self.vm, 'src', 'b'), CHUNK)
        guest.pwrite(b'\x62' * CHUNK, 6 * CHUNK)
        self.assertEqual(images.read(self.source, 6 * CHUNK, CHUNK),
                         b'\x62' * CHUNK)

    def test_own_backing_chain(self):
        """The image behind a disk cannot receive its copy."""
        top = self.path('top.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.source, '-F',
                  'raw', top)
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'top', 'backing': 'src',
            'file': {'driver': 'file', 'filename': top}})
        self.guest('top')
        reply = self.vm.execute('blockdev-mirror', {
            'job-id': 'job0', 'device': 'top', 'target': 'src',
            'sync': 'full'})
        self.assertIn('error', reply)
        self.write(0, node='top')


class Remote(MirrorCase):
    """The target is a server that goes away or hangs."""

    size_bytes = 4 * MIB

    def setUp(self):
        super().setUp()
        os.mkdir(self.path('far'))
        self.far = Daemon(self.path('far'))
        self.addCleanup(self.end_far)
        self.far_image = images.make(self.path('far.img'), self.size_bytes)
        self.start_far()
        self.vm.cmd('blockdev-del', {'node-name': 'dst'})
        self.add_remote()

    def end_far(self):
        if self.far is not None:
            self.far.popen.kill()
            self.far.popen.wait()

    def start_far(self):
        self.far.cmd('blockdev-add', {
            'driver': 'file', 'node-name': 'n', 'filename': self.far_image})
        exports.Server(self.far).add('n')

    def add_remote(self, **options):
        self.vm.cmd('blockdev-add', {
            'driver': 'nbd', 'node-name': 'dst', 'export': 'n', **options,
            'server': {'type': 'unix', 'path': self.path('far/nbd')}})

    def restart_far(self):
        self.end_far()
        if os.path.exists(self.path('far/nbd')):
            os.unlink(self.path('far/nbd'))
        self.far = Daemon(self.path('far'))
        self.start_far()

    @ONLY
    def test_resume(self):
        """The server is gone in the middle; with a new one the mirror copies
        only the rest."""
        self.bitmap('add', 'b')
        self.write(*[i * 2 * CHUNK for i in range(10)])
        self.start_slow(bitmap='b')
        self.end_far()
        self.vm.cmd('block-job-set-speed', {'device': 'job0', 'speed': 0})
        history = self.history()
        self.assertEqual(history[-4], 'aborting')
        left = bitmaps.count(self.vm, 'src', 'b')
        self.assertEqual(left, 9 * CHUNK)
        self.vm.cmd('blockdev-del', {'node-name': 'dst'})
        self.restart_far()
        self.add_remote()
        self.start_mirror(bitmap='b')
        self.assertEqual(self.wait_ready(), (left, left))
        self.leave()
        for i in range(10):
            self.assertEqual(images.read(self.far_image, i * 2 * CHUNK, CHUNK),
                             b'\xaa' * CHUNK)

    @case.ours_only('it loops for ever')
    def test_cancel_while_it_hangs(self):
        """The server is there but does not answer."""
        guest = self.guest()
        self.bitmap('add', 'b')
        for mode in 'background', 'write-blocking':
            self.write(0)
            self.start_mirror(bitmap='b', copy_mode=mode)
            self.wait_ready()
            os.kill(self.far.pid, signal.SIGSTOP)
            # The background copies it 100 ms later at most.
            guest.aio_pwrite(nbd.Buffer.from_bytearray(
                bytearray(b'\x31' * CHUNK)), CHUNK)
            guest.poll(300)
            guest.poll(300)
            self.vm.cmd('job-cancel', {'id': 'job0'})
            self.assertEqual(self.history()[-1], 'null')
            while guest.aio_in_flight():
                guest.poll(1000)
            self.assertEqual(images.read(self.source, CHUNK, CHUNK),
                             b'\x31' * CHUNK)
            self.assertGreaterEqual(bitmaps.count(self.vm, 'src', 'b'), CHUNK)
            self.vm.cmd('blockdev-del', {'node-name': 'dst'})
            self.restart_far()
            self.add_remote()


if __name__ == '__main__':
    case.main()
