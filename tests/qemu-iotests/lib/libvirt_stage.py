# SPDX-License-Identifier: GPL-2.0-or-later
"""A program as libvirt starts it for a domain, and a guest that writes.

The monitor is a listening unix socket that the program inherits, the disks
are nodes `libvirt-N-storage` and `libvirt-N-format` below devices with the
ids that libvirt gives, and virtual processors wait for `cont`.
"""

import json
import os
import random
import socket

from . import program, tools
from .daemon import Daemon, StartError
from .images import KIB
from .program import TIMEOUT_S
from .qmp import QMP, Closed

BLOCK = 64 * KIB


def make_disk(path, driver, size_bytes):
    """An image as a user makes it with `qemu-img create`."""
    tools.img('create', '-q', '-f', driver, path, str(size_bytes))


def node_options(disk, directory):
    """The two -blockdev of a disk, as libvirt writes them."""
    storage = disk['node'].replace('-format', '-storage')
    yield {'driver': 'file', 'filename': os.path.join(directory, disk['file']),
           'node-name': storage, 'auto-read-only': True, 'discard': 'unmap'}
    top = {'node-name': disk['node'], 'read-only': False,
           'driver': disk['driver'], 'file': storage}
    if disk['driver'] != 'raw':
        top['backing'] = None
    yield top


class Stage(Daemon):
    """One life of a domain's program. `disks` are those of a `start` step;
    `more` options come before them: buses take the places that they name."""

    def __init__(self, directory, disks, *more, machine='q35'):
        self.path = path = os.path.join(directory, f'monitor{Daemon.count}.sock')
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(1)
            argv = [
                '-nodefaults', '-no-user-config', '-display', 'none',
                '-accel', 'tcg', '-machine', machine, '-m', '32', '-S',
                '-chardev', 'socket,id=charmonitor,'
                f'fd={listener.fileno()},server=on,wait=off',
                '-mon', 'chardev=charmonitor,id=monitor,mode=control', *more]
            for disk in disks:
                for options in node_options(disk, directory):
                    argv += ['-blockdev', json.dumps(options)]
                argv += ['-device', json.dumps({
                    'driver': 'virtio-blk-pci', 'drive': disk['node'],
                    'id': disk['qdev']})]
            super().__init__(
                directory, *argv, monitor=False,
                pass_fds=[listener.fileno()],
                binary=program.find('qemu-system-x86_64'))
        self.disks = disks
        self.has_hmp = None
        self.full = None  # a node below which the file system is full
        self.connect()

    def connect(self):
        self.qmp = QMP.unix(self.path)
        try:
            self.qmp.greeting = self.qmp.recv()
        except Closed:
            raise StartError(self.popen.wait(TIMEOUT_S),
                             self.stderr()) from None

    def reconnect(self):
        """The client is gone at once, as when it is killed, and comes back."""
        self.qmp.close()
        self.connect()

    @staticmethod
    def skips(step):
        """Is the command of STEP beyond this program?"""
        return False

    def guest_write(self, disk, pattern, offset_bytes, length_bytes):
        """A write as the guest of DISK; false if there can be none."""
        if self.has_hmp is None:
            self.has_hmp = 'human-monitor-command' in [
                c['name'] for c in self.cmd('query-commands')]
        if not self.has_hmp:
            return False
        said = self.guest_io(
            disk, f'write -P {pattern} {offset_bytes} {length_bytes}')
        if self.full and said == 'write failed: No space left on device\n':
            return False
        assert said.startswith(f'wrote {length_bytes}/{length_bytes}'), said
        return True

    def guest_io(self, disk, command):
        """A qemu-io COMMAND as the guest of DISK; what it printed."""
        before = len(self.stdout())
        answer = self.cmd('human-monitor-command', {
            'command-line': f'qemu-io -d {self.qdev(disk)} "{command}"'})
        assert answer == '', answer
        return self.stdout()[before:]

    @staticmethod
    def qdev(disk):
        return f"/machine/peripheral/{disk['qdev']}/virtio-backend"

    def terminate(self):
        """Ends the program as libvirt does; its exit code."""
        self.popen.terminate()
        code = self.wait()
        self.qmp.recv_until_closed()
        self.qmp.close()
        return code


class Guest:
    """Writes blocks of 64 KiB to the disks of a stage and remembers them.

    Invariant: `wrote[qdev][block]` is the pattern that the disk has there;
    a block that is not in it reads as zeroes.
    """

    def __init__(self, disks, seed=1):
        self.source = random.Random(seed)
        self.disks = disks
        self.wrote = {disk['qdev']: {} for disk in disks}

    def write(self, stage):
        for disk in self.disks:
            block = self.source.randrange(disk['size'] // BLOCK)
            pattern = self.source.randrange(1, 255)
            if stage.guest_write(disk, pattern, block * BLOCK, BLOCK):
                self.wrote[disk['qdev']][block] = pattern

    def snapshot(self):
        return {qdev: dict(blocks) for qdev, blocks in self.wrote.items()}


def check_image(path, driver, size_bytes, blocks):
    """The image holds BLOCKS and nothing else."""
    model = path + '.model'
    with open(model, 'wb') as f:
        f.truncate(size_bytes)
        for block, pattern in blocks.items():
            f.seek(block * BLOCK)
            f.write(bytes([pattern]) * BLOCK)
    try:
        tools.img('compare', '-f', driver, '-F', 'raw', path, model)
    finally:
        os.unlink(model)
