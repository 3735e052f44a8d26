#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Character devices by command, of people and of programs; ring buffers."""

import os

from lib import case, hmp


class Chardevs(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = hmp.start(self)

    def assert_says(self, line, text):
        self.assertEqual(hmp.run(self.vm, line), text, line)

    def add(self, name, kind, **data):
        return self.vm.cmd('chardev-add', {
            'id': name, 'backend': {'type': kind, 'data': data}})

    def assert_refused(self, name, kind, desc, **data):
        self.assert_error(self.vm, 'chardev-add', {
            'id': name, 'backend': {'type': kind, 'data': data}}, desc)

    def shown(self, name):
        return [c['filename'] for c in self.vm.cmd('query-chardev')
                if c['label'] == name]

    def test_kinds(self):
        self.add('n', 'null')
        self.add('r', 'ringbuf', size=1024)
        self.add('f', 'file', out=self.path('out'))
        self.add('s', 'socket', server=True, wait=False, addr={
            'type': 'unix', 'data': {'path': self.path('sock')}})
        terminal = self.add('p', 'pty')['pty']
        self.assertTrue(os.path.exists(terminal))
        for name, filename in (
                ('n', 'null'), ('r', 'ringbuf'), ('f', 'file'),
                ('p', f'pty:{terminal}'),
                ('s', f'disconnected:unix:{self.path("sock")},server=on')):
            self.assertEqual(self.shown(name), [filename])
        kinds = {k['name'] for k in self.vm.cmd('query-chardev-backends')}
        self.assertLess({'file', 'null', 'pty', 'ringbuf', 'socket', 'stdio'},
                        kinds)

    def test_refused(self):
        self.add('n', 'null')
        self.assert_refused('n', 'null', "Chardev with id 'n' already exists")
        self.assert_refused('r', 'ringbuf', "Failed to add chardev 'r': size "
                            'of ringbuf chardev must be power of two',
                            size=100)
        self.assert_refused('f', 'file', "Failed to add chardev 'f': Could not "
                            "open '/nope/x': No such file or directory",
                            out='/nope/x')
        self.assert_refused('s', 'socket', "Failed to add chardev 's': Failed "
                            "to connect to 'nope': No such file or directory",
                            server=False, addr={
                                'type': 'unix', 'data': {'path': 'nope'}})
        self.assert_refused('x', 'nope', "Parameter 'type' does not accept "
                            "value 'nope'")

    def test_change_and_remove(self):
        self.add('n', 'null')
        for command in 'chardev-remove', 'chardev-send-break':
            self.assert_error(self.vm, command, {'id': 'x'},
                              "Chardev 'x' not found")
        self.assert_error(self.vm, 'chardev-remove', {'id': 'iotest'},
                          "Chardev 'iotest' is busy")
        ring = {'type': 'ringbuf', 'data': {}}
        self.assert_error(self.vm, 'chardev-change',
                          {'id': 'x', 'backend': ring},
                          "Chardev 'x' does not exist")
        self.assert_error(self.vm, 'chardev-change',
                          {'id': 'iotest', 'backend': ring},
                          'Chardev user does not support chardev hotswap')
        self.vm.cmd('chardev-change', {'id': 'n', 'backend': ring})
        self.assertEqual(self.shown('n'), ['ringbuf'])
        self.vm.cmd('chardev-send-break', {'id': 'n'})
        self.vm.cmd('chardev-remove', {'id': 'n'})
        self.assertEqual(self.shown('n'), [])

    def test_ring(self):
        self.add('r', 'ringbuf', size=8)
        self.add('n', 'null')

        def read(size, **kwargs):
            return self.vm.cmd('ringbuf-read',
                               {'device': 'r', 'size': size, **kwargs})

        self.vm.cmd('ringbuf-write', {'device': 'r', 'data': 'hello'})
        self.assertEqual((read(2), read(9), read(9)), ('he', 'llo', ''))
        self.vm.cmd('ringbuf-write', {'device': 'r', 'data': '0123456789'})
        self.assertEqual(read(99), '23456789')
        self.vm.cmd('ringbuf-write', {'device': 'r', 'data': 'aGVsbG8=',
                                      'format': 'base64'})
        self.assertEqual(read(9, format='base64'), 'aGVsbG8=')
        for name, size, desc in (
                ('x', 1, "Device 'x' not found"),
                ('n', 1, 'n is not a ringbuf device'),
                ('r', 0, 'size must be greater than zero')):
            self.assert_error(self.vm, 'ringbuf-read',
                              {'device': name, 'size': size}, desc)

    def test_people(self):
        self.assert_says('chardev-add null', 'Error: chardev: no id specified\n')
        self.assert_says('chardev-add nope,id=x', "Error: 'nope' is not a "
                         'valid char driver name\n')
        self.assert_says('chardev-add ringbuf,id=r,size=64', '')
        self.assert_says(r'ringbuf_write r "a\nb"', '')
        self.assert_says('ringbuf_read r 9', 'a\nb\n')
        self.assert_says('ringbuf_read r', 'unexpected end of expression\n'
                         'Try "help ringbuf_read" for more information\n')
        self.assert_says('chardev-change r null', '')
        self.assertIn('r: filename=null\n', hmp.run(self.vm, 'info chardev'))
        self.assert_says('chardev-change x null',
                         "Error: Chardev 'x' does not exist\n")
        self.assert_says('chardev-send-break r', '')
        self.assert_says('chardev-remove r', '')
        self.assert_says('chardev-remove r', "Error: Chardev 'r' not found\n")
        self.assert_says('chardev-add socket,id=s,path=sock,server=on,wait=off',
                         '')
        self.assertIn('s: filename=disconnected:unix:sock,server=on\n',
                      hmp.run(self.vm, 'info chardev'))

    def test_logs(self):
        """A log that somebody else has opened, as libvirt's daemon does."""
        with open(self.path('log'), 'wb') as log:
            vm = hmp.start(
                self, '-add-fd', f'set=1,fd={log.fileno()}', '-chardev',
                'null,id=n,logfile=/dev/fdset/1,logappend=on', '-chardev',
                'file,id=f,path=/dev/fdset/1,append=on',
                more_fds=(log.fileno(),))
        self.assertIn('f: filename=file\n', hmp.run(vm, 'info chardev'))
        self.assert_error(
            self.vm, 'chardev-add', {'id': 'x', 'backend': {
                'type': 'null', 'data': {'logfile': '/nope/x'}}},
            "Failed to add chardev 'x': Could not create '/nope/x': No "
            'such file or directory')

    def test_descriptors(self):
        self.assert_says('getfd a', 'Error: No file descriptor supplied via '
                         'SCM_RIGHTS\n')
        self.assert_says('closefd a',
                         "Error: File descriptor named 'a' not found\n")


if __name__ == '__main__':
    case.main()
