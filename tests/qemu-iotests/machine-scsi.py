#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Places on the SCSI buses of different controllers, and which disks they
take."""

from lib import case, machine, tools

# Controller, largest id, largest unit.
LIMITS = [
    ('virtio-scsi-pci', 255, 16383),
    ('megasas', 64, 255),
    ('megasas-gen2', 64, 255),
    ('mptsas1068', 8, 1),
    ('pvscsi', 64, 0),
    ('lsi53c895a', 7, 0),
    ('lsi53c810', 7, 0),
    ('am53c974', 7, 7),
    ('dc390', 7, 7),
    ('usb-bot', 0, 15),
    ('usb-uas', 0, 255),
]


class Places(machine.MachineCase):

    start = ('-machine', 'pc', '-device', 'qemu-xhci', '-blockdev',
             'null-co,node-name=n', '-blockdev', 'null-co,node-name=m')

    def refused_last(self, controller, *devices):
        """Why the last of the DEVICES is refused."""
        args = [*self.start, '-device', f'{controller},id=s']
        for device in devices:
            args += ['-device', device]
        text = self.refused(*args)
        head = f'-device {devices[-1]}: '
        self.assertTrue(text.startswith(head), text)
        return text.removeprefix(head)

    def test_limits(self):
        for controller, max_id, max_lun in LIMITS:
            with self.subTest(controller):
                disk = 'scsi-hd,drive=n,bus=s.0'
                for key, name, bad in (('scsi-id', 'device id', max_id + 1),
                                       ('lun', 'device lun', max_lun + 1),
                                       ('channel', 'channel id', 1)):
                    self.assertEqual(
                        self.refused_last(controller, f'{disk},{key}={bad}'),
                        f'bad scsi {name}: {bad}')
                vm = self.machine(
                    *self.start, '-device', f'{controller},id=s', '-device',
                    f'{disk},id=d,scsi-id={max_id},lun={max_lun}')
                self.assertEqual(
                    [vm.cmd('qom-get', path='d', property=p)
                     for p in ('scsi-id', 'lun')], [max_id, max_lun])
                vm.quit()

    def test_full(self):
        one, other = ('scsi-hd,drive=n,bus=s.0',
                      'scsi-hd,drive=m,bus=s.0')
        self.assertEqual(self.refused_last('usb-bot', one, other),
                         'no free target')
        self.assertEqual(
            self.refused_last('pvscsi', one + ',scsi-id=0',
                              other + ',scsi-id=0'), 'no free lun')

    def test_chosen_is_taken(self):
        """A place that a device chose is as good as one that it was told."""
        self.assertEqual(
            self.refused_last('virtio-scsi-pci',
                              'scsi-hd,drive=n,bus=s.0,id=a',
                              'scsi-hd,drive=m,bus=s.0,scsi-id=0,lun=0'),
            "lun already used by 'a'")


class Busy(machine.MachineCase):
    """virtio-scsi takes no disk that somebody works on, while other buses
    leave that to permissions."""

    def start(self):
        vm = self.machine('-S', '-device', 'virtio-scsi-pci,id=v', '-device',
                          'pvscsi,id=p')
        for name in 'a', 't':
            vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': name,
                                    'size': 1 << 20, 'read-zeroes': True})
        return vm

    def plug(self, vm, bus, node):
        vm.cmd('device_add', {'driver': 'scsi-hd', 'bus': bus,
                              'drive': node})

    def refuse(self, vm, node, why, model='scsi-hd'):
        self.assert_error(vm, 'device_add',
                          {'driver': model, 'id': 'd', 'bus': 'v.0',
                           'drive': node}, f"Node '{node}' is busy: {why}")
        self.assertEqual([b for b in vm.cmd('query-block')
                          if b.get('qdev') == 'd'], [])

    def test_image_behind_another(self):
        tools.img('create', '-q', '-f', 'qcow2', self.path('over.img'), '1M')
        for later in False, True:
            vm = self.start()
            vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': 'over',
                'file': {'driver': 'file', 'filename': 'over.img'},
                'backing': None if later else 'a'})
            if later:
                vm.cmd('blockdev-snapshot', {'node': 'a', 'overlay': 'over'})
            for model in 'scsi-hd', 'scsi-cd':
                self.refuse(vm, 'a', "node is used as backing hd of 'over'",
                            model)
            self.plug(vm, 'p.0', 'a')
            vm.quit()

    def test_job(self):
        vm = self.start()
        vm.cmd('blockdev-mirror', {
            'job-id': 'j', 'device': 'a', 'target': 't', 'sync': 'full',
            'filter-node-name': 'f'})
        self.refuse(vm, 'a', 'block device is in use by block job: mirror')
        # What stands in front of the disk for the job may be used.
        self.plug(vm, 'v.0', 'f')
        vm.quit()


if __name__ == '__main__':
    case.main()
