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


if __name__ == '__main__':
    case.main()
