#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots of machines.

With memory, as libvirt takes them: the machine's state goes to a file first,
which leaves the disks inactive, and then an overlay is put on top. The disk
below must be read-only when the machine goes on. And internal ones, which
tell how long the machine has run."""

from lib import case, images, machine, tools
from lib.images import KIB, MIB

SIZE = MIB


class Saved(machine.MachineCase):

    def node(self, vm, name):
        return next(n for n in vm.cmd('query-named-block-nodes', flat=True)
                    if n['node-name'] == name)

    def disk(self, vm, name):
        path = self.path(name + '.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, str(SIZE))
        vm.cmd('blockdev-add', {
            'driver': 'file', 'node-name': name + '-storage',
            'filename': path, 'auto-read-only': True})
        vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': name, 'file': name + '-storage',
            'backing': None})
        return path

    def write(self, vm, pattern):
        answer = vm.cmd('human-monitor-command', {
            'command-line': 'qemu-io -d /machine/peripheral/v/virtio-backend '
                            f'"write -P {pattern} 0 64k"'})
        self.assertEqual(answer, '')

    def test_snapshot(self):
        vm = self.machine('-machine', 'pc', '-m', '32', '-accel', 'tcg')
        base = self.disk(vm, 'base')
        vm.cmd('device_add', driver='virtio-blk-pci', id='v', drive='base')
        vm.cmd('block-dirty-bitmap-add', node='base', name='b',
               persistent=True)
        vm.cmd('cont')
        self.write(vm, 1)
        vm.cmd('migrate', uri='exec:cat >/dev/null')
        vm.qmp.event('STOP')
        while vm.cmd('query-status')['status'] != 'postmigrate':
            pass
        top = self.disk(vm, 'top')
        vm.cmd('transaction', {'actions': [{
            'type': 'blockdev-snapshot',
            'data': {'node': 'base', 'overlay': 'top'}}]})
        self.assertIs(self.node(vm, 'base')['ro'], True)
        vm.cmd('cont')
        base_node = self.node(vm, 'base')
        self.assertIs(base_node['ro'], True)
        self.assertEqual(base_node['dirty-bitmaps'][0]['count'], 64 * KIB)
        self.write(vm, 2)
        # As libvirt does for the removal of a checkpoint.
        vm.cmd('blockdev-reopen', {'options': [{
            'driver': 'qcow2', 'node-name': 'base', 'read-only': False,
            'file': 'base-storage', 'backing': None}]})
        vm.cmd('block-dirty-bitmap-remove', node='base', name='b')
        vm.quit()
        for path, pattern in (base, b'\1'), (top, b'\2'):
            tools.img('check', '-q', path)
            raw = self.path('raw')
            tools.img('convert', '-O', 'raw', path, raw)
            self.assertEqual(images.read(raw, 0, 64 * KIB),
                             pattern * (64 * KIB))

    def test_internal(self):
        vm = self.machine('-machine', 'none')
        self.disk(vm, 'disk')
        take = {'device': 'disk', 'name': 'stopped'}
        vm.cmd('blockdev-snapshot-internal-sync', take)
        vm.cmd('cont')
        vm.cmd('blockdev-snapshot-internal-sync', dict(take, name='running'))
        first, second = self.node(vm, 'disk')['image']['snapshots']
        self.assertEqual((first['vm-clock-sec'], first['vm-clock-nsec']),
                         (0, 0))
        self.assertGreater(second['vm-clock-sec'] * 10 ** 9 +
                           second['vm-clock-nsec'], 0)
        self.assertLess(second['vm-clock-sec'], 3600)
        gone = vm.cmd('blockdev-snapshot-delete-internal-sync', take)
        self.assertEqual(gone, first)
        # Nobody counts instructions.
        self.assertEqual(list(first), [
            'vm-clock-nsec', 'name', 'date-sec', 'date-nsec', 'vm-clock-sec',
            'id', 'vm-state-size'])


if __name__ == '__main__':
    case.main()
