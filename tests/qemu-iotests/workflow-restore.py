#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Increments that are qcow2 images behind one another: every day is served
as it is, without a restore, and a guest can go on from one at once."""

from lib import case, exports, jobs, program, tools
from lib.nbd_tool import Server
from lib.workflow_case import CLUSTER, WorkflowCase


class Restore(WorkflowCase):

    def setUp(self):
        super().setUp()
        self.days = []
        self.bitmap('add', 'b')
        self.back_up('full')
        self.write(1, 2)
        self.back_up('incremental', bitmap='b')
        self.write(2, 3)
        self.hide(1)
        self.back_up('incremental', bitmap='b')

    def image(self, day):
        return self.path(f'day{day}.qcow2')

    def make(self):
        """The next image of the chain; which day it is."""
        day = len(self.days)
        behind = ['-b', self.image(day - 1), '-F', 'qcow2'] if day else []
        tools.img('create', '-q', '-f', 'qcow2', *behind, self.image(day),
                  self.size_bytes)
        return day

    def options(self, day):
        """Of the image alone."""
        return {'driver': 'qcow2', 'node-name': 'target', 'backing': None,
                'file': {'driver': 'file', 'filename': self.image(day)}}

    def back_up(self, sync, **args):
        """Only what changed is in the image."""
        self.vm.cmd('blockdev-add', self.options(self.make()))
        self.run_backup('target', sync=sync, **args)
        self.remove_disk('target')
        self.days.append(bytes(self.now))

    def hide(self, cluster):
        """The guest zeroes what the days before have."""
        self.guest.zero(CLUSTER, cluster * CLUSTER)
        self.now[cluster * CLUSTER:(cluster + 1) * CLUSTER] = bytes(CLUSTER)

    def assert_day(self, day):
        plain = self.path(f'day{day}.raw')
        tools.img('convert', '-f', 'qcow2', '-O', 'raw', self.image(day),
                  plain)
        with open(plain, 'rb') as file:
            self.assert_bytes(file.read(), self.days[day])

    def test_through_a_server(self):
        """One that shows the image alone, too."""
        self.hide(2)
        self.write(4)
        store = self.daemon()
        day = self.make()
        store.cmd('blockdev-add', self.options(day))
        server = exports.Server(store, 'store')
        server.add('target')
        self.vm.cmd('blockdev-add', {
            'driver': 'nbd', 'node-name': 'target', 'export': 'target',
            'server': {'type': 'unix', 'path': server.path}})
        self.run_backup('target', sync='incremental', bitmap='b')
        self.remove_disk('target')
        store.quit()
        self.days.append(bytes(self.now))
        self.assert_day(day)

    def test_by_name(self):
        """drive-backup opens the image alone."""
        self.hide(2)
        self.write(4)
        day = self.make()
        self.vm.cmd('drive-backup', {
            'job-id': 'job', 'device': 'disk', 'target': self.image(day),
            'format': 'qcow2', 'mode': 'existing', 'sync': 'incremental',
            'bitmap': 'b'})
        self.assertNotIn('error', self.wait_null())
        self.days.append(bytes(self.now))
        self.assert_day(day)

    def test_served(self):
        """The NBD tool shows every day, and writes nothing."""
        for day, content in enumerate(self.days):
            server = Server(self, '-r', '-f', 'qcow2', self.image(day),
                            sock=self.path(f'day{day}.sock'))
            found = self.path(f'day{day}.raw')
            tools.nbdcopy(server.uri(), found)
            with open(found, 'rb') as file:
                self.assert_bytes(file.read(), content)
            server.wait()
        tools.img('check', '-q', self.image(2))

    def test_used_at_once(self):
        """A guest is on an image above a day; what lies behind it comes
        while it writes, and then stands alone."""
        new = self.path('new.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', '-b', self.image(1), '-F',
                  'qcow2', new)
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'new',
            'file': {'driver': 'file', 'filename': new}})
        self.server.add('new')
        guest = self.connect('new')
        now = bytearray(self.days[1])
        self.assert_reads(guest, now)
        self.vm.cmd('block-stream', {'job-id': 'job', 'device': 'new',
                                     'speed': 1})
        guest.pwrite(b'n' * CLUSTER, 5 * CLUSTER)
        now[5 * CLUSTER:6 * CLUSTER] = b'n' * CLUSTER
        self.vm.cmd('block-job-set-speed', {'device': 'job', 'speed': 0})
        jobs.follow(self.vm, 'job', 'null')
        self.assert_reads(guest, now)
        exports.disconnect(guest)
        self.vm.cmd('block-export-del', {'id': 'new'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.remove_disk('new')
        alone = tools.run([program.find('qemu-img'), 'info', new]).stdout
        self.assertNotIn('backing file', alone)
        plain = self.path('new.raw')
        tools.img('convert', '-f', 'qcow2', '-O', 'raw', new, plain)
        with open(plain, 'rb') as file:
            self.assert_bytes(file.read(), now)


if __name__ == '__main__':
    case.main()
