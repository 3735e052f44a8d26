# SPDX-License-Identifier: GPL-2.0-or-later
"""A storage daemon in place of the program that libvirt starts.

Its disks' guests are clients of NBD. Commands about devices and virtual
processors are not sent: a storage daemon has neither.
"""

import json
import os

import nbd

from .daemon import Daemon
from .libvirt_stage import node_options
from .qmp import QMP

NOT_SENT = ('cont', 'stop', 'query-block', 'migrate-set-capabilities')


class DaemonStage(Daemon):

    def __init__(self, directory, disks):
        path = os.path.join(directory, f'nbd{Daemon.count}')
        argv = ['--nbd-server', f'addr.type=unix,addr.path={path}']
        for disk in disks:
            for options in node_options(disk, directory):
                argv += ['--blockdev', json.dumps(options)]
            argv += ['--export', json.dumps({
                'type': 'nbd', 'id': disk['qdev'], 'name': disk['qdev'],
                'node-name': disk['node'], 'writable': True})]
        super().__init__(directory, *argv, negotiate=False)
        self.qmp.greeting = self.qmp.recv()
        self.disks, self.path = disks, path
        self.handles = {}

    @staticmethod
    def skips(step):
        return step['do'] in NOT_SENT or (
            step['do'] == 'query-blockstats' and 'with' not in step)

    def guest_write(self, disk, pattern, offset_bytes, length_bytes):
        handle = self.handles.get(disk['qdev'])
        if handle is None:
            handle = nbd.NBD()
            handle.set_export_name(disk['qdev'])
            handle.connect_unix(self.path)
            self.handles[disk['qdev']] = handle
        handle.pwrite(bytes([pattern]) * length_bytes, offset_bytes)

    def terminate(self):
        self.popen.terminate()
        code = self.wait()
        self.qmp.close()
        return code
