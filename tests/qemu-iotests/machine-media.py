#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Removable media and trays; limits of devices."""

from lib import case, images, machine
from lib.images import MIB

ZERO = {'bps': 0, 'bps_rd': 0, 'bps_wr': 0, 'iops': 0, 'iops_rd': 0,
        'iops_wr': 0}


class Kept(machine.MachineCase):

    def test_manner(self):
        """A further medium is opened as the last one was."""
        images.make(self.path('a.img'), MIB)
        images.make(self.path('b.img'), MIB)
        vm = self.machine(
            '-device', 'virtio-scsi', '-drive', 'if=none,id=d,file=a.img,'
            'format=raw,cache=unsafe,detect-zeroes=on', '-device',
            'scsi-cd,id=cd,drive=d')
        for change in False, True:
            if change:
                vm.cmd('blockdev-change-medium', {
                    'id': 'cd', 'filename': 'b.img', 'format': 'raw'})
            info = vm.cmd('query-block')[0]['inserted']
            self.assertEqual(
                (info['file'], info['ro'], info['detect_zeroes'],
                 info['cache']),
                ('b.img' if change else 'a.img', False, 'on',
                 {'no-flush': True, 'direct': False, 'writeback': True}))


class Media(machine.MachineCase):

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB)
        self.vm = self.machine(
            '-device', 'virtio-scsi', '-drive',
            'if=none,id=cd,file=a.img,format=raw,readonly=on', '-device',
            'scsi-cd,id=cd0,drive=cd', '-device', 'scsi-cd,id=cd1',
            '-blockdev', 'driver=null-co,node-name=m,read-only=on',
            '-blockdev', 'driver=null-co,node-name=w', '-device',
            'scsi-hd,drive=w,id=hd', '-device', 'floppy,id=fl')

    def tray_moved(self, device, ident, is_open):
        self.assertEqual(
            self.vm.qmp.event('DEVICE_TRAY_MOVED')['data'],
            {'device': device, 'id': ident, 'tray-open': is_open})

    def inserted(self, ident):
        info, = [b for b in self.vm.cmd('query-block')
                 if b.get('qdev') == ident]
        return info.get('inserted', {}).get('node-name'), \
            info.get('tray_open')

    def fails(self, command, args, desc, cls='GenericError'):
        with self.subTest(command=command, args=args):
            self.assert_error(self.vm, command, args, desc, cls)

    def test_step_by_step(self):
        self.fails('blockdev-remove-medium', {'id': 'cd0'},
                   "Tray of device 'cd0' is not open")
        self.vm.cmd('blockdev-open-tray', {'device': 'cd'})
        self.tray_moved('cd', 'cd0', True)
        self.vm.cmd('blockdev-open-tray', {'id': 'cd0'})
        self.fails('blockdev-insert-medium', {'id': 'cd0', 'node-name': 'm'},
                   'There already is a medium in the device')
        self.vm.cmd('blockdev-remove-medium', {'id': 'cd0'})
        self.vm.cmd('blockdev-remove-medium', {'id': 'cd0'})
        self.assertEqual(self.inserted('cd0'), (None, True))
        self.vm.cmd('blockdev-insert-medium', {'id': 'cd0',
                                               'node-name': 'm'})
        self.vm.cmd('blockdev-close-tray', {'id': 'cd0'})
        self.tray_moved('cd', 'cd0', False)
        self.assertEqual(self.inserted('cd0'), ('m', False))
        self.fails('blockdev-insert-medium', {'id': 'cd1', 'node-name': 'm'},
                   "Node 'm' is already in use")
        self.vm.cmd('eject', {'id': 'cd0'})
        self.tray_moved('cd', 'cd0', True)
        self.vm.cmd('blockdev-del', {'node-name': 'm'})

    def test_exported(self):
        """What is exported by the name of a drive goes with the medium, and
        is gone before the reply; what is by that of a node stays."""
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('nbd')}})
        for name in 'cd', 'm':
            self.vm.cmd('nbd-server-add', device=name)
        self.vm.cmd('eject', id='cd0')
        self.assertEqual(
            [e['event'] for e in self.vm.qmp.events],
            ['DEVICE_TRAY_MOVED', 'BLOCK_EXPORT_DELETED'])
        self.assertEqual(self.vm.qmp.events[1]['data'], {'id': 'cd'})
        self.assertEqual([e['id'] for e in
                          self.vm.cmd('query-block-exports')], ['m'])
        change = {'id': 'cd0', 'filename': 'a.img', 'format': 'raw'}
        self.vm.cmd('blockdev-change-medium', change)
        self.vm.cmd('nbd-server-add', device='cd', name='again')
        self.vm.cmd('blockdev-change-medium', change)
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='again')
        self.assertEqual(len(self.vm.cmd('query-block-exports')), 1)

    def change(self, ident):
        self.vm.cmd('blockdev-change-medium', {
            'id': ident, 'filename': 'b.img', 'format': 'raw'})
        info, = [b for b in self.vm.cmd('query-block')
                 if b['qdev'] == ident]
        return info['inserted']

    def test_read_only_is_kept(self):
        """The first medium may not be written, unless that was asked for; a
        further one as the one before."""
        images.make(self.path('b.img'), MIB)
        self.assertTrue(self.change('fl')['ro'])
        self.vm.cmd('blockdev-remove-medium', {'id': 'fl'})
        self.vm.cmd('blockdev-add', driver='null-co', **{'node-name': 'v'})
        self.vm.cmd('blockdev-insert-medium', {'id': 'fl', 'node-name': 'v'})
        self.assertFalse(self.change('fl')['ro'])
        self.vm.cmd('eject', {'id': 'fl'})
        self.assertTrue(self.change('cd1')['ro'])

    def test_refused(self):
        for command, args, desc in [
                ('blockdev-open-tray', {'id': 'hd'},
                 "Device 'hd' is not removable"),
                ('eject', {'id': 'hd'}, "Device 'hd' is not removable"),
                ('blockdev-remove-medium', {'id': 'hd'},
                 "Device 'hd' is not removable"),
                ('blockdev-insert-medium', {'id': 'hd', 'node-name': 'm'},
                 'Device is not removable'),
                ('blockdev-insert-medium', {'id': 'fl', 'node-name': 'w'},
                 "Node 'w' is already in use"),
                ('blockdev-insert-medium', {'id': 'cd0', 'node-name': 'zz'},
                 "Node 'zz' not found"),
                ('blockdev-change-medium', {'id': 'hd', 'filename': 'a.img',
                                            'format': 'raw'},
                 "Device 'hd' is not removable"),
                ('blockdev-change-medium', {'id': 'cd0',
                                            'filename': 'nosuch'},
                 "Could not open 'nosuch': No such file or directory"),
                ('eject', {}, "Need exactly one of 'device' and 'id'"),
                ('blockdev-open-tray', {'id': 'cd0', 'device': 'cd'},
                 "Need exactly one of 'device' and 'id'")]:
            self.fails(command, args, desc)
        for command in ['eject', 'blockdev-open-tray', 'blockdev-close-tray']:
            self.fails(command, {'id': 'zz'}, "Device 'zz' not found",
                       'DeviceNotFound')

    def test_without_tray(self):
        for command in ['blockdev-open-tray', 'blockdev-close-tray', 'eject']:
            self.vm.cmd(command, {'id': 'fl'})
        self.vm.cmd('blockdev-insert-medium', {'id': 'fl', 'node-name': 'm'})
        self.assertEqual(self.inserted('fl'), ('m', None))
        self.vm.cmd('blockdev-remove-medium', {'id': 'fl'})
        self.assertEqual(self.inserted('fl'), (None, None))

    def test_change(self):
        images.make(self.path('b.img'), MIB)
        self.vm.cmd('blockdev-change-medium', {
            'id': 'cd0', 'filename': 'b.img', 'format': 'raw'})
        self.tray_moved('cd', 'cd0', True)
        self.tray_moved('cd', 'cd0', False)
        info, = [b for b in self.vm.cmd('query-block')
                 if b['device'] == 'cd']
        self.assertEqual((info['inserted']['file'], info['inserted']['ro']),
                         ('b.img', True))
        self.vm.cmd('blockdev-change-medium', {
            'id': 'fl', 'filename': 'a.img', 'format': 'raw',
            'read-only-mode': 'read-write'})
        info, = [b for b in self.vm.cmd('query-block')
                 if b.get('qdev') == 'fl']
        self.assertEqual(info['inserted']['ro'], False)


class Limits(machine.MachineCase):

    def setUp(self):
        super().setUp()
        self.vm = self.machine(
            '-drive', 'if=none,id=d,driver=null-co,bps=100,iops_rd=5,'
            'iops_rd_max=10,throttling.iops-read-max-length=3',
            '-drive', 'if=none,id=e', '-device', 'virtio-scsi', '-blockdev',
            'driver=null-co,node-name=n', '-device', 'scsi-hd,drive=n,id=sd')

    def shown(self, index):
        infos = self.vm.cmd('query-block')
        return {key: value for key, value in infos[index]['inserted'].items()
                if key.startswith(('bps', 'iops', 'group')) and value}

    def set_limits(self, **args):
        return dict(ZERO, **args)

    def test_option(self):
        self.assertEqual(self.shown(0), {
            'bps': 100, 'iops_rd': 5, 'iops_rd_max': 10,
            'iops_rd_max_length': 3, 'group': 'd'})
        self.vm.cmd('block_set_io_throttle', self.set_limits(device='d'))
        self.assertEqual(self.shown(0), {})

    def test_set(self):
        self.vm.cmd('block_set_io_throttle', self.set_limits(
            id='sd', bps_rd=10, iops_wr=7, iops_size=3, group='gg',
            bps_rd_max=20))
        self.assertEqual(self.shown(2), {
            'bps_rd': 10, 'bps_rd_max': 20, 'bps_rd_max_length': 1,
            'iops_wr': 7, 'iops_size': 3, 'group': 'gg'})
        self.vm.cmd('block_set_io_throttle',
                    self.set_limits(device='d', bps=3, group='gg'))
        self.assertEqual(self.shown(2), {'bps': 3, 'group': 'gg'})

    def test_errors(self):
        for args, desc in [
                ({'device': 'e'}, 'Device has no medium'),
                ({}, "Need exactly one of 'device' and 'id'"),
                ({'device': 'd', 'bps': 5, 'bps_rd': 5},
                 'bps/iops/max total values and read/write values cannot be '
                 'used at the same time'),
                ({'device': 'd', 'bps': -5},
                 'bps/iops/max values must be within [0, 1000000000000000]'),
                ({'device': 'd', 'bps': 5, 'bps_max_length': 5},
                 'burst length set without burst rate')]:
            with self.subTest(args=args):
                self.assert_error(self.vm, 'block_set_io_throttle',
                                  self.set_limits(**args), desc)
        self.assert_error(self.vm, 'block_set_io_throttle',
                          self.set_limits(id='zz'), "Device 'zz' not found",
                          'DeviceNotFound')


if __name__ == '__main__':
    case.main()
