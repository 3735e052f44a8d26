#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon is killed at any moment while disks are frozen, read, backed up
and thawed under guests. What was told to be done, or safe, is in what is left;
nothing is there that nobody wrote; images have no damage but leaks; and the
next daemon goes on with them."""

import fcntl
import os
import random
import signal
import threading

import nbd

from lib import case, exports, history, images, tools
from lib.case import ours_only
from lib.guests import Crowd
from lib.history import History, now
from lib.images import KIB, MIB
from lib.qmp import Closed

ROUNDS = 12
MOST_WRITES = 150


def wait_for_kernel(path):
    """Requests that were in flight hold the file, and its locks, for some
    moments after the process is gone."""
    with open(path, 'r+b') as f:
        fcntl.lockf(f, fcntl.LOCK_EX, 300)


class Doomed(History):
    """With the write number LAST the daemon dies."""

    def __init__(self, image, last, kill):
        super().__init__(image)
        self.last, self.kill = last, kill
        self.lock = threading.Lock()

    def begin(self, kind, offset, length):
        with self.lock:
            op = super().begin(kind, offset, length)
            if len(self.ops) == self.last:
                self.kill()
        return op


class Killed(case.Case):
    """`image` and the temporary one are qcow2 or raw files."""

    size_bytes = 2 * MIB
    disk_format, temp_format = 'raw', 'raw'
    behind = False  # the temporary image has the disk behind it

    def setUp(self):
        super().setUp()
        self.random = random.Random(
            f"{self.id()}{os.environ.get('IOTEST_SEED', 1)}")
        self.image = self.path('disk')
        self.content = history.sparse_pattern(self.size_bytes, 1)
        raw = images.make(self.path('raw'), self.size_bytes)
        with open(raw, 'r+b') as f:
            f.write(self.content)
        tools.img('convert', '-f', 'raw', '-O', self.disk_format, raw,
                  self.image)

    # -- nodes

    def add(self, name, path, fmt, **more):
        self.vm.cmd('blockdev-add', {
            'driver': fmt, 'node-name': name, 'discard': 'unmap', **more,
            'file': {'driver': 'file', 'filename': path,
                     'discard': 'unmap'}})

    def start(self):
        self.vm = self.daemon()
        self.add('disk', self.image, self.disk_format)
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'top',
                                     'file': 'disk', 'discard': 'unmap'})
        for name, fmt in ('temp', self.temp_format), ('copy', 'raw'):
            path = self.path(name)
            if os.path.exists(path):
                os.unlink(path)
            tools.img('create', '-f', fmt, path, str(self.size_bytes))
            more = {'backing': 'disk'} if name == 'temp' and self.behind \
                else {}
            self.add(name, path, fmt, **more)
        self.server = exports.Server(self.vm)
        self.server.add('top')

    def put_between(self, file):
        self.vm.cmd('blockdev-reopen', options=[{
            'driver': 'raw', 'node-name': 'top', 'file': file,
            'discard': 'unmap'}])

    def kill(self):
        self.vm.expect_crash = True
        os.kill(self.vm.pid, signal.SIGKILL)

    # -- what a backup program does, until the daemon dies

    def freeze(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'copy-before-write', 'node-name': 'cbw',
            'file': 'disk', 'target': 'temp', 'discard': 'unmap'})
        self.put_between('cbw')
        if not self.behind:
            self.vm.cmd('blockdev-add', {
                'driver': 'snapshot-access', 'node-name': 'snap',
                'file': 'cbw'})

    def read(self):
        node = 'temp' if self.behind else 'snap'
        self.server.add(node, name='snap', writable=False)
        reader = self.server.connect('snap', [exports.BASE])
        for at in range(0, self.size_bytes, 512 * KIB):
            reader.pread(512 * KIB, at)
        reader.shutdown()
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')

    def push(self):
        self.vm.cmd('blockdev-backup', {
            'job-id': 'push', 'device': 'snap', 'target': 'copy',
            'sync': 'full'})
        self.vm.qmp.event('BLOCK_JOB_COMPLETED', device='push')

    def thaw(self):
        if not self.behind:
            self.vm.cmd('blockdev-del', {'node-name': 'snap'})
        self.put_between('disk')
        self.vm.cmd('blockdev-del', {'node-name': 'cbw'})

    def control(self):
        try:
            while True:
                self.freeze()
                self.read()
                if not self.behind and self.random.random() < 0.5:
                    self.push()
                self.thaw()
        except (Closed, ConnectionError, nbd.Error):
            if not self.vm.expect_crash:
                raise

    # -- what is left

    def check_images(self):
        for path, fmt in ((self.image, self.disk_format),
                          (self.path('temp'), self.temp_format)):
            if fmt == 'qcow2':
                for check in tools.img, tools.foreign_img:
                    done = check('check', path, check=False)
                    # Leaks are all right, errors are not.
                    self.assertIn(done.returncode, (0, 3),
                                  done.stdout + done.stderr)

    def left(self):
        out = self.path('left')
        tools.img('convert', '-f', self.disk_format, '-O', 'raw', self.image,
                  out)
        return images.read(out)

    def round(self):
        last = self.random.randrange(1, MOST_WRITES)
        self.start()
        told = Doomed(self.content, last, self.kill)
        crowd = Crowd(self.server, 'top', told, self.random.randrange(1 << 30),
                      may_end=True, largest=256 * KIB)
        crowd.allow(4 * MOST_WRITES)
        self.control()
        self.vm.popen.wait()
        wait_for_kernel(self.image)
        crowd.stop()
        crowd.check_reads()
        self.assertGreaterEqual(len(told.ops), last)
        self.check_images()
        if self.disk_format != 'raw':
            told.lose_cache()
        self.content = self.left()
        told.check_pieces(self.content, (now(), now()))

    def test_rounds(self):
        for _ in range(ROUNDS):
            self.round()


class KilledQcow2(Killed):
    disk_format, temp_format = 'qcow2', 'qcow2'


@ours_only('aborts where the filter is taken out under a guest')
class KilledOldScheme(Killed):
    disk_format, temp_format, behind = 'qcow2', 'qcow2', True


if __name__ == '__main__':
    case.main()
