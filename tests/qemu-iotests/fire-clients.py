#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Under fire: clients, exports and servers come and go during backups.

A request without a reply may have been done or not, as a whole; all others
must be where their replies say, in the disk, its bitmaps and the backups.
"""

import socket
import struct

from lib import case
from lib.fire_case import FireCase, Trouble, backup, bitmap
from lib.history import common
from lib.qmp import QMPError


class Clients(FireCase):

    rounds = 6

    def start_crowd(self, disk):
        super().start_crowd(disk, may_end=True, drops=0.02)
        disk.crowd.allow(40)

    # -- what happens while jobs run

    def interfere(self):
        disk = self.random.choice(self.disks)
        self.random.choice((self.delete_safely, self.delete_hard,
                            self.restart_server, self.half_a_request,
                            self.half_a_request, self.bystander))(disk)

    def delete_safely(self, disk):
        """Refused while there are clients; else the export is gone."""
        try:
            self.vm.cmd('block-export-del', id=disk.name, mode='safe')
        except QMPError as error:
            self.assertEqual(error.desc,
                             f"export '{disk.name}' still in use")
            return
        self.wait_deleted(disk)
        disk.crowd.stop()
        self.export_again(disk)

    def delete_hard(self, disk):
        self.vm.cmd('block-export-del', id=disk.name, mode='hard')
        self.wait_deleted(disk)
        disk.crowd.stop()
        self.export_again(disk)

    def restart_server(self, disk):
        self.vm.cmd('nbd-server-stop')
        self.assertEqual(self.vm.cmd('query-block-exports'), [])
        for each in self.disks:
            self.wait_deleted(each)
            each.crowd.stop()
        self.vm.cmd('nbd-server-start', {'addr': {
            'type': 'unix', 'data': {'path': self.server.path}}})
        for each in self.disks:
            self.export_again(each)

    def wait_deleted(self, disk):
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id=disk.name)

    def export_again(self, disk):
        """Of the filter while there is one: it forbids writes below."""
        try:
            self.server.add('filter-' + disk.name, name=disk.name)
        except QMPError:
            self.wait_until_writable(disk)
        disk.crowd.check_reads()
        self.start_crowd(disk)

    def wait_until_writable(self, disk):
        """The filter has gone, or is about to."""
        while True:
            try:
                self.server.add(disk.name)
                return
            except QMPError:
                self.assertIn('filter-' + disk.name, self.node_names())

    def half_a_request(self, disk):
        """A write whose payload never comes in full changes nothing."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.server.path)
            sock.sendall(struct.pack('>I', 1))
            sock.sendall(struct.pack('>8sII', b'IHAVEOPT', 1,
                                     len(disk.name)) + disk.name.encode())
            length = self.random.choice((512, 65536, 1 << 20))
            sock.sendall(struct.pack('>IHHQQI', 0x25609513, 0, 1, 7, 0,
                                     length) + b'h' * (length // 2))

    def bystander(self, disk):
        """Somebody who only reads, and goes."""
        try:
            self.server.add(disk.name, name='bystander', writable=False)
        except QMPError:
            return
        handle = self.server.connect('bystander')
        handle.pread(65536, 0)
        handle.flush()
        del handle
        self.vm.cmd('block-export-del', id='bystander', mode='hard')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='bystander')

    # -- rounds

    def round(self, first):
        actions = [bitmap('add', d, 'b') for d in self.disks if first]
        actions += [
            backup(d, 'full', speed=4 << 20,
                   filter_node_name='filter-' + d.name) if first else
            backup(d, 'incremental', bitmap='b', speed=4 << 20,
                   filter_node_name='filter-' + d.name)
            for d in self.disks]
        self.allow(30)
        window = self.transaction(*actions)
        ended = Trouble(self, ['job-' + d.name for d in self.disks],
                        self.random.randrange(30), cancel=not first).run()
        done = []
        for disk in self.disks:
            if ended['job-' + disk.name]:
                self.record(disk, 'b', window)
                done.append(disk.history.times(self.target_of(disk), window))
            else:
                self.assertFalse(first)
        common(*done)
        for disk in self.disks:
            self.check_bitmap(disk, 'b')

    def test_all(self):
        for disk in self.disks:
            self.start_crowd(disk)
        for i in range(self.rounds):
            self.round(i == 0)
        self.finish()


class Direct(Clients):
    direct = True


if __name__ == '__main__':
    case.main()
