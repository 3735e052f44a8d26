#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a machine has without being told, what does away with it, and where
its disks stand among its parts."""

from lib import case, machine


class WithDefaults(machine.Machine):

    first_args = ('-display', 'none', '-S')


class Defaults(machine.MachineCase):

    def found(self, *args):
        """Its drives with their places, and its ports."""
        vm = WithDefaults(self.dir, *args)
        self.addCleanup(vm.end)
        drives = {d['device']: d.get('qdev', '').rpartition('/')[2]
                  for d in vm.cmd('query-block') if d['device']}
        ports = {c['label'] for c in vm.cmd('query-chardev')}
        vm.quit()
        return drives, ports & {'serial0', 'parallel0'}

    def drives(self, *args):
        return self.found(*args)[0]

    def test_all(self):
        both = {'serial0', 'parallel0'}
        for kind, drives in (
                ('pc', {'ide1-cd0': 'device[23]', 'floppy0': 'device[16]',
                        'sd0': ''}),
                ('q35', {'ide2-cd0': 'device[18]', 'sd0': ''}),
                ('isapc', {'ide1-cd0': 'device[21]', 'floppy0': 'device[13]',
                           'sd0': ''})):
            with self.subTest(kind):
                self.assertEqual(self.found('-machine', kind), (drives, both))
        self.assertEqual(self.found('-machine', 'none'), ({}, set()))
        self.assertEqual(self.found('-nodefaults'), ({}, set()))

    def test_instead(self):
        null = ('-blockdev', 'null-co,node-name=n', '-device', 'virtio-scsi')
        for args, gone in (
                (('-device', 'ide-hd,drive=n'), 'ide1-cd0'),
                (('-device', '{"driver":"ide-cd"}'), 'ide1-cd0'),
                (('-device', 'scsi-hd,drive=n'), 'ide1-cd0'),
                (('-device', 'id=x,driver=scsi-cd'), 'ide1-cd0'),
                (('-global', 'ide-cd.serial=x'), 'ide1-cd0'),
                (('-device', 'virtio-blk,drive=n'), None),
                (('-device', 'floppy'), 'floppy0'),
                (('-global', 'driver=isa-fdc,property=dma,value=2'),
                 'floppy0')):
            with self.subTest(args):
                self.assertEqual(
                    {'ide1-cd0', 'floppy0', 'sd0'}
                    - set(self.drives('-machine', 'pc', *null, *args)),
                    {gone} - {None})

    def test_ports(self):
        for args, left in ((('-serial', 'none'), {'parallel0'}),
                           (('-parallel', 'none'), {'serial0'}),
                           (('-global', 'isa-serial.irq=4'), {'parallel0'}),
                           (('-serial', 'null'), {'serial0', 'parallel0'})):
            with self.subTest(args):
                self.assertEqual(self.found('-machine', 'pc', *args)[1], left)

    def test_places(self):
        disks = ('-drive', 'if=floppy,driver=null-co', '-drive',
                 'if=ide,index=0,driver=null-co')
        for args, places in (
                (('pc', '-nodefaults'), (13, 19)),
                (('pc',), (16, 23)),
                (('pc', '-vga', 'none'), (15, 22)),
                (('pc', '-device', 'VGA'), (15, 22)),
                (('pc', '-net', 'none'), (16, 22)),
                (('pc', '-nodefaults', '-vga', 'std'), (14, 20)),
                (('pc', '-nodefaults', '-net', 'nic', '-net', 'nic'),
                 (13, 21)),
                (('pc', '-nodefaults', '-no-hpet'), (12, 18)),
                (('pc', '-smp', '3'), (18, 25)),
                (('pc', *('-serial', 'null') * 6), (19, 26)),
                (('q35',), (14, 20)),
                (('q35', '-nodefaults', '-vga', 'std'), (12, 18)),
                (('isapc', '-nodefaults'), (10, 16)),
                (('isapc',), (13, 20))):
            with self.subTest(args):
                drives = self.drives(*disks, '-machine', *args)
                self.assertEqual(
                    (drives['floppy0'], drives['ide0-hd0']),
                    tuple(f'device[{n}]' for n in places))


if __name__ == '__main__':
    case.main()
