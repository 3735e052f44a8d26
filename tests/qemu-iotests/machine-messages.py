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
