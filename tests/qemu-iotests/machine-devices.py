#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices: what commands see of them, plugging in and out, filters put below
them while they are used."""

from lib import case, images, machine
from lib.case import ours_only
from lib.images import MIB

SCSI = ('-device', 'virtio-scsi,id=scsi')


def null(name, **options):
    more = ''.join(f',{k.replace("_", "-")}={v}' for k, v in options.items())
    return ('-blockdev', f'driver=null-co,node-name={name}{more}')


class Names(machine.MachineCase):
    """Back ends are found by name, nodes by theirs."""

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB)
        self.vm = self.machine('-drive', 'if=none,id=e0', '-drive',
                               'if=none,id=d0,file=a.img,format=raw')

    def test_errors(self):
        for command, args, desc in [
                ('block_resize', {'device': 'e0', 'size': 1},
                 "Device 'e0' has no medium"),
                ('block_resize', {'device': 'zz', 'size': 1},
                 "Cannot find device='zz' nor node-name=''"),
                ('block-stream', {'device': 'e0'},
                 "Device 'e0' has no medium"),
                ('block-stream', {'device': 'zz'},
                 "Cannot find device='zz' nor node-name='zz'"),
                ('blockdev-backup', {'device': 'e0', 'target': 'd0',
                                     'sync': 'full'},
                 "Device 'e0' has no medium"),
                ('block-dirty-bitmap-add', {'node': 'e0', 'name': 'x'},
                 "Device 'e0' has no medium"),
                ('nbd-server-start', {'addr': {'type': 'unix', 'data': {
                    'path': self.path('s')}}}, None),
                ('nbd-server-add', {'device': 'e0'},
                 "Device 'e0' has no medium"),
                ('blockdev-add', {'driver': 'null-co', 'node-name': 'd0'},
                 'node-name=d0 is conflicting with a device id')]:
            with self.subTest(command=command, args=args):
                if desc:
                    self.assert_error(self.vm, command, args, desc)
                else:
                    self.vm.cmd(command, args)
        self.assert_error(self.vm, 'block-commit', {'device': 'e0'},
                          "Device 'e0' not found", 'DeviceNotFound')

    def test_job_is_called_like_the_device(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 't',
                                     'size': MIB})
        self.vm.cmd('blockdev-backup', {'device': 'd0', 'target': 't',
                                        'sync': 'full'})
        self.assertEqual(
            self.vm.qmp.event('BLOCK_JOB_COMPLETED')['data']['device'], 'd0')

    def test_bitmap_by_device(self):
        self.vm.cmd('block-dirty-bitmap-add', {'node': 'd0', 'name': 'b'})
        info, = [b for b in self.vm.cmd('query-block') if b['device'] == 'd0']
        self.assertEqual([b['name'] for b in
                          info['inserted']['dirty-bitmaps']], ['b'])


class Query(machine.MachineCase):

    def test_all_kinds(self):
        images.make(self.path('a.img'), MIB)
        vm = self.machine(
            *SCSI, '-usb' if machine.program.is_oracle() else '-nodefaults',
            '-device', 'qemu-xhci', '-drive',
            'if=none,id=c,file=a.img,format=raw,media=cdrom', '-device',
            'scsi-cd,drive=c,id=cd', '-drive', 'if=none,id=f,driver=null-co',
            '-device', 'floppy,drive=f,id=fl', *null('i'), '-device',
            'ide-hd,drive=i,id=ide', *null('n'), '-device',
            'nvme,drive=n,id=nv,serial=x', *null('s'), '-device',
            'scsi-hd,drive=s,removable=on,id=sd', *null('v'), '-device',
            'virtio-blk,drive=v,id=vd', *null('w'), '-device',
            'virtio-blk,drive=w', '-drive', 'if=virtio,driver=null-co',
            '-drive', 'if=none,id=e')
        got = {}
        for info in vm.cmd('query-block'):
            inserted = info.pop('inserted', {'ro': None})
            self.assertEqual(info.pop('type'), 'unknown')
            self.assertEqual(info.pop('locked'), False)
            name = info.pop('qdev', info['device'])
            got[name] = (
                info.pop('device'), info.pop('removable'),
                info.pop('tray_open', None), info.pop('io-status', None),
                inserted['ro'])
            self.assertEqual(info, {})
        self.assertEqual(got, {
            'cd': ('c', True, False, 'ok', True),
            'fl': ('f', True, None, None, False),
            '/machine/peripheral-anon/device[2]/virtio-backend':
                ('virtio0', False, None, 'ok', False),
            'e': ('e', True, None, None, None),
            'ide': ('', False, None, 'ok', False),
            'nv': ('', False, None, None, False),
            'sd': ('', True, False, 'ok', False),
            '/machine/peripheral/vd/virtio-backend':
                ('', False, None, 'ok', False),
            '/machine/peripheral-anon/device[1]/virtio-backend':
                ('', False, None, 'ok', False)})

    def test_stats(self):
        vm = self.machine(*null('n'), '-device', 'virtio-blk,drive=n,id=vd')
        entry, = vm.cmd('query-blockstats')
        self.assertEqual((entry['device'], entry['qdev'], entry['node-name']),
                         ('', '/machine/peripheral/vd/virtio-backend', 'n'))
        stats = entry['stats']
        self.assertEqual((stats['account_invalid'], stats['account_failed'],
                          stats['rd_operations'], stats['timed_stats']),
                         (True, True, 0, []))

    def test_permissions(self):
        vm = self.machine(*SCSI, *null('a'), *null('b'), '-device',
                          'scsi-hd,drive=a,id=sd', '-device',
                          'floppy,drive=b,id=fl,share-rw=on')
        graph = vm.cmd('x-debug-query-block-graph')
        names = {n['id']: n['name'] for n in graph['nodes']}
        self.assertEqual(
            {names[e['parent']]: (e['name'], e['perm'], e['shared-perm'])
             for e in graph['edges']},
            {'sd': ('root', ['write', 'consistent-read'],
                    ['resize', 'write-unchanged', 'consistent-read']),
             'fl': ('root', ['write', 'consistent-read'],
                    ['write-unchanged', 'write', 'consistent-read'])})


class Plugging(machine.MachineCase):

    def setUp(self):
        super().setUp()
        self.vm = self.machine(*SCSI, *null('a'), *null('b'), '-object',
                               'iothread,id=io', '-device',
                               'virtio-scsi,id=far,iothread=io')

    def test_errors(self):
        self.vm.cmd('device_add', {'driver': 'scsi-hd', 'drive': 'a',
                                   'id': 'x', 'lun': '1', 'share-rw': True})
        for args, desc in [
                ({'driver': 'scsi-hd', 'drive': 'a', 'id': 'x'},
                 "Duplicate device ID 'x'"),
                ({'driver': 'scsi-hd', 'drive': 'a', 'foo': 1},
                 "Property 'scsi-hd.foo' not found"),
                ({'drive': 'a'}, "Parameter 'driver' is missing"),
                ({'driver': 'foo'},
                 "'foo' is not a valid device model name"),
                ({'driver': 'virtio-blk', 'drive': 'zz'},
                 "Property 'virtio-blk-device.drive' can't find value 'zz'"),
                ({'driver': 'scsi-hd', 'drive': 'a', 'bus': 'foo'},
                 "Bus 'foo' not found"),
                ({'driver': 'scsi-hd'}, 'drive property not set')]:
            with self.subTest(args=args):
                self.assert_error(self.vm, 'device_add', args, desc)
        for path in '/', '/objects', '/machine', '/machine/peripheral', '':
            self.assert_error(self.vm, 'device_del', {'id': path},
                              f'{path} is not a hotpluggable device')
        self.assert_error(self.vm, 'device_del', {'id': 'zz'},
                          "Device 'zz' not found", 'DeviceNotFound')

    def test_in_and_out(self):
        self.vm.cmd('device_add', {'driver': 'scsi-hd', 'drive': 'a',
                                   'id': 'x'})
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'a'},
                          'Node a is in use')
        self.vm.cmd('device_del', {'id': 'x'})
        event = self.vm.qmp.event('DEVICE_DELETED')
        self.assertEqual(event['data'],
                         {'device': 'x', 'path': '/machine/peripheral/x'})
        self.vm.cmd('blockdev-del', {'node-name': 'a'})

    def test_thread_goes_before_its_device(self):
        """Its name is free at once; the device keeps the thread."""
        self.vm.cmd('device_add', {'driver': 'scsi-hd', 'drive': 'a',
                                   'id': 'x', 'bus': 'far.0'})
        self.vm.cmd('object-del', {'id': 'io'})
        self.assertEqual(self.vm.cmd('query-iothreads'), [])
        self.vm.cmd('object-add', {'qom-type': 'iothread', 'id': 'io'})
        self.vm.cmd('human-monitor-command',
                    {'command-line': 'qemu-io -d x "read 0 64k"'})
        self.vm.cmd('device_del', {'id': 'x'})
        self.vm.qmp.event('DEVICE_DELETED')
        self.vm.cmd('object-del', {'id': 'io'})

    def test_pci_waits_for_reset(self):
        """The guest of a machine that stands still lets nothing go."""
        self.vm.cmd('device_add', {'driver': 'virtio-blk', 'drive': 'a',
                                   'id': 'v'})
        self.vm.cmd('device_del', {'id': '/machine/peripheral/v'})
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'a'},
                          'Node a is in use')
        self.assert_error(self.vm, 'device_del', {'id': 'v'},
                          'Device v is already in the process of unplug')
        self.vm.cmd('system_reset')
        self.vm.qmp.event('DEVICE_DELETED',
                          path='/machine/peripheral/v/virtio-backend')
        self.vm.qmp.event('DEVICE_DELETED', device='v')
        self.vm.cmd('blockdev-del', {'node-name': 'a'})

    @ours_only('asks the guest, which has to let go of it')
    def test_pci_of_a_running_machine(self):
        for run_first in True, False:
            self.vm.cmd('device_add', {'driver': 'virtio-blk', 'drive': 'a',
                                       'id': 'v'})
            if run_first:
                self.vm.cmd('cont')
            self.vm.cmd('device_del', {'id': 'v'})
            if not run_first:
                self.vm.cmd('cont')
            self.vm.qmp.event('DEVICE_DELETED', device='v')
            self.vm.cmd('stop')

    @ours_only('asks the guest, which has to let go of it')
    def test_drive_goes_with_its_device(self):
        vm = self.machine(*SCSI, '-drive', 'if=none,id=d,driver=null-co',
                          '-device', 'scsi-hd,drive=d,id=sd')
        vm.cmd('device_del', {'id': 'sd'})
        vm.qmp.event('DEVICE_DELETED')
        self.assertEqual(vm.cmd('query-block'), [])

    def test_threads(self):
        add = {'driver': 'scsi-hd', 'drive': 'a', 'share-rw': True}
        self.vm.cmd('device_add', dict(add, id='x', bus='far.0'))
        self.assert_error(self.vm, 'device_add',
                          dict(add, id='y', bus='scsi.0'),
                          'Cannot change iothread of active block backend')
        for args, desc in [
                ({'node-name': 'a', 'iothread': None},
                 'Node a is associated with a BlockBackend and could be in '
                 'use (use force=true to override this check)'),
                ({'node-name': 'a', 'iothread': 'zz', 'force': True},
                 'Cannot find iothread zz'),
                ({'node-name': 'zz', 'iothread': 'io'},
                 "Failed to find node with node-name='zz'"),
                ({'node-name': 'a', 'iothread': None, 'force': True},
                 'Cannot change iothread of active block backend')]:
            with self.subTest(args=args):
                self.assert_error(self.vm, 'x-blockdev-set-iothread', args,
                                  desc)
        self.vm.cmd('x-blockdev-set-iothread',
                    {'node-name': 'b', 'iothread': 'io'})


class Objects(machine.MachineCase):

    def setUp(self):
        super().setUp()
        self.vm = self.machine(*SCSI, *null('a'), *null('b'), '-device',
                               'scsi-hd,drive=a,id=sd', '-drive',
                               'if=none,id=d,driver=null-co', '-device',
                               'virtio-blk,drive=d,id=vd')

    def get(self, path, name):
        return self.vm.cmd('qom-get', {'path': path, 'property': name})

    def put(self, value, path='/machine/peripheral/sd', name='drive'):
        return {'path': path, 'property': name, 'value': value}

    def test_get(self):
        self.assertEqual(self.get('/machine', 'type'),
                         'pc-i440fx-7.2-machine')
        for path in ['sd', '/machine/peripheral/sd', 'peripheral/sd']:
            self.assertEqual(self.get(path, 'drive'), 'a')
        self.assertEqual(self.get('/machine/peripheral/vd', 'drive'), 'd')
        self.assertEqual(self.get('vd/virtio-backend', 'type'),
                         'virtio-blk-device')
        for name, value in [('type', 'scsi-hd'), ('realized', True),
                            ('hotplugged', False), ('share-rw', False),
                            ('logical_block_size', 512), ('serial', ''),
                            ('werror', 'auto')]:
            self.assertEqual(self.get('sd', name), value, name)

    def test_list(self):
        entries = self.vm.cmd('qom-list', {'path': '/machine/peripheral'})
        self.assertEqual(
            {(e['name'], e['type']) for e in entries},
            {('type', 'string'), ('scsi', 'child<virtio-scsi-pci>'),
             ('sd', 'child<scsi-hd>'), ('vd', 'child<virtio-blk-pci>')})
        names = {e['name'] for e in self.vm.cmd(
            'qom-list', {'path': '/machine/peripheral/sd'})}
        self.assertLessEqual({'drive', 'serial', 'parent_bus', 'realized',
                              'share-rw'}, names)

    def test_set_errors(self):
        for args, desc, cls in [
                (self.put('zz'), "Cannot find device='' nor node-name='zz'",
                 'GenericError'),
                (self.put(''), "Cannot find device='' nor node-name=''",
                 'GenericError'),
                (self.put(1), "Invalid parameter type for 'drive', expected: "
                              'string', 'GenericError'),
                (self.put(1, name='foo'), "Property 'scsi-hd.foo' not found",
                 'GenericError'),
                (self.put('x', name='serial'),
                 "Attempt to set property 'serial' on device 'sd' (type "
                 "'scsi-hd') after it was realized", 'GenericError'),
                (self.put('a', path='/machine/peripheral/zz'),
                 "Device '/machine/peripheral/zz' not found",
                 'DeviceNotFound')]:
            with self.subTest(args=args):
                self.assert_error(self.vm, 'qom-set', args, desc, cls)

    def test_set(self):
        self.vm.cmd('qom-set', self.put('b'))
        self.assertEqual(self.get('sd', 'drive'), 'b')
        self.vm.cmd('blockdev-del', {'node-name': 'a'})

    def test_set_conflict(self):
        node = self.vm.cmd('query-block')[0]['inserted']['node-name']
        self.assert_error(
            self.vm, 'qom-set', self.put(node),
            f"Permission conflict on node '{node}': permissions 'write' are "
            f"both required by block device 'd' (uses node '{node}' as 'root' "
            f"child) and unshared by block device 'sd' (uses node '{node}' as "
            "'root' child).")
        self.assertEqual(self.get('sd', 'drive'), 'a')

    def test_filter(self):
        """Fleecing: a filter is put below the device and taken out again."""
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 't'})
        self.vm.cmd('blockdev-add', {'driver': 'copy-before-write',
                                     'node-name': 'cbw', 'file': 'a',
                                     'target': 't'})
        self.vm.cmd('qom-set', self.put('cbw'))
        self.assertEqual(self.get('sd', 'drive'), 'cbw')
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'cbw'},
                          'Node cbw is in use')
        self.vm.cmd('qom-set', self.put('a'))
        self.vm.cmd('blockdev-del', {'node-name': 'cbw'})


if __name__ == '__main__':
    case.main()
