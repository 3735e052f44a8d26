#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The chips that hold the firmware: drives of if=pflash, and nodes that
-machine names. Management programs give both to machines that boot by UEFI."""

from lib import case, machine

NULL = 'if=pflash,driver=null-co'
CODE = ('-blockdev', 'null-co,node-name=code,size=2097152,read-only=on')
VARS = ('-blockdev', 'null-co,node-name=vars,size=1048576')


class Firmware(machine.MachineCase):

    def shown(self, vm):
        return [(d['device'], d['inserted']['node-name'][:4], d['qdev'],
                 d['removable'], d['inserted']['ro'])
                for d in vm.cmd('query-block')]

    def test_nodes(self):
        for kind in 'pc', 'q35':
            vm = self.machine(
                *CODE, *VARS,
                '-machine', f'{kind},pflash0=code,pflash1=vars')
            flash = '/machine/system.flash'
            self.assertEqual(self.shown(vm), [
                ('', 'code', f'{flash}0', False, True),
                ('', 'vars', f'{flash}1', False, False)])
            for name, value in (('drive', 'vars'), ('num-blocks', 256),
                                ('sector-length', 4096), ('width', 1),
                                ('name', 'system.flash1')):
                self.assertEqual(
                    vm.cmd('qom-get', path=f'{flash}1', property=name), value)
            self.assert_error(vm, 'blockdev-del', {'node-name': 'vars'},
                              'Node vars is in use')
            self.assert_error(vm, 'eject', {'id': f'{flash}1'},
                              f"Device '{flash}1' is not removable")
            self.assert_error(
                vm, 'device_del', {'id': f'{flash}1'},
                "Bus 'main-system-bus' does not support hotplugging")
            vm.quit()

    def test_drives(self):
        vm = self.machine('-machine', 'q35', '-drive', f'{NULL},size=1M',
                          '-drive', f'{NULL},size=2M,id=v')
        self.assertEqual(
            [(d['device'], d['qdev'], d['removable'])
             for d in vm.cmd('query-block')],
            [('pflash0', '/machine/system.flash0', False),
             ('v', '/machine/system.flash1', False)])

    def test_writes(self):
        """A chip may write at any time: nobody else does."""
        device = 'virtio-blk,drive=vars'
        text = self.refused(*VARS, '-machine', 'pc,pflash0=vars', '-device',
                            device)
        self.assertIn("required by block device '/machine/system.flash0' "
                      "(uses node 'vars' as 'root' child)", text)

    def test_refused(self):
        for args, text in (
                (('-machine', 'q35,pflash0=x'),
                 "Property 'cfi.pflash01.drive' can't find value 'x'"),
                ((*VARS, '-machine', 'q35,pflash1=vars'),
                 'pflash1 requires pflash0'),
                (('-drive', f'{NULL},unit=1,size=1M'),
                 'pflash1 requires pflash0'),
                (('-drive', 'if=pflash'),
                 "can't get size of block device pflash0: No medium found"),
                (('-drive', f'{NULL},size=9M'),
                 'combined size of system firmware exceeds 8388608 bytes'),
                (('-drive', f'{NULL},size=5M', '-drive', f'{NULL},size=4M'),
                 'combined size of system firmware exceeds 8388608 bytes'),
                (('-drive', f'{NULL},size=1000'),
                 'info: its size must be a non-zero multiple of 0x1000'),
                ((*VARS, '-machine', 'q35,pflash0=vars', '-drive',
                  f'{NULL},size=1M'),
                 f'-drive {NULL},size=1M: clashes with -machine'),
                (('-drive', f'{NULL},unit=2'),
                 f'-drive {NULL},unit=2: machine type does not support '
                 'if=pflash,bus=0,unit=2'),
                (('-machine', 'isapc', '-drive', NULL),
                 f'-drive {NULL}: machine type does not support '
                 'if=pflash,bus=0,unit=0')):
            with self.subTest(args):
                self.assertEqual(self.refused(*args), text)


if __name__ == '__main__':
    case.main()
