#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""info qtree: where floppy drives stand, and all that is shown of them."""

import re

from lib import case, hmp, images, machine
from lib.images import KIB

SHOWN = """dev: floppy, id "{id}"
  unit = {unit} (0x{unit})
  drive = "{drive}"
  backend_defaults = "auto"
  logical_block_size = 512 (512 B)
  physical_block_size = 512 (512 B)
  min_io_size = 0 (0 B)
  opt_io_size = 0 (0 B)
  discard_granularity = 4294967295 (4 GiB)
  write-cache = "auto"
  share-rw = false
  account-invalid = "auto"
  account-failed = "auto"
  drive-type = "{type}"
"""


def shown(depth, unit=0, kind='288', drive='', ident=''):
    text = SHOWN.format(id=ident, unit=unit, drive=drive, type=kind)
    return ''.join(' ' * depth + line for line in text.splitlines(True))


class Qtree(machine.MachineCase):

    def floppies(self, *args, kind='pc'):
        """From the bus to the first device behind the drives."""
        vm = self.machine('-machine', kind, *args)
        text = hmp.run(vm, 'info qtree')
        vm.quit()
        found = re.search(r'^ *bus: floppy-bus\.0\n *type floppy-bus\n'
                          r'((?:.*\n)*?)          dev: ', text, re.M)
        self.assertIsNotNone(found, text)
        return found.group(1)

    def test_kind_of_drive(self):
        """It follows from the disk."""
        for size_kib, kind in ((360, '120'), (720, '144'), (1200, '120'),
                               (1440, '144'), (2880, '288'), (1000, '288')):
            with self.subTest(size_kib=size_kib):
                images.make(self.path('f.img'), size_kib * KIB)
                self.assertEqual(
                    self.floppies('-drive', 'if=floppy,file=f.img,format=raw'),
                    shown(14, kind=kind, drive='floppy0'))

    def test_devices(self):
        images.make(self.path('f.img'), 720 * KIB)
        drive = ['-drive', 'if=none,file=f.img,format=raw,id=d']
        self.assertEqual(self.floppies(), '')
        self.assertEqual(self.floppies('-device', 'floppy'), shown(14))
        self.assertEqual(
            self.floppies(*drive, '-device', 'floppy,drive=d,unit=1,id=f'),
            shown(14, 1, '144', 'd', 'f'))
        self.assertEqual(
            self.floppies(*drive, '-device', 'floppy,drive=d,drive-type=120',
                          '-device', 'floppy,drive-type=144'),
            shown(14, 1, '144') + shown(14, 0, '120', 'd'))
        text = self.floppies('-device', 'floppy,share-rw=on,write-cache=off,'
                             'min_io_size=1k,account-failed=on')
        for line in ('share-rw = true', 'write-cache = "off"',
                     'min_io_size = 1024 (1 KiB)', 'account-failed = "on"'):
            self.assertIn(f'{" " * 16}{line}\n', text)

    def test_controller(self):
        """On q35, where it has to be asked for."""
        self.assertEqual(self.floppies('-device', 'isa-fdc', '-device',
                                       'floppy', kind='q35'), shown(14))
        self.assertEqual(
            self.refused('-machine', 'q35', '-device', 'floppy'),
            "-device floppy: No 'floppy-bus' bus found for device 'floppy'")
        self.assertEqual(self.floppies('-drive', 'if=floppy', kind='q35'),
                         shown(14, drive='floppy0'))

    def test_order(self):
        """The newest device comes first, and before the chips."""
        vm = self.machine('-machine', 'pc', '-device', 'virtio-scsi,id=s0',
                          '-device', 'virtio-scsi,id=s1')
        lines = [line for line in hmp.run(vm, 'info qtree').splitlines()
                 if line.startswith('      dev: ')]
        self.assertEqual(lines, [
            '      dev: virtio-scsi-pci, id "s1"',
            '      dev: virtio-scsi-pci, id "s0"',
            '      dev: PIIX4_PM, id ""', '      dev: piix3-ide, id ""',
            '      dev: PIIX3, id ""', '      dev: i440FX, id ""'])

    def places(self, *args):
        """Buses of IDE, SCSI and USB, and who stands on them."""
        vm = self.machine(*args)
        lines = hmp.run(vm, 'info qtree').splitlines()
        vm.quit()
        found = [re.match(r' *(?:bus: |dev: )(\S*?)(?:, id "(.*)")?$', line)
                 for line in lines]
        names = [m[2] or m[1] for m in found if m]
        return [n for n in names if re.match(r'(ide|x|s\d|usb-bus)\.|[a-w]$', n)]

    def disks(self, *buses):
        args = []
        for i, bus in enumerate(buses):
            letter = 'abc'[i]
            args += ['-blockdev', f'null-co,node-name={letter}', '-device',
                     f'{bus},drive={letter},id={letter}']
        return args

    def test_newest_bus(self):
        """A device that names no bus goes to the newest."""
        self.assertEqual(
            self.places('-M', 'pc', *self.disks('ide-hd', 'ide-hd')),
            ['ide.1', 'b', 'a', 'ide.0'])
        self.assertEqual(
            self.places('-M', 'q35', *self.disks('ide-hd'))[:3],
            ['ide.5', 'a', 'ide.4'])
        self.assertEqual(
            self.places('-M', 'pc', '-device', 'virtio-scsi-pci,id=s1',
                        *self.disks('scsi-hd'), '-device',
                        'virtio-scsi-pci,id=s2',
                        '-device', 'scsi-cd,id=c')[:4],
            ['s2.0', 'c', 's1.0', 'a'])
        self.assertEqual(
            self.refused('-M', 'pc', *self.disks('ide-hd', 'ide-hd'),
                         '-device', 'ide-cd'),
            '-device ide-cd: IDE unit 1 is in use')

    def test_buses_of_controllers(self):
        self.assertEqual(
            self.places('-M', 'q35', '-device', 'ich9-ahci,id=x', '-device',
                        'ide-cd,id=c,bus=x.3')[:7],
            ['x.5', 'x.4', 'x.3', 'c', 'x.2', 'x.1', 'x.0'])
        self.assertEqual(
            self.places('-M', 'pc', '-device', 'piix3-ide,id=x',
                        *self.disks('ide-hd'))[:3], ['x.1', 'a', 'x.0'])

    def test_usb(self):
        for args in (['-M', 'pc', '-usb'], ['-M', 'q35,usb=on']):
            self.assertEqual(
                self.places(*args, *self.disks('usb-storage'))[:2],
                ['usb-bus.0', 'a'])
        self.assertEqual(
            self.refused('-M', 'pc,usb=foo'),
            "Parameter 'usb' expects 'on' or 'off'")


if __name__ == '__main__':
    case.main()
