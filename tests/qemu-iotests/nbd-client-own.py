#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of an export of the same process: `disk` is exported as `e`, `n` is
a client of that, exported as `f` to a guest that writes all the time. Nothing
that is done to them in any order may wait for itself."""

import itertools
import json
import threading

from lib import case, tools
from lib.case import ours_only
from lib.jobs import follow
from lib.nbd_peer import CHUNKS, SIZE, ClientCase


@ours_only('waits for itself')
class Own(ClientCase):
    guests = 2

    def setUp(self):
        super().setUp()
        self.vm = self.disk_server(latency_ns=200000)
        self.assertEqual(self.add(self.vm, export='e'), {'return': {}})
        self.export(self.vm, 'n', 'f')
        self.stop = threading.Event()
        self.threads = []
        for _ in range(self.guests):
            thread = threading.Thread(target=self.guest)
            thread.start()
            self.threads.append(thread)
        self.addCleanup(self.end_guests)

    def guest(self):
        while not self.stop.is_set():
            # The export may go away under it.
            tools.io(self.uri('f'), *['write 0 4k', 'read 4k 4k'] * 20,
                     'flush', check=False)

    def end_guests(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    # -- what may be done, again and again

    def transaction(self, number):
        for kind in 'add', 'remove':
            self.vm.cmd('transaction', actions=[
                {'type': f'block-dirty-bitmap-{kind}',
                 'data': {'node': node, 'name': f'b{number}'}}
                for node in ('d', 'n')])

    def backup(self, number):
        target = f't{number}'
        for source in 'd', 'n':
            self.vm.cmd('blockdev-add', {
                'driver': 'null-co', 'node-name': target, 'size': SIZE})
            self.vm.cmd('blockdev-backup', {
                'job-id': 'j', 'device': source, 'target': target,
                'sync': 'full', 'auto-dismiss': True})
            follow(self.vm, 'j', 'null')
            self.vm.cmd('blockdev-del', {'node-name': target})

    def reopen(self, number):
        server = {'type': 'unix', 'path': self.sock}
        self.vm.cmd('blockdev-reopen', options=[
            {'driver': 'nbd', 'node-name': 'n', 'server': server,
             'export': 'e', 'discard': 'unmap' if number % 2 else 'ignore'}])

    def another(self, number):
        """A client comes and goes."""
        name = f'c{number}'
        self.vm.cmd('blockdev-add', {
            'driver': 'nbd', 'node-name': name, 'export': 'e',
            'server': {'type': 'unix', 'path': self.sock}, 'multi-conn': 3})
        self.transaction(number)
        self.vm.cmd('blockdev-del', {'node-name': name})

    def exports(self, number):
        """The guest's export comes and goes."""
        self.vm.cmd('block-export-del', {'id': 'f', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.export(self.vm, 'n', 'f')

    def test_all_orders(self):
        steps = (self.transaction, self.backup, self.reopen, self.another,
                 self.exports)
        number = 0
        for order in itertools.permutations(steps, 2):
            for step in order:
                number += 1
                step(number)

    # -- the end, in all orders

    def test_quit(self):
        self.vm.quit()

    def test_server_stops_first(self):
        """The client is left without its server, and ends all the same."""
        self.vm.cmd('nbd-server-stop')
        self.transaction(1)
        self.vm.cmd('blockdev-del', {'node-name': 'n'})
        self.vm.cmd('blockdev-del', {'node-name': 'd'})

    def test_export_goes_first(self):
        for name in 'e', 'f':
            self.vm.cmd('block-export-del', {'id': name, 'mode': 'hard'})
            self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.transaction(1)
        self.vm.cmd('blockdev-del', {'node-name': 'n'})

    def test_quit_with_job(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'null-co', 'node-name': 't', 'size': SIZE})
        self.vm.cmd('blockdev-backup', {
            'job-id': 'j', 'device': 'n', 'target': 't', 'sync': 'full',
            'speed': 65536})
        self.vm.quit()

    def test_quit_without_server(self):
        self.vm.cmd('nbd-server-stop')
        self.vm.quit()


@ours_only('waits for itself')
class Waiting(ClientCase):
    def test_reconnecting(self):
        """Its server is gone and calls wait for it: what must wait for them
        does so until they fail, not for ever."""
        vm = self.disk_server()
        self.assertEqual(self.add(vm, export='e', **{'reconnect-delay': 1}),
                         {'return': {}})
        vm.cmd('nbd-server-stop')
        other = self.path('other')
        vm.cmd('nbd-server-start',
               addr={'type': 'unix', 'data': {'path': other}})
        self.export(vm, 'n', 'f')
        done = tools.io(f'nbd+unix:///f?socket={other}', 'write 0 4k',
                        check=False)
        self.assertIn('write failed: Input/output error', done.stdout)
        vm.quit()

    def mute(self):
        """A server that takes requests and never answers. An event: it has
        one."""
        asked = threading.Event()

        def talk(peer):
            peer.negotiate(CHUNKS)
            peer.recv(28)
            asked.set()
            peer.recv(1 << 20)
        self.server(talk)
        return asked

    def test_quit_unanswered(self):
        asked = self.mute()
        vm = self.daemon()
        self.add(vm, **{'reconnect-delay': 3600})
        vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('own')}})
        self.export(vm, 'n', 'f')
        guest = threading.Thread(target=lambda: tools.io(
            f"nbd+unix:///f?socket={self.path('own')}", 'read 0 4k',
            check=False))
        guest.start()
        asked.wait()
        vm.quit()
        guest.join()

    def test_signal_while_opening(self):
        """Neither one who says nothing nor one who is not there is waited
        for."""
        for attempt in range(2):
            vm = self.daemon()
            if attempt:
                self.server(lambda peer: (here.set(), peer.recv(1)))
            here = threading.Event()
            vm.qmp.send_raw(json.dumps({
                'execute': 'blockdev-add', 'arguments': {
                    'driver': 'nbd', 'node-name': 'n', 'open-timeout': 3600,
                    'server': {'type': 'unix', 'path': self.sock}}}).encode())
            if attempt:
                here.wait()
            vm.popen.terminate()
            self.assertEqual(vm.wait(), 0)


if __name__ == '__main__':
    case.main()
