#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Places on the SCSI buses of different controllers."""

from lib import case, machine

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


if __name__ == '__main__':
    case.main()
