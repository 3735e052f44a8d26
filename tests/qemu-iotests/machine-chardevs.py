#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Chardevs as old scripts write them, and the order in which they are
listed."""

from lib import case, machine


class Chardevs(machine.MachineCase):

    def labels(self, vm):
        return [c['label'] for c in vm.cmd('query-chardev')]

    def test_flags(self):
        """"server,nowait" is deprecated, and taken."""
        vm = self.machine('-chardev', 'socket,id=c,path=sock,server,nowait',
                          '-mon', 'chardev=c,mode=control,pretty',
                          '-chardev', 'file,id=f,path=a,,b,append')
        found = {c['label']: c['filename'] for c in vm.cmd('query-chardev')}
        self.assertEqual(found['c'], 'disconnected:unix:sock,server=on')
        self.assertEqual(found['f'], 'file')
        vm.quit()
        err = vm.stderr()
        for flag, instead in (('server', 'server=on'), ('nowait', 'wait=off'),
                              ('pretty', 'pretty=on'),
                              ('append', 'append=on')):
            self.assertIn(f"warning: short-form boolean option '{flag}' "
                          f'deprecated\nPlease use {instead} instead\n', err)

    def test_unknown_flag(self):
        words = 'socket,id=c,path=sock,server,nofoo'
        self.assertEqual(self.refused('-chardev', words),
                         f"-chardev {words}: Invalid parameter 'foo'")

    def test_monitor_on_named(self):
        vm = self.machine('-chardev', 'socket,id=c,path=s,server=on,wait=off',
                          '-qmp', 'chardev:c', '-chardev', 'null,id=n',
                          '-monitor', 'chardev:n')
        self.assertEqual({c['label'] for c in vm.cmd('query-chardev')
                          if c['frontend-open']}, {'iotest', 'c', 'n'})
        for option in '-monitor', '-qmp':
            self.assertEqual(self.refused(option, 'chardev:x'),
                             f'{option} chardev:x: chardev "x" not found')

    def test_order(self):
        args = []
        for name in 'c', 'mon', 'b', 'zz', 'charserial0', 'charmonitor':
            args += ['-chardev', f'null,id={name}']
        vm = self.machine('-machine', 'pc', *args, '-serial', 'null',
                          '-parallel', 'null')
        self.assertEqual(self.labels(vm), [
            'c', 'charmonitor', 'iotest', 'charserial0', 'mon', 'zz',
            'parallel0', 'serial0', 'b'])


if __name__ == '__main__':
    case.main()
