#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a machine says on standard error: -msg, and who ended it. Management
programs show these lines to people."""

import os
import re

from lib import case, machine

FAILS = '-drive', 'if=none,file=/nonexistent/image'
TEXT = ("qemu-system-x86_64: -drive if=none,file=/nonexistent/image: Could not "
        "open '/nonexistent/image': No such file or directory\n")
TIME = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z '


class Messages(machine.MachineCase):

    def said(self, *args):
        done = machine.run('-nodefaults', '-display', 'none', '-machine',
                           'none', *args)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_marks(self):
        """Where on the line -msg stands does not matter."""
        named = '-name', 'guest=foo,debug-threads=on'
        self.assertEqual(self.said(*FAILS), TEXT)
        self.assertEqual(self.said(*FAILS, *named, '-msg', 'guest-name=on'),
                         'foo ' + TEXT)
        self.assertEqual(self.said('-msg', 'timestamp=off', *FAILS), TEXT)
        for args, name in (((), ''), ((*named, '-msg', 'guest-name=on,'
                                       'timestamp=on'), 'foo ')):
            said = self.said(*FAILS, '-msg', 'timestamp=on', *args)
            self.assertRegex(said, f'^{TIME}{name}{re.escape(TEXT)}$')

    def test_refusals(self):
        self.assertEqual(
            self.said('-msg', 'foo=on'),
            "qemu-system-x86_64: -msg foo=on: Invalid parameter 'foo'\n")
        self.assertEqual(
            self.said('-msg', 'timestamp=2'),
            "qemu-system-x86_64: -msg timestamp=2: Parameter 'timestamp' "
            "expects 'on' or 'off'\n")

    def test_wrong_machine(self):
        for args, text in (
                (['-smp', '2'], 'Invalid SMP CPUs 2. The max CPUs supported by '
                                "machine 'none' is 1"),
                (['-smp', 'x'], "Parameter 'smp.cpus' expects integer"),
                (['-smp', '2,foo=1'], "Parameter 'smp.foo' is unexpected"),
                (['-smp', '2,cores=x'], "Parameter 'smp.cores' expects integer"),
                (['-cpu', 'x'], "unable to find CPU model 'x'"),
                (['-daemonize', '-qmp', 'stdio'],
                 '-qmp stdio: cannot use stdio with -daemonize'),
                (['-qmp', 'unix:/nonexistent/s'],
                 '-qmp unix:/nonexistent/s: Failed to connect to '
                 "'/nonexistent/s': No such file or directory")):
            self.assertEqual(self.said(*args),
                             f'qemu-system-x86_64: {text}\n')

    def test_wrong_drives(self):
        """On a machine that has places for drives of its own."""
        taken = ("Drive 'x' is already in use because it has been "
                 'automatically connected to another device (did you need '
                 "'if=none' in the drive options?)\n")
        for drive, device in (('if=virtio,driver=null-co,id=x', False),
                              ('driver=null-co,id=x', True)):
            where = '-device virtio-blk,drive=x' if device \
                else f'-drive {drive}'
            self.assertEqual(
                self.said('-M', 'pc', '-drive', drive, '-device',
                          'virtio-blk,drive=x'),
                f'qemu-system-x86_64: {where}: {taken}')
        self.assertEqual(
            self.said('-M', 'pc', '-drive', 'if=floppy,index=5,driver=null-co'),
            'qemu-system-x86_64: -drive if=floppy,index=5,driver=null-co: '
            'machine type does not support if=floppy,bus=0,unit=5\n')

    def test_taken_and_empty(self):
        vm = self.machine('-M', 'pc', '-drive', 'if=none,id=x', '-device',
                          'ide-cd,drive=x')
        self.assert_error(vm, 'device_add',
                          {'driver': 'virtio-blk-pci', 'drive': 'x'},
                          "Drive 'x' is already in use by another device")
        vm.quit()

    def test_place_of_disks(self):
        """Their numbers follow from where they are, not from the line."""
        vm = self.machine('-M', 'pc', '-drive', 'index=3,driver=null-co',
                          '-drive', 'index=2,driver=null-co')
        numbers = {info['device']: int(re.search(r'\d+', info['qdev'])[0])
                   for info in vm.cmd('query-block')}
        self.assertEqual(numbers['ide1-hd1'], numbers['ide1-hd0'] + 1)
        vm.quit()

    def test_signal(self):
        vm = self.machine('-msg', 'timestamp=on')
        vm.popen.terminate()
        self.assertEqual(vm.wait(), 0)
        with open('/proc/self/cmdline', encoding='utf-8') as f:
            name = f.read().split('\0', maxsplit=1)[0]
        self.assertRegex(
            vm.stderr(), f'^{TIME}qemu-system-x86_64: terminating on signal 15 '
            f'from pid {os.getpid()} ' + re.escape(f'({name})\n'))


if __name__ == '__main__':
    case.main()
