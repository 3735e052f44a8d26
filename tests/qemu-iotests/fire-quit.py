#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Under fire: the daemon ends while clients write and backups run.

It ends well, and every request that was replied to is in the disk.
"""

import json
import signal

from lib import case, images
from lib.fire_case import FireCase, backup, bitmap
from lib.history import now


class Quit(FireCase):

    def start(self):
        self.start_crowds(may_end=True)
        self.allow(100)
        self.transaction(*(bitmap('add', d, 'b') for d in self.disks))

    def check_end(self):
        """The daemon has been told to end."""
        self.assertEqual(self.vm.wait(), 0)
        self.vm.qmp.close()
        for disk in self.disks:
            disk.crowd.stop()
            disk.crowd.check_reads()
            disk.crowd = None
            disk.history.check_pieces(images.read(disk.path), (now(), now()))

    def end_with_jobs(self, grouped=False, by_signal=None, **options):
        self.start()
        self.transaction(
            *(backup(d, 'full', **options) for d in self.disks),
            grouped=grouped)
        self.allow(100)
        if by_signal:
            self.vm.popen.send_signal(by_signal)
        else:
            self.vm.cmd('quit')
        self.check_end()

    def test_clients(self):
        self.start()
        self.vm.cmd('quit')
        self.check_end()

    def test_running_jobs(self):
        self.end_with_jobs(speed=1 << 20)

    def test_group(self):
        self.end_with_jobs(grouped=True, speed=1 << 20)

    def test_full_speed(self):
        self.end_with_jobs(bitmap='b', bitmap_mode='always')

    def test_signal(self):
        self.end_with_jobs(speed=1 << 20, by_signal=signal.SIGTERM)

    def test_paused_and_pending(self):
        self.start()
        self.transaction(backup(self.disks[0], auto_finalize=False),
                         backup(self.disks[1], speed=1 << 20))
        self.vm.cmd('job-pause', id='job-' + self.disks[1].name)
        self.vm.qmp.event('JOB_STATUS_CHANGE', status='pending',
                          id='job-' + self.disks[0].name)
        self.vm.cmd('quit')
        self.check_end()

    def test_commands_on_their_way(self):
        """Many commands at one go, the last one of them is quit."""
        self.start()
        commands = []
        for i in range(10):
            actions = [bitmap('add', d, f'b{i}') for d in self.disks]
            actions += [bitmap('clear', d, 'b') for d in self.disks]
            if i == 3:
                actions += [backup(d, speed=1 << 20) for d in self.disks]
            commands.append({'execute': 'transaction',
                             'arguments': {'actions': actions}, 'id': i})
        commands += [{'execute': 'block-export-del', 'arguments': {
            'id': self.disks[0].name, 'mode': 'hard'}}, {'execute': 'quit'}]
        self.vm.qmp.send_raw(''.join(json.dumps(c) + '\n' for c in commands))
        for i in range(10):
            self.assertEqual(self.vm.qmp.recv_reply(),
                             {'return': {}, 'id': i})
        self.assertEqual(self.vm.qmp.recv_reply(), {'return': {}})
        self.check_end()


if __name__ == '__main__':
    case.main()
